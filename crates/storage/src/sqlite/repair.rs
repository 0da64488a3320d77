//! What an import and a rebuild look up on SQLite.

use receiptd_domain::CorrelationId;

use super::{backend::Connection, json::json};
use crate::rows::{KeyRow, batch::Entry};

/// Those of these notifications that are stored already.
pub(super) async fn known_notifications(
    connection: &mut Connection,
    entries: &[Entry<'_>],
) -> Result<Vec<KeyRow>, sqlx::Error> {
    let keys = json(entries.iter().map(|entry| (entry.correlation_id.as_str(), entry.stored.fingerprint.to_string())));
    sql_as!(
        KeyRow,
        "SELECT n.correlation_id, n.fingerprint FROM jsonb_each($1) AS wanted CROSS JOIN notifications n \
         WHERE n.correlation_id = wanted.value ->> 0 AND n.fingerprint = unhex(wanted.value ->> 1)",
        keys
    )
    .fetch_all(connection)
    .await
}

/// Locks these messages until the transaction ends. On SQLite this transaction is the only writer already.
pub(super) async fn lock_messages(_: &mut Connection, _: &[CorrelationId]) -> Result<(), sqlx::Error> {
    Ok(())
}
