//! Merges notifications into their messages on Postgres.

use super::{
    arrays::columns,
    backend::Connection,
    sql::statements::{merge_messages, merge_recipients},
};
use crate::rows::{RecipientRow, SharedRow, StandingRow, batch::Addition};

/// Merges the notifications into the messages.
pub(super) async fn merge_messages(connection: &mut Connection, rows: &[StandingRow]) -> Result<(), sqlx::Error> {
    columns!(rows: correlation_id, channel, recipient, transaction_id, status, precedence, status_at, is_final, failure,
        code, reason, segments, callback_data, created_at, updated_at);
    merge_messages!(
        "SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bigint[], \
         $8::bigint[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::bigint[], $15::bigint[])",
        &correlation_id as _,
        &channel as _,
        &recipient as _,
        &transaction_id as _,
        &status as _,
        &precedence as _,
        &status_at as _,
        &is_final as _,
        &failure as _,
        &code as _,
        &reason as _,
        &segments as _,
        &callback_data as _,
        &created_at as _,
        &updated_at as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the messages whose notifications name several recipients, including these additions. The merge has locked
/// the messages, so nothing changes until the commit.
pub(super) async fn shared_messages(
    connection: &mut Connection,
    additions: &[Addition],
) -> Result<Vec<SharedRow>, sqlx::Error> {
    let (ids, recipients): (Vec<&str>, Vec<Option<&str>>) = additions.iter().flat_map(Addition::mentions).unzip();
    sql_as!(
        SharedRow,
        "SELECT DISTINCT m.correlation_id, m.dispatch IS NOT NULL AS \"is_sent!\", \
         EXISTS (SELECT 1 FROM recipient_standings s WHERE s.correlation_id = m.correlation_id) AS \"has_standings!\" \
         FROM UNNEST($1::text[], $2::text[]) AS named (correlation_id, recipient) \
         JOIN messages m ON m.correlation_id = named.correlation_id \
         WHERE m.recipient <> named.recipient \
             OR EXISTS (SELECT 1 FROM recipients r WHERE r.correlation_id = m.correlation_id) \
         ORDER BY m.correlation_id",
        &ids as _,
        &recipients as _
    )
    .fetch_all(connection)
    .await
}

/// Merges the notifications into the standings of their recipients.
pub(super) async fn merge_recipients(connection: &mut Connection, rows: &[RecipientRow]) -> Result<(), sqlx::Error> {
    columns!(rows: correlation_id, recipient, severity, is_open, precedence, status, failure, code, reason, channel,
        transaction_id);
    merge_recipients!(
        "SELECT * FROM UNNEST($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::bytea[], $6::text[], $7::text[], \
         $8::text[], $9::text[], $10::text[], $11::text[])",
        &correlation_id as _,
        &recipient as _,
        &severity as _,
        &is_open as _,
        &precedence as _,
        &status as _,
        &failure as _,
        &code as _,
        &reason as _,
        &channel as _,
        &transaction_id as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores recipients other than that of the message.
pub(super) async fn note_recipients(connection: &mut Connection, additions: &[&Addition]) -> Result<(), sqlx::Error> {
    let named = additions.iter().flat_map(|addition| addition.named_recipients());
    let (ids, recipients): (Vec<String>, Vec<String>) =
        named.map(|(id, recipient)| (id.to_owned(), recipient.to_owned())).unzip();
    sql!(
        "INSERT INTO recipients (correlation_id, recipient) \
         SELECT m.correlation_id, named.recipient \
         FROM UNNEST($1::text[], $2::text[]) AS named (correlation_id, recipient) \
         JOIN messages m ON m.correlation_id = named.correlation_id \
         WHERE m.recipient <> named.recipient \
         ON CONFLICT (correlation_id, recipient) DO NOTHING",
        &ids,
        &recipients
    )
    .execute(connection)
    .await?;
    Ok(())
}
