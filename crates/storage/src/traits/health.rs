//! Whether the store works.

use async_trait::async_trait;
use receiptd_domain::Timestamp;

use crate::StorageError;

/// Checks whether the store works.
#[async_trait]
pub trait Health: Send + Sync {
    /// Fails if the files of the database are gone. Very cheap.
    fn check_files(&self) -> Result<(), StorageError>;

    /// Commits a row, to check whether commits succeed.
    async fn beat(&self, now: Timestamp) -> Result<(), StorageError>;

    /// Closes all connections, each as soon as its work is done. The last connection to an SQLite file merges the
    /// write-ahead log into the file.
    async fn close(&self);
}
