//! Merges notifications into their messages on SQLite.

use super::{
    backend::Connection,
    json::json,
    sql::statements::{merge_messages, merge_recipients},
};
use crate::rows::{RecipientRow, SharedRow, StandingRow, batch::Addition};

/// Merges the notifications into the messages.
pub(super) async fn merge_messages(connection: &mut Connection, rows: &[StandingRow]) -> Result<(), sqlx::Error> {
    let rows = json(rows.iter());
    merge_messages!(
        "SELECT value ->> 'correlation_id', value ->> 'channel', value ->> 'recipient', value ->> 'transaction_id', \
         value ->> 'status', unhex(value ->> 'precedence'), value ->> 'status_at', value ->> 'is_final', \
         value ->> 'failure', value ->> 'code', value ->> 'reason', value ->> 'segments', value ->> 'callback_data', \
         value ->> 'created_at', value ->> 'updated_at' FROM jsonb_each($1) WHERE true",
        rows
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the messages whose notifications name several recipients, including these additions.
pub(super) async fn shared_messages(
    connection: &mut Connection,
    additions: &[Addition],
) -> Result<Vec<SharedRow>, sqlx::Error> {
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
