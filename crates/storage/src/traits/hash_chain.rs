//! The hash chain.

use async_trait::async_trait;
use receiptd_domain::{ChainedTable, Checkpoint, CorrelationId, Fingerprint, Link, LinkHash, RowKey};

use crate::StorageError;

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
