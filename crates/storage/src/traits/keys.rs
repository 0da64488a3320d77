//! The keys of the store.

use async_trait::async_trait;

use crate::StorageError;

/// The length of a key in bytes.
pub const KEY_BYTES: usize = 32;

/// Stores the keys with which receiptd encrypts what it hands out. Each is made once, and is the same on every instance.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The key with this name. If there is none yet, `fresh` becomes the key.
    async fn key(&self, name: &str, fresh: &[u8; KEY_BYTES]) -> Result<[u8; KEY_BYTES], StorageError>;
}
