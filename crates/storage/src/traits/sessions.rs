//! Sessions of people in a browser.

use async_trait::async_trait;
use receiptd_domain::{Session, SessionKey, Timestamp};

use crate::StorageError;

/// Stores sessions. Whether one is over depends on the settings, so the caller decides.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Stores a new session, and removes those that were opened before `opened_before` or last used before
    /// `used_before`.
    async fn open(
        &self,
        session: &Session,
        opened_before: Timestamp,
        used_before: Timestamp,
    ) -> Result<(), StorageError>;

    /// The session with this key.
    async fn find(&self, key: &SessionKey) -> Result<Option<Session>, StorageError>;

    /// Notes that the session was used at this time.
    async fn note_use(&self, key: &SessionKey, at: Timestamp) -> Result<(), StorageError>;

    /// Removes the session, if it exists.
    async fn close(&self, key: &SessionKey) -> Result<(), StorageError>;
}
