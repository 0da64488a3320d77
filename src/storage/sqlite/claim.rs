//! Leasing as SQLite does it: there is one writer, so no two claims run at once.

use super::Connection;
use crate::{
    domain::{Channel, Timestamp},
    storage::rows::ClaimRow,
};

/// Leases submissions that are due.
pub(super) async fn claim(
    connection: &mut Connection,
    channel: &Channel,
    limit: i64,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<ClaimRow>, sqlx::Error> {
    sql_as!(
        ClaimRow,
        "UPDATE outbox SET due_at = NULL, lease_until = $1, attempts = attempts + 1 \
         WHERE correlation_id IN (SELECT correlation_id FROM outbox WHERE channel = $4 AND due_at <= $2 AND (expire_at IS NULL OR expire_at > $2) ORDER BY due_at LIMIT $3) \
         RETURNING correlation_id, request, attempts",
        lease_until.as_micros(),
        now.as_micros(),
        limit,
        channel.as_str()
    )
    .fetch_all(connection)
    .await
}
