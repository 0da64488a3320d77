//! What an import and a rebuild look up on Postgres.

use receiptd_domain::CorrelationId;

use super::{arrays::texts, backend::Connection};
use crate::rows::{KeyRow, batch::Entry};

/// Those of these notifications that are stored already.
pub(super) async fn known_notifications(
    connection: &mut Connection,
    entries: &[Entry<'_>],
) -> Result<Vec<KeyRow>, sqlx::Error> {
    let ids: Vec<_> = entries.iter().map(|entry| entry.correlation_id.to_string()).collect();
    let fingerprints: Vec<_> = entries.iter().map(|entry| entry.stored.fingerprint.as_bytes().to_vec()).collect();
    sql_as!(
        KeyRow,
        "SELECT n.correlation_id, n.fingerprint \
         FROM UNNEST($1::text[], $2::bytea[]) AS wanted (correlation_id, fingerprint) JOIN notifications n \
         ON n.correlation_id = wanted.correlation_id AND n.fingerprint = wanted.fingerprint",
        &ids,
        &fingerprints
    )
    .fetch_all(connection)
    .await
}

/// Locks these messages until the transaction ends, in the order in which an append locks them. If this causes a
/// deadlock with an adoption nevertheless, this statement must give up first, since an append must not fail: Postgres
/// searches for deadlocks after one second.
pub(super) async fn lock_messages(connection: &mut Connection, ids: &[CorrelationId]) -> Result<(), sqlx::Error> {
    let ids = texts(ids);
    sql!("SELECT set_config('lock_timeout', '400ms', true)").fetch_one(&mut *connection).await?;
    sql!(
        "SELECT fingerprint FROM notifications WHERE correlation_id = ANY($1) \
         ORDER BY correlation_id, fingerprint FOR UPDATE",
        &ids
    )
    .fetch_all(&mut *connection)
    .await?;
    sql!("SELECT correlation_id FROM messages WHERE correlation_id = ANY($1) ORDER BY correlation_id FOR UPDATE", &ids)
        .fetch_all(connection)
        .await?;
    Ok(())
}
