//! Reads the notifications of many messages at once on SQLite.

use receiptd_domain::{CorrelationId, Fingerprint};

use super::{
    backend::Connection,
    json::json,
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
    let ids = json(ids.iter().map(CorrelationId::as_str));
    let (id, fingerprint) = after.map_or(("", [].as_slice()), |(id, last)| (id.as_str(), last.as_bytes()));
    slot_rows!(
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

/// The latest block.
pub(super) async fn latest_block(connection: &mut Connection) -> Result<Option<StoredBlockRow>, sqlx::Error> {
    sql_as!(StoredBlockRow, "SELECT id, size, payload FROM notification_blocks ORDER BY id DESC LIMIT 1")
        .fetch_optional(connection)
        .await
}

/// The blocks with these ids.
pub(super) async fn blocks(connection: &mut Connection, ids: &[i64]) -> Result<Vec<StoredBlockRow>, sqlx::Error> {
    let ids = json(ids.iter());
    sql_as!(
        StoredBlockRow,
        "SELECT id, size, payload FROM notification_blocks WHERE id IN (SELECT value FROM jsonb_each($1))",
        ids
    )
    .fetch_all(connection)
    .await
}

/// Inserts blocks, and returns their ids in the same order.
pub(super) async fn insert_blocks(connection: &mut Connection, rows: &[BlockRow]) -> Result<Vec<i64>, sqlx::Error> {
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        let added = insert_blocks!(
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            "",
            row.received_from,
            row.received_to,
            row.records,
            row.bodies,
            row.bodies_from,
            row.size,
            row.payload
        );
        ids.push(added.execute(&mut *connection).await?.last_insert_rowid());
    }
    Ok(ids)
}
