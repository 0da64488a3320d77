//! Reads the notifications of many messages at once on SQLite.

use receiptd_domain::{CorrelationId, Fingerprint};

use super::{backend::Connection, json::json, sql::statements::notification_rows};
use crate::rows::NotificationRow;

/// The notifications of some messages, by key.
pub(super) async fn notifications_of(
    connection: &mut Connection,
    ids: &[CorrelationId],
    after: Option<&(CorrelationId, Fingerprint)>,
    most: i64,
) -> Result<Vec<NotificationRow>, sqlx::Error> {
    let ids = json(ids.iter().map(CorrelationId::as_str));
    let (id, fingerprint) = after.map_or(("", [].as_slice()), |(id, last)| (id.as_str(), last.as_bytes()));
    notification_rows!(
        "SELECT ",
        " FROM notifications WHERE correlation_id IN (SELECT value FROM jsonb_each($1)) \
         AND (correlation_id, fingerprint) > ($2, $3) ORDER BY correlation_id, fingerprint LIMIT $4",
        ids,
        id,
        fingerprint,
        most
    )
    .fetch_all(connection)
    .await
}

/// The sizes in bytes of the rows that [`notifications_of`] reads.
pub(super) async fn sizes_of(
    connection: &mut Connection,
    ids: &[CorrelationId],
    after: Option<&(CorrelationId, Fingerprint)>,
    most: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    let ids = json(ids.iter().map(CorrelationId::as_str));
    let (id, fingerprint) = after.map_or(("", [].as_slice()), |(id, last)| (id.as_str(), last.as_bytes()));
    let sizes = sql!(
        "SELECT CAST(OCTET_LENGTH(body) AS BIGINT) AS \"bytes!: i64\" FROM notifications \
         WHERE correlation_id IN (SELECT value FROM jsonb_each($1)) \
         AND (correlation_id, fingerprint) > ($2, $3) ORDER BY correlation_id, fingerprint LIMIT $4",
        ids,
        id,
        fingerprint,
        most
    );
    Ok(sizes.fetch_all(connection).await?.into_iter().map(|row| row.bytes).collect())
}
