//! Messages and their notifications.

use async_trait::async_trait;
use receiptd_domain::{
    CorrelationId, Cursor, DispatchEvent, Filter, Fingerprint, History, Message, Page, PageLimit, StatsRequest,
    StatsRow, StoredNotification, TransactionId,
};

use crate::StorageError;

/// Reads messages.
#[async_trait]
pub trait Messages: Send + Sync {
    async fn find(&self, id: &CorrelationId) -> Result<Option<Message>, StorageError>;

    /// The message with this id and everything about it, read in one snapshot, so that the status matches the
    /// notifications. `txn:…` also finds a message with a correlation id that owns the transaction.
    async fn history(&self, id: &CorrelationId) -> Result<Option<History>, StorageError>;

    /// One page of the messages that `filter` admits, newest first.
    async fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<Message>, StorageError>;

    /// The number of messages, grouped by the properties that `request` names. The counts are exact and are read from
    /// counters, so the cost does not depend on the number of messages.
    async fn stats(&self, request: &StatsRequest) -> Result<Vec<StatsRow>, StorageError>;

    /// All notifications of a message, in no particular order. Their bodies are left out, since they may be large and
    /// do not matter for the status.
    async fn notifications_without_bodies(&self, id: &CorrelationId) -> Result<Vec<StoredNotification>, StorageError>;

    /// One page of the notifications of a message, in the order of (time of the event, fingerprint).
    async fn notifications_page(
        &self,
        id: &CorrelationId,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<StoredNotification>, StorageError>;

    /// Up to `limit` notifications of these messages after `after`, in the order of (message, fingerprint). Returns
    /// fewer if their bodies are large, and none only after the last one.
    async fn notifications_of(
        &self,
        ids: &[CorrelationId],
        after: Option<&(CorrelationId, Fingerprint)>,
        limit: PageLimit,
    ) -> Result<Vec<(CorrelationId, StoredNotification)>, StorageError>;

    /// The dispatch steps of a message, in the order in which they were taken.
    async fn dispatch_events(&self, id: &CorrelationId) -> Result<Vec<DispatchEvent>, StorageError>;

    /// The message that owns a transaction.
    async fn owner(&self, id: &TransactionId) -> Result<Option<CorrelationId>, StorageError>;
}
