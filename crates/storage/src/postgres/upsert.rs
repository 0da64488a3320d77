//! Inserts notifications on Postgres.

use std::collections::HashMap;

use receiptd_domain::ERASED_BODY;

use super::{arrays::columns, backend::Connection, sql::statements::insert_notifications};
use crate::rows::{NotificationRow, RepeatedRow};

/// Inserts notifications. A notification that exists already is counted. Returns these as they were before.
pub(super) async fn insert_notifications(
    connection: &mut Connection,
    rows: &[NotificationRow],
) -> Result<Vec<RepeatedRow>, sqlx::Error> {
    columns!(rows: correlation_id, fingerprint, received_at, source, occurrences, uncorrelated, transaction_id, channel,
        recipient, event, failure, status_text, code, reason, detail, event_at, segments, callback_data, body);
    let counted = insert_notifications!(
        "WITH stored AS (",
        "SELECT * FROM UNNEST($1::text[], $2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], \
         $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], \
         $16::bigint[], $17::bigint[], $18::text[], $19::bytea[])",
        " RETURNING correlation_id, fingerprint, occurrences, uncorrelated, segments, callback_data, body) \
         SELECT correlation_id, fingerprint, occurrences, uncorrelated, segments, callback_data, body = $20 AS \"is_erased!\" FROM stored \
         WHERE occurrences > 1",
        &correlation_id as _,
        &fingerprint as _,
        &received_at as _,
        &source as _,
        &occurrences as _,
        &uncorrelated as _,
        &transaction_id as _,
        &channel as _,
        &recipient as _,
        &event as _,
        &failure as _,
        &status_text as _,
        &code as _,
        &reason as _,
        &detail as _,
        &event_at as _,
        &segments as _,
        &callback_data as _,
        &body as _,
        ERASED_BODY
    );
    let inserted: HashMap<_, _> = rows.iter().map(|row| (row.key(), row.occurrences)).collect();
    let stored = counted.fetch_all(connection).await?.into_iter().map(|row| {
        let stored = RepeatedRow {
            correlation_id: row.correlation_id,
            fingerprint: row.fingerprint,
            uncorrelated: row.uncorrelated,
            segments: row.segments,
            callback_data: row.callback_data,
            is_erased: row.is_erased,
        };
        (row.occurrences, stored)
    });
    // New notifications may occur several times in the batch.
    let known = stored.filter(|(occurrences, stored)| inserted.get(&stored.key()).is_none_or(|new| occurrences > new));
    Ok(known.map(|(_, stored)| stored).collect())
}
