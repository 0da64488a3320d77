//! Checks whether the store works.

use async_trait::async_trait;
use receiptd_domain::Timestamp;

use super::{backend::Backend, dialect};
use crate::{Health, StorageError};

#[async_trait]
impl Health for Backend {
    fn check_files(&self) -> Result<(), StorageError> {
        Ok(dialect::check_files(&self.pools)?)
    }

    async fn beat(&self, now: Timestamp) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        sql!(
            "INSERT INTO heartbeat (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
            now.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn close(&self) {
        dialect::close(&self.pools).await;
    }
}
