//! Putting right what is on record: gaps, what was not understood, what was understood otherwise.

use async_trait::async_trait;
use receiptd_domain::{
    Arrival, CorrelationId, Fingerprint, Notification, PageLimit, RowKey, Status, Timestamp, TrailEntry,
};

use super::StorageError;

/// Reads the body of a notification; `None` if it is none.
pub type Reading = dyn Fn(&[u8]) -> Option<Notification> + Send + Sync;

/// Puts right what is on record.
#[async_trait]
pub trait Repair: Send + Sync {
    /// Puts those of `arrivals` on record that are not, all in one commit, and leaves the others as they are, uncounted.
    /// For each, in the same order, whether it was new; their number is noted in the trail under `entry`.
    async fn import(&self, arrivals: &[Arrival], entry: &TrailEntry) -> Result<Vec<bool>, StorageError>;

    /// Takes a body out of quarantine and puts on record what it held, all in one commit, which is noted in the trail under
    /// `entry`. Whether it was there.
    async fn release(
        &self,
        fingerprint: Fingerprint,
        arrivals: &[Arrival],
        entry: &TrailEntry,
    ) -> Result<bool, StorageError>;

    /// The ids of the messages after `after`, in the order of ids.
    async fn ids(&self, after: Option<&CorrelationId>, limit: PageLimit) -> Result<Vec<CorrelationId>, StorageError>;

    /// Compares these messages with what is stored of their notifications, as these were understood when they came.
    async fn prove(&self, ids: &[CorrelationId]) -> Result<Proved, StorageError>;

    /// Which of these messages [`Repair::restate`] would alter.
    async fn review(&self, ids: &[CorrelationId], read: &Reading) -> Result<Vec<Restated>, StorageError>;

    /// Reads the notifications of these messages anew, and makes each message say what they say, in one commit. What a
    /// notification is (its fingerprint, its message, when and how it came, its body) stays; what it means may change.
    /// One that cannot be read any more keeps its meaning. Where the notification that decided is no longer kept, the
    /// message keeps its standing. Returned is what was altered; the number is noted in the trail under `entry`.
    async fn restate(
        &self,
        ids: &[CorrelationId],
        read: &Reading,
        at: Timestamp,
        entry: &TrailEntry,
    ) -> Result<Vec<Restated>, StorageError>;
}

/// What a comparison of messages with their notifications found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// The messages that are not as their notifications say.
    pub wrong: Vec<Restated>,
    /// How many are.
    pub right: u64,
    /// How many cannot be compared, since a notification that decided is no longer kept.
    pub unverifiable: u64,
    /// Of these, the notifications that decided according to the messages, and are not there.
    pub deciders: Vec<RowKey>,
}

/// A message that is not as its notifications read now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restated {
    /// Which.
    pub correlation_id: CorrelationId,
    /// Its status before.
    pub from: Status,
    /// Its status after; the same, where only the particulars change.
    pub to: Status,
}
