//! What receiptd was asked to send.

use async_trait::async_trait;
use receiptd_domain::{CorrelationId, Submission};

use crate::StorageError;

/// Reads what receiptd was asked to send.
#[async_trait]
pub trait Submissions: Send + Sync {
    /// The submission of the message with this id. `None` if another system sent the message, or if the submission was erased.
    async fn submission(&self, id: &CorrelationId) -> Result<Option<Submission>, StorageError>;
}
