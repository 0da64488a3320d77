//! The contents of notifications, which are stored many in a row (`rows/block.rs`).
//!
//! A unit of work changes the content of a notification only while it holds the notification's own row. Other notifications of
//! the same block may change at the same time, so the block is held too while it is rewritten.

use std::collections::{BTreeMap, BTreeSet};

use super::dialect::{self, Connection};
use crate::{
    Inconsistency, StorageError,
    rows::{
        NotificationRow, SlotRow,
        block::{Block, BlockRow, Record, Slot},
    },
};

/// The number of new notifications up to which they are added to the latest block.
const FEW: usize = 16;
/// How many blocks are read at a time.
const BLOCKS: usize = 32;

/// Stores the contents of new notifications, and sets their slots. A few of them are added to the latest block, so that blocks
/// become full even if notifications arrive one by one.
pub(super) async fn add<'a>(
    connection: &mut Connection,
    rows: impl IntoIterator<Item = &'a mut NotificationRow>,
) -> Result<(), StorageError> {
    let rows: Vec<_> = rows.into_iter().collect();
    let records: Vec<_> = rows.iter().map(|row| row.record()).collect();
    if (1..=FEW).contains(&records.len())
        && let Some(latest) = dialect::latest_block(connection).await?
        && let Some(mut block) = Block::read(&latest.payload, latest.size)
        && let Some(positions) = block.extend(&records)
    {
        write(connection, latest.id, &block).await?;
        for (row, position) in rows.into_iter().zip(positions) {
            row.slot = Slot { block: latest.id, position };
        }
        return Ok(());
    }
    let (blocks, places) = Block::pack(records);
    let ids = dialect::insert_blocks(connection, &blocks.iter().filter_map(Block::row).collect::<Vec<_>>()).await?;
    for (row, (number, position)) in rows.into_iter().zip(places) {
        row.slot = Slot { block: ids.get(number).copied().unwrap_or_default(), position };
    }
    Ok(())
}

/// The contents of notifications, in their order. `None` for one whose content is missing, or is not one that receiptd wrote.
pub(super) async fn read(
    connection: &mut Connection,
    rows: Vec<SlotRow>,
    with_bodies: bool,
) -> Result<Vec<Result<NotificationRow, SlotRow>>, StorageError> {
    let ids: BTreeSet<i64> = rows.iter().map(|row| row.block).collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut of_block: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        of_block.entry(row.block).or_default().push(number);
    }
    let mut read: Vec<Result<NotificationRow, SlotRow>> = rows.into_iter().map(Err).collect();
    for ids in ids.chunks(BLOCKS) {
        for stored in dialect::blocks(connection, ids).await? {
            let Some(block) = Block::read(&stored.payload, stored.size) else { continue };
            for number in of_block.remove(&stored.id).unwrap_or_default() {
                let Some(Err(row)) = read.get(number) else { continue };
                let record = block.get(row.position);
                let content = record.and_then(|record| NotificationRow::of_record(row.clone(), record, with_bodies));
                if let Some(content) = content {
                    read[number] = Ok(content);
                }
            }
        }
    }
    Ok(read)
}

/// Replaces the contents of some notifications.
pub(super) async fn replace<'a>(
    connection: &mut Connection,
    rows: impl IntoIterator<Item = &'a NotificationRow>,
) -> Result<(), StorageError> {
    let mut of_block: BTreeMap<i64, Vec<(i64, Record)>> = BTreeMap::new();
    for row in rows {
        of_block.entry(row.slot.block).or_default().push((row.slot.position, row.record()));
    }
    for (id, records) in of_block {
        let mut block = hold(connection, id).await?;
        for (position, record) in records {
            if !block.replace(position, record) {
                return Err(missing(id));
            }
        }
        write(connection, id, &block).await?;
    }
    Ok(())
}

/// Removes the contents of notifications whose rows were removed.
pub(super) async fn remove(
    connection: &mut Connection,
    slots: impl IntoIterator<Item = Slot>,
) -> Result<(), StorageError> {
    let mut of_block: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for Slot { block, position } in slots {
        of_block.entry(block).or_default().insert(position);
    }
    for (id, positions) in of_block {
        let mut block = hold(connection, id).await?;
        block.remove(&positions);
        write(connection, id, &block).await?;
    }
    Ok(())
}

/// Reads a block and locks it: another instance rewrites it completely before or after this unit of work.
async fn hold(connection: &mut Connection, id: i64) -> Result<Block, StorageError> {
    let row = sql!("UPDATE notification_blocks SET size = size WHERE id = $1 RETURNING size, payload", id);
    let row = row.fetch_optional(connection).await?;
    row.and_then(|row| Block::read(&row.payload, row.size)).ok_or_else(|| missing(id))
}

/// Removes the block if it is empty.
async fn write(connection: &mut Connection, id: i64, block: &Block) -> Result<(), StorageError> {
    let Some(row) = block.row() else {
        sql!("DELETE FROM notification_blocks WHERE id = $1", id).execute(connection).await?;
        return Ok(());
    };
    sql!(
        "UPDATE notification_blocks SET received_from = $2, received_to = $3, records = $4, bodies = $5, bodies_from = $6, \
         size = $7, payload = $8 WHERE id = $1",
        id,
        row.received_from,
        row.received_to,
        row.records,
        row.bodies,
        row.bodies_from,
        row.size,
        row.payload
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn missing(id: i64) -> StorageError {
    StorageError::Corrupt { table: "notification_blocks", column: "payload", row: id.to_string() }
}

/// The first block that does not consist of the contents of stored notifications.
pub(super) async fn contradiction(snapshot: &mut Connection) -> Result<Option<Inconsistency>, sqlx::Error> {
    let found = |what, id: i64, detail: &str| {
        Some(Inconsistency { what, table: "notification_blocks", key: id.to_string(), detail: detail.to_owned() })
    };
    let mut after = i64::MIN;
    loop {
        let rows = sql!(
            "SELECT id, received_from, received_to, records, bodies, bodies_from, size, payload FROM notification_blocks \
             WHERE id > $1 ORDER BY id LIMIT 32",
            after
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
        let slots = sql!(
            "SELECT block, position FROM notifications WHERE block > $1 AND block <= $2 ORDER BY block, position",
            after,
            last
        );
        let mut positions: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for slot in slots.fetch_all(&mut *snapshot).await? {
            positions.entry(slot.block).or_default().insert(slot.position);
        }
        for row in rows {
            let Some(block) = Block::read(&row.payload, row.size) else {
                return Ok(found("altered", row.id, "receiptd never wrote its payload"));
            };
            if block.positions() != positions.remove(&row.id).unwrap_or_default() {
                return Ok(found("inserted", row.id, "it contains notifications that are not stored"));
            }
            let stored = BlockRow {
                received_from: row.received_from,
                received_to: row.received_to,
                records: row.records,
                bodies: row.bodies,
                bodies_from: row.bodies_from,
                size: row.size,
                payload: row.payload,
            };
            let is_right = block.row().is_some_and(|row| BlockRow { payload: stored.payload.clone(), ..row } == stored);
            if !is_right {
                return Ok(found("altered", row.id, "its columns do not describe its payload"));
            }
        }
        after = last;
    }
}
