//! The rooms of the auditor: what proves the rest, who did what, what is kept for how long, and who is forgotten.

use async_trait::async_trait;
use receiptd_domain::{
    AuditEntry, AuditFilter, ChainedTable, Checkpoint, CorrelationId, Cursor, Fingerprint, Link, LinkHash, Page,
    PageLimit, Person, RowKey, Timestamp,
};

use super::StorageError;

/// Shows what is chained.
#[async_trait]
pub trait HashChain: Send + Sync {
    /// Shows everything as it is at one instant: all checkpoints; then all links, each chain from its beginning; then all
    /// chained rows.
    async fn visit_all(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError>;

    /// Shows the checkpoints and the links alone, likewise.
    async fn visit_links(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError>;

    /// The first place where tables that are not chained contradict those that are: `None` if there is none.
    async fn find_inconsistency(&self) -> Result<Option<Inconsistency>, StorageError>;

    /// The message whose id has this digest, if it is still known. Looks through all messages.
    async fn find_message_id(&self, message: [u8; 8]) -> Result<Option<CorrelationId>, StorageError>;

    /// Commits a link that names these places. Its hash vouches for all that they name.
    async fn seal(&self, heads: &[Checkpoint]) -> Result<LinkHash, StorageError>;
}

/// Where tables contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inconsistency {
    /// `altered` or `removed`.
    pub what: &'static str,
    /// The table that is not as the others say.
    pub table: &'static str,
    /// The row.
    pub key: String,
    /// What is wrong.
    pub detail: &'static str,
}

/// Somebody who is shown what is chained.
pub trait ChainVisitor: Send {
    /// A link with checkpoints. It is shown again as a link.
    fn checkpoint(&mut self, _: &Link) {}
    /// A link.
    fn link(&mut self, link: &Link);
    /// A row.
    fn row(&mut self, _: &ChainedRow<'_>) {}
}

/// A chained row, as it is stored now.
#[derive(Clone, Copy, Debug)]
pub struct ChainedRow<'a> {
    /// The table.
    pub table: ChainedTable,
    /// The message it belongs to.
    pub correlation_id: &'a str,
    /// Its key, in digests.
    pub key: RowKey,
    /// Of its content.
    pub digest: Fingerprint,
    /// How often it came.
    pub occurrences: i64,
}

/// Keeps the audit log.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Puts entries on record. The count of one that is there already grows.
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StorageError>;

    /// One page of the entries that `filter` admits, newest first.
    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<AuditEntry>, StorageError>;
}

/// What is kept for a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetentionKind {
    /// The raw bodies of notifications; what was read from them stays.
    Bodies,
    /// Notifications; where their message stands stays.
    Notifications,
    /// Messages, with everything about them.
    Messages,
    /// Customers' own messages and events.
    Inbound,
    /// What nobody could understand.
    Quarantine,
    /// The audit log.
    AuditLog,
}

/// What a purge did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many rows are gone.
    pub rows: i64,
    /// Up to here nothing is left to purge.
    pub up_to: Option<Timestamp>,
}

/// Removes what was kept for its time.
#[async_trait]
pub trait Retention: Send + Sync {
    /// How many rows there are that came before `before` and could be purged.
    async fn old(&self, kind: RetentionKind, before: Timestamp) -> Result<i64, StorageError>;

    /// Purges some of the oldest rows that came in `from` to `before`, at most `limit`, and notes their number in the
    /// audit log under `entry`. A message that waits to be sent, or of which anything was heard since, is left alone.
    async fn purge(
        &self,
        kind: RetentionKind,
        from: Timestamp,
        before: Timestamp,
        limit: i64,
        entry: &AuditEntry,
    ) -> Result<Purged, StorageError>;

    /// Has the database take what was removed out of its log of writes, too. Says whether it could: readers of the log
    /// may be in the way. Postgres does so by itself, in its own time.
    async fn truncate_log(&self) -> Result<bool, StorageError>;

    /// Has the database write its file anew, without the bytes of what was removed. Says whether it did, or had no need
    /// to: a large file takes long, and writers wait meanwhile. Postgres has VACUUM for that.
    async fn rewrite_file(&self) -> Result<bool, StorageError>;
}

/// How much of a person was removed, in rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Messages.
    pub messages: i64,
    /// Notifications.
    pub notifications: i64,
    /// Steps of our dispatch that named the person.
    pub steps: i64,
    /// Requests to send, with their text.
    pub requests: i64,
    /// Messages that are being handed over, or wait for that: their requests are needed until that has ended.
    pub under_way: i64,
    /// Notifications whose body is compressed, so that it could not be searched.
    pub compressed: i64,
}

/// Removes a person. A `None` in the place of an entry of the audit log says that nothing is to be changed, only counted.
#[async_trait]
pub trait Erasure: Send + Sync {
    /// Some of the messages to a person, after this one, in the order of their ids.
    async fn messages_to(
        &self,
        person: &Person,
        after: Option<&CorrelationId>,
        limit: i64,
    ) -> Result<Vec<CorrelationId>, StorageError>;

    /// Removes a person from these messages.
    async fn erase_messages(
        &self,
        person: &Person,
        ids: &[CorrelationId],
        entry: Option<&AuditEntry>,
    ) -> Result<Erased, StorageError>;

    /// Looks through some of the messages to others, after this one, for those about which anything names the person. Says
    /// which those are, and where to look on.
    async fn messages_naming(
        &self,
        person: &Person,
        after: Option<&CorrelationId>,
        limit: i64,
    ) -> Result<Scanned<Vec<CorrelationId>, CorrelationId>, StorageError>;

    /// Looks through some of the changes that whoever follows along may still ask for, after this one, and removes the
    /// person from what the platform said. Says how many those were, and where to look on.
    async fn erase_status_events(
        &self,
        person: &Person,
        after: i64,
        limit: i64,
        entry: Option<&AuditEntry>,
    ) -> Result<(i64, Option<i64>), StorageError>;

    /// Looks through some of what is on an archive, after this one, and removes what the person sent and what names the
    /// person. Says how many those were, and where to look on.
    async fn erase_archived(
        &self,
        kind: ArchiveKind,
        person: &Person,
        after: Option<Fingerprint>,
        limit: i64,
        entry: Option<&AuditEntry>,
    ) -> Result<Scanned<ArchiveErased, Fingerprint>, StorageError>;
}

/// What was found in some rows, and which of them was the last; `None` at the end.
pub type Scanned<T, K> = (T, Option<K>);

/// What is kept that is not about a message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// Customers' own messages and events.
    Inbound,
    /// What could not be understood.
    Quarantine,
}

/// How much of an archive was removed, in rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveErased {
    /// Rows that named the person.
    pub rows: i64,
    /// Rows whose body is compressed, so that it could not be searched.
    pub compressed: i64,
}
