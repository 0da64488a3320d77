//! Ends leases and waiting submissions on SQLite.

use receiptd_domain::Timestamp;

use super::super::backend::Connection;

/// Ends up to `limit` leases that are over. Messages that are queued again are due at `due_at`.
pub(crate) async fn end_leases(
    connection: &mut Connection,
    now: Timestamp,
    due_at: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET lease_until = NULL, due_at = $1, counted = counted + 1 WHERE correlation_id IN (SELECT correlation_id FROM outbox \
             WHERE lease_until <= $2 ORDER BY lease_until LIMIT $3) \
         RETURNING correlation_id",
        due_at.map(Timestamp::as_micros),
        now.as_micros(),
        limit
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Ends up to `limit` waiting submissions that have expired.
pub(crate) async fn end_waiting(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET due_at = NULL WHERE correlation_id IN (SELECT correlation_id FROM outbox \
             WHERE due_at IS NOT NULL AND expire_at <= $1 ORDER BY expire_at LIMIT $2) \
         RETURNING correlation_id",
        now.as_micros(),
        limit
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}
