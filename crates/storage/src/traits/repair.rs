//! Imports, the release of quarantined bodies, and recomputed statuses.

use async_trait::async_trait;
use receiptd_domain::{
    Archived, Arrival, AuditEntry, CorrelationId, Fingerprint, Notification, PageLimit, Status, Timestamp, Unreadable,
};

use crate::StorageError;

/// Parses the body of a notification. `None` if it is not a notification.
pub type BodyParser = dyn Fn(&[u8]) -> Option<Notification> + Send + Sync;

/// Reads a body of the quarantine again.
pub type QuarantineReader = dyn Fn(&Archived<Unreadable>) -> Vec<Arrival> + Send + Sync;

/// Corrects stored data.
#[async_trait]
pub trait Repair: Send + Sync {
    /// Stores those of `arrivals` that are missing, all in one commit. The others are not changed or counted. Returns
    /// for each, in the same order, whether it was new. Their number is added to `entry` in the audit log.
    async fn import(&self, arrivals: &[Arrival], entry: &AuditEntry) -> Result<Vec<bool>, StorageError>;

    /// Removes a body from the quarantine and stores what `read` makes of it, all in one commit, which is counted in
    /// `entry` of the audit log. If `read` makes nothing of it, the body stays. Returns what was stored. `None` if the
    /// body is not there any more.
    async fn release_from_quarantine(
        &self,
        fingerprint: Fingerprint,
        read: &QuarantineReader,
        entry: &AuditEntry,
    ) -> Result<Option<Vec<Arrival>>, StorageError>;

    /// The ids of the messages after `after`, in the order of ids.
    async fn ids(&self, after: Option<&CorrelationId>, limit: PageLimit) -> Result<Vec<CorrelationId>, StorageError>;

    /// Those of these messages that [`Repair::recompute`] would change.
    async fn preview_recompute(
        &self,
        ids: &[CorrelationId],
        read: &BodyParser,
    ) -> Result<Vec<Recomputed>, StorageError>;

    /// Parses the notifications of these messages again and recomputes the messages, in one commit. The identity of a
    /// notification stays (its fingerprint, message, time and way of arrival, body); its meaning may change. A
    /// notification that cannot be parsed any more keeps its meaning. If the deciding notification has been purged, the
    /// message keeps its standing. Returns the changes. Their number is added to `entry` in the audit log.
    async fn recompute(
        &self,
        ids: &[CorrelationId],
        read: &BodyParser,
        at: Timestamp,
        entry: &AuditEntry,
    ) -> Result<Vec<Recomputed>, StorageError>;
}

/// A message that does not match its notifications as they are parsed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recomputed {
    pub correlation_id: CorrelationId,
    /// The status before.
    pub from: Status,
    /// The status after. Equal to `from` if only other fields change.
    pub to: Status,
}
