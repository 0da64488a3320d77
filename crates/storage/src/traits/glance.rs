//! Small facts about the store as a whole.

use async_trait::async_trait;
use receiptd_domain::{AuditEntry, Timestamp};

use crate::StorageError;

/// Reads what an overview shows beside the counts of messages.
#[async_trait]
pub trait Glance: Send + Sync {
    /// When something last arrived for the first time: a notification, an inbound message, or a body in quarantine.
    async fn last_arrival(&self) -> Result<Option<Timestamp>, StorageError>;

    /// The number of bodies in quarantine, at most `most`.
    async fn quarantined(&self, most: u32) -> Result<i64, StorageError>;

    /// The entry of the audit log about the last verification of the store.
    async fn last_verification(&self) -> Result<Option<AuditEntry>, StorageError>;
}
