//! Builds the statement of the list from the filters that are set. [`access_path`](crate::access_path) chooses the
//! indexes.

use receiptd_domain::{Cursor, Cutoffs, Filter, Origin, PageLimit, Pattern, Timestamp};
use sqlx::QueryBuilder;

use super::dialect::{Connection, Database, INDEXED_BY};
use crate::{
    StorageError,
    access_path::{AccessPath, access_paths},
    rows::MessageRow,
};

/// The columns that are read of a message `m`.
pub(super) const MESSAGE: &str = "SELECT m.correlation_id, m.dispatch, m.channel, m.sender, m.recipient, \
     m.transaction_id, m.status, m.precedence, m.status_at, m.is_final, m.failure, m.code, m.reason, m.segments, m.callback_data, \
     m.created_at, m.updated_at, \
     (SELECT COUNT(*) FROM recipients r WHERE r.correlation_id = m.correlation_id) AS other_recipients, \
     (SELECT COUNT(*) FROM notifications n WHERE n.correlation_id = m.correlation_id) AS notification_count \
     FROM messages m WHERE ";

const OTHER_RECIPIENTS: &str = "m.correlation_id IN (SELECT correlation_id FROM recipients WHERE recipient = ";
const CODE: &str = "m.code";
const SENDER: &str = "m.sender";
const CALLBACK_DATA: &str = "m.callback_data";
/// Number of characters of a long text that an index contains.
const INDEXED_LENGTH: usize = 64;

/// Maximum number of matches of a prefix that are sorted, which takes milliseconds. Among millions of messages, a
/// prefix with more matches is met once in some thousand messages, so that a page is soon full in another index.
const FEW: i64 = 2_000;

/// The rows of a page, and one more if there is a next page.
pub(super) async fn page(
    connection: &mut Connection,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: PageLimit,
) -> Result<Vec<MessageRow>, StorageError> {
    let paths = access_paths(filter, rare_prefix(connection, filter).await?);
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Statement::new(filter, after, limit);
    statement.write(&paths);
    // Planned for these values: a general plan would be slow for rare values.
    Ok(statement.query.build_query_as().persistent(false).fetch_all(connection).await?)
}

/// The access path for a prefix with few matches, if the filter contains one. The matches are counted, up to the
/// maximum that matters, because statistics contain nothing about most prefixes.
async fn rare_prefix(connection: &mut Connection, filter: &Filter) -> Result<Option<AccessPath>, StorageError> {
    let id = ("m.correlation_id".to_owned(), AccessPath::Key, &filter.correlation_id);
    let callback_data = (indexed(CALLBACK_DATA), AccessPath::CallbackPrefix, &filter.callback_data);
    for (expression, path, pattern) in [id, callback_data] {
        let Some(Pattern::Prefix(prefix)) = pattern else { continue };
        let mut query = QueryBuilder::<Database>::new("SELECT COUNT(*) FROM (SELECT 1 FROM messages m");
        query.push(indexed_by(path)).push(" WHERE true");
        if path == AccessPath::CallbackPrefix {
            query.push(" AND m.callback_data IS NOT NULL");
        }
        begins_with(&mut query, &expression, &head(prefix));
        // In the order of the index, so that the index is used.
        query.push(" ORDER BY ").push(&expression).push(" LIMIT ").push_bind(FEW + 1).push(") AS few");
        let count: i64 = query.build_query_scalar().persistent(false).fetch_one(&mut *connection).await?;
        if count <= FEW {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// A statement that is being built.
struct Statement<'a> {
    query: QueryBuilder<Database>,
    filter: &'a Filter,
    /// The page begins before this message,
    before: (Timestamp, &'a str),
    /// and ends at this time.
    since: Timestamp,
    /// One more than the page has, to see whether there is another page.
    most: i64,
}

impl<'a> Statement<'a> {
    fn new(filter: &'a Filter, after: Option<&'a Cursor>, limit: PageLimit) -> Self {
        let end = Timestamp::from_micros(i64::MAX);
        let overdue = filter.overdue.as_ref().filter(|(is, _)| *is).map_or(end, |(_, cutoffs)| cutoffs.latest());
        let until = (filter.until.unwrap_or(end).min(overdue), "");
        let cursor = after.map_or(until, |cursor| (cursor.at, cursor.id.as_str()));
        Self {
            query: QueryBuilder::new("WITH page AS ("),
            filter,
            before: cursor.min(until),
            since: filter.since.unwrap_or(Timestamp::from_micros(i64::MIN)),
            most: i64::try_from(limit.get() + 1).unwrap_or(i64::MAX),
        }
    }

    fn write(&mut self, paths: &[AccessPath]) {
        for (n, path) in paths.iter().enumerate() {
            self.query.push(if n == 0 { "" } else { " UNION " });
            self.write_access_path(*path);
        }
        self.query.push(") ").push(MESSAGE).push("m.correlation_id IN (SELECT correlation_id FROM page ");
        self.query.push("ORDER BY created_at DESC, correlation_id DESC LIMIT ").push_bind(self.most);
        self.query.push(") ORDER BY m.created_at DESC, m.correlation_id DESC");
    }

    /// Writes the query of one access path for its newest messages.
    fn write_access_path(&mut self, path: AccessPath) {
        self.query.push("SELECT * FROM (SELECT m.created_at, m.correlation_id FROM messages m").push(indexed_by(path));
        self.query.push(" WHERE (m.created_at, m.correlation_id) < (").push_bind(self.before.0.as_micros());
        self.query.push(", ").push_bind(self.before.1.to_owned());
        self.query.push(") AND m.created_at >= ").push_bind(self.since.as_micros());
        self.write_ids();
        self.write_outcome();
        self.write_recipient(path);
        if let AccessPath::Channel(status, is_final) | AccessPath::Status(status, is_final) = path {
            self.write_word("m.status", status.as_str());
            self.write_final(is_final);
        }
        // No index is ordered by this expression, so the database does not read an index only for its order.
        let order = if path.is_in_order() { "m.created_at" } else { "m.created_at + 0" };
        self.query.push(" ORDER BY ").push(order).push(" DESC, m.correlation_id DESC LIMIT ").push_bind(self.most);
        self.query.push(") AS path");
    }

    fn write_ids(&mut self) {
        if let Some(transaction) = &self.filter.transaction_id {
            let owner = " AND m.correlation_id IN (SELECT correlation_id FROM transactions WHERE transaction_id = ";
            self.query.push(owner).push_bind(transaction.as_str().to_owned()).push(")");
        }
        match &self.filter.correlation_id {
            Some(Pattern::Exact(id)) => _ = self.query.push(" AND m.correlation_id = ").push_bind(id.clone()),
            Some(Pattern::Prefix(prefix)) => begins_with(&mut self.query, "m.correlation_id", prefix),
            None => {}
        }
        match &self.filter.callback_data {
            Some(Pattern::Exact(text)) => equals(&mut self.query, CALLBACK_DATA, text),
            Some(Pattern::Prefix(prefix)) => {
                self.query.push(" AND m.callback_data IS NOT NULL");
                begins_with(&mut self.query, &indexed(CALLBACK_DATA), &head(prefix));
                if prefix.chars().count() > INDEXED_LENGTH {
                    begins_with(&mut self.query, CALLBACK_DATA, prefix);
                }
            }
            None => {}
        }
    }

    fn write_outcome(&mut self) {
        let filter = self.filter;
        if let Some(status) = filter.status {
            self.write_word("m.status", status.as_str());
        }
        if let Some(is_final) = filter.is_final {
            self.write_final(is_final);
        }
        if let Some(failure) = filter.failure {
            self.write_word("m.failure", failure.as_str());
        }
        if let Some(channel) = &filter.channel {
            self.query.push(" AND m.channel = ").push_bind(channel.as_str().to_owned());
        }
        if let Some(code) = &filter.code {
            equals(&mut self.query, CODE, code);
        }
        if let Some(sender) = &filter.sender {
            equals(&mut self.query, SENDER, sender);
            // Only these have a sender, and so has the index.
            self.query.push(" AND m.dispatch IS NOT NULL");
        }
        match filter.origin {
            Some(Origin::Sent) => _ = self.query.push(" AND m.dispatch IS NOT NULL"),
            Some(Origin::Observed) => _ = self.query.push(" AND m.dispatch IS NULL"),
            None => {}
        }
        match &filter.overdue {
            Some((true, cutoffs)) => self.write_cutoffs(" AND m.is_final = 0 AND m.created_at < ", cutoffs, ""),
            Some((false, cutoffs)) => self.write_cutoffs(" AND (m.is_final = 1 OR m.created_at >= ", cutoffs, ")"),
            None => {}
        }
    }

    fn write_cutoffs(&mut self, before: &str, cutoffs: &Cutoffs, after: &str) {
        self.query.push(before).push("CASE m.channel");
        for (channel, cutoff) in &cutoffs.by_channel {
            self.query.push(" WHEN ").push_bind(channel.as_str().to_owned());
            self.query.push(" THEN ").push_bind(cutoff.as_micros());
        }
        // Without a channel with its own cutoff, the CASE would have no branch, which is not valid SQL.
        self.query.push(" WHEN '' THEN ").push_bind(cutoffs.other.as_micros());
        self.query.push(" ELSE ").push_bind(cutoffs.other.as_micros()).push(" END").push(after);
    }

    fn write_recipient(&mut self, path: AccessPath) {
        let Some(recipient) = self.filter.recipient.as_ref().map(|recipient| recipient.as_str().to_owned()) else {
            return;
        };
        match path {
            AccessPath::Recipient => _ = self.query.push(" AND m.recipient = ").push_bind(recipient),
            AccessPath::OtherRecipient => {
                _ = self.query.push(" AND ").push(OTHER_RECIPIENTS).push_bind(recipient).push(")");
            }
            _ => {
                self.query.push(" AND (m.recipient = ").push_bind(recipient.clone());
                self.query.push(" OR ").push(OTHER_RECIPIENTS).push_bind(recipient).push("))");
            }
        }
    }

    fn write_final(&mut self, is_final: bool) {
        self.query.push(" AND m.is_final = ").push(i64::from(is_final));
    }

    /// Values of receiptd stand in the text of the statement, so that Postgres knows their frequency.
    fn write_word(&mut self, column: &str, word: &'static str) {
        self.query.push(" AND ").push(column).push(" = '").push(word).push("'");
    }
}

fn indexed_by(path: AccessPath) -> String {
    INDEXED_BY.map(|clause| format!("{clause}{}", path.index())).unwrap_or_default()
}

/// The part of a long text that an index contains.
fn indexed(column: &str) -> String {
    format!("substr({column}, 1, {INDEXED_LENGTH})")
}

fn head(text: &str) -> String {
    text.chars().take(INDEXED_LENGTH).collect()
}

fn equals(query: &mut QueryBuilder<Database>, column: &str, text: &str) {
    query.push(" AND ").push(column).push(" IS NOT NULL AND ").push(indexed(column)).push(" = ").push_bind(head(text));
    if text.chars().count() >= INDEXED_LENGTH {
        query.push(" AND ").push(column).push(" = ").push_bind(text.to_owned());
    }
}

fn begins_with(query: &mut QueryBuilder<Database>, expression: &str, prefix: &str) {
    query.push(" AND ").push(expression).push(" >= ").push_bind(prefix.to_owned());
    if let Some(end) = Pattern::end(prefix) {
        query.push(" AND ").push(expression).push(" < ").push_bind(end);
    }
}
