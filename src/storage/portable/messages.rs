//! Looks messages up.

use async_trait::async_trait;

use super::{Backend, Connection};
use crate::{
    domain::{
        Address, Channel, CorrelationId, Cursor, DispatchEvent, Failure, Filter, Message, Origin, Page, PageLimit,
        Recorded, Status, Timestamp, TransactionId,
    },
    storage::{
        Messages, StorageError,
        rows::{DispatchRow, MessageRow, NotificationRow},
    },
};

/// Messages of which `$condition` is true. `$condition` begins with the narrowest part, so that an index leads.
macro_rules! select_messages {
    ($condition:literal $(+ $more:literal)* $(, $argument:expr)+ $(,)?) => {
        sql_as!(
            MessageRow,
            "SELECT m.correlation_id, m.dispatch, m.channel, m.sender, m.recipient, m.transaction_id, m.status, \
             m.status_at, m.is_final, m.failure, m.code, m.reason, m.segments, m.callback_data, m.created_at, \
             m.updated_at, \
             (SELECT COUNT(*) FROM recipients r WHERE r.correlation_id = m.correlation_id) \
                 AS \"other_recipients!: i64\", \
             (SELECT COUNT(*) FROM notifications n WHERE n.correlation_id = m.correlation_id) \
                 AS \"notification_count!: i64\" \
             FROM messages m WHERE "
                + $condition
                $(+ $more)*
            $(, $argument)+
        )
    };
}

/// One page. `$lead` names what an index looks for, as `$12`.
macro_rules! select_page {
    ($lead:literal, $page:expr $(, $lead_value:expr)?) => {
        select_messages!(
            $lead
                + "(m.created_at, m.correlation_id) < ($1, $2) AND m.created_at >= $3 \
             AND (CAST($4 AS TEXT) IS NULL OR m.status = $4) \
             AND (CAST($5 AS BIGINT) IS NULL OR m.is_final = $5) \
             AND (CAST($6 AS TEXT) IS NULL OR m.failure = $6) \
             AND (CAST($7 AS TEXT) IS NULL OR m.channel = $7) \
             AND (CAST($8 AS TEXT) IS NULL OR m.recipient = $8 OR EXISTS (SELECT 1 FROM recipients r \
                 WHERE r.correlation_id = m.correlation_id AND r.recipient = $8)) \
             AND (CAST($9 AS TEXT) IS NULL OR m.code = $9) \
             AND (CAST($10 AS BIGINT) IS NULL OR (m.dispatch IS NOT NULL) = ($10 = 1)) \
             ORDER BY m.created_at DESC, m.correlation_id DESC LIMIT $11",
            $page.before.0.as_micros(),
            $page.before.1,
            $page.since.as_micros(),
            $page.status,
            $page.is_final,
            $page.failure,
            $page.channel,
            $page.recipient,
            $page.code,
            $page.sent,
            $page.limit
            $(, $lead_value)?
        )
    };
}

/// Rows of `notifications`, whole. `$before` and `$after` stand around the columns.
macro_rules! notification_rows {
    ($before:literal, $after:literal $(, $argument:expr)+ $(,)?) => {
        sql_as!(
            NotificationRow,
            $before
                + "correlation_id, fingerprint, received_at, source, times, uncorrelated, transaction_id, channel, \
         recipient, event, failure, status_text, code, reason, detail, event_at, segments, callback_data, body"
                + $after
            $(, $argument)+
        )
    };
}

pub(super) use notification_rows;

#[async_trait]
impl Messages for Backend {
    async fn find(&self, id: &CorrelationId) -> Result<Option<Message>, StorageError> {
        let row = select_messages!("m.correlation_id = $1", id.as_str()).fetch_optional(&self.read).await?;
        row.map(MessageRow::message).transpose()
    }

    async fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<Message>, StorageError> {
        let page = Criteria::of(filter, after, limit);
        let rows = if let Some(transaction) = &filter.transaction_id {
            select_page!(
                "m.correlation_id IN (SELECT correlation_id FROM transactions WHERE transaction_id = $12) AND ",
                page,
                transaction.as_str()
            )
            .fetch_all(&self.read)
            .await?
        } else if let Some(recipient) = page.recipient {
            select_page!(
                "m.correlation_id IN (SELECT correlation_id FROM messages WHERE recipient = $12 \
                 UNION ALL SELECT correlation_id FROM recipients WHERE recipient = $12) AND ",
                page,
                recipient
            )
            .fetch_all(&self.read)
            .await?
        } else {
            select_page!("", page).fetch_all(&self.read).await?
        };
        let messages = rows.into_iter().map(MessageRow::message).collect::<Result<_, _>>()?;
        Ok(Page::from_surplus(messages, limit, Cursor::after))
    }

    async fn notifications(&self, id: &CorrelationId) -> Result<Vec<Recorded>, StorageError> {
        let mut connection = self.read.acquire().await?;
        notifications(&mut connection, id).await
    }

    async fn dispatch_events(&self, id: &CorrelationId) -> Result<Vec<DispatchEvent>, StorageError> {
        let rows = sql_as!(
            DispatchRow,
            "SELECT correlation_id, at, dispatch, code, reason, transaction_id FROM dispatch_events \
             WHERE correlation_id = $1 ORDER BY step",
            id.as_str()
        );
        rows.fetch_all(&self.read).await?.into_iter().map(DispatchRow::event).collect()
    }

    async fn owner(&self, id: &TransactionId) -> Result<Option<CorrelationId>, StorageError> {
        let mut connection = self.read.acquire().await?;
        owner(&mut connection, id.as_str()).await
    }
}

/// The message that a transaction id belongs to.
pub(super) async fn owner(
    connection: &mut Connection,
    transaction_id: &str,
) -> Result<Option<CorrelationId>, StorageError> {
    let owner = sql!("SELECT correlation_id FROM transactions WHERE transaction_id = $1", transaction_id);
    let owner = owner.fetch_optional(connection).await?;
    Ok(owner.and_then(|row| CorrelationId::new(&row.correlation_id).ok()))
}

/// All notifications of a message.
pub(super) async fn notifications(
    connection: &mut Connection,
    id: &CorrelationId,
) -> Result<Vec<Recorded>, StorageError> {
    let rows = notification_rows!("SELECT ", " FROM notifications WHERE correlation_id = $1", id.as_str());
    rows.fetch_all(connection).await?.into_iter().map(NotificationRow::recorded).collect()
}

/// A filter and a place, as the statement takes them.
struct Criteria<'a> {
    before: (Timestamp, &'a str),
    since: Timestamp,
    status: Option<&'static str>,
    is_final: Option<i64>,
    failure: Option<&'static str>,
    channel: Option<&'a str>,
    recipient: Option<&'a str>,
    code: Option<&'a str>,
    sent: Option<i64>,
    limit: i64,
}

impl<'a> Criteria<'a> {
    fn of(filter: &'a Filter, after: Option<&'a Cursor>, limit: PageLimit) -> Self {
        let end = (filter.until.unwrap_or(Timestamp::from_micros(i64::MAX)), "");
        let cursor = after.map_or(end, |cursor| (cursor.at, cursor.id.as_str()));
        Self {
            before: cursor.min(end),
            since: filter.since.unwrap_or(Timestamp::from_micros(i64::MIN)),
            status: filter.status.map(Status::as_str),
            is_final: filter.is_final.map(i64::from),
            failure: filter.failure.map(Failure::as_str),
            channel: filter.channel.as_ref().map(Channel::as_str),
            recipient: filter.recipient.as_ref().map(Address::as_str),
            code: filter.code.as_deref(),
            sent: filter.origin.map(|origin| i64::from(origin == Origin::Sent)),
            // One more than the page holds tells whether there is another.
            limit: i64::try_from(limit.get() + 1).unwrap_or(i64::MAX),
        }
    }
}
