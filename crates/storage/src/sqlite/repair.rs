//! Locks what a rebuild changes on SQLite.

use receiptd_domain::CorrelationId;

use super::backend::Connection;

/// Locks these messages until the transaction ends. On SQLite this transaction is the only writer already.
pub(super) async fn lock_messages(_: &mut Connection, _: &[CorrelationId]) -> Result<(), sqlx::Error> {
    Ok(())
}
