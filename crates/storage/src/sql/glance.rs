//! Reads small facts about the store as a whole.

use async_trait::async_trait;
use receiptd_domain::Timestamp;

use super::backend::Backend;
use crate::{Glance, StorageError};

#[async_trait]
impl Glance for Backend {
    async fn last_arrival(&self) -> Result<Option<Timestamp>, StorageError> {
        let row = sql!(
            "SELECT MAX(at) AS \"at?: i64\" FROM (SELECT MAX(received_to) AS at FROM notification_blocks \
             UNION ALL SELECT MAX(received_at) FROM inbound UNION ALL SELECT MAX(received_at) FROM quarantine) AS latest"
        );
        Ok(row.fetch_one(&self.pools.read).await?.at.map(Timestamp::from_micros))
    }

    async fn quarantined(&self, most: u32) -> Result<i64, StorageError> {
        let row = sql!(
            "SELECT COUNT(*) AS \"count!: i64\" FROM (SELECT fingerprint FROM quarantine LIMIT $1) AS some_of_them",
            i64::from(most)
        );
        Ok(row.fetch_one(&self.pools.read).await?.count)
    }
}
