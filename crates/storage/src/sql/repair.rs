//! Imports, the release of quarantined bodies, and recomputed statuses.

use std::collections::BTreeSet;

use async_trait::async_trait;
use receiptd_domain::{Arrival, AuditEntry, ChangeKind, CorrelationId, Fingerprint, PageLimit, Timestamp};

use super::{
    attestations,
    audit_log::append,
    backend::Backend,
    dialect::{self, Connection},
    inbound, projection, quarantine, recompute,
    statements::quarantine_rows,
    transactions,
};
use crate::{
    BodyParser, QuarantineReader, Recomputed, Repair, StorageError,
    rows::{
        Place, QuarantineRow,
        batch::{Batch, owner},
        changes::RowChanges,
    },
};

#[async_trait]
impl Repair for Backend {
    #[tracing::instrument(level = "debug", name = "storage.import", skip_all, fields(rows = arrivals.len()))]
    async fn import(&self, arrivals: &[Arrival], entry: &AuditEntry) -> Result<Vec<bool>, StorageError> {
        let mut transaction = self.begin_maintenance().await?;
        let (keys, mut stored) = look_up(&mut transaction, arrivals).await?;
        let is_new: Vec<bool> = keys.into_iter().map(|key| stored.insert(key)).collect();
        let missing = arrivals.iter().zip(&is_new).filter_map(|(arrival, is_new)| is_new.then_some(arrival));
        let mut changes = RowChanges::default();
        projection::put(&mut transaction, missing, &mut changes).await?;
        append(&mut transaction, entry, count(is_new.iter().filter(|is_new| **is_new)), &mut changes).await?;
        self.commit(transaction, changes).await?;
        self.signals.changed.send_replace(());
        Ok(is_new)
    }

    async fn release_from_quarantine(
        &self,
        fingerprint: Fingerprint,
        read: &QuarantineReader,
        entry: &AuditEntry,
    ) -> Result<Option<Vec<Arrival>>, StorageError> {
        let mut transaction = self.begin_maintenance().await?;
        // The body is read as it is removed, since it may have been erased after the caller saw it.
        let taken =
            quarantine_rows!("DELETE FROM quarantine WHERE fingerprint = $1 RETURNING ", "", fingerprint.as_bytes());
        let Some(taken) = taken.fetch_optional(&mut *transaction).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let mut changes = RowChanges::default();
        changes.quarantined(ChangeKind::Removed, &taken, taken.occurrences);
        let arrivals = read(&taken.archived()?);
        if arrivals.is_empty() {
            transaction.rollback().await?;
            return Ok(Some(arrivals));
        }
        projection::put(&mut transaction, &arrivals, &mut changes).await?;
        append(&mut transaction, entry, 1, &mut changes).await?;
        self.commit(transaction, changes).await?;
        self.signals.changed.send_replace(());
        Ok(Some(arrivals))
    }

    async fn ids(&self, after: Option<&CorrelationId>, limit: PageLimit) -> Result<Vec<CorrelationId>, StorageError> {
        let rows = sql!(
            "SELECT correlation_id FROM messages WHERE correlation_id > $1 ORDER BY correlation_id LIMIT $2",
            after.map_or("", CorrelationId::as_str),
            i64::try_from(limit.get()).unwrap_or(i64::MAX)
        );
        let rows = rows.fetch_all(&self.pools.read).await?;
        let id = |id: &str| {
            let at = Place { table: "messages", row: id };
            at.read("correlation_id", CorrelationId::new(id).ok())
        };
        rows.iter().map(|row| id(&row.correlation_id)).collect()
    }

    async fn preview_recompute(
        &self,
        ids: &[CorrelationId],
        read: &BodyParser,
    ) -> Result<Vec<Recomputed>, StorageError> {
        // One snapshot for all reads: otherwise an append in between would look like an error.
        let mut transaction = self.snapshot().await?;
        let findings = recompute::examine(&mut transaction, ids, read).await?;
        transaction.rollback().await?;
        Ok(findings.into_iter().map(|finding| finding.restated).collect())
    }

    async fn recompute(
        &self,
        ids: &[CorrelationId],
        read: &BodyParser,
        at: Timestamp,
        entry: &AuditEntry,
    ) -> Result<Vec<Recomputed>, StorageError> {
        let mut transaction = self.begin_maintenance().await?;
        dialect::lock_messages(&mut transaction, ids).await?;
        let attested = attestations::open(&mut transaction, ids.iter().map(CorrelationId::as_str)).await?;
        let (mut restated, mut changes) = (Vec::new(), RowChanges::default());
        for finding in recompute::examine(&mut transaction, ids, read).await? {
            recompute::write(&mut transaction, &finding, at, &mut changes).await?;
            restated.push(finding.restated);
        }
        attestations::close(&mut transaction, attested, &mut changes).await?;
        append(&mut transaction, entry, count(&restated), &mut changes).await?;
        self.commit(transaction, changes).await?;
        self.signals.changed.send_replace(());
        Ok(restated)
    }
}

/// The count in the type of the audit log.
fn count<T>(of: impl IntoIterator<Item = T>) -> i64 {
    i64::try_from(of.into_iter().count()).unwrap_or(i64::MAX)
}

/// Identifies an arrival.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Notification(CorrelationId, Fingerprint),
    Inbound(Fingerprint),
    Quarantined(Fingerprint),
}

/// The key of each arrival, and those of the keys that are stored already.
async fn look_up(connection: &mut Connection, arrivals: &[Arrival]) -> Result<(Vec<Key>, BTreeSet<Key>), StorageError> {
    let batch = Batch::of(arrivals);
    let owners = transactions::owners(connection, &batch.uncorrelated()).await?;
    let entries = batch.entries(&owners);
    let keys = entries.iter().map(|entry| (entry.correlation_id.as_str(), entry.stored.fingerprint.as_bytes()));
    let rows = dialect::known_notifications(connection, keys).await?;
    let known = rows.into_iter().filter_map(|row| {
        let id = CorrelationId::new(&row.correlation_id).ok()?;
        Some(Key::Notification(id, Fingerprint::from_bytes(&row.fingerprint)?))
    });
    let mut stored: BTreeSet<Key> = known.collect();
    let mut keys = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        keys.push(match arrival {
            Arrival::Notification(notification) => {
                Key::Notification(owner(notification, &owners), notification.fingerprint)
            }
            Arrival::Inbound(archived) => {
                if inbound::is_known(connection, archived.fingerprint).await? {
                    stored.insert(Key::Inbound(archived.fingerprint));
                }
                Key::Inbound(archived.fingerprint)
            }
            Arrival::Quarantined(archived) => {
                if quarantine::is_known(connection, archived.fingerprint).await? {
                    stored.insert(Key::Quarantined(archived.fingerprint));
                }
                Key::Quarantined(archived.fingerprint)
            }
        });
    }
    Ok((keys, stored))
}
