//! Batch statements of an append on Postgres: one statement for all rows, which are passed as one array per column.

use std::collections::BTreeMap;

use receiptd_domain::CorrelationId;

use super::{
    Connection,
    sql::{claim_transactions, insert_notifications, merge_messages, merge_recipients},
};
use crate::rows::{
    NotificationRow, RecipientRow, SharedRow, StandingRow,
    batch::{Addition, Adoption},
};

/// Stores which message owns each transaction, and returns the changes of ownership.
pub(super) async fn claim_transactions(
    connection: &mut Connection,
    claims: &BTreeMap<&str, CorrelationId>,
) -> Result<Vec<Adoption>, sqlx::Error> {
    let transactions: Vec<_> = claims.keys().map(|transaction| (*transaction).to_owned()).collect();
    let owners: Vec<_> = claims.values().map(|id| id.as_str().to_owned()).collect();
    // Even a row that does not change is locked until the commit. If one instance stores a notification without a
    // correlation id and another one stores it with the id, the second waits and then sees the first.
    let taken = claim_transactions!(
        "SELECT * FROM UNNEST($1::text[], $2::text[])",
        " RETURNING transaction_id, correlation_id, formerly",
        &transactions,
        &owners
    );
    let taken = taken.fetch_all(connection).await?;
    Ok(taken
        .iter()
        .filter_map(|row| Adoption::of(&row.transaction_id, &row.correlation_id, row.formerly.as_deref()))
        .collect())
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
    columns!(rows: correlation_id, fingerprint, received_at, source, occurrences, uncorrelated, transaction_id, channel,
        recipient, event, failure, status_text, code, reason, detail, event_at, segments, callback_data, body);
    let counted = insert_notifications!(
        "WITH stored AS (",
        "SELECT * FROM UNNEST($1::text[], $2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], \
         $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], \
         $16::bigint[], $17::bigint[], $18::text[], $19::bytea[])",
        " RETURNING correlation_id, fingerprint, occurrences, uncorrelated) \
         SELECT correlation_id, fingerprint, occurrences, uncorrelated FROM stored WHERE occurrences > 1",
        &correlation_id as _,
        &fingerprint as _,
        &received_at as _,
        &source as _,
        &occurrences as _,
        &uncorrelated as _,
        &transaction_id as _,
        &channel as _,
        &recipient as _,
        &event as _,
        &failure as _,
        &status_text as _,
        &code as _,
        &reason as _,
        &detail as _,
        &event_at as _,
        &segments as _,
        &callback_data as _,
        &body as _
    );
    let mut known = Vec::new();
    for stored in counted.fetch_all(connection).await? {
        // New notifications may occur several times in the batch.
        let is_this = |row: &&NotificationRow| {
            row.fingerprint == stored.fingerprint && row.correlation_id == stored.correlation_id
        };
        if rows.iter().find(is_this).is_none_or(|row| stored.occurrences > row.occurrences) {
            let (correlation_id, fingerprint) = (stored.correlation_id, stored.fingerprint);
            known.push(Stored { correlation_id, fingerprint, uncorrelated: stored.uncorrelated });
        }
    }
    Ok(known)
}

/// Merges the notifications into the messages.
pub(super) async fn merge(connection: &mut Connection, rows: &[StandingRow]) -> Result<(), sqlx::Error> {
    columns!(rows: correlation_id, channel, recipient, transaction_id, status, precedence, status_at, is_final, failure,
        code, reason, segments, callback_data, at);
    merge_messages!(
        "SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bigint[], \
         $8::bigint[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::bigint[], $14::bigint[])",
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
        &at as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the messages whose notifications name several recipients, including these additions. The merge has locked
/// the messages, so nothing changes until the commit.
pub(super) async fn shared(connection: &mut Connection, additions: &[Addition]) -> Result<Vec<SharedRow>, sqlx::Error> {
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
