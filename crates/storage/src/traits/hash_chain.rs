//! The hash chain.

use std::sync::Arc;

use async_trait::async_trait;
use receiptd_domain::{
    BodySignature, ChainedTable, Checkpoint, CorrelationId, Fingerprint, JournalPosition, Link, LinkHash, LinkSigner,
    RowKey,
};

use crate::StorageError;

/// Reads the hash chain and the rows that it covers.
#[async_trait]
pub trait HashChain: Send + Sync {
    /// Signs all links that this instance writes from now on. To be called before the first commit.
    fn sign_with(&self, signer: Arc<dyn LinkSigner>);

    /// Visits everything in one snapshot: first all links with checkpoints, then all links, each chain from its
    /// beginning, then all chained rows, then the journal.
    async fn visit_all(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError>;

    /// Visits the checkpoints and the links in the same order, without the rows.
    async fn visit_links(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError>;

    /// The message whose id has this digest, if it is still stored. Reads all messages.
    async fn find_message_id(&self, message: [u8; 8]) -> Result<Option<CorrelationId>, StorageError>;

    /// Commits a link that names these checkpoints, and what waits in the journal. Its hash vouches for all of it.
    async fn seal(&self, heads: &[Checkpoint]) -> Result<LinkHash, StorageError>;
}

/// Receives what [`HashChain`] reads.
pub trait ChainVisitor: Send {
    /// A link with checkpoints. It is visited again as a link.
    fn checkpoint(&mut self, _: &Link) {}
    fn link(&mut self, link: &Link);
    fn row(&mut self, _: &ChainedRow<'_>) {}
    /// A stored body with the platform's signature.
    fn signed_body(&mut self, _: &[u8], _: &BodySignature) {}
    fn batch(&mut self, _: &WaitingBatch) {}
}

/// A chained row, as it is stored now.
#[derive(Clone, Copy)]
pub struct ChainedRow<'a> {
    pub table: ChainedTable,
    /// The key as digests.
    pub key: RowKey,
    /// The digest of the content.
    pub digest: Fingerprint,
    /// The number of occurrences.
    pub occurrences: i64,
    /// The key for a person.
    pub name: &'a dyn Fn() -> String,
}

/// A batch of the journal that is not projected, or only in part.
#[derive(Clone, Debug)]
pub struct WaitingBatch {
    pub position: JournalPosition,
    /// How many of its records are projected.
    pub projected: i64,
    /// The digest that was stored with it.
    pub digest: Fingerprint,
    /// Whether the digest is that of its content.
    pub is_intact: bool,
}
