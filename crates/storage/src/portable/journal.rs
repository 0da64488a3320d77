//! Stores arrivals: a few statements for a whole batch, in one transaction.

use std::collections::BTreeMap;

use async_trait::async_trait;
use receiptd_domain::{Archived, Arrival, CorrelationId, Inbound, Unreadable};

use super::{Backend, Connection, adoption, append, messages, recipients, upsert::upsert};
use crate::{
    Journal, StorageError,
    batch::{Batch, Entry},
    row_changes::RowChanges,
    rows::NotificationRow,
};

#[async_trait]
impl Journal for Backend {
    #[tracing::instrument(level = "debug", name = "storage.append", skip_all, fields(rows = arrivals.len()))]
    async fn append(&self, arrivals: &[Arrival]) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        let mut changes = RowChanges::default();
        put(&mut transaction, arrivals, &mut changes).await?;
        self.commit(transaction, &changes).await?;
        self.changed.send_replace(());
        Ok(())
    }
}

/// Stores arrivals within a unit of work.
pub(super) async fn put<'a>(
    connection: &mut Connection,
    arrivals: impl IntoIterator<Item = &'a Arrival>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let batch = Batch::of(arrivals);
    notifications(connection, &batch, changes).await?;
    for archived in &batch.inbound {
        inbound(connection, archived).await?;
    }
    for archived in &batch.quarantined {
        quarantine(connection, archived).await?;
    }
    Ok(())
}

async fn notifications(
    connection: &mut Connection,
    batch: &Batch<'_>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let claims = batch.claims();
    let adoptions =
        if claims.is_empty() { Vec::new() } else { append::claim_transactions(connection, &claims).await? };
    let owners = owners(connection, &batch.uncorrelated()).await?;
    let entries = batch.entries(&owners);
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<NotificationRow> = entries.iter().map(Entry::row).collect();
    upsert(connection, &rows, changes).await?;
    recipients::merge(connection, &entries).await?;
    for adoption in adoptions {
        adoption::adopt(connection, &adoption, changes).await?;
    }
    Ok(())
}

/// The owners of the transactions of notifications without a correlation id. Such notifications are rare.
pub(super) async fn owners(
    connection: &mut Connection,
    transactions: &[String],
) -> Result<BTreeMap<String, CorrelationId>, StorageError> {
    let mut owners = BTreeMap::new();
    for id in transactions {
        if let Some(owner) = messages::owner(connection, id).await? {
            owners.insert(id.clone(), owner);
        }
    }
    Ok(owners)
}

async fn inbound(connection: &mut Connection, archived: &Archived<Inbound>) -> Result<(), StorageError> {
    sql!(
        "INSERT INTO inbound (fingerprint, received_at, source, occurrences, channel, event, sender, transaction_id, body) \
         VALUES ($1, $2, $9, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (fingerprint) DO UPDATE SET occurrences = inbound.occurrences + excluded.occurrences",
        archived.fingerprint.as_bytes(),
        archived.received_at.as_micros(),
        archived.occurrences,
        archived.what.channel.as_ref().map(|channel| channel.as_str().to_owned()),
        archived.what.event,
        archived.what.sender.as_ref().map(|sender| sender.as_str().to_owned()),
        archived.what.transaction_id,
        archived.body,
        archived.source.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn quarantine(connection: &mut Connection, archived: &Archived<Unreadable>) -> Result<(), StorageError> {
    sql!(
        "INSERT INTO quarantine (fingerprint, received_at, occurrences, reason, body, source) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (fingerprint) DO UPDATE SET occurrences = quarantine.occurrences + excluded.occurrences",
        archived.fingerprint.as_bytes(),
        archived.received_at.as_micros(),
        archived.occurrences,
        archived.what.0,
        archived.body,
        archived.source.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}
