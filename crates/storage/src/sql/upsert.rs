//! Stores or changes notifications, and records this in the hash chain.

use std::collections::HashMap;

use receiptd_domain::{ChangeKind, ERASED_BODY};

use super::{
    dialect::{self, Connection},
    notifications::notification,
    recipients,
};
use crate::{
    StorageError,
    rows::{NotificationRow, batch::Entry, changes::RowChanges},
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
    let mut are_erased = upsert(connection, &rows, changes).await?.into_iter();
    entries.retain(|_| !are_erased.next().unwrap_or_default());
    if entries.is_empty() { Ok(()) } else { recipients::merge(connection, &entries).await }
}

/// Inserts notifications. A notification that exists already is counted. If it had no correlation id before and has one
/// now, the new body is stored, since it contains more. The greatest number of segments and callback data win, as in
/// messages. Returns for each row whether a person was erased from it.
async fn upsert(
    connection: &mut Connection,
    rows: &[NotificationRow],
    changes: &mut RowChanges,
) -> Result<Vec<bool>, StorageError> {
    let known = dialect::insert_notifications(connection, rows).await?;
    let known: HashMap<_, _> = known.iter().map(|stored| (stored.key(), stored)).collect();
    let mut are_erased = Vec::with_capacity(rows.len());
    for row in rows {
        let stored = known.get(&row.key());
        are_erased.push(stored.is_some_and(|stored| stored.is_erased));
        let Some(stored) = stored else {
            changes.notification(ChangeKind::Added, row, row.occurrences);
            continue;
        };
        changes.repetition(row);
        let says_more = row.segments > stored.segments || row.callback_data > stored.callback_data;
        if row.uncorrelated < stored.uncorrelated || (says_more && !stored.is_erased) {
            tell_more(connection, row, changes).await?;
        }
    }
    Ok(are_erased)
}

async fn tell_more(
    connection: &mut Connection,
    row: &NotificationRow,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let old = notification(connection, &row.correlation_id, &row.fingerprint).await?;
    let old = old.ok_or(sqlx::Error::RowNotFound)?;
    let mut new = NotificationRow { uncorrelated: row.uncorrelated.min(old.uncorrelated), ..old.clone() };
    // What was erased or purged does not come back.
    if old.body != ERASED_BODY {
        new.segments = old.segments.max(row.segments);
        new.callback_data = old.callback_data.clone().max(row.callback_data.clone());
        if old.body != NO_BODY && new.uncorrelated < old.uncorrelated {
            new.body.clone_from(&row.body);
        }
    }
    change(connection, &old, &new, changes).await
}

/// Replaces `old` by `new`. The identity of the notification stays: its key, its counts, its transaction, and the time
/// and way of its arrival.
///
/// `old` must have been read while this transaction held the row. Otherwise another instance could have changed it
/// meanwhile, and the hash chain would record that something else was replaced.
pub(super) async fn change(
    connection: &mut Connection,
    old: &NotificationRow,
    new: &NotificationRow,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let update = sql!(
        "UPDATE notifications SET uncorrelated = $3, channel = $4, recipient = $5, event = $6, failure = $7, \
         status_text = $8, code = $9, reason = $10, detail = $11, event_at = $12, segments = $13, callback_data = $14, \
         body = $15 \
         WHERE correlation_id = $1 AND fingerprint = $2",
        old.correlation_id,
        old.fingerprint,
        new.uncorrelated,
        new.channel,
        new.recipient,
        new.event,
        new.failure,
        new.status_text,
        new.code,
        new.reason,
        new.detail,
        new.event_at,
        new.segments,
        new.callback_data,
        new.body
    );
    update.execute(connection).await?;
    // The number of occurrences does not change.
    changes.notification(ChangeKind::Removed, old, 0);
    changes.notification(ChangeKind::Added, new, 0);
    Ok(())
}
