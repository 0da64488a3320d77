//! What changed, in order: the trait behind the status events.

use async_trait::async_trait;
use receiptd_domain::{EventPosition, PageLimit, StatusEvent, Timestamp};

use super::StorageError;

/// Tells what changed, in an order that never changes afterwards, whichever instance made the change.
#[async_trait]
pub trait StatusEvents: Send + Sync {
    /// The end of the order: whatever is committed from now on comes after it.
    async fn end(&self) -> Result<EventPosition, StorageError>;

    /// The first changes after `place`; `None` if some that came after it are no longer kept, or if it is not a place of
    /// this order. A change shows up when everything that could come before it is committed or given up.
    async fn after(&self, place: EventPosition, limit: PageLimit) -> Result<Option<Vec<StatusEvent>>, StorageError>;

    /// Forgets changes older than `before`, from the beginning, as many as one page holds. Whether there may be more.
    async fn trim(&self, before: Timestamp, limit: PageLimit) -> Result<bool, StorageError>;
}
