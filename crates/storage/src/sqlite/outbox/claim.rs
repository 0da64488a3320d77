//! Leases submissions on SQLite.

use receiptd_domain::{Channel, Timestamp};

use super::super::{
    backend::Connection,
    json::{json, rows},
};
use crate::rows::outbox::LeasedRow;

/// Leases submissions that are due.
pub(crate) async fn lease(
    connection: &mut Connection,
    channel: &Channel,
    limit: i64,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<LeasedRow>, sqlx::Error> {
    let due = sql!(
        "SELECT json_group_array(json_array(correlation_id, request, attempts + 1, counted, expire_at)) AS \"rows!: String\" \
         FROM (SELECT correlation_id, request, attempts, counted, expire_at FROM outbox WHERE channel = $1 AND due_at <= $2 \
             ORDER BY due_at LIMIT $3)",
        channel.as_str(),
        now.as_micros(),
        limit
    );
    let due: Vec<LeasedRow> = rows(&due.fetch_one(&mut *connection).await?.rows)?;
    if !due.is_empty() {
        sql!(
            "UPDATE outbox SET due_at = NULL, lease_until = $1, attempts = attempts + 1 \
             WHERE correlation_id IN (SELECT value FROM jsonb_each($2))",
            lease_until.as_micros(),
            json(due.iter().map(|row| row.correlation_id.as_str()))
        )
        .execute(connection)
        .await?;
    }
    Ok(due)
}
