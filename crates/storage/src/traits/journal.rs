//! The journal.

use async_trait::async_trait;
use receiptd_domain::{Arrival, JournalPosition};

use crate::StorageError;

/// Appends what arrives.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends all `arrivals` as one batch, or nothing. When this returns, the batch survives `kill -9` and power loss.
    /// `zone` is the time zone in which their bodies are read.
    async fn append(&self, arrivals: &[Arrival], zone: &str) -> Result<JournalPosition, StorageError>;

    /// About how many bytes of the journal are not projected, as far as this instance knows.
    fn backlog_bytes(&self) -> u64;
}
