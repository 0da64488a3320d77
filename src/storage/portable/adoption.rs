//! Moves notifications that came without correlation id to the message that turned out to own their transaction.

use super::{Connection, append, messages};
use crate::{
    domain::{CorrelationId, Precedence, Recorded, Standing},
    storage::{
        StorageError,
        batch::{Adoption, Entry, additions},
        rows::{NotificationRow, StandingRow},
    },
};

/// Moves the uncorrelated notifications of the transaction from its former owner to the new one.
pub(super) async fn adopt(connection: &mut Connection, adoption: &Adoption) -> Result<(), StorageError> {
    let Adoption { transaction_id, from, to } = adoption;
    let moved = sql_as!(
        NotificationRow,
        "DELETE FROM notifications WHERE correlation_id = $1 AND uncorrelated = 1 AND transaction_id = $2 \
         RETURNING correlation_id, fingerprint, received_at, source, times, uncorrelated, transaction_id, channel, \
         recipient, event, failure, status_text, code, reason, detail, event_at, segments, callback_data, body",
        from.as_str(),
        transaction_id.as_str()
    )
    .fetch_all(&mut *connection)
    .await?;
    let moved = moved.into_iter().map(NotificationRow::recorded).collect::<Result<Vec<Recorded>, _>>()?;
    let entry = |recorded| Entry { correlation_id: to.clone(), recorded, times: recorded.times };
    let mut entries: Vec<Entry<'_>> = moved.iter().map(entry).collect();
    entries.sort_unstable_by_key(|entry| entry.recorded.fingerprint);
    if !entries.is_empty() {
        let additions = additions(&entries);
        append::insert_notifications(connection, &entries).await?;
        append::merge(connection, &additions).await?;
        append::note_recipients(connection, &additions).await?;
    }
    leave(connection, from).await
}

/// Makes the message that was left say what its remaining notifications say; without any it was only a stand-in, and
/// goes.
async fn leave(connection: &mut Connection, id: &CorrelationId) -> Result<(), StorageError> {
    let rest = messages::notifications(connection, id).await?;
    match rest.iter().map(Recorded::standing).reduce(Standing::merge) {
        Some(standing) => restate(connection, id, &standing).await,
        None => remove(connection, id).await,
    }
}

async fn remove(connection: &mut Connection, id: &CorrelationId) -> Result<(), StorageError> {
    sql!("DELETE FROM recipients WHERE correlation_id = $1", id.as_str()).execute(&mut *connection).await?;
    sql!("DELETE FROM messages WHERE correlation_id = $1 AND dispatch IS NULL", id.as_str())
        .execute(&mut *connection)
        .await?;
    // One that we sent stands again where our dispatch left it.
    sql!(
        "UPDATE messages SET status = dispatch, precedence = $2, failure = NULL, code = NULL, reason = NULL, \
         is_final = CASE WHEN dispatch IN ('rejected', 'cancelled', 'expired') THEN 1 ELSE 0 END, segments = NULL \
         WHERE correlation_id = $1 AND dispatch IS NOT NULL",
        id.as_str(),
        Precedence::DISPATCH
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn restate(connection: &mut Connection, id: &CorrelationId, standing: &Standing) -> Result<(), StorageError> {
    let row = StandingRow::of(id, standing, None, crate::domain::Timestamp::default());
    sql!(
        "UPDATE messages SET transaction_id = $2, status = $3, precedence = $4, status_at = $5, is_final = $6, \
         failure = $7, code = $8, reason = $9, segments = $10 WHERE correlation_id = $1 AND precedence > $4",
        row.correlation_id,
        row.transaction_id,
        row.status,
        row.precedence,
        row.status_at,
        row.is_final,
        row.failure,
        row.code,
        row.reason,
        row.segments
    )
    .execute(connection)
    .await?;
    Ok(())
}
