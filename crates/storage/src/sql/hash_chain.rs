//! Writes a link of the hash chain with each commit, and reads the chain for a proof.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use receiptd_domain::{
    AuditEntry, ChainedTable, Checkpoint, CorrelationId, Link, LinkHash, PerformedAction, Precedence, RowChange,
    RowKey, Writer,
};
use uuid::Uuid;

use super::{
    audit_log,
    backend::Backend,
    dialect::{Connection, miscounted},
    statements::notification_rows,
    unit_of_work::UnitOfWork,
};
use crate::{
    ChainVisitor, ChainedRow, HashChain, Inconsistency, StorageError,
    rows::{
        EventRow, NotificationRow,
        changes::{self, RowChanges},
    },
};

/// Maximum number of earlier chains that a new chain names.
const NAMED: i64 = 64;

impl Backend {
    /// Commits a unit of work, together with the link that describes its changes to chained rows.
    pub(super) async fn commit(&self, unit: UnitOfWork, changes: &RowChanges) -> Result<(), StorageError> {
        if changes.all().is_empty() {
            return Ok(unit.commit().await?);
        }
        self.commit_link(unit, changes.all(), &[], None).await.map(|_| ())
    }

    /// Commits like `commit`, together with an entry of the audit log.
    pub(super) async fn commit_with_audit(
        &self,
        unit: UnitOfWork,
        changes: &RowChanges,
        done: &PerformedAction<'_>,
    ) -> Result<(), StorageError> {
        self.commit_link(unit, changes.all(), &[], Some(done)).await.map(|_| ())
    }

    async fn commit_link(
        &self,
        mut unit: UnitOfWork,
        changes: &[RowChange],
        checkpoints: &[Checkpoint],
        done: Option<&PerformedAction<'_>>,
    ) -> Result<LinkHash, StorageError> {
        let before = match self.chains.take() {
            Some(head) => head,
            None => begin(&mut unit).await?,
        };
        if let Some(done) = done {
            audit_log::append(&mut unit, &AuditEntry::of_minute(done, before.writer), done.count).await?;
        }
        let link = before.next(changes, checkpoints);
        insert(&mut unit, &link).await?;
        unit.commit().await?;
        self.chains.give_back(link.checkpoint());
        Ok(link.hash)
    }
}

/// Begins a chain. Its first link names the last links of earlier chains.
async fn begin(connection: &mut Connection) -> Result<Checkpoint, StorageError> {
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
        NAMED
    );
    let heads = heads.fetch_all(&mut *connection).await?.into_iter();
    let heads = heads.map(|row| checkpoint(&row.writer, row.sequence, &row.hash)).collect::<Result<Vec<_>, _>>()?;
    let first = Checkpoint::origin(Writer::new(Uuid::now_v7().into_bytes())).next(&[], &heads);
    insert(connection, &first).await?;
    Ok(first.checkpoint())
}

async fn insert(connection: &mut Connection, link: &Link) -> Result<(), StorageError> {
    sql!(
        "INSERT INTO links (writer, sequence, hash, changes, checkpoints) VALUES ($1, $2, $3, $4, $5)",
        link.writer.as_bytes(),
        link.sequence,
        link.hash.as_bytes(),
        link.changes,
        (!link.checkpoints.is_empty()).then_some(link.checkpoints.as_slice())
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn checkpoint(writer: &[u8], sequence: i64, hash: &[u8]) -> Result<Checkpoint, StorageError> {
    let corrupt =
        |column| StorageError::Corrupt { table: "links", column, row: format!("{} {sequence}", hex::encode(writer)) };
    Ok(Checkpoint {
        writer: Writer::new(writer.try_into().map_err(|_| corrupt("writer"))?),
        sequence,
        hash: LinkHash::new(hash.try_into().map_err(|_| corrupt("hash"))?),
    })
}

#[async_trait]
impl HashChain for Backend {
    async fn visit_all(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
        let mut snapshot = self.snapshot().await?;
        show_links(&mut snapshot, observer).await?;
        show_rows(&mut snapshot, observer).await?;
        Ok(snapshot.rollback().await?)
    }

    async fn visit_links(&self, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
        let mut snapshot = self.snapshot().await?;
        show_links(&mut snapshot, observer).await?;
        Ok(snapshot.rollback().await?)
    }

    async fn find_inconsistency(&self) -> Result<Option<Inconsistency>, StorageError> {
        let mut snapshot = self.snapshot().await?;
        let found = contradiction(&mut snapshot).await?;
        snapshot.rollback().await?;
        Ok(found)
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
        let unit = self.begin().await?;
        self.commit_link(unit, &[], heads, None).await
    }
}

/// Compares messages with their notifications and steps, and counters with messages.
async fn contradiction(snapshot: &mut Connection) -> Result<Option<Inconsistency>, sqlx::Error> {
    let found = |what, table, key, detail| Ok(Some(Inconsistency { what, table, key, detail }));
    let orphan = sql!(
        "SELECT kept.correlation_id AS \"id!: String\" FROM (SELECT correlation_id FROM notifications UNION ALL \
             SELECT correlation_id FROM dispatch_events) AS kept \
         LEFT JOIN messages ON messages.correlation_id = kept.correlation_id \
         WHERE messages.correlation_id IS NULL LIMIT 1"
    );
    if let Some(row) = orphan.fetch_optional(&mut *snapshot).await? {
        return found(
            "removed",
            "messages",
            row.id,
            "its notifications or dispatch steps exist, but the message does not",
        );
    }
    let otherwise = sql!(
        "SELECT correlation_id AS \"id!: String\" FROM messages WHERE COALESCE(dispatch, '') <> COALESCE((\
             SELECT e.dispatch FROM dispatch_events e WHERE e.correlation_id = messages.correlation_id \
             ORDER BY e.step DESC LIMIT 1), '') LIMIT 1"
    );
    if let Some(row) = otherwise.fetch_optional(&mut *snapshot).await? {
        return found("altered", "messages", row.id, "its dispatch state is not that of its last dispatch step");
    }
    let otherwise = sql!(
        "SELECT m.correlation_id AS \"id!: String\" FROM messages m JOIN dispatch_events e \
             ON e.correlation_id = m.correlation_id AND e.step = (SELECT MAX(step) FROM dispatch_events last \
                 WHERE last.correlation_id = m.correlation_id) \
         WHERE m.precedence = $1 AND (m.failure IS DISTINCT FROM e.failure OR m.code IS DISTINCT FROM e.code \
             OR m.reason IS DISTINCT FROM e.reason \
             OR m.transaction_id IS DISTINCT FROM (SELECT named.transaction_id FROM dispatch_events named \
                 WHERE named.correlation_id = m.correlation_id AND named.transaction_id IS NOT NULL \
                 ORDER BY named.step DESC LIMIT 1) \
             OR m.is_final <> CASE WHEN m.dispatch IN ('rejected', 'cancelled', 'expired') THEN 1 ELSE 0 END) LIMIT 1",
        Precedence::DISPATCH_BYTES
    );
    if let Some(row) = otherwise.fetch_optional(&mut *snapshot).await? {
        let detail = "its final, failure, code, reason or transaction id is not that of its dispatch steps";
        return found("altered", "messages", row.id, detail);
    }
    if let Some(key) = miscounted(snapshot).await? {
        return found("altered", "counters", key, "the counter differs from the number of messages");
    }
    Ok(None)
}

async fn show_links(snapshot: &mut Connection, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
    let mut rows = sql!("SELECT writer, sequence, hash, changes, checkpoints FROM links WHERE checkpoints IS NOT NULL")
        .fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let Checkpoint { writer, sequence, hash } = checkpoint(&row.writer, row.sequence, &row.hash)?;
        let checkpoints = row.checkpoints.unwrap_or_default();
        observer.checkpoint(&Link { writer, sequence, hash, changes: row.changes, checkpoints });
    }
    drop(rows);
    let mut rows = sql!("SELECT writer, sequence, hash, changes, checkpoints FROM links ORDER BY writer, sequence")
        .fetch(snapshot);
    while let Some(row) = rows.try_next().await? {
        let Checkpoint { writer, sequence, hash } = checkpoint(&row.writer, row.sequence, &row.hash)?;
        let checkpoints = row.checkpoints.unwrap_or_default();
        observer.link(&Link { writer, sequence, hash, changes: row.changes, checkpoints });
    }
    Ok(())
}

async fn show_rows(snapshot: &mut Connection, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
    let mut rows = notification_rows!("SELECT ", " FROM notifications").fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let (key, digest) = changes::notification(&row);
        let NotificationRow { correlation_id, occurrences, .. } = row;
        let (correlation_id, table) = (correlation_id.as_str(), ChainedTable::Notifications);
        observer.row(&ChainedRow { table, correlation_id, key, digest, occurrences });
    }
    drop(rows);
    let mut rows = sql_as!(
        EventRow,
        "SELECT correlation_id, step, at, dispatch, failure, code, reason, transaction_id FROM dispatch_events"
    )
    .fetch(snapshot);
    while let Some(row) = rows.try_next().await? {
        let (key, digest) = changes::step(&row);
        let (correlation_id, table) = (row.correlation_id.as_str(), ChainedTable::DispatchEvents);
        observer.row(&ChainedRow { table, correlation_id, key, digest, occurrences: 1 });
    }
    Ok(())
}
