//! Reads the notifications of many messages at once on Postgres.

use receiptd_domain::{CorrelationId, Fingerprint};

use super::{
    arrays::{columns, texts},
    backend::Connection,
    sql::statements::{insert_blocks, slot_rows},
};
use crate::rows::{SlotRow, StoredBlockRow, block::BlockRow};

/// The notifications of some messages, by key.
pub(super) async fn slots_of(
    connection: &mut Connection,
    ids: &[CorrelationId],
    after: Option<&(CorrelationId, Fingerprint)>,
    most: i64,
) -> Result<Vec<SlotRow>, sqlx::Error> {
    let (id, fingerprint) = after.map_or(("", [].as_slice()), |(id, last)| (id.as_str(), last.as_bytes()));
    slot_rows!(
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

/// The latest block, locked. None if another transaction holds it.
pub(super) async fn latest_block(connection: &mut Connection) -> Result<Option<StoredBlockRow>, sqlx::Error> {
    sql_as!(
        StoredBlockRow,
        "SELECT id, size, payload FROM notification_blocks \
         WHERE id = (SELECT MAX(latest.id) FROM notification_blocks latest) FOR UPDATE SKIP LOCKED"
    )
    .fetch_optional(connection)
    .await
}

/// The blocks with these ids.
pub(super) async fn blocks(connection: &mut Connection, ids: &[i64]) -> Result<Vec<StoredBlockRow>, sqlx::Error> {
    sql_as!(StoredBlockRow, "SELECT id, size, payload FROM notification_blocks WHERE id = ANY($1)", ids)
        .fetch_all(connection)
        .await
}

/// Inserts blocks, and returns their ids in the same order.
pub(super) async fn insert_blocks(connection: &mut Connection, rows: &[BlockRow]) -> Result<Vec<i64>, sqlx::Error> {
    columns!(rows: received_from, received_to, records, bodies, bodies_from, size, payload);
    let added = insert_blocks!(
        "SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], \
         $7::bytea[])",
        " RETURNING id",
        &received_from as _,
        &received_to as _,
        &records as _,
        &bodies as _,
        &bodies_from as _,
        &size as _,
        &payload as _
    );
    let mut ids: Vec<i64> = added.fetch_all(connection).await?.iter().map(|row| row.id).collect();
    // The ids are drawn in the order of the rows, which is all that Postgres promises.
    ids.sort_unstable();
    Ok(ids)
}
