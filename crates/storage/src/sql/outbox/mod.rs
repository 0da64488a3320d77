//! Stores messages that receiptd was asked to send, until the platform has them. A change of many messages takes a few
//! statements for all of them.

mod cancel;
mod claim;
mod enqueue;
mod keys;
mod repeats;
mod settle;
mod steps;
mod sweep;

use std::time::Duration;

use async_trait::async_trait;

pub(super) use self::keys::remove as remove_keys;

use receiptd_domain::{Actor, AuditAction, AuditEntry, Channel, CorrelationId, PerformedAction, Timestamp};

use self::sweep::Over;
use super::{backend::Backend, dialect};
use crate::{
    Cancellation, Claim, EnqueueResult, Outbox, OutboxEntry, Settlement, StorageError, rows::changes::RowChanges,
};

/// Maximum difference between the clocks of instances on one database.
const CLOCKS_APART: Duration = Duration::from_mins(30);

#[async_trait]
impl Outbox for Backend {
    #[tracing::instrument(level = "debug", name = "storage.enqueue", skip_all, fields(rows = entries.len()))]
    async fn enqueue(
        &self,
        entries: &[OutboxEntry],
        at: Timestamp,
        actor: &Actor,
    ) -> Result<Vec<EnqueueResult>, StorageError> {
        let mut transaction = self.begin().await?;
        let mut changes = RowChanges::default();
        let outcomes = enqueue::enqueue(&mut transaction, entries, at, actor, &mut changes).await?;
        let new = outcomes.iter().filter(|outcome| **outcome == EnqueueResult::New).count();
        if new == 0 {
            // A key may be new for a message that exists already.
            self.commit(transaction, changes).await?;
            return Ok(outcomes);
        }
        let count = i64::try_from(new).unwrap_or(i64::MAX);
        self.commit_with_audit(transaction, changes, &PerformedAction { actor, action: AuditAction::Sent, at, count })
            .await?;
        self.signals.changed.send_replace(());
        self.signals.submitted.send_replace(());
        Ok(outcomes)
    }

    async fn compare(&self, entry: &OutboxEntry, actor: &Actor) -> Result<Option<EnqueueResult>, StorageError> {
        let mut connection = self.pools.read.acquire().await?;
        enqueue::compare(&mut connection, entry, actor).await
    }

    #[tracing::instrument(level = "debug", name = "storage.claim", skip_all, fields(channel = channel.as_str(), rows = limit))]
    async fn claim(
        &self,
        channel: &Channel,
        limit: i64,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StorageError> {
        let mut transaction = self.begin().await?;
        let rows = dialect::lease(&mut transaction, channel, limit, now, lease_until).await?;
        if rows.is_empty() {
            transaction.rollback().await?;
            return Ok(Vec::new());
        }
        let mut changes = RowChanges::default();
        let claims = claim::hand_out(&mut transaction, rows, now, &mut changes).await?;
        self.commit(transaction, changes).await?;
        self.signals.changed.send_replace(());
        Ok(claims)
    }

    #[tracing::instrument(level = "debug", name = "storage.settle", skip_all, fields(rows = outcomes.len()))]
    async fn settle(&self, outcomes: &[(Claim, Settlement)]) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        let mut changes = RowChanges::default();
        settle::settle(&mut transaction, outcomes, &mut changes).await?;
        self.commit(transaction, changes).await?;
        self.signals.changed.send_replace(());
        Ok(())
    }

    async fn expire_leases(&self, now: Timestamp, resend: bool) -> Result<Vec<CorrelationId>, StorageError> {
        self.sweep(Over::Leases { resend }, now, None).await
    }

    async fn expire(&self, now: Timestamp) -> Result<Vec<CorrelationId>, StorageError> {
        self.sweep(Over::Waiting, now, None).await
    }

    #[tracing::instrument(level = "debug", name = "storage.cancel", skip_all)]
    async fn cancel(&self, id: &CorrelationId, at: Timestamp, actor: &Actor) -> Result<Cancellation, StorageError> {
        let mut transaction = self.begin().await?;
        let mut changes = RowChanges::default();
        let outcome = cancel::cancel(&mut transaction, id, at, &mut changes).await?;
        if outcome == Cancellation::Cancelled {
            self.commit_with_audit(
                transaction,
                changes,
                &PerformedAction { actor, action: AuditAction::Cancelled, at, count: 1 },
            )
            .await?;
            self.signals.changed.send_replace(());
        } else {
            transaction.rollback().await?;
        }
        Ok(outcome)
    }

    async fn mark_unconfirmed(&self, now: Timestamp, entry: &AuditEntry) -> Result<Vec<CorrelationId>, StorageError> {
        self.sweep(Over::Known, now, Some(entry)).await
    }

    async fn on_clock_rollback(&self, now: Timestamp, lease_until: Timestamp) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        // A message with its own time of sending continues to wait for it.
        let due = sql!(
            "UPDATE outbox SET due_at = $1 WHERE due_at > $1 AND EXISTS (SELECT 1 FROM messages m \
             WHERE m.correlation_id = outbox.correlation_id AND ((outbox.attempts > 0 AND m.updated_at > $2) \
             OR (m.updated_at > $1 AND m.created_at = outbox.due_at))) RETURNING correlation_id",
            now.as_micros(),
            now.plus(CLOCKS_APART).as_micros()
        );
        let due = due.fetch_all(&mut *transaction).await?;
        let leased = sql!(
            "UPDATE outbox SET lease_until = $1 WHERE lease_until > $2 RETURNING correlation_id",
            lease_until.as_micros(),
            lease_until.plus(CLOCKS_APART).as_micros()
        );
        let leased = leased.fetch_all(&mut *transaction).await?;
        let ids = due.into_iter().map(|row| row.correlation_id);
        let mut ids: Vec<String> = ids.chain(leased.into_iter().map(|row| row.correlation_id)).collect();
        ids.sort_unstable();
        let mut changes = RowChanges::default();
        steps::renew(&mut transaction, &ids, &mut changes).await?;
        self.commit(transaction, changes).await
    }

    async fn next_due(&self) -> Result<Vec<(Channel, Timestamp)>, StorageError> {
        // One index lookup for each channel with waiting messages, however many there are.
        let next = sql!(
            "WITH RECURSIVE lane (channel) AS (SELECT MIN(channel) FROM outbox WHERE due_at IS NOT NULL UNION ALL \
                 SELECT (SELECT MIN(o.channel) FROM outbox o WHERE o.due_at IS NOT NULL AND o.channel > lane.channel) \
                 FROM lane WHERE lane.channel IS NOT NULL) \
             SELECT channel AS \"channel!: String\", (SELECT MIN(o.due_at) FROM outbox o \
                 WHERE o.channel = lane.channel AND o.due_at IS NOT NULL) AS \"due_at!: i64\" \
             FROM lane WHERE channel IS NOT NULL"
        );
        let next = next.fetch_all(&self.pools.read).await?.into_iter();
        Ok(next.map(|row| (Channel::from_name(&row.channel), Timestamp::from_micros(row.due_at))).collect())
    }
}
