//! The erasure of a person.

use async_trait::async_trait;
use receiptd_domain::{AuditEntry, CorrelationId, Fingerprint, Person};

use crate::StorageError;

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

    /// Removes the saved views that name the person. A view without one of its filters would show more than was asked
    /// for, so nothing of it stays. Returns how many there are.
    async fn erase_saved_views(&self, person: &Person, entry: Option<&AuditEntry>) -> Result<i64, StorageError>;
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
