//! Leases submissions on Postgres.

use receiptd_domain::{Channel, Timestamp};

use super::super::backend::Connection;
use crate::rows::outbox::LeasedRow;

/// Leases submissions that are due.
pub(crate) async fn lease(
    connection: &mut Connection,
    channel: &Channel,
    limit: i64,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<LeasedRow>, sqlx::Error> {
    sql_as!(
        LeasedRow,
        "UPDATE outbox SET due_at = NULL, lease_until = $1, attempts = attempts + 1 \
         WHERE correlation_id = ANY(ARRAY(SELECT correlation_id FROM outbox WHERE channel = $2 AND due_at <= $3 \
             ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)) \
         RETURNING correlation_id, request, attempts, counted, expire_at",
        lease_until.as_micros(),
        channel.as_str(),
        now.as_micros(),
        limit
    )
    .fetch_all(connection)
    .await
}
