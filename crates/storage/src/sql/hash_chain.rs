//! Writes a link of the hash chain with each commit, and reads the chain for a proof.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use receiptd_domain::{
    AuditEntry, Checkpoint, CorrelationId, Link, LinkHash, LinkSignature, LinkSigner, PerformedAction, RowChange,
    RowKey, Writer,
};
use uuid::Uuid;

use super::{
    audit_log,
    backend::Backend,
    chained_rows::{self, position},
    dialect::Connection,
    statements::link_rows,
    unit_of_work::UnitOfWork,
};
use crate::{
    ChainVisitor, HashChain, StorageError,
    rows::{
        changes::RowChanges,
        link::{LinkRow, checkpoint},
    },
};

/// Maximum number of earlier chains that a new chain names.
const NAMED: i64 = 64;

impl Backend {
    /// Commits a unit of work, together with the link that describes its changes to chained rows.
    pub(super) async fn commit(&self, unit: UnitOfWork, changes: RowChanges) -> Result<(), StorageError> {
        if changes.all().is_empty() {
            return Ok(unit.commit().await?);
        }
        self.commit_link(unit, changes, &[], None).await.map(|_| ())
    }

    /// Commits like `commit`, together with an entry of the audit log.
    pub(super) async fn commit_with_audit(
        &self,
        unit: UnitOfWork,
        changes: RowChanges,
        done: &PerformedAction<'_>,
    ) -> Result<(), StorageError> {
        self.commit_link(unit, changes, &[], Some(done)).await.map(|_| ())
    }

    /// Begins a chain. Its first link names the last links of earlier chains, and the key that signs the chain.
    async fn begin_chain(&self, connection: &mut Connection) -> Result<Checkpoint, StorageError> {
        let is_introduced = self.signer.get().is_some() && !has_key(connection).await?;
        let heads = heads(connection, if is_introduced { i64::MAX } else { NAMED }).await?;
        let key = self.signer.get().map(|signer| RowChange::of_key(signer.id(), is_introduced));
        let origin = Checkpoint::origin(Writer::new(Uuid::now_v7().into_bytes()));
        let first = self.signed(origin.next(key.as_slice(), &heads));
        insert(connection, &first).await?;
        Ok(first.checkpoint())
    }

    /// Signs the link, if this instance has a key.
    fn signed(&self, link: Link) -> Link {
        let signature = self.signer.get().and_then(|signer| signer.sign(&link.hash));
        Link { signature, ..link }
    }

    async fn commit_link(
        &self,
        mut unit: UnitOfWork,
        mut changes: RowChanges,
        checkpoints: &[Checkpoint],
        done: Option<&PerformedAction<'_>>,
    ) -> Result<LinkHash, StorageError> {
        let before = match self.chains.take() {
            Some(head) => head,
            None => self.begin_chain(&mut unit).await?,
        };
        if let Some(done) = done {
            let entry = AuditEntry::of_minute(done, before.writer);
            audit_log::append(&mut unit, &entry, done.count, &mut changes).await?;
        }
        let link = self.signed(before.next(changes.all(), checkpoints));
        insert(&mut unit, &link).await?;
        unit.commit().await?;
        self.chains.give_back(link.checkpoint());
        Ok(link.hash)
    }
}

/// Whether a chain in the store is signed.
async fn has_key(connection: &mut Connection) -> Result<bool, StorageError> {
    let signed = sql!("SELECT writer FROM links WHERE sequence = 1 AND signature IS NOT NULL LIMIT 1");
    Ok(signed.fetch_optional(connection).await?.is_some())
}

/// The last links of the latest chains.
async fn heads(connection: &mut Connection, limit: i64) -> Result<Vec<Checkpoint>, StorageError> {
    // One index lookup for each chain.
    let heads = sql!(
        "WITH RECURSIVE chain (writer, n) AS (SELECT (SELECT writer FROM links ORDER BY writer DESC LIMIT 1), \
             CAST(1 AS BIGINT) UNION ALL \
             SELECT (SELECT l.writer FROM links l WHERE l.writer < chain.writer ORDER BY l.writer DESC LIMIT 1), \
             chain.n + 1 FROM chain WHERE chain.writer IS NOT NULL AND chain.n < $1) \
         SELECT links.writer AS \"writer!: Vec<u8>\", links.sequence AS \"sequence!: i64\", \
             links.hash AS \"hash!: Vec<u8>\" FROM chain \
         JOIN links ON links.writer = chain.writer AND links.sequence = (SELECT l.sequence FROM links l \
             WHERE l.writer = chain.writer ORDER BY l.sequence DESC LIMIT 1)",
        limit
    );
    let heads = heads.fetch_all(&mut *connection).await?.into_iter();
    heads.map(|row| checkpoint(&row.writer, row.sequence, &row.hash)).collect()
}

async fn insert(connection: &mut Connection, link: &Link) -> Result<(), StorageError> {
    sql!(
        "INSERT INTO links (writer, sequence, hash, changes, checkpoints, signature) VALUES ($1, $2, $3, $4, $5, $6)",
        link.writer.as_bytes(),
        link.sequence,
        link.hash.as_bytes(),
        link.changes,
        (!link.checkpoints.is_empty()).then_some(link.checkpoints.as_slice()),
        link.signature.as_ref().map(LinkSignature::as_bytes)
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl HashChain for Backend {
    fn sign_with(&self, signer: Arc<dyn LinkSigner>) {
        // A store is given its key once, when it is opened.
        let _ = self.signer.set(signer);
    }

    async fn visit_all(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
        let mut snapshot = self.snapshot().await?;
        show_links(&mut snapshot, observer).await?;
        chained_rows::show(&mut snapshot, observer).await?;
        Ok(snapshot.rollback().await?)
    }

    async fn visit_links(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
        let mut snapshot = self.snapshot().await?;
        show_links(&mut snapshot, observer).await?;
        Ok(snapshot.rollback().await?)
    }

    async fn find_message_id(&self, message: [u8; 8]) -> Result<Option<CorrelationId>, StorageError> {
        let mut rows = sql!("SELECT correlation_id FROM messages").fetch(&self.pools.read);
        while let Some(row) = rows.try_next().await? {
            if RowKey::message(&row.correlation_id) == message {
                return Ok(CorrelationId::new(&row.correlation_id).ok());
            }
        }
        Ok(None)
    }

    async fn seal(&self, heads: &[Checkpoint]) -> Result<LinkHash, StorageError> {
        let mut unit = self.begin().await?;
        let mut changes = RowChanges::default();
        let rows = sql!("SELECT writer, sequence, digest FROM journal ORDER BY writer, sequence");
        for row in rows.fetch_all(&mut *unit).await? {
            changes.waiting(position(&row.writer, row.sequence)?, &row.digest);
        }
        self.commit_link(unit, changes, heads, None).await
    }
}

async fn show_links(snapshot: &mut Connection, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
    let mut rows = link_rows!(" WHERE checkpoints IS NOT NULL").fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        observer.checkpoint(&row.link()?);
    }
    drop(rows);
    let mut rows = link_rows!(" ORDER BY writer, sequence").fetch(snapshot);
    while let Some(row) = rows.try_next().await? {
        observer.link(&row.link()?);
    }
    Ok(())
}
