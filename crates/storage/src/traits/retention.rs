//! Retention periods.

use async_trait::async_trait;
use receiptd_domain::{AuditEntry, Timestamp};

use crate::StorageError;

/// Removes data whose retention period has ended.
#[async_trait]
pub trait Retention: Send + Sync {
    /// The number of rows that arrived before `before` and could be purged.
    async fn old(&self, kind: RetentionKind, before: Timestamp) -> Result<i64, StorageError>;

    /// Purges at most `limit` of the oldest rows that arrived from `from` to `before`, and adds their number to `entry`
    /// in the audit log. Messages that wait to be sent, and messages with news since `before`, are not purged.
    async fn purge(
        &self,
        kind: RetentionKind,
        from: Timestamp,
        before: Timestamp,
        limit: i64,
        entry: &AuditEntry,
    ) -> Result<Purged, StorageError>;

    /// Removes purged data from the database's write-ahead log too. Returns whether this succeeded: readers of the log
    /// may prevent it. Postgres does this by itself, in its own time.
    async fn truncate_log(&self) -> Result<bool, StorageError>;

    /// Rewrites the database file without the bytes of removed data. Returns whether this was done or was not
    /// necessary. A large file takes long, and writers wait meanwhile. On Postgres, use VACUUM instead.
    async fn rewrite_file(&self) -> Result<bool, StorageError>;
}

/// Data with its own retention period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetentionKind {
    /// The raw bodies of notifications. The parsed values stay.
    Bodies,
    /// Notifications. The status of the message stays.
    Notifications,
    /// Messages, with everything about them.
    Messages,
    Inbound,
    /// Bodies that could not be understood.
    Quarantine,
    AuditLog,
}

/// What a purge did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// The number of removed rows.
    pub rows: i64,
    /// All rows up to this time have been removed.
    pub up_to: Option<Timestamp>,
}
