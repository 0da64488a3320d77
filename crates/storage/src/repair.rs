//! Putting right what is on record: gaps, what was not understood, what was understood otherwise.

use async_trait::async_trait;
use receiptd_domain::{
    Arrival, AuditEntry, CorrelationId, Fingerprint, Notification, PageLimit, RowKey, Status, Timestamp,
};

use super::StorageError;

/// Reads the body of a notification; `None` if it is none.
pub type BodyParser = dyn Fn(&[u8]) -> Option<Notification> + Send + Sync;

/// Puts right what is on record.
#[async_trait]
pub trait Repair: Send + Sync {
    /// Puts those of `arrivals` on record that are not, all in one commit, and leaves the others as they are, uncounted.
    /// For each, in the same order, whether it was new; their number is noted in the audit log under `entry`.
    async fn import(&self, arrivals: &[Arrival], entry: &AuditEntry) -> Result<Vec<bool>, StorageError>;

    /// Takes a body out of quarantine and puts on record what it held, all in one commit, which is noted in the audit log under
    /// `entry`. Whether it was there.
    async fn release_from_quarantine(
        &self,
        fingerprint: Fingerprint,
        arrivals: &[Arrival],
        entry: &AuditEntry,
    ) -> Result<bool, StorageError>;

    /// The ids of the messages after `after`, in the order of ids.
    async fn ids(&self, after: Option<&CorrelationId>, limit: PageLimit) -> Result<Vec<CorrelationId>, StorageError>;

    /// Compares these messages with what is stored of their notifications, as these were understood when they came.
    async fn check_statuses(&self, ids: &[CorrelationId]) -> Result<StatusCheck, StorageError>;

    /// Which of these messages [`Repair::recompute`] would alter.
    async fn preview_recompute(
        &self,
        ids: &[CorrelationId],
        read: &BodyParser,
    ) -> Result<Vec<Recomputed>, StorageError>;

    /// Reads the notifications of these messages anew, and makes each message say what they say, in one commit. What a
    /// notification is (its fingerprint, its message, when and how it came, its body) stays; what it means may change.
    /// One that cannot be read any more keeps its meaning. Where the notification that decided is no longer kept, the
    /// message keeps its standing. Returned is what was altered; the number is noted in the audit log under `entry`.
    async fn recompute(
        &self,
        ids: &[CorrelationId],
        read: &BodyParser,
        at: Timestamp,
        entry: &AuditEntry,
    ) -> Result<Vec<Recomputed>, StorageError>;
}

/// What a comparison of messages with their notifications found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCheck {
    /// The messages that are not as their notifications say.
    pub wrong: Vec<Recomputed>,
    /// How many are.
    pub right: u64,
    /// How many cannot be compared, since a notification that decided is no longer kept.
    pub unverifiable: u64,
    /// Of these, the notifications that decided according to the messages, and are not there.
    pub deciders: Vec<RowKey>,
}

/// A message that is not as its notifications read now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recomputed {
    /// Which.
    pub correlation_id: CorrelationId,
    /// Its status before.
    pub from: Status,
    /// Its status after; the same, where only the particulars change.
    pub to: Status,
}
