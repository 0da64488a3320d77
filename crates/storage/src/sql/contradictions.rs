//! Contradictions between whole tables.

use super::{
    blocks,
    dialect::{Connection, miscounted, misnumbered_event, unfinished_changes},
};
use crate::Inconsistency;

/// One statement for each check. It returns the key of a row that contradicts the others.
macro_rules! check {
    ($snapshot:ident, $what:literal, $table:literal, $detail:literal, $query:literal) => {
        if let Some(row) = sql!($query).fetch_optional(&mut *$snapshot).await? {
            let (key, detail) = (row.key, $detail.to_owned());
            return Ok(Some(Inconsistency { what: $what, table: $table, key, detail }));
        }
    };
}

/// The first contradiction. What is removed comes before what is left over.
pub(super) async fn first(snapshot: &mut Connection) -> Result<Option<Inconsistency>, sqlx::Error> {
    if let Some(found) = blocks::contradiction(snapshot).await? {
        return Ok(Some(found));
    }
    check!(
        snapshot,
        "removed",
        "messages",
        "its notifications or dispatch steps exist, but the message does not",
        "SELECT kept.correlation_id AS \"key!: String\" FROM (SELECT correlation_id FROM notifications UNION ALL \
             SELECT correlation_id FROM dispatch_events) AS kept \
         LEFT JOIN messages ON messages.correlation_id = kept.correlation_id \
         WHERE messages.correlation_id IS NULL LIMIT 1"
    );
    check!(
        snapshot,
        "inserted",
        "recipients",
        "there is no message with this id",
        "SELECT r.correlation_id AS \"key!: String\" FROM recipients r LEFT JOIN messages m \
         ON m.correlation_id = r.correlation_id WHERE m.correlation_id IS NULL LIMIT 1"
    );
    check!(
        snapshot,
        "inserted",
        "recipient_standings",
        "there is no message with this id",
        "SELECT r.correlation_id AS \"key!: String\" FROM recipient_standings r LEFT JOIN messages m \
         ON m.correlation_id = r.correlation_id WHERE m.correlation_id IS NULL LIMIT 1"
    );
    check!(
        snapshot,
        "altered",
        "outbox",
        "its state is not that after the last dispatch step",
        "SELECT o.correlation_id AS \"key!: String\" FROM outbox o LEFT JOIN dispatch_events e \
             ON e.correlation_id = o.correlation_id AND e.step = (SELECT MAX(last.step) FROM dispatch_events last \
                 WHERE last.correlation_id = o.correlation_id) \
         WHERE e.step IS NULL OR o.attempts <> e.attempts OR o.settled <> e.settled OR o.counted <> e.counted \
             OR o.due_at IS DISTINCT FROM e.due_at OR o.lease_until IS DISTINCT FROM e.lease_until LIMIT 1"
    );
    transactions(snapshot).await
}

async fn transactions(snapshot: &mut Connection) -> Result<Option<Inconsistency>, sqlx::Error> {
    check!(
        snapshot,
        "altered",
        "transactions",
        "it names a former owner, which receiptd removes when the owner has changed",
        "SELECT transaction_id AS \"key!: String\" FROM transactions WHERE formerly IS NOT NULL LIMIT 1"
    );
    check!(
        snapshot,
        "altered",
        "transactions",
        "a notification with this transaction id belongs to another message",
        "SELECT t.transaction_id AS \"key!: String\" FROM notifications n JOIN transactions t \
             ON t.transaction_id = n.transaction_id \
         WHERE (n.uncorrelated = 1 AND t.correlation_id <> n.correlation_id) \
             OR (n.uncorrelated = 0 AND (n.correlation_id < t.correlation_id \
                 OR (t.correlation_id = 'txn:' || t.transaction_id AND n.correlation_id <> t.correlation_id))) LIMIT 1"
    );
    check!(
        snapshot,
        "altered",
        "transactions",
        "no notification and no dispatch step of its message has this transaction id",
        "SELECT t.transaction_id AS \"key!: String\" FROM transactions t \
         WHERE NOT EXISTS (SELECT 1 FROM notifications n \
             WHERE n.correlation_id = t.correlation_id AND n.transaction_id = t.transaction_id) \
         AND NOT EXISTS (SELECT 1 FROM dispatch_events e \
             WHERE e.correlation_id = t.correlation_id AND e.transaction_id = t.transaction_id) \
         AND NOT EXISTS (SELECT 1 FROM attestations a \
             WHERE a.correlation_id = t.correlation_id AND a.transaction_id = t.transaction_id) LIMIT 1"
    );
    check!(
        snapshot,
        "removed",
        "transactions",
        "its message owned it when its notifications were purged",
        "SELECT a.transaction_id AS \"key!: String\" FROM attestations a LEFT JOIN transactions t \
             ON t.transaction_id = a.transaction_id AND t.correlation_id = a.correlation_id \
         WHERE a.transaction_id <> '' AND t.transaction_id IS NULL LIMIT 1"
    );
    status_events(snapshot).await
}

async fn status_events(snapshot: &mut Connection) -> Result<Option<Inconsistency>, sqlx::Error> {
    check!(
        snapshot,
        "altered",
        "status_events",
        "the last event of this message does not say its status",
        "SELECT e.seq || ' ' || e.correlation_id AS \"key!: String\" FROM (SELECT correlation_id, MAX(seq) AS seq \
             FROM status_events GROUP BY correlation_id) AS last \
         JOIN status_events e ON e.seq = last.seq JOIN messages m ON m.correlation_id = e.correlation_id \
         WHERE e.status <> m.status OR e.is_final <> m.is_final OR e.replaced_by IS NOT NULL \
             OR e.is_sent <> CASE WHEN m.dispatch IS NULL THEN 0 ELSE 1 END LIMIT 1"
    );
    check!(
        snapshot,
        "removed",
        "status_events",
        "no event of this message exists, but none has been trimmed",
        "SELECT m.correlation_id AS \"key!: String\" FROM messages m \
         WHERE (SELECT MAX(seq) FROM status_events_begin) = 0 AND m.correlation_id NOT IN \
             (SELECT correlation_id FROM status_events) LIMIT 1"
    );
    check!(
        snapshot,
        "inserted",
        "status_events",
        "events up to this number have been trimmed",
        "SELECT CAST(e.seq AS TEXT) AS \"key!: String\" FROM status_events e \
         WHERE e.seq <= (SELECT MAX(seq) FROM status_events_begin) LIMIT 1"
    );
    check!(
        snapshot,
        "removed",
        "status_events_begin",
        "the number up to which events have been trimmed is missing",
        "SELECT CAST(COUNT(*) AS TEXT) AS \"key!: String\" FROM status_events_begin HAVING COUNT(*) <> 1"
    );
    if let Some((what, key)) = misnumbered_event(snapshot).await? {
        let detail = "the numbers of the events are not those that were given out".to_owned();
        return Ok(Some(Inconsistency { what, table: "status_events", key, detail }));
    }
    counters(snapshot).await
}

async fn counters(snapshot: &mut Connection) -> Result<Option<Inconsistency>, sqlx::Error> {
    let found = |what, table, key, detail: &str| Inconsistency { what, table, key, detail: detail.to_owned() };
    if let Some(key) = unfinished_changes(snapshot).await? {
        let detail = "a commit of receiptd leaves no rows in this table: a message was changed outside receiptd";
        return Ok(Some(found("inserted", "message_changes", key, detail)));
    }
    let key = miscounted(snapshot).await?;
    Ok(key.map(|key| found("altered", "counters", key, "the counter differs from the number of messages")))
}
