//! Batch statements of an append on SQLite: one statement for all rows, which are passed as one JSON array.
//!
//! sqlx passes every row of a result from another thread, which costs more than storing the row. So the usual case
//! returns nothing. There is only one writer, so unusual rows are read before they are changed. If all rows are needed,
//! they are returned as one JSON array too.

use std::collections::BTreeMap;

use receiptd_domain::CorrelationId;
use serde::Serialize;

use super::{
    Connection,
    sql::{claim_transactions, insert_notifications, merge_messages, merge_recipients},
};
use crate::rows::{
    NotificationRow, RecipientRow, SharedRow, StandingRow,
    batch::{Addition, Adoption},
};

/// The rows of a batch. They contain only texts and numbers, which JSON can always represent.
pub(super) fn json<T: Serialize>(rows: impl Iterator<Item = T>) -> String {
    serde_json::to_string(&rows.collect::<Vec<_>>()).unwrap_or_default()
}

/// Stores which message owns each transaction, and returns the changes of ownership.
pub(super) async fn claim_transactions(
    connection: &mut Connection,
    claims: &BTreeMap<&str, CorrelationId>,
) -> Result<Vec<Adoption>, sqlx::Error> {
    let rows = json(claims.iter().map(|(transaction, id)| (transaction, id.as_str())));
    let taken = sql!(
        "SELECT t.transaction_id, t.correlation_id AS formerly, claim.value ->> 1 AS \"owner!: String\" \
         FROM jsonb_each($1) AS claim JOIN transactions t ON t.transaction_id = claim.value ->> 0 \
         WHERE claim.value ->> 1 <> 'txn:' || t.transaction_id \
         AND (t.correlation_id = 'txn:' || t.transaction_id OR claim.value ->> 1 < t.correlation_id)",
        rows
    );
    let taken = taken.fetch_all(&mut *connection).await?;
    claim_transactions!("SELECT value ->> 0, value ->> 1 FROM jsonb_each($1) WHERE true", "", rows)
        .execute(connection)
        .await?;
    Ok(taken.iter().filter_map(|row| Adoption::of(&row.transaction_id, &row.owner, Some(&row.formerly))).collect())
}

/// A notification that existed already.
pub(super) struct Stored {
    pub(super) correlation_id: String,
    pub(super) fingerprint: Vec<u8>,
    pub(super) uncorrelated: i64,
}

/// Inserts notifications. A notification that exists already is counted. Returns these as they were before.
pub(super) async fn insert_notifications(
    connection: &mut Connection,
    rows: &[NotificationRow],
) -> Result<Vec<Stored>, sqlx::Error> {
    // Only the keys: with the bodies, the array would take long to parse.
    let keys = json(rows.iter().map(|row| (&row.correlation_id, hex::encode(&row.fingerprint))));
    let known = sql_as!(
        Stored,
        "SELECT n.correlation_id, n.fingerprint, n.uncorrelated FROM jsonb_each($1) AS row CROSS JOIN notifications n \
         WHERE n.correlation_id = row.value ->> 0 AND n.fingerprint = unhex(row.value ->> 1)",
        keys
    );
    let known = known.fetch_all(&mut *connection).await?;
    let rows = json(rows.iter());
    insert_notifications!(
        "",
        "SELECT value ->> 'correlation_id', unhex(value ->> 'fingerprint'), value ->> 'received_at', value ->> 'source', \
         value ->> 'occurrences', value ->> 'uncorrelated', value ->> 'transaction_id', value ->> 'channel', \
         value ->> 'recipient', value ->> 'event', value ->> 'failure', value ->> 'status_text', value ->> 'code', \
         value ->> 'reason', value ->> 'detail', value ->> 'event_at', value ->> 'segments', value ->> 'callback_data', \
         unhex(value ->> 'body') FROM jsonb_each($1) WHERE true",
        "",
        rows
    )
    .execute(connection)
    .await?;
    Ok(known)
}

/// Merges the notifications into the messages.
pub(super) async fn merge(connection: &mut Connection, rows: &[StandingRow]) -> Result<(), sqlx::Error> {
    let rows = json(rows.iter());
    merge_messages!(
        "SELECT value ->> 'correlation_id', value ->> 'channel', value ->> 'recipient', value ->> 'transaction_id', \
         value ->> 'status', unhex(value ->> 'precedence'), value ->> 'status_at', value ->> 'is_final', \
         value ->> 'failure', value ->> 'code', value ->> 'reason', value ->> 'segments', value ->> 'callback_data', \
         value ->> 'at', value ->> 'at' FROM jsonb_each($1) WHERE true",
        rows
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the messages whose notifications name several recipients, including these additions.
pub(super) async fn shared(connection: &mut Connection, additions: &[Addition]) -> Result<Vec<SharedRow>, sqlx::Error> {
    let rows = json(additions.iter().flat_map(Addition::mentions));
    sql_as!(
        SharedRow,
        "SELECT DISTINCT m.correlation_id, m.dispatch IS NOT NULL AS \"is_sent!: bool\", \
         EXISTS (SELECT 1 FROM recipient_standings s WHERE s.correlation_id = m.correlation_id) \
             AS \"has_standings!: bool\" \
         FROM jsonb_each($1) AS named CROSS JOIN messages m WHERE m.correlation_id = named.value ->> 0 \
         AND (m.recipient <> named.value ->> 1 \
             OR EXISTS (SELECT 1 FROM recipients r WHERE r.correlation_id = m.correlation_id)) \
         ORDER BY m.correlation_id",
        rows
    )
    .fetch_all(connection)
    .await
}

/// Merges the notifications into the standings of their recipients.
pub(super) async fn merge_recipients(connection: &mut Connection, rows: &[RecipientRow]) -> Result<(), sqlx::Error> {
    let rows = json(rows.iter());
    merge_recipients!(
        "SELECT value ->> 'correlation_id', value ->> 'recipient', unhex(value ->> 'severity'), value ->> 'is_open', \
         unhex(value ->> 'precedence'), value ->> 'status', value ->> 'failure', value ->> 'code', value ->> 'reason', \
         value ->> 'channel', value ->> 'transaction_id' FROM jsonb_each($1) WHERE true",
        rows
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores recipients other than that of the message.
pub(super) async fn note_recipients(connection: &mut Connection, additions: &[&Addition]) -> Result<(), sqlx::Error> {
    let rows = json(additions.iter().flat_map(|addition| addition.named_recipients()));
    sql!(
        "INSERT INTO recipients (correlation_id, recipient) \
         SELECT m.correlation_id, named.value ->> 1 FROM jsonb_each($1) AS named \
         JOIN messages m ON m.correlation_id = named.value ->> 0 \
         WHERE m.recipient <> named.value ->> 1 \
         ON CONFLICT (correlation_id, recipient) DO NOTHING",
        rows
    )
    .execute(connection)
    .await?;
    Ok(())
}
