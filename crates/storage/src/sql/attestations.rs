//! Values that do not follow from stored notifications any more. The hash chain contains a digest of each, as it was left
//! by a purge or an erasure. Every later change of such a value renews the digest.
//!
//! Code that changes messages calls [`open`] before, and [`close`] after the change. Only maintenance adds attestations
//! ([`attest`]), after [`exclude_changes`](dialect::exclude_changes): a unit of work that has looked for attestations
//! relies on its answer until it ends.

use receiptd_domain::{ChangeKind, CorrelationId, Fingerprint};

use super::{
    dialect::{self, Connection},
    message_states::message_state,
};
use crate::{
    StorageError,
    rows::{changes::RowChanges, digest::digest},
};

/// An attested message that is about to change, with its digest before the change.
pub(super) struct Open {
    id: CorrelationId,
    before: Fingerprint,
}

/// Finds those of the messages that are attested, and locks them. The ids must be in order.
pub(super) async fn open<'a>(
    connection: &mut Connection,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Open>, StorageError> {
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut open = Vec::new();
    if ids.is_empty() {
        return Ok(open);
    }
    for id in dialect::attested_messages(connection, &ids).await? {
        // This locks the row: a change by another instance happens completely before or after it.
        sql!("UPDATE messages SET updated_at = updated_at WHERE correlation_id = $1", id)
            .execute(&mut *connection)
            .await?;
        // It may have been purged meanwhile.
        let before = digest_of(connection, &id).await?;
        open.extend(CorrelationId::new(&id).ok().zip(before).map(|(id, before)| Open { id, before }));
    }
    Ok(open)
}

/// Renews the digests of these messages, after they were changed or removed.
pub(super) async fn close(
    connection: &mut Connection,
    open: Vec<Open>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    for Open { id, before } in open {
        let after = digest_of(connection, id.as_str()).await?;
        if after == Some(before) {
            continue;
        }
        changes.attestation(ChangeKind::Removed, &id, "", before);
        match after {
            Some(after) => changes.attestation(ChangeKind::Added, &id, "", after),
            None => {
                sql!("DELETE FROM attestations WHERE correlation_id = $1 AND transaction_id = ''", id.as_str())
                    .execute(&mut *connection)
                    .await?;
            }
        }
    }
    Ok(())
}

/// Attests a message that is not attested yet.
pub(super) async fn attest(
    connection: &mut Connection,
    id: &CorrelationId,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    if !add(connection, id, "").await? {
        return Ok(());
    }
    if let Some(digest) = digest_of(connection, id.as_str()).await? {
        changes.attestation(ChangeKind::Added, id, "", digest);
    }
    Ok(())
}

/// Attests that a message owns a transaction, if it does.
pub(super) async fn attest_transaction(
    connection: &mut Connection,
    id: &CorrelationId,
    transaction_id: &str,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let owned = sql!(
        "SELECT correlation_id FROM transactions WHERE transaction_id = $1 AND correlation_id = $2",
        transaction_id,
        id.as_str()
    );
    if owned.fetch_optional(&mut *connection).await?.is_some() && add(connection, id, transaction_id).await? {
        changes.attestation(ChangeKind::Added, id, transaction_id, of_transaction(id.as_str(), transaction_id));
    }
    Ok(())
}

/// The message does not own the transaction any more.
pub(super) async fn release_transaction(
    connection: &mut Connection,
    id: &CorrelationId,
    transaction_id: &str,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let released =
        sql!("DELETE FROM attestations WHERE correlation_id = $1 AND transaction_id = $2", id.as_str(), transaction_id);
    if released.execute(connection).await?.rows_affected() == 1 {
        changes.attestation(ChangeKind::Removed, id, transaction_id, of_transaction(id.as_str(), transaction_id));
    }
    Ok(())
}

/// Removes everything that is attested of a message, which is about to be removed. Returns the attested transactions.
pub(super) async fn release_all(
    connection: &mut Connection,
    id: &CorrelationId,
    changes: &mut RowChanges,
) -> Result<Vec<String>, StorageError> {
    let gone = sql!("DELETE FROM attestations WHERE correlation_id = $1 RETURNING transaction_id", id.as_str());
    let mut transactions = Vec::new();
    for row in gone.fetch_all(&mut *connection).await? {
        if row.transaction_id.is_empty() {
            let before = digest_of(connection, id.as_str()).await?.unwrap_or_default();
            changes.attestation(ChangeKind::Removed, id, "", before);
        } else {
            let digest = of_transaction(id.as_str(), &row.transaction_id);
            changes.attestation(ChangeKind::Removed, id, &row.transaction_id, digest);
            transactions.push(row.transaction_id);
        }
    }
    Ok(transactions)
}

/// The digest of the message with its recipients. `None` if there is no such message.
pub(super) async fn digest_of(connection: &mut Connection, id: &str) -> Result<Option<Fingerprint>, StorageError> {
    Ok(message_state(connection, id).await?.map(|state| state.digest()))
}

/// The digest of a row of `transactions`.
pub(super) fn of_transaction(id: &str, transaction_id: &str) -> Fingerprint {
    digest([id.as_bytes(), transaction_id.as_bytes()], [])
}

async fn add(connection: &mut Connection, id: &CorrelationId, transaction_id: &str) -> Result<bool, sqlx::Error> {
    let added = sql!(
        "INSERT INTO attestations (correlation_id, transaction_id) VALUES ($1, $2) \
         ON CONFLICT (correlation_id, transaction_id) DO NOTHING",
        id.as_str(),
        transaction_id
    );
    Ok(added.execute(connection).await?.rows_affected() == 1)
}
