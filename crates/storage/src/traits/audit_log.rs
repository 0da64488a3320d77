//! The audit log.

use async_trait::async_trait;
use receiptd_domain::{AuditEntry, AuditFilter, Cursor, Page, PageLimit};

use crate::StorageError;

/// Stores the audit log.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Stores entries. If an entry exists already, its count increases.
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StorageError>;

    /// One page of the entries that `filter` admits, newest first.
    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<AuditEntry>, StorageError>;
}
