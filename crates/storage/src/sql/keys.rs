//! Stores and reads keys.

use async_trait::async_trait;

use super::backend::Backend;
use crate::{
    KEY_BYTES, Keys, StorageError,
    rows::{Place, changes::RowChanges},
};

#[async_trait]
impl Keys for Backend {
    async fn key(&self, name: &str, fresh: &[u8; KEY_BYTES]) -> Result<[u8; KEY_BYTES], StorageError> {
        let mut transaction = self.begin().await?;
        // If another instance stores a key with this name at the same time, its key counts.
        let made =
            sql!("INSERT INTO keys (name, key) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, fresh.as_slice());
        let mut changes = RowChanges::default();
        if made.execute(&mut *transaction).await?.rows_affected() == 1 {
            changes.key(name, fresh);
        }
        let row = sql!("SELECT key FROM keys WHERE name = $1", name).fetch_one(&mut *transaction).await?;
        self.commit(transaction, changes).await?;
        Place { table: "keys", row: name }.read("key", row.key.try_into().ok())
    }
}
