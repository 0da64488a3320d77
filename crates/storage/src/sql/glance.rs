//! Reads small facts about the store as a whole.

use async_trait::async_trait;
use receiptd_domain::{AuditEntry, Timestamp};

use super::{backend::Backend, statements::audit_rows};
use crate::{Glance, StorageError, rows::audit::AuditRow};

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

    async fn last_verification(&self) -> Result<Option<AuditEntry>, StorageError> {
        let row = audit_rows!("SELECT ", " FROM audit_log WHERE action = 'verified' ORDER BY at DESC, id DESC LIMIT 1");
        row.fetch_optional(&self.pools.read).await?.map(AuditRow::entry).transpose()
    }
}
