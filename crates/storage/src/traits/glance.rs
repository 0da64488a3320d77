//! Small facts about the store as a whole.

use async_trait::async_trait;
use receiptd_domain::Timestamp;

use crate::StorageError;

/// Reads what an overview shows beside the counts of messages.
#[async_trait]
pub trait Glance: Send + Sync {
    /// When something last arrived for the first time: a notification, an inbound message, or a body in quarantine.
    async fn last_arrival(&self) -> Result<Option<Timestamp>, StorageError>;

    /// The number of bodies in quarantine, at most `most`.
    async fn quarantined(&self, most: u32) -> Result<i64, StorageError>;
}
