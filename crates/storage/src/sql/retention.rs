//! Removes data whose retention period has ended. Rows to remove are searched for in a snapshot, which does not block
//! writers. Then each unit of work removes a few of them by their keys.

use std::collections::BTreeSet;

use async_trait::async_trait;
use receiptd_domain::{AuditEntry, ChangeKind, CorrelationId, Timestamp};

use super::{
    attestations,
    audit_log::append,
    backend::Backend,
    blocks,
    dialect::{self, Connection},
    notifications::with_contents,
    outbox::remove_keys,
    paging::count,
    statements::{audit_rows, inbound_rows, quarantine_rows, slot_rows, step_rows},
    unit_of_work::UnitOfWork,
    upsert::{NO_BODY, change, forget},
};
use crate::{
    Purged, Retention, RetentionKind, StorageError,
    rows::{
        EventRow, InboundRow, NotificationRow, OldBlockRow, QuarantineRow, SlotRow, audit::AuditRow, block::Slot,
        changes::RowChanges, outbox::RequestRow,
    },
};

#[async_trait]
impl Retention for Backend {
    async fn old(&self, kind: RetentionKind, before: Timestamp) -> Result<i64, StorageError> {
        let at = before.as_micros();
        macro_rules! number {
            ($query:literal $(, $more:expr)?) => {
                sql!("SELECT COUNT(*) AS \"n!: i64\" FROM " + $query, at $(, $more)?).fetch_one(&self.pools.read).await?.n
            };
        }
        Ok(match kind {
            RetentionKind::Bodies | RetentionKind::Notifications => {
                let mut snapshot = self.snapshot().await?;
                let number = old_notifications(&mut snapshot, at, kind == RetentionKind::Bodies).await?;
                snapshot.rollback().await?;
                number
            }
            RetentionKind::Messages => number!(
                "messages m WHERE m.created_at < $1 AND m.updated_at < $1 AND NOT EXISTS (SELECT 1 FROM outbox o \
                 WHERE o.correlation_id = m.correlation_id AND (o.due_at IS NOT NULL OR o.lease_until IS NOT NULL))"
            ),
            RetentionKind::Inbound => number!("inbound WHERE received_at < $1"),
            RetentionKind::Quarantine => number!("quarantine WHERE received_at < $1"),
            RetentionKind::AuditLog => number!("audit_log WHERE at < $1"),
        })
    }

    #[tracing::instrument(level = "debug", name = "storage.purge", skip_all, fields(?kind))]
    async fn purge(
        &self,
        kind: RetentionKind,
        from: Timestamp,
        before: Timestamp,
        limit: i64,
        entry: &AuditEntry,
    ) -> Result<Purged, StorageError> {
        let (from, before) = (from.as_micros(), before.as_micros());
        match kind {
            RetentionKind::Bodies => self.purge_bodies(from, before, limit, entry).await,
            RetentionKind::Messages => self.purge_messages(from, before, limit, entry).await,
            RetentionKind::Notifications => self.purge_notifications(from, before, limit, entry).await,
            RetentionKind::Inbound | RetentionKind::Quarantine | RetentionKind::AuditLog => {
                let mut unit = self.begin_maintenance().await?;
                let mut changes = RowChanges::default();
                purge_plain(&mut unit, kind, before, limit, &mut changes).await?;
                let rows = count(changes.all().len());
                self.end(unit, changes, entry, Purged { rows, up_to: None }).await
            }
        }
    }

    async fn truncate_log(&self) -> Result<bool, StorageError> {
        Ok(dialect::clear_log(&self.pools).await?)
    }

    async fn rewrite_file(&self) -> Result<bool, StorageError> {
        Ok(dialect::rewrite_file(&self.pools).await?)
    }
}

impl Backend {
    async fn purge_bodies(
        &self,
        from: i64,
        before: i64,
        limit: i64,
        entry: &AuditEntry,
    ) -> Result<Purged, StorageError> {
        let old = sql_as!(
            OldBlockRow,
            "SELECT id, bodies AS number, bodies_from AS \"since!\" FROM notification_blocks \
             WHERE bodies_from >= $1 AND bodies_from < $2 ORDER BY bodies_from, id LIMIT $3",
            from,
            before,
            limit
        );
        let old = old.fetch_all(&self.pools.read).await?;
        let mut unit = self.begin_maintenance().await?;
        let (rows, up_to) = self.hold_blocks(&mut unit, &old, limit).await?;
        let mut changes = RowChanges::default();
        let mut replaced = Vec::new();
        for row in with_contents(&mut unit, rows).await? {
            if row.received_at < before && row.body != NO_BODY {
                let empty = NotificationRow { body: NO_BODY.to_vec(), signature: Vec::new(), ..row.clone() };
                replaced.push((row, empty));
            }
        }
        change(&mut unit, &replaced, &mut changes).await?;
        self.end(unit, changes, entry, Purged { rows: count(replaced.len()), up_to }).await
    }

    async fn purge_notifications(
        &self,
        from: i64,
        before: i64,
        limit: i64,
        entry: &AuditEntry,
    ) -> Result<Purged, StorageError> {
        let old = sql_as!(
            OldBlockRow,
            "SELECT id, records AS number, received_from AS since FROM notification_blocks \
             WHERE received_from >= $1 AND received_from < $2 ORDER BY received_from, id LIMIT $3",
            from,
            before,
            limit
        );
        let old = old.fetch_all(&self.pools.read).await?;
        let mut unit = self.begin_maintenance().await?;
        dialect::exclude_changes(&mut unit).await?;
        let (rows, up_to) = self.hold_blocks(&mut unit, &old, limit).await?;
        let mut gone = with_contents(&mut unit, rows).await?;
        gone.retain(|row| row.received_at < before);
        let mut changes = RowChanges::default();
        for row in &gone {
            sql!(
                "DELETE FROM notifications WHERE correlation_id = $1 AND fingerprint = $2",
                row.correlation_id,
                row.fingerprint
            )
            .execute(&mut *unit)
            .await?;
        }
        forget(&mut unit, &gone, &mut changes).await?;
        for row in &gone {
            let Ok(id) = CorrelationId::new(&row.correlation_id) else { continue };
            attestations::attest(&mut unit, &id, &mut changes).await?;
            if let Some(transaction) = &row.transaction_id {
                attestations::attest_transaction(&mut unit, &id, transaction, &mut changes).await?;
            }
        }
        self.end(unit, changes, entry, Purged { rows: count(gone.len()), up_to }).await
    }

    /// Locks the messages of the notifications in the first of these blocks, which together contain about `limit` old ones. Returns
    /// the notifications, and the time since which the last of these blocks has old ones.
    async fn hold_blocks(
        &self,
        unit: &mut UnitOfWork,
        old: &[OldBlockRow],
        limit: i64,
    ) -> Result<(Vec<SlotRow>, Option<Timestamp>), StorageError> {
        let mut number = 0;
        let is_enough = |block: &OldBlockRow| {
            number += block.number;
            number >= limit
        };
        let enough = old.iter().position(is_enough).map_or(old.len(), |last| last + 1);
        let old = &old[..enough];
        let mut ids = BTreeSet::new();
        for block in old {
            let rows = sql!("SELECT correlation_id FROM notifications WHERE block = $1", block.id);
            ids.extend(rows.fetch_all(&self.pools.read).await?.into_iter().map(|row| row.correlation_id));
        }
        let locked: Vec<_> = ids.iter().filter_map(|id| CorrelationId::new(id).ok()).collect();
        dialect::lock_messages(unit, &locked).await?;
        let mut rows = Vec::new();
        for block in old {
            // They are read again, since they may have changed before they were locked.
            let some = slot_rows!("SELECT ", " FROM notifications WHERE block = $1 ORDER BY position", block.id);
            rows.extend(some.fetch_all(&mut **unit).await?.into_iter().filter(|row| ids.contains(&row.correlation_id)));
        }
        Ok((rows, old.last().map(|block| Timestamp::from_micros(block.since))))
    }

    async fn purge_messages(
        &self,
        from: i64,
        before: i64,
        limit: i64,
        entry: &AuditEntry,
    ) -> Result<Purged, StorageError> {
        let old = sql!(
            "SELECT m.correlation_id, m.created_at FROM messages m \
             WHERE m.created_at >= $1 AND m.created_at < $2 AND m.updated_at < $2 AND NOT EXISTS (SELECT 1 \
             FROM outbox o WHERE o.correlation_id = m.correlation_id \
             AND (o.due_at IS NOT NULL OR o.lease_until IS NOT NULL)) \
             ORDER BY m.created_at, m.correlation_id LIMIT $3",
            from,
            before,
            limit
        );
        let old = old.fetch_all(&self.pools.read).await?;
        let up_to = old.last().map(|row| Timestamp::from_micros(row.created_at));
        let mut ids: Vec<String> = old.into_iter().map(|row| row.correlation_id).collect();
        // In the order of the keys. An append locks its messages in this order too.
        ids.sort_unstable();
        let mut unit = self.begin_maintenance().await?;
        let mut changes = RowChanges::default();
        let (mut rows, mut slots) = (0, Vec::new());
        for id in ids.iter().filter_map(|id| CorrelationId::new(id).ok()) {
            rows += i64::from(remove_message(&mut unit, &id, before, &mut slots, &mut changes).await?);
        }
        // Messages that became known together have their notifications in the same blocks.
        blocks::remove(&mut unit, slots).await?;
        self.end(unit, changes, entry, Purged { rows, up_to }).await
    }

    /// Records the change in the audit log and in the hash chain, and commits it.
    async fn end(
        &self,
        mut unit: UnitOfWork,
        mut changes: RowChanges,
        entry: &AuditEntry,
        purged: Purged,
    ) -> Result<Purged, StorageError> {
        if purged.rows > 0 {
            append(&mut unit, entry, purged.rows, &mut changes).await?;
            self.commit(unit, changes).await?;
            self.signals.changed.send_replace(());
        } else {
            unit.rollback().await?;
        }
        Ok(purged)
    }
}

/// The number of notifications, or of bodies, that arrived before `before`. Only blocks that also have later ones are read.
async fn old_notifications(snapshot: &mut Connection, before: i64, bodies: bool) -> Result<i64, StorageError> {
    let whole = sql!(
        "SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) AS \"records!: i64\", \
         CAST(COALESCE(SUM(bodies), 0) AS BIGINT) AS \"bodies!: i64\" FROM notification_blocks WHERE received_to < $1",
        before
    );
    let whole = whole.fetch_one(&mut *snapshot).await?;
    let rows = slot_rows!(
        "SELECT ",
        " FROM notification_blocks b JOIN notifications ON notifications.block = b.id \
         WHERE b.received_from < $1 AND b.received_to >= $1",
        before
    );
    let rows = rows.fetch_all(&mut *snapshot).await?;
    let mut rows = with_contents(snapshot, rows).await?;
    rows.retain(|row| row.received_at < before && !(bodies && row.body == NO_BODY));
    Ok(count(rows.len()) + if bodies { whole.bodies } else { whole.records })
}

/// Removes a message with everything about it, unless there is news about it or it waits to be sent. Returns whether it
/// was removed. The contents of its notifications are left: `slots`.
async fn remove_message(
    connection: &mut Connection,
    id: &CorrelationId,
    before: i64,
    slots: &mut Vec<Slot>,
    changes: &mut RowChanges,
) -> Result<bool, StorageError> {
    let (message_id, id) = (id, id.as_str());
    // This locks the row: an append of another instance happens completely before or after it.
    let locked = sql!(
        "UPDATE messages SET updated_at = updated_at WHERE correlation_id = $1 AND updated_at < $2 \
         RETURNING transaction_id",
        id,
        before
    );
    let Some(message) = locked.fetch_optional(&mut *connection).await? else { return Ok(false) };
    let waits = sql!(
        "SELECT correlation_id FROM outbox WHERE correlation_id = $1 AND (due_at IS NOT NULL OR lease_until IS NOT NULL)",
        id
    );
    if waits.fetch_optional(&mut *connection).await?.is_some() {
        return Ok(false);
    }
    let attested = attestations::release_all(connection, message_id, changes).await?;
    let gone = slot_rows!("DELETE FROM notifications WHERE correlation_id = $1 RETURNING ", "", id);
    let gone = gone.fetch_all(&mut *connection).await?;
    let gone = with_contents(connection, gone).await?;
    for row in &gone {
        changes.notification(ChangeKind::Removed, row, row.occurrences);
    }
    slots.extend(gone.iter().map(|row| row.slot));
    let steps = step_rows!("DELETE FROM dispatch_events WHERE correlation_id = $1 RETURNING ", "", id);
    let steps = steps.fetch_all(&mut *connection).await?;
    for step in &steps {
        changes.step(ChangeKind::Removed, step);
    }
    let transactions = gone.into_iter().map(|row| row.transaction_id);
    let transactions = transactions.chain(steps.into_iter().map(|step| step.transaction_id));
    for transaction in transactions.chain([message.transaction_id]).flatten().chain(attested) {
        let gone = sql!("DELETE FROM transactions WHERE transaction_id = $1 AND correlation_id = $2", transaction, id);
        if gone.execute(&mut *connection).await?.rows_affected() == 1 {
            changes.transaction_without_owner(message_id, &transaction);
        }
    }
    remove_request(connection, id, changes).await?;
    remove_keys(connection, id, changes).await?;
    sql!("DELETE FROM recipients WHERE correlation_id = $1", id).execute(&mut *connection).await?;
    sql!("DELETE FROM recipient_standings WHERE correlation_id = $1", id).execute(&mut *connection).await?;
    sql!("DELETE FROM messages WHERE correlation_id = $1", id).execute(connection).await?;
    Ok(true)
}

async fn remove_request(connection: &mut Connection, id: &str, changes: &mut RowChanges) -> Result<(), StorageError> {
    let gone = sql!("DELETE FROM outbox WHERE correlation_id = $1 RETURNING salt, channel, request, expire_at", id);
    if let Some(row) = gone.fetch_optional(connection).await? {
        let row = RequestRow {
            correlation_id: id,
            salt: row.salt,
            channel: &row.channel,
            request: &row.request,
            expire_at: row.expire_at,
        };
        changes.request(ChangeKind::Removed, &row);
    }
    Ok(())
}

/// Removes rows that no other row depends on.
async fn purge_plain(
    connection: &mut Connection,
    kind: RetentionKind,
    before: i64,
    limit: i64,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    match kind {
        RetentionKind::Inbound => {
            let gone = inbound_rows!(
                "DELETE FROM inbound WHERE fingerprint IN (SELECT fingerprint FROM inbound WHERE received_at < $1 \
                 ORDER BY received_at LIMIT $2) RETURNING ",
                "",
                before,
                limit
            );
            for row in gone.fetch_all(connection).await? {
                changes.inbound(ChangeKind::Removed, &row, row.occurrences);
            }
        }
        RetentionKind::Quarantine => {
            let gone = quarantine_rows!(
                "DELETE FROM quarantine WHERE fingerprint IN (SELECT fingerprint FROM quarantine WHERE received_at < \
                 $1 ORDER BY received_at LIMIT $2) RETURNING ",
                "",
                before,
                limit
            );
            for row in gone.fetch_all(connection).await? {
                changes.quarantined(ChangeKind::Removed, &row, row.occurrences);
            }
        }
        RetentionKind::AuditLog => {
            let gone = audit_rows!(
                "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at < $1 ORDER BY at LIMIT $2) \
                 RETURNING ",
                "",
                before,
                limit
            );
            for row in gone.fetch_all(connection).await? {
                changes.audit_entry(ChangeKind::Removed, &row, row.count);
            }
        }
        RetentionKind::Bodies | RetentionKind::Notifications | RetentionKind::Messages => {}
    }
    Ok(())
}
