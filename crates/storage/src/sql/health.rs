//! Checks whether the store works.

use async_trait::async_trait;
use receiptd_domain::Timestamp;

use super::Backend;
use crate::{Health, StorageError};

#[async_trait]
impl Health for Backend {
    fn check_files(&self) -> Result<(), StorageError> {
        Ok(self.files_are_there()?)
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
        self.shut().await;
    }
}
