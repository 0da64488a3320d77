//! Locks what a rebuild changes on Postgres.

use receiptd_domain::CorrelationId;

use super::{arrays::texts, backend::Connection};

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
