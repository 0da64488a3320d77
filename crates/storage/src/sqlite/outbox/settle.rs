//! Ends attempts on SQLite.

use super::super::{backend::Connection, json::json};
use crate::rows::outbox::EndRow;

/// Ends attempts, and returns which ones no longer existed, or had ended before.
pub(crate) async fn end_attempts(
    connection: &mut Connection,
    rows: &[EndRow],
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = json(rows.iter());
    let missing = sql!(
        "SELECT attempt.value ->> 'correlation_id' AS \"correlation_id!: String\", \
         attempt.value ->> 'attempt' AS \"attempt!: i64\" FROM jsonb_each($1) AS attempt \
         LEFT JOIN outbox ON outbox.correlation_id = attempt.value ->> 'correlation_id' \
         WHERE outbox.attempts IS NOT attempt.value ->> 'attempt' OR outbox.settled = outbox.attempts",
        rows
    );
    let missing = missing.fetch_all(&mut *connection).await?;
    sql!(
        "UPDATE outbox SET due_at = attempt.value ->> 'retry_at', lease_until = NULL, settled = attempts, \
         counted = counted + (attempt.value ->> 'counts') FROM jsonb_each($1) AS attempt \
         WHERE outbox.correlation_id = attempt.value ->> 'correlation_id' \
         AND outbox.attempts = attempt.value ->> 'attempt' AND outbox.settled < outbox.attempts",
        rows
    )
    .execute(connection)
    .await?;
    Ok(missing.into_iter().map(|row| (row.correlation_id, row.attempt)).collect())
}
