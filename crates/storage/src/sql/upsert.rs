//! Inserts or changes notifications, and records this in the hash chain.

use receiptd_domain::ChangeKind;

use super::{
    dialect::{self, Connection},
    notifications::notification,
};
use crate::{
    StorageError,
    rows::{NotificationRow, RepeatedRow, changes::RowChanges},
};

/// Inserts notifications. A notification that exists already is counted. If it had no correlation id before and has one
/// now, the new body is stored, since it contains more.
pub(super) async fn upsert(
    connection: &mut Connection,
    rows: &[NotificationRow],
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let known = dialect::insert_notifications(connection, rows).await?;
    for row in rows {
        let is_this =
            |known: &&RepeatedRow| known.fingerprint == row.fingerprint && known.correlation_id == row.correlation_id;
        let Some(stored) = known.iter().find(is_this) else {
            changes.notification(ChangeKind::Added, row, row.occurrences);
            continue;
        };
        changes.notification(ChangeKind::Repeated, row, row.occurrences);
        if row.uncorrelated < stored.uncorrelated {
            tell_more(connection, row, changes).await?;
        }
    }
    Ok(())
}

async fn tell_more(
    connection: &mut Connection,
    row: &NotificationRow,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let old = notification(connection, &row.correlation_id, &row.fingerprint).await?;
    let old = old.ok_or(sqlx::Error::RowNotFound)?;
    let new = NotificationRow {
        uncorrelated: row.uncorrelated,
        callback_data: row.callback_data.clone(),
        body: row.body.clone(),
        ..old.clone()
    };
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
