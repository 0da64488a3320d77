//! Inbound messages.

use async_trait::async_trait;
use receiptd_domain::{Address, Archived, Cursor, Fingerprint, Inbound, Page, PageLimit};

use crate::StorageError;

/// Reads inbound messages. If bodies are large, a page is shorter than requested. Its cursor shows
/// whether there is more.
#[async_trait]
pub trait InboundStore: Send + Sync {
    /// One page, newest first.
    async fn list(&self, after: Option<&Cursor>, limit: PageLimit) -> Result<Page<Archived<Inbound>>, StorageError>;

    /// The message or event with this fingerprint.
    async fn find(&self, fingerprint: Fingerprint) -> Result<Option<Archived<Inbound>>, StorageError>;

    /// The newest messages and events of this sender, newest first.
    async fn newest_from(&self, sender: &Address, limit: PageLimit) -> Result<Vec<Archived<Inbound>>, StorageError>;
}
