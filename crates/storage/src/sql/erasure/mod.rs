//! Erases a person. Counts of messages, statuses and codes stay. Chained rows that change are chained again.

mod archived;
mod message;
mod naming;
mod saved_views;

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use receiptd_domain::{AuditEntry, CorrelationId, ERASED, Fingerprint, Person, is_compressed};
use tokio::task::yield_now;

use self::naming::{is_named, unless_named};
use super::{
    attestations,
    audit_log::append,
    backend::Backend,
    dialect,
    notifications::{AT_A_TIME, with_contents},
    seals,
    statements::slot_rows,
};
use crate::{
    ArchiveErased, ArchiveKind, Erased, Erasure, Scanned, StorageError,
    rows::{SlotRow, changes::RowChanges},
};

#[async_trait]
impl Erasure for Backend {
    #[tracing::instrument(level = "debug", name = "storage.find_person", skip_all)]
    async fn messages_to(
        &self,
        person: &Person,
        after: Option<&CorrelationId>,
        limit: i64,
    ) -> Result<Vec<CorrelationId>, StorageError> {
        let found = sql!(
            "SELECT correlation_id AS \"correlation_id!: String\" FROM (\
             SELECT correlation_id FROM messages WHERE recipient = $1 \
             UNION SELECT correlation_id FROM recipients WHERE recipient = $1) AS found \
             WHERE correlation_id > $2 ORDER BY correlation_id LIMIT $3",
            person.address().as_str(),
            after.map_or("", CorrelationId::as_str),
            limit
        );
        let found = found.fetch_all(&self.pools.read).await?.into_iter();
        Ok(found.filter_map(|row| CorrelationId::new(&row.correlation_id).ok()).collect())
    }

    #[tracing::instrument(level = "debug", name = "storage.erase_messages", skip_all)]
    async fn erase_messages(
        &self,
        person: &Person,
        ids: &[CorrelationId],
        entry: Option<&AuditEntry>,
    ) -> Result<Erased, StorageError> {
        let mut erased = Erased::default();
        let Some(entry) = entry else {
            let mut snapshot = self.snapshot().await?;
            for id in ids {
                message::erase(&mut snapshot, person, id.as_str(), &mut erased, None).await?;
            }
            snapshot.rollback().await?;
            return Ok(erased);
        };
        let mut unit = self.begin_maintenance().await?;
        // Before anything is read: otherwise a rebuild or an append of another instance could change the rows between
        // the reading and the erasing, and either would undo the other.
        dialect::exclude_changes(&mut unit).await?;
        dialect::lock_messages(&mut unit, ids).await?;
        let attested = attestations::open(&mut unit, ids.iter().map(CorrelationId::as_str)).await?;
        let mut changes = RowChanges::default();
        for id in ids {
            message::erase(&mut unit, person, id.as_str(), &mut erased, Some(&mut changes)).await?;
        }
        attestations::close(&mut unit, attested, &mut changes).await?;
        for id in ids {
            attestations::attest(&mut unit, id, &mut changes).await?;
        }
        append(&mut unit, entry, erased.messages, &mut changes).await?;
        self.commit(unit, changes).await?;
        self.signals.changed.send_replace(());
        Ok(erased)
    }

    #[tracing::instrument(level = "debug", name = "storage.find_named", skip_all)]
    async fn messages_naming(
        &self,
        person: &Person,
        after: Option<&CorrelationId>,
        limit: i64,
    ) -> Result<Scanned<Vec<CorrelationId>, CorrelationId>, StorageError> {
        let after = after.map_or("", CorrelationId::as_str);
        let messages = sql!(
            "SELECT correlation_id, reason, callback_data FROM messages WHERE correlation_id > $1 \
             ORDER BY correlation_id LIMIT $2",
            after,
            limit
        );
        let messages = messages.fetch_all(&self.pools.read).await?;
        let Some(last) = messages.last().map(|row| row.correlation_id.clone()) else { return Ok((Vec::new(), None)) };
        let says = |text: &Option<String>| text.as_ref().is_some_and(|text| person.is_named_in(text.as_bytes()));
        let mut named: BTreeSet<String> = messages
            .into_iter()
            .filter(|row| says(&row.reason) || says(&row.callback_data))
            .map(|row| row.correlation_id)
            .collect();
        let mut snapshot = self.snapshot().await?;
        let rows = slot_rows!(
            "SELECT ",
            " FROM notifications WHERE correlation_id > $1 AND correlation_id <= $2 ORDER BY block",
            after,
            last
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        // A few at a time, since a body may be large. Searching a body takes a while, so the task yields in between:
        // otherwise other requests on this worker of the server would wait.
        for rows in rows.chunks(AT_A_TIME) {
            for row in with_contents(&mut snapshot, rows.to_vec()).await? {
                yield_now().await;
                let is_own = row.recipient.as_deref() == Some(person.address().as_str());
                if !is_own && !named.contains(&row.correlation_id) && is_named(person, &row) {
                    named.insert(row.correlation_id);
                }
            }
        }
        snapshot.rollback().await?;
        let requests = sql!(
            "SELECT correlation_id, request FROM outbox WHERE correlation_id > $1 AND correlation_id <= $2",
            after,
            last
        );
        let mut requests = requests.fetch(&self.pools.read);
        while let Some(row) = requests.try_next().await? {
            yield_now().await;
            if person.is_named_in(row.request.as_bytes()) {
                named.insert(row.correlation_id);
            }
        }
        drop(requests);
        let steps = sql!(
            "SELECT correlation_id, reason FROM dispatch_events \
             WHERE correlation_id > $1 AND correlation_id <= $2 AND reason IS NOT NULL",
            after,
            last
        );
        let steps = steps.fetch_all(&self.pools.read).await?;
        named.extend(steps.into_iter().filter(|row| says(&row.reason)).map(|row| row.correlation_id));
        let own = sql!(
            "SELECT correlation_id AS \"correlation_id!: String\" FROM (\
             SELECT correlation_id FROM messages WHERE recipient = $1 \
             UNION SELECT correlation_id FROM recipients WHERE recipient = $1) AS found \
             WHERE correlation_id > $2 AND correlation_id <= $3",
            person.address().as_str(),
            after,
            last
        );
        for row in own.fetch_all(&self.pools.read).await? {
            named.remove(&row.correlation_id);
        }
        let named = named.iter().filter_map(|id| CorrelationId::new(id).ok()).collect();
        Ok((named, CorrelationId::new(&last).ok()))
    }

    #[tracing::instrument(level = "debug", name = "storage.erase_status_events", skip_all)]
    async fn erase_status_events(
        &self,
        person: &Person,
        after: i64,
        limit: i64,
        entry: Option<&AuditEntry>,
    ) -> Result<(i64, Option<i64>), StorageError> {
        let looked = sql!("SELECT seq, reason FROM status_events WHERE seq > $1 ORDER BY seq LIMIT $2", after, limit);
        let looked = looked.fetch_all(&self.pools.read).await?;
        let last = looked.last().map(|row| row.seq);
        let is_named = |reason: &String| person.is_named_in(reason.as_bytes());
        let found: Vec<_> = looked.into_iter().filter(|row| row.reason.as_ref().is_some_and(is_named)).collect();
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        if let Some(entry) = entry.filter(|_| count > 0) {
            let mut unit = self.begin_maintenance().await?;
            seals::lock(&mut unit).await?;
            let mut changes = RowChanges::default();
            for row in &found {
                seals::replace_reason(&mut unit, row.seq, ERASED, &mut changes).await?;
            }
            append(&mut unit, entry, count, &mut changes).await?;
            self.commit(unit, changes).await?;
        }
        Ok((count, last))
    }

    #[tracing::instrument(level = "debug", name = "storage.erase_archived", skip_all)]
    async fn erase_archived(
        &self,
        kind: ArchiveKind,
        person: &Person,
        after: Option<Fingerprint>,
        limit: i64,
        entry: Option<&AuditEntry>,
    ) -> Result<Scanned<ArchiveErased, Fingerprint>, StorageError> {
        let after = after.map(|after| after.as_bytes().to_vec()).unwrap_or_default();
        let (mut erased, mut last) = (ArchiveErased::default(), None);
        // Each with its new label, and with the sender if the sender is the person.
        let mut found: Vec<(_, _, Option<String>)> = Vec::new();
        // One row at a time, and with pauses, as above.
        macro_rules! look {
            ($query:literal, $row:ident => $is_theirs:expr, $label:ident, $name:expr) => {
                let mut rows = sql!($query, after, limit).fetch(&self.pools.read);
                while let Some($row) = rows.try_next().await? {
                    yield_now().await;
                    last = Fingerprint::from_bytes(&$row.fingerprint);
                    if $is_theirs {
                        found.push(($row.fingerprint, unless_named(person, &$row.$label), $name));
                    } else {
                        erased.compressed += i64::from(is_compressed(&$row.body));
                    }
                }
            };
        }
        let names = |texts: [&[u8]; 2]| texts.into_iter().any(|text| person.is_named_in(text));
        let is_called = |sender: Option<&str>| sender.is_some_and(|sender| person.is_called(sender));
        match kind {
            ArchiveKind::Inbound => {
                look!(
                    "SELECT fingerprint, sender, event, body FROM inbound WHERE fingerprint > $1 \
                     ORDER BY fingerprint LIMIT $2",
                    row => is_called(row.sender.as_deref())
                        || (person.is_distinctive() && names([&row.body, row.event.as_bytes()])),
                    event,
                    row.sender.filter(|sender| person.is_called(sender))
                );
            }
            ArchiveKind::Quarantine => {
                look!(
                    "SELECT fingerprint, reason, body FROM quarantine WHERE fingerprint > $1 \
                     ORDER BY fingerprint LIMIT $2",
                    row => names([&row.body, row.reason.as_bytes()]),
                    reason,
                    None
                );
            }
        }
        erased.rows = i64::try_from(found.len()).unwrap_or(i64::MAX);
        if let Some(entry) = entry.filter(|_| erased.rows > 0) {
            let mut unit = self.begin_maintenance().await?;
            let mut changes = RowChanges::default();
            for (fingerprint, label, sender) in found {
                archived::erase(&mut unit, kind, &fingerprint, label, sender.as_deref(), &mut changes).await?;
            }
            append(&mut unit, entry, erased.rows, &mut changes).await?;
            self.commit(unit, changes).await?;
        }
        Ok((erased, last))
    }

    #[tracing::instrument(level = "debug", name = "storage.erase_saved_views", skip_all)]
    async fn erase_saved_views(&self, person: &Person, entry: Option<&AuditEntry>) -> Result<i64, StorageError> {
        let Some(entry) = entry else {
            let mut snapshot = self.snapshot().await?;
            let named = saved_views::naming(&mut snapshot, person).await?;
            snapshot.rollback().await?;
            return Ok(i64::try_from(named.len()).unwrap_or(i64::MAX));
        };
        let mut unit = self.begin_maintenance().await?;
        let named = saved_views::naming(&mut unit, person).await?;
        let count = i64::try_from(named.len()).unwrap_or(i64::MAX);
        if count == 0 {
            unit.rollback().await?;
            return Ok(0);
        }
        for id in named {
            saved_views::remove(&mut unit, id).await?;
        }
        let mut changes = RowChanges::default();
        append(&mut unit, entry, count, &mut changes).await?;
        self.commit(unit, changes).await?;
        Ok(count)
    }
}
