//! Moves notifications without a correlation id to the message that owns their transaction, once this message is known.

use receiptd_domain::{CorrelationId, Precedence, StoredNotification};

use super::{
    attestations,
    dialect::{self, Connection},
    notifications::{notifications_without_bodies, with_contents},
    recipients,
    statements::slot_rows,
    upsert::{forget, store},
};
use crate::{
    StorageError,
    rows::{
        MessageStatusRow, NotificationRow, SlotRow,
        batch::{Adoption, Entry},
        changes::RowChanges,
    },
};

/// Moves the notifications from `adoption.from`, the former owner, to `adoption.to`, and recomputes the former owner.
pub(super) async fn adopt(
    connection: &mut Connection,
    adoption: &Adoption,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let Adoption { transaction_id, from, to } = adoption;
    let moved = slot_rows!(
        "DELETE FROM notifications WHERE correlation_id = $1 AND uncorrelated = 1 AND transaction_id = $2 RETURNING ",
        "",
        from.as_str(),
        transaction_id.as_str()
    );
    let moved = moved.fetch_all(&mut *connection).await?;
    let moved = with_contents(connection, moved).await?;
    forget(connection, &moved, changes).await?;
    let moved = moved.into_iter().map(NotificationRow::stored).collect::<Result<Vec<StoredNotification>, _>>()?;
    let entries = entries(to, &moved);
    if !entries.is_empty() {
        store(connection, entries, changes).await?;
    }
    // The claim has only needed it to tell of this adoption.
    sql!("UPDATE transactions SET formerly = NULL WHERE transaction_id = $1", transaction_id.as_str())
        .execute(&mut *connection)
        .await?;
    attestations::release_transaction(connection, from, transaction_id.as_str(), changes).await?;
    leave(connection, from, to, moved).await?;
    // The times of neither message follow from its own notifications now.
    for id in adoption.ids() {
        let times = sql!("SELECT created_at, updated_at FROM messages WHERE correlation_id = $1", id);
        if let Some(row) = times.fetch_optional(&mut *connection).await? {
            changes.times(id, row.created_at, row.updated_at);
        }
    }
    Ok(())
}

/// Sorted by fingerprint, so that all code locks rows in the same order.
fn entries<'a>(id: &CorrelationId, notifications: &'a [StoredNotification]) -> Vec<Entry<'a>> {
    let entry =
        |stored: &'a StoredNotification| Entry { correlation_id: id.clone(), stored, occurrences: stored.occurrences };
    let mut entries: Vec<Entry<'_>> = notifications.iter().map(entry).collect();
    entries.sort_unstable_by_key(|entry| entry.stored.fingerprint);
    entries
}

/// Recomputes the former owner from its remaining notifications, after `moved` have left it. If the notification that
/// decided its status has been purged, the remaining ones do not show the status, so the message stays as it is. If no
/// notification is left and receiptd did not send it, it was only a placeholder.
async fn leave(
    connection: &mut Connection,
    from: &CorrelationId,
    to: &CorrelationId,
    moved: Vec<StoredNotification>,
) -> Result<(), StorageError> {
    // This locks the row: an append of another instance happens completely before or after it.
    let former = sql_as!(
        MessageStatusRow,
        "UPDATE messages SET updated_at = updated_at WHERE correlation_id = $1 RETURNING correlation_id, dispatch, \
         transaction_id, status, precedence, is_final, failure, code, reason",
        from.as_str()
    );
    let Some(former) = former.fetch_optional(&mut *connection).await? else { return Ok(()) };
    let kept = notifications_without_bodies(connection, from).await?;
    let is_placeholder = kept.is_empty() && former.dispatch.is_none();
    let known: Vec<_> = moved.into_iter().chain(kept).collect();
    match former.was_decided_by_any(&known) {
        true if is_placeholder => replace(connection, from, to).await,
        true => recompute_one(connection, from).await.map(|_| ()),
        false => Ok(()),
    }
}

/// Removes a placeholder. The message that replaces it has been known as long as the placeholder: it keeps the place in
/// the list, so that a client that is reading the pages does not miss it. Clients that follow the events learn which
/// message replaces it.
async fn replace(connection: &mut Connection, from: &CorrelationId, to: &CorrelationId) -> Result<(), StorageError> {
    sql!(
        "UPDATE messages SET created_at = (SELECT f.created_at FROM messages f WHERE f.correlation_id = $1) \
         WHERE correlation_id = $2 \
         AND created_at > (SELECT f.created_at FROM messages f WHERE f.correlation_id = $1)",
        from.as_str(),
        to.as_str()
    )
    .execute(&mut *connection)
    .await?;
    dialect::note_replacement(connection, from, to).await?;
    sql!("DELETE FROM recipients WHERE correlation_id = $1", from.as_str()).execute(&mut *connection).await?;
    sql!("DELETE FROM recipient_standings WHERE correlation_id = $1", from.as_str()).execute(&mut *connection).await?;
    sql!("DELETE FROM messages WHERE correlation_id = $1 AND dispatch IS NULL", from.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Recomputes the message from its notifications. Returns the number of notifications.
pub(super) async fn recompute_one(connection: &mut Connection, id: &CorrelationId) -> Result<usize, StorageError> {
    // This must be first, since it locks the row: an append of another instance happens completely before or after it.
    reset_precedence(connection, id).await?;
    let notifications = notifications_without_bodies(connection, id).await?;
    if !notifications.is_empty() {
        recipients::merge(connection, &entries(id, &notifications)).await?;
    }
    // `reset_precedence` does not touch `status`, because triggers would publish the intermediate value as an event. So
    // it is set only here, after the merge.
    sql!(
        "UPDATE messages SET status = dispatch, \
         is_final = CASE WHEN dispatch IN ('rejected', 'cancelled', 'expired') THEN 1 ELSE 0 END \
         WHERE correlation_id = $1 AND dispatch IS NOT NULL AND precedence = $2",
        id.as_str(),
        Precedence::DISPATCH_BYTES
    )
    .execute(connection)
    .await?;
    Ok(notifications.len())
}

/// Makes the next merge win: resets the precedence, and the values that are merged independently of it. A message that
/// receiptd sent also gets the values of its last dispatch step again. `status` and `is_final` stay as they are.
async fn reset_precedence(connection: &mut Connection, id: &CorrelationId) -> Result<(), StorageError> {
    let weakest: &[u8] = &[];
    sql!(
        "UPDATE messages SET precedence = $2, recipient = NULL, segments = NULL, callback_data = NULL \
         WHERE correlation_id = $1 AND dispatch IS NULL",
        id.as_str(),
        weakest
    )
    .execute(&mut *connection)
    .await?;
    // A message that receiptd sent returns to the state of its dispatch.
    sql!(
        "UPDATE messages SET precedence = $2, segments = NULL, \
         status_at = (SELECT e.at FROM dispatch_events e WHERE e.correlation_id = $1 ORDER BY e.step DESC LIMIT 1), \
         failure = (SELECT e.failure FROM dispatch_events e WHERE e.correlation_id = $1 ORDER BY e.step DESC LIMIT 1), \
         code = (SELECT e.code FROM dispatch_events e WHERE e.correlation_id = $1 ORDER BY e.step DESC LIMIT 1), \
         reason = (SELECT e.reason FROM dispatch_events e WHERE e.correlation_id = $1 ORDER BY e.step DESC LIMIT 1), \
         transaction_id = (SELECT e.transaction_id FROM dispatch_events e WHERE e.correlation_id = $1 \
             AND e.transaction_id IS NOT NULL ORDER BY e.step DESC LIMIT 1) \
         WHERE correlation_id = $1 AND dispatch IS NOT NULL",
        id.as_str(),
        Precedence::DISPATCH_BYTES
    )
    .execute(&mut *connection)
    .await?;
    // `recipients` finds messages by address; `recipient_standings` holds the status per recipient.
    sql!("DELETE FROM recipients WHERE correlation_id = $1", id.as_str()).execute(&mut *connection).await?;
    sql!("DELETE FROM recipient_standings WHERE correlation_id = $1", id.as_str()).execute(connection).await?;
    Ok(())
}
