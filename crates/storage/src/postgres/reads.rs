//! Reads about many messages at once on Postgres: the keys are passed as one array.

use receiptd_domain::{CorrelationId, Fingerprint};

use super::{
    Connection,
    sql::{bodiless_rows, notification_rows},
};
use crate::rows::{KeyRow, MessageStatusRow, NotificationRow, batch::Entry};

fn texts(ids: &[CorrelationId]) -> Vec<String> {
    ids.iter().map(CorrelationId::to_string).collect()
}

/// Those of these notifications that are stored already.
pub(super) async fn known(connection: &mut Connection, entries: &[Entry<'_>]) -> Result<Vec<KeyRow>, sqlx::Error> {
    let ids: Vec<_> = entries.iter().map(|entry| entry.correlation_id.to_string()).collect();
    let fingerprints: Vec<_> = entries.iter().map(|entry| entry.stored.fingerprint.as_bytes().to_vec()).collect();
    sql_as!(
        KeyRow,
        "SELECT n.correlation_id, n.fingerprint \
         FROM UNNEST($1::text[], $2::bytea[]) AS wanted (correlation_id, fingerprint) JOIN notifications n \
         ON n.correlation_id = wanted.correlation_id AND n.fingerprint = wanted.fingerprint",
        &ids,
        &fingerprints
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
    let (id, fingerprint) = after.map_or(("", [].as_slice()), |(id, last)| (id.as_str(), last.as_bytes()));
    notification_rows!(
        "SELECT ",
        " FROM notifications WHERE correlation_id = ANY($1) \
         AND (correlation_id, fingerprint) > ($2, $3) ORDER BY correlation_id, fingerprint LIMIT $4",
        &texts(ids),
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
    bodiless_rows!("correlation_id = ANY($1)", &texts(ids)).fetch_all(connection).await
}

/// The sizes in bytes of the rows that [`notifications_of`] reads.
pub(super) async fn sizes_of(
    connection: &mut Connection,
    ids: &[CorrelationId],
    after: Option<&(CorrelationId, Fingerprint)>,
    most: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    let (id, fingerprint) = after.map_or(("", [].as_slice()), |(id, last)| (id.as_str(), last.as_bytes()));
    let sizes = sql!(
        "SELECT CAST(OCTET_LENGTH(body) AS BIGINT) AS \"bytes!: i64\" FROM notifications \
         WHERE correlation_id = ANY($1) \
         AND (correlation_id, fingerprint) > ($2, $3) ORDER BY correlation_id, fingerprint LIMIT $4",
        &texts(ids),
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
    sql_as!(
        MessageStatusRow,
        "SELECT correlation_id, dispatch, transaction_id, status, precedence, is_final, failure, code, reason FROM messages \
         WHERE correlation_id = ANY($1) ORDER BY correlation_id",
        &texts(ids)
    )
    .fetch_all(connection)
    .await
}

/// Locks these messages until the transaction ends, in the order in which an append locks them. If this causes a
/// deadlock with an adoption nevertheless, this statement must give up first, since an append must not fail: Postgres
/// searches for deadlocks after one second.
pub(super) async fn lock(connection: &mut Connection, ids: &[CorrelationId]) -> Result<(), sqlx::Error> {
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
