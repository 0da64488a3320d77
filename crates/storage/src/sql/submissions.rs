//! Reads submissions.

use async_trait::async_trait;
use receiptd_domain::{CorrelationId, Submission};

use super::backend::Backend;
use crate::{
    StorageError, Submissions,
    rows::{NO_REQUEST, Place},
};

#[async_trait]
impl Submissions for Backend {
    async fn submission(&self, id: &CorrelationId) -> Result<Option<Submission>, StorageError> {
        let row = sql!("SELECT request FROM outbox WHERE correlation_id = $1", id.as_str());
        let Some(row) = row.fetch_optional(&self.pools.read).await? else { return Ok(None) };
        if row.request == NO_REQUEST {
            return Ok(None);
        }
        let submission = serde_json::from_str(&row.request).ok().and_then(|json| Submission::from_json(json).ok());
        Place { table: "outbox", row: id.as_str() }.read("request", submission).map(Some)
    }
}
