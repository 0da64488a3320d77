//! Ends attempts on Postgres.

use std::collections::BTreeSet;

use super::super::{arrays::columns, backend::Connection};
use crate::rows::outbox::EndRow;

/// Ends attempts, and returns which ones no longer existed, or had ended before.
pub(crate) async fn end_attempts(
    connection: &mut Connection,
    rows: &[EndRow],
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    columns!(rows: correlation_id, attempt, counts, retry_at);
    let ended = sql!(
        "WITH ended AS (SELECT o.correlation_id, attempt.counts, attempt.retry_at FROM outbox o \
             JOIN UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) \
             AS attempt (correlation_id, attempt, counts, retry_at) \
             ON o.correlation_id = attempt.correlation_id AND o.attempts = attempt.attempt AND o.settled < o.attempts \
             ORDER BY o.correlation_id FOR UPDATE OF o) \
         UPDATE outbox SET due_at = ended.retry_at, lease_until = NULL, settled = attempts, \
         counted = counted + ended.counts FROM ended \
         WHERE outbox.correlation_id = ended.correlation_id \
         RETURNING outbox.correlation_id, outbox.attempts",
        &correlation_id as _,
        &attempt as _,
        &counts as _,
        &retry_at as _
    );
    let ended = ended.fetch_all(connection).await?.into_iter();
    let ended: BTreeSet<(String, i64)> = ended.map(|row| (row.correlation_id, row.attempts)).collect();
    let wanted = rows.iter().map(|row| (row.correlation_id.clone(), row.attempt));
    Ok(wanted.filter(|attempt| !ended.contains(attempt)).collect())
}
