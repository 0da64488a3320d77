//! The traits for audits: the hash chain, the audit log, retention and erasure.

use async_trait::async_trait;
use receiptd_domain::{
    AuditEntry, AuditFilter, ChainedTable, Checkpoint, CorrelationId, Cursor, Fingerprint, Link, LinkHash, Page,
    PageLimit, Person, RowKey, Timestamp,
};

use super::StorageError;

/// Reads the hash chain and the rows that it covers.
#[async_trait]
pub trait HashChain: Send + Sync {
    /// Visits everything in one snapshot: first all links with checkpoints, then all links, each chain from its
    /// beginning, then all chained rows.
    async fn visit_all(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError>;

    /// Visits the checkpoints and the links in the same order, without the rows.
    async fn visit_links(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError>;

    /// The first contradiction between tables that are not chained and tables that are. `None` if there is none.
    async fn find_inconsistency(&self) -> Result<Option<Inconsistency>, StorageError>;

    /// The message whose id has this digest, if it is still stored. Reads all messages.
    async fn find_message_id(&self, message: [u8; 8]) -> Result<Option<CorrelationId>, StorageError>;

    /// Commits a link that names these checkpoints. Its hash vouches for everything before them.
    async fn seal(&self, heads: &[Checkpoint]) -> Result<LinkHash, StorageError>;
}

/// A contradiction between tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inconsistency {
    /// `altered` or `removed`.
    pub what: &'static str,
    /// The table that contradicts the others.
    pub table: &'static str,
    pub key: String,
    pub detail: &'static str,
}

/// Receives what [`HashChain`] reads.
pub trait ChainVisitor: Send {
    /// A link with checkpoints. It is visited again as a link.
    fn checkpoint(&mut self, _: &Link) {}
    fn link(&mut self, link: &Link);
    fn row(&mut self, _: &ChainedRow<'_>) {}
}

/// A chained row, as it is stored now.
#[derive(Clone, Copy, Debug)]
pub struct ChainedRow<'a> {
    pub table: ChainedTable,
    /// The message that the row belongs to.
    pub correlation_id: &'a str,
    /// The key as digests.
    pub key: RowKey,
    /// The digest of the content.
    pub digest: Fingerprint,
    /// The number of occurrences.
    pub occurrences: i64,
}

/// Stores the audit log.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Stores entries. If an entry exists already, its count increases.
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StorageError>;

    /// One page of the entries that `filter` admits, newest first.
    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<AuditEntry>, StorageError>;
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

/// The number of rows from which a person was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    pub messages: i64,
    pub notifications: i64,
    /// Dispatch steps that named the person.
    pub steps: i64,
    /// Requests to send, with their text.
    pub requests: i64,
    /// Messages that are being dispatched or wait for it. Their requests are needed until that has ended.
    pub under_way: i64,
    /// Notifications with a compressed body, which could not be searched.
    pub compressed: i64,
}

/// Erases a person. Without an entry of the audit log (`None`), nothing is changed, only counted.
#[async_trait]
pub trait Erasure: Send + Sync {
    /// Some of the messages to a person, after this one, in the order of their ids.
    async fn messages_to(
        &self,
        person: &Person,
        after: Option<&CorrelationId>,
        limit: i64,
    ) -> Result<Vec<CorrelationId>, StorageError>;

    /// Removes the person from these messages.
    async fn erase_messages(
        &self,
        person: &Person,
        ids: &[CorrelationId],
        entry: Option<&AuditEntry>,
    ) -> Result<Erased, StorageError>;

    /// Searches some of the messages to others, after this one, for the person. Returns the messages in which the
    /// person is named, and where to continue.
    async fn messages_naming(
        &self,
        person: &Person,
        after: Option<&CorrelationId>,
        limit: i64,
    ) -> Result<Scanned<Vec<CorrelationId>, CorrelationId>, StorageError>;

    /// Searches some of the status events that clients may still ask for, after this one, and removes the person from
    /// the platform's texts. Returns how many were changed, and where to continue.
    async fn erase_status_events(
        &self,
        person: &Person,
        after: i64,
        limit: i64,
        entry: Option<&AuditEntry>,
    ) -> Result<(i64, Option<i64>), StorageError>;

    /// Searches some rows of an archive, after this one. Removes what the person sent, and the person from everything
    /// else. Returns the counts, and where to continue.
    async fn erase_archived(
        &self,
        kind: ArchiveKind,
        person: &Person,
        after: Option<Fingerprint>,
        limit: i64,
        entry: Option<&AuditEntry>,
    ) -> Result<Scanned<ArchiveErased, Fingerprint>, StorageError>;
}

/// The result for some rows, and the last of these rows. `None` after the last row.
pub type Scanned<T, K> = (T, Option<K>);

/// Stored bodies that are not about a message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    Inbound,
    /// Bodies that could not be understood.
    Quarantine,
}

/// The number of rows of an archive that an erasure concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveErased {
    /// Rows that named the person.
    pub rows: i64,
    /// Rows with a compressed body, which could not be searched.
    pub compressed: i64,
}
