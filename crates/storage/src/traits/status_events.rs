//! Status events: changes of statuses, in order.

use async_trait::async_trait;
use receiptd_domain::{EventPosition, PageLimit, StatusEvent, Timestamp};

use crate::StorageError;

/// Reads status events in an order that never changes afterwards, whichever instance made the change.
#[async_trait]
pub trait StatusEvents: Send + Sync {
    /// The current end of the order. Everything that is committed from now on comes after it.
    async fn end(&self) -> Result<EventPosition, StorageError>;

    /// The first events after `place`. `None` if some of the events after it have been trimmed, or if it is not a
    /// position of this order. An event becomes visible when everything that could come before it is committed or
    /// rolled back.
    async fn after(&self, place: EventPosition, limit: PageLimit) -> Result<Option<Vec<StatusEvent>>, StorageError>;

    /// Covers the first events that are not sealed yet by the hash chain. Returns whether there may be more.
    async fn seal(&self) -> Result<bool, StorageError>;

    /// Removes events older than `before` from the beginning, at most one page. Returns whether there may be more.
    async fn trim(&self, before: Timestamp, limit: PageLimit) -> Result<bool, StorageError>;
}
