//! The quarantine.

use async_trait::async_trait;
use receiptd_domain::{Archived, Cursor, Fingerprint, Page, PageLimit, Unreadable};

use crate::StorageError;

/// Reads the bodies that could not be understood. If bodies are large, a page is shorter than requested. Its
/// cursor shows whether there is more.
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// One page, newest first.
    async fn list(&self, after: Option<&Cursor>, limit: PageLimit) -> Result<Page<Archived<Unreadable>>, StorageError>;

    /// The body with this fingerprint.
    async fn find(&self, fingerprint: Fingerprint) -> Result<Option<Archived<Unreadable>>, StorageError>;
}
