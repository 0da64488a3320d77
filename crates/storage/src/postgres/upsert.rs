//! Inserts notifications on Postgres.

use super::{
    arrays::columns,
    backend::Connection,
    sql::statements::{insert_notifications, slot_rows},
};
use crate::rows::{NotificationRow, SlotRow};

/// Those of these notifications that are stored already. They stay until the transaction ends.
pub(super) async fn known_notifications(
    connection: &mut Connection,
    keys: impl Iterator<Item = (&str, &[u8])>,
) -> Result<Vec<SlotRow>, sqlx::Error> {
    let (ids, fingerprints): (Vec<_>, Vec<_>) = keys.map(|(id, print)| (id.to_owned(), print.to_vec())).unzip();
    slot_rows!(
        "SELECT ",
        " FROM UNNEST($1::text[], $2::bytea[]) AS wanted (correlation_id, fingerprint) JOIN notifications \
         ON notifications.correlation_id = wanted.correlation_id AND notifications.fingerprint = wanted.fingerprint \
         ORDER BY notifications.correlation_id, notifications.fingerprint FOR UPDATE OF notifications",
        &ids,
        &fingerprints
    )
    .fetch_all(connection)
    .await
}

/// Inserts notifications. A notification that exists already is counted. Returns these: `known`, and those that another instance
/// has stored meanwhile.
pub(super) async fn insert_notifications(
    connection: &mut Connection,
    rows: &[NotificationRow],
    _known: Vec<SlotRow>,
) -> Result<Vec<SlotRow>, sqlx::Error> {
    columns!(rows: correlation_id, fingerprint, occurrences, uncorrelated, transaction_id);
    let (blocks, positions): (Vec<i64>, Vec<i64>) = rows.iter().map(|row| (row.slot.block, row.slot.position)).unzip();
    let counted = insert_notifications!(
        "WITH stored AS (",
        "SELECT * FROM UNNEST($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[])",
        " RETURNING correlation_id, fingerprint, occurrences, uncorrelated, transaction_id, block, position) \
         SELECT correlation_id, fingerprint, occurrences, uncorrelated, transaction_id, block, position FROM stored \
         WHERE (block, position) NOT IN (SELECT * FROM UNNEST($6, $7))",
        &correlation_id as _,
        &fingerprint as _,
        &occurrences as _,
        &uncorrelated as _,
        &transaction_id as _,
        &blocks as _,
        &positions as _
    );
    let counted = counted.fetch_all(connection).await?.into_iter().map(|row| SlotRow {
        correlation_id: row.correlation_id,
        fingerprint: row.fingerprint,
        occurrences: row.occurrences,
        uncorrelated: row.uncorrelated,
        transaction_id: row.transaction_id,
        block: row.block,
        position: row.position,
    });
    Ok(counted.collect())
}
