//! Stores or changes notifications, and records this in the hash chain.

use std::collections::{HashMap, HashSet};

use receiptd_domain::{ChangeKind, ERASED_BODY};

use super::{
    blocks,
    dialect::{self, Connection},
    notifications::with_contents,
    recipients,
};
use crate::{
    StorageError,
    rows::{NotificationRow, SlotRow, batch::Entry, changes::RowChanges},
};

/// The value that replaces a purged body.
pub(super) const NO_BODY: &[u8] = b"";

/// Stores notifications and merges them into their messages. If a person was erased from a notification, a repetition
/// is counted, and nothing else: it would bring back the person.
pub(super) async fn store(
    connection: &mut Connection,
    mut entries: Vec<Entry<'_>>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let rows: Vec<NotificationRow> = entries.iter().map(Entry::row).collect();
    let mut are_erased = upsert(connection, rows, changes).await?.into_iter();
    entries.retain(|_| !are_erased.next().unwrap_or_default());
    if entries.is_empty() { Ok(()) } else { recipients::merge(connection, &entries).await }
}

/// Inserts notifications. A notification that exists already is counted. If it had no correlation id before and has one
/// now, the new body is stored, since it contains more. The greatest number of segments and callback data win, as in
/// messages. Returns for each row whether a person was erased from it.
async fn upsert(
    connection: &mut Connection,
    mut rows: Vec<NotificationRow>,
    changes: &mut RowChanges,
) -> Result<Vec<bool>, StorageError> {
    let known = dialect::known_notifications(connection, rows.iter().map(NotificationRow::key)).await?;
    let keys: HashSet<_> = known.iter().map(SlotRow::key).collect();
    let new: Vec<bool> = rows.iter().map(|row| !keys.contains(&row.key())).collect();
    blocks::add(connection, rows.iter_mut().zip(&new).filter_map(|(row, is_new)| is_new.then_some(row))).await?;
    let known = dialect::insert_notifications(connection, &rows, known).await?;
    let known = with_contents(connection, known).await?;
    let known: HashMap<_, _> = known.iter().map(|stored| (stored.key(), stored)).collect();
    // Another instance was quicker.
    let overtaken = rows.iter().zip(&new).filter(|(row, is_new)| **is_new && known.contains_key(&row.key()));
    blocks::remove(connection, overtaken.map(|(row, _)| row.slot)).await?;
    let mut are_erased = Vec::with_capacity(rows.len());
    for row in &rows {
        let stored = known.get(&row.key());
        are_erased.push(stored.is_some_and(|stored| stored.body == ERASED_BODY));
        let Some(stored) = stored else {
            changes.notification(ChangeKind::Added, row, row.occurrences);
            continue;
        };
        changes.repetition(row);
        tell_more(connection, stored, row, changes).await?;
    }
    Ok(are_erased)
}

async fn tell_more(
    connection: &mut Connection,
    old: &NotificationRow,
    row: &NotificationRow,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let mut new = NotificationRow { uncorrelated: row.uncorrelated.min(old.uncorrelated), ..old.clone() };
    // What was erased or purged does not come back.
    if old.body != ERASED_BODY {
        new.segments = old.segments.max(row.segments);
        new.callback_data = old.callback_data.clone().max(row.callback_data.clone());
        if old.body != NO_BODY && new.uncorrelated < old.uncorrelated {
            new.body.clone_from(&row.body);
            new.signature.clone_from(&row.signature);
        }
    }
    if new == *old {
        return Ok(());
    }
    if new.uncorrelated < old.uncorrelated {
        sql!(
            "UPDATE notifications SET uncorrelated = $3 WHERE correlation_id = $1 AND fingerprint = $2",
            new.correlation_id,
            new.fingerprint,
            new.uncorrelated
        )
        .execute(&mut *connection)
        .await?;
    }
    change(connection, &[(old.clone(), new)], changes).await
}

/// Replaces the contents of notifications. Their identity stays: the key, the count, the transaction, and the time and way of
/// the arrival.
///
/// The old ones must have been read while this transaction held their rows. Otherwise another instance could have changed them
/// meanwhile, and the hash chain would record that something else was replaced.
pub(super) async fn change(
    connection: &mut Connection,
    replaced: &[(NotificationRow, NotificationRow)],
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    blocks::replace(connection, replaced.iter().map(|(_, new)| new)).await?;
    for (old, new) in replaced {
        // The number of occurrences does not change.
        changes.notification(ChangeKind::Removed, old, 0);
        changes.notification(ChangeKind::Added, new, 0);
    }
    Ok(())
}

/// Records that notifications were removed, and removes their contents.
pub(super) async fn forget(
    connection: &mut Connection,
    removed: &[NotificationRow],
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    for row in removed {
        changes.notification(ChangeKind::Removed, row, row.occurrences);
    }
    blocks::remove(connection, removed.iter().map(|row| row.slot)).await
}
