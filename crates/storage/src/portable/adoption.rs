//! Moves notifications that came without correlation id to the message that turned out to own their transaction.

use receiptd_domain::{ChangeKind, CorrelationId, Precedence, StoredNotification};

use super::{Connection, messages, recipients, upsert::upsert};
use crate::{
    StorageError,
    batch::{Adoption, Entry},
    row_changes::RowChanges,
    rows::NotificationRow,
};

/// Moves the uncorrelated notifications of the transaction from its former owner to the new one.
pub(super) async fn adopt(
    connection: &mut Connection,
    adoption: &Adoption,
    records: &mut RowChanges,
) -> Result<(), StorageError> {
    let Adoption { transaction_id, from, to } = adoption;
    let moved = messages::notification_rows!(
        "DELETE FROM notifications WHERE correlation_id = $1 AND uncorrelated = 1 AND transaction_id = $2 RETURNING ",
        "",
        from.as_str(),
        transaction_id.as_str()
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in &moved {
        records.notification(ChangeKind::Removed, row, row.occurrences);
    }
    let moved = moved.into_iter().map(NotificationRow::recorded).collect::<Result<Vec<StoredNotification>, _>>()?;
    let entries = entries(to, &moved);
    if !entries.is_empty() {
        let rows: Vec<NotificationRow> = entries.iter().map(Entry::row).collect();
        upsert(connection, &rows, records).await?;
        recipients::merge(connection, &entries).await?;
    }
    leave(connection, from).await
}

/// In the order of their keys, as everything is that locks rows.
fn entries<'a>(id: &CorrelationId, notifications: &'a [StoredNotification]) -> Vec<Entry<'a>> {
    let entry = |recorded: &'a StoredNotification| Entry {
        correlation_id: id.clone(),
        recorded,
        occurrences: recorded.occurrences,
    };
    let mut entries: Vec<Entry<'_>> = notifications.iter().map(entry).collect();
    entries.sort_unstable_by_key(|entry| entry.recorded.fingerprint);
    entries
}

/// Makes the message that was left say what its remaining notifications say; without any it was only a stand-in, and
/// goes.
async fn leave(connection: &mut Connection, id: &CorrelationId) -> Result<(), StorageError> {
    if recompute_one(connection, id).await? == 0 {
        sql!("DELETE FROM messages WHERE correlation_id = $1 AND dispatch IS NULL", id.as_str())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Makes the message say what its notifications say, whatever it said before. Returned is how many they are.
pub(super) async fn recompute_one(connection: &mut Connection, id: &CorrelationId) -> Result<usize, StorageError> {
    // First of all, since it locks the row: what another instance is appending comes wholly before or after this.
    forget(connection, id).await?;
    let notifications = messages::notifications_without_bodies(connection, id).await?;
    if !notifications.is_empty() {
        recipients::merge(connection, &entries(id, &notifications)).await?;
    }
    // Not before it is certain: nobody who follows along is to hear of a status that the message never had.
    sql!(
        "UPDATE messages SET status = dispatch, \
         is_final = CASE WHEN dispatch IN ('rejected', 'cancelled', 'expired') THEN 1 ELSE 0 END \
         WHERE correlation_id = $1 AND dispatch IS NOT NULL AND precedence = $2",
        id.as_str(),
        Precedence::DISPATCH
    )
    .execute(connection)
    .await?;
    Ok(notifications.len())
}

/// Makes the message stand as before its first notification, but for its status and whether that is final.
async fn forget(connection: &mut Connection, id: &CorrelationId) -> Result<(), StorageError> {
    let weakest: &[u8] = &[];
    sql!(
        "UPDATE messages SET precedence = $2, recipient = NULL, segments = NULL, callback_data = NULL \
         WHERE correlation_id = $1 AND dispatch IS NULL",
        id.as_str(),
        weakest
    )
    .execute(&mut *connection)
    .await?;
    // One that we sent stands again where our dispatch left it.
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
        Precedence::DISPATCH
    )
    .execute(&mut *connection)
    .await?;
    sql!("DELETE FROM recipients WHERE correlation_id = $1", id.as_str()).execute(&mut *connection).await?;
    sql!("DELETE FROM recipient_standings WHERE correlation_id = $1", id.as_str()).execute(connection).await?;
    Ok(())
}
