//! The keys with which callers repeat their requests. A key is stored in the commit that accepts its message.

use receiptd_domain::{Actor, ChangeKind, CorrelationId, IdempotencyKey, Submission};

use super::{super::dialect::Connection, repeats::compared};
use crate::{
    EnqueueResult, OutboxEntry, RequestKey, StorageError,
    rows::{Place, changes::RowChanges},
};

/// The result that the key of an entry decides. `None` if its id decides. A new key is stored. On Postgres, this waits
/// for another instance that is storing the same key.
pub(super) async fn claim(
    connection: &mut Connection,
    entry: &OutboxEntry,
    actor: &Actor,
    changes: &mut RowChanges,
) -> Result<Option<EnqueueResult>, StorageError> {
    let Some(RequestKey { key, .. }) = &entry.key else { return Ok(None) };
    let id = entry.submission.correlation_id.as_str();
    let claimed = sql!(
        "INSERT INTO idempotency_keys (actor, key, correlation_id) VALUES ($1, $2, $3) \
         ON CONFLICT (actor, key) DO NOTHING",
        actor.as_str(),
        key.as_str(),
        id
    );
    if claimed.execute(&mut *connection).await?.rows_affected() == 1 {
        changes.idempotency_key(ChangeKind::Added, actor.as_str(), key.as_str(), id);
        return Ok(None);
    }
    known(connection, entry, actor).await
}

/// Like `claim`, but stores nothing.
pub(super) async fn known(
    connection: &mut Connection,
    entry: &OutboxEntry,
    actor: &Actor,
) -> Result<Option<EnqueueResult>, StorageError> {
    let Some(RequestKey { key, is_id_drawn }) = &entry.key else { return Ok(None) };
    let stored = sql!(
        "SELECT k.correlation_id, o.request AS \"request?\" FROM idempotency_keys k \
         LEFT JOIN outbox o ON o.correlation_id = k.correlation_id WHERE k.actor = $1 AND k.key = $2",
        actor.as_str(),
        key.as_str()
    );
    let Some(stored) = stored.fetch_optional(connection).await? else { return Ok(None) };
    let at = Place { table: "idempotency_keys", row: actor.as_str() };
    let id = at.read("correlation_id", CorrelationId::new(&stored.correlation_id).ok())?;
    if !is_id_drawn && id != entry.submission.correlation_id {
        return Ok(Some(EnqueueResult::KeyTaken(id)));
    }
    let wanted = Submission { correlation_id: id.clone(), ..entry.submission.clone() };
    Ok(Some(match compared(stored.request.as_deref(), &wanted.to_json().to_string()) {
        EnqueueResult::Same => EnqueueResult::SameByKey(id),
        _ => EnqueueResult::KeyTaken(id),
    }))
}

/// Removes the key of a message that was not accepted.
pub(super) async fn give_up(
    connection: &mut Connection,
    entry: &OutboxEntry,
    key: &IdempotencyKey,
    actor: &Actor,
    changes: &mut RowChanges,
) -> Result<(), sqlx::Error> {
    sql!("DELETE FROM idempotency_keys WHERE actor = $1 AND key = $2", actor.as_str(), key.as_str())
        .execute(connection)
        .await?;
    let id = entry.submission.correlation_id.as_str();
    changes.idempotency_key(ChangeKind::Removed, actor.as_str(), key.as_str(), id);
    Ok(())
}

/// Removes the keys of a message.
pub(in super::super) async fn remove(
    connection: &mut Connection,
    correlation_id: &str,
    changes: &mut RowChanges,
) -> Result<(), sqlx::Error> {
    let removed = sql!("DELETE FROM idempotency_keys WHERE correlation_id = $1 RETURNING actor, key", correlation_id);
    for row in removed.fetch_all(connection).await? {
        changes.idempotency_key(ChangeKind::Removed, &row.actor, &row.key, correlation_id);
    }
    Ok(())
}
