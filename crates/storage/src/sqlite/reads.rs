//! Reads about many messages at once on SQLite: the keys are passed as one JSON array.

use receiptd_domain::{CorrelationId, Fingerprint};

use super::{
    Connection,
    append::json,
    sql::{bodiless_rows, notification_rows},
};
use crate::rows::{KeyRow, MessageStatusRow, NotificationRow, batch::Entry};

/// Those of these notifications that are stored already.
pub(super) async fn known(connection: &mut Connection, entries: &[Entry<'_>]) -> Result<Vec<KeyRow>, sqlx::Error> {
    let keys = json(entries.iter().map(|entry| (entry.correlation_id.as_str(), entry.stored.fingerprint.to_string())));
    sql_as!(
        KeyRow,
        "SELECT n.correlation_id, n.fingerprint FROM jsonb_each($1) AS wanted CROSS JOIN notifications n \
         WHERE n.correlation_id = wanted.value ->> 0 AND n.fingerprint = unhex(wanted.value ->> 1)",
        keys
    )
    .fetch_all(connection)
    .await
}

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

/// All notifications of some messages, without their bodies, which may be large and do not matter for the status.
pub(super) async fn notifications_without_bodies_of(
    connection: &mut Connection,
    ids: &[CorrelationId],
) -> Result<Vec<NotificationRow>, sqlx::Error> {
    bodiless_rows!("correlation_id IN (SELECT value FROM jsonb_each($1))", json(ids.iter().map(CorrelationId::as_str)))
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

/// The status columns of some messages.
pub(super) async fn folds(
    connection: &mut Connection,
    ids: &[CorrelationId],
) -> Result<Vec<MessageStatusRow>, sqlx::Error> {
    let ids = json(ids.iter().map(CorrelationId::as_str));
    sql_as!(
        MessageStatusRow,
        "SELECT correlation_id, dispatch, transaction_id, status, precedence, is_final, failure, code, reason FROM messages \
         WHERE correlation_id IN (SELECT value FROM jsonb_each($1)) ORDER BY correlation_id",
        ids
    )
    .fetch_all(connection)
    .await
}

/// Locks these messages until the transaction ends. On SQLite this transaction is the only writer already.
#[expect(clippy::unused_async, reason = "the function for Postgres is async")]
pub(super) async fn lock(_: &mut Connection, _: &[CorrelationId]) -> Result<(), sqlx::Error> {
    Ok(())
}
