//! Reads notifications with their contents.

use receiptd_domain::{CorrelationId, Fingerprint, PageLimit, StoredNotification};

use super::{
    blocks,
    dialect::{self, Connection},
    paging::count,
    statements::slot_rows,
};
use crate::{
    StorageError,
    rows::{NotificationRow, SlotRow},
};

/// How many contents are read at a time. Their bodies may be large.
pub(super) const AT_A_TIME: usize = 16;

/// The notifications of these rows, in their order. The rows must not change meanwhile: they were read in the same snapshot, or
/// this unit of work holds them or their messages.
pub(super) async fn with_contents(
    connection: &mut Connection,
    rows: Vec<SlotRow>,
) -> Result<Vec<NotificationRow>, StorageError> {
    all(blocks::read(connection, rows, true).await?)
}

/// Like [`with_contents`], without the bodies.
pub(super) async fn without_bodies(
    connection: &mut Connection,
    rows: Vec<SlotRow>,
) -> Result<Vec<NotificationRow>, StorageError> {
    all(blocks::read(connection, rows, false).await?)
}

fn all(read: Vec<Result<NotificationRow, SlotRow>>) -> Result<Vec<NotificationRow>, StorageError> {
    let missing = |row: SlotRow| StorageError::Corrupt {
        table: "notification_blocks",
        column: "payload",
        row: row.block.to_string(),
    };
    read.into_iter().map(|row| row.map_err(missing)).collect()
}

pub(super) async fn notification(
    connection: &mut Connection,
    id: &str,
    fingerprint: &[u8],
) -> Result<Option<NotificationRow>, StorageError> {
    let row =
        slot_rows!("SELECT ", " FROM notifications WHERE correlation_id = $1 AND fingerprint = $2", id, fingerprint);
    let row = row.fetch_optional(&mut *connection).await?;
    Ok(with_contents(connection, row.into_iter().collect()).await?.pop())
}

/// Those of the rows that fit on a page, with their contents.
pub(super) async fn fitting(
    connection: &mut Connection,
    rows: Vec<SlotRow>,
    limit: PageLimit,
) -> Result<Vec<NotificationRow>, StorageError> {
    let (mut read, mut sizes) = (Vec::new(), Vec::new());
    for some in rows.chunks(AT_A_TIME) {
        let some = with_contents(connection, some.to_vec()).await?;
        sizes.extend(some.iter().map(|row| count(row.body.len())));
        read.extend(some);
        if limit.fitting(&sizes) < read.len() {
            break;
        }
    }
    read.truncate(limit.fitting(&sizes));
    Ok(read)
}

/// One page of the notifications of these messages, by key, and whether it is the last one.
pub(super) async fn notifications_of(
    connection: &mut Connection,
    ids: &[CorrelationId],
    after: Option<&(CorrelationId, Fingerprint)>,
    limit: PageLimit,
) -> Result<(Vec<NotificationRow>, bool), StorageError> {
    let rows = dialect::slots_of(connection, ids, after, count(limit.get())).await?;
    let found = rows.len();
    let read = fitting(connection, rows, limit).await?;
    let is_last = read.len() == found && found < limit.get();
    Ok((read, is_last))
}

/// The rows of a message, in the order of their fingerprints.
pub(super) async fn slots(connection: &mut Connection, id: &str) -> Result<Vec<SlotRow>, sqlx::Error> {
    let rows = slot_rows!("SELECT ", " FROM notifications WHERE correlation_id = $1 ORDER BY fingerprint", id);
    rows.fetch_all(connection).await
}

/// All notifications of a message, without their bodies.
pub(super) async fn notifications_without_bodies(
    connection: &mut Connection,
    id: &CorrelationId,
) -> Result<Vec<StoredNotification>, StorageError> {
    let rows = slots(connection, id.as_str()).await?;
    without_bodies(connection, rows).await?.into_iter().map(NotificationRow::stored).collect()
}
