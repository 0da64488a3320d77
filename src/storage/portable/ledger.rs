//! The chain: written with each commit, and shown to whoever proves it.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::{Backend, Connection, Unit, messages::notification_rows, trail};
use crate::{
    domain::{Anchor, Chained, CorrelationId, Done, Hex, Link, LinkHash, Record, RowKey, TrailEntry, Writer},
    storage::{
        ChainedRow, Ledger, Observer, StorageError,
        chain::{self, EventRow, Records},
        rows::NotificationRow,
    },
};

/// So many of the chains before it does a new chain name.
const NAMED: i64 = 64;

impl Backend {
    /// Commits a unit of work, and with it the link that says what it did to chained rows.
    pub(super) async fn commit(&self, unit: Unit, records: &Records) -> Result<(), StorageError> {
        if records.all().is_empty() {
            return Ok(unit.commit().await?);
        }
        self.commit_link(unit, records.all(), &[], None).await.map(|_| ())
    }

    /// The same for what somebody did, which goes into the trail with it.
    pub(super) async fn commit_deed(&self, unit: Unit, records: &Records, done: &Done<'_>) -> Result<(), StorageError> {
        self.commit_link(unit, records.all(), &[], Some(done)).await.map(|_| ())
    }

    async fn commit_link(
        &self,
        mut unit: Unit,
        records: &[Record],
        anchors: &[Anchor],
        done: Option<&Done<'_>>,
    ) -> Result<LinkHash, StorageError> {
        let before = match self.chains.take() {
            Some(head) => head,
            None => begin(&mut unit).await?,
        };
        if let Some(done) = done {
            trail::note(&mut unit, &TrailEntry::of_minute(done, before.writer), done.count).await?;
        }
        let link = before.next(records, anchors);
        insert(&mut unit, &link).await?;
        unit.commit().await?;
        self.chains.give_back(link.anchor());
        Ok(link.hash)
    }
}

/// Begins a chain: its first link names where the chains before it stand.
async fn begin(connection: &mut Connection) -> Result<Anchor, StorageError> {
    // One look into the index for each chain.
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
    let heads = heads.map(|row| anchor(&row.writer, row.sequence, &row.hash)).collect::<Result<Vec<_>, _>>()?;
    let first = Anchor::origin(Writer::new(Uuid::now_v7().into_bytes())).next(&[], &heads);
    insert(connection, &first).await?;
    Ok(first.anchor())
}

async fn insert(connection: &mut Connection, link: &Link) -> Result<(), StorageError> {
    sql!(
        "INSERT INTO links (writer, sequence, hash, records, anchors) VALUES ($1, $2, $3, $4, $5)",
        link.writer.as_bytes(),
        link.sequence,
        link.hash.as_bytes(),
        link.records,
        (!link.anchors.is_empty()).then_some(link.anchors.as_slice())
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn anchor(writer: &[u8], sequence: i64, hash: &[u8]) -> Result<Anchor, StorageError> {
    let corrupt = |column| StorageError::Corrupt { table: "links", column, row: format!("{} {sequence}", Hex(writer)) };
    Ok(Anchor {
        writer: Writer::new(writer.try_into().map_err(|_| corrupt("writer"))?),
        sequence,
        hash: LinkHash::new(hash.try_into().map_err(|_| corrupt("hash"))?),
    })
}

#[async_trait]
impl Ledger for Backend {
    async fn survey(&self, observer: &mut dyn Observer) -> Result<(), StorageError> {
        let mut snapshot = self.snapshot().await?;
        show_links(&mut snapshot, observer).await?;
        show_rows(&mut snapshot, observer).await?;
        Ok(snapshot.rollback().await?)
    }

    async fn name(&self, message: [u8; 8]) -> Result<Option<CorrelationId>, StorageError> {
        let mut rows = sql!("SELECT correlation_id FROM messages").fetch(&self.read);
        while let Some(row) = rows.try_next().await? {
            if RowKey::message(&row.correlation_id) == message {
                return Ok(CorrelationId::new(&row.correlation_id).ok());
            }
        }
        Ok(None)
    }

    async fn seal(&self, heads: &[Anchor]) -> Result<LinkHash, StorageError> {
        let unit = self.begin().await?;
        self.commit_link(unit, &[], heads, None).await
    }
}

async fn show_links(snapshot: &mut Connection, observer: &mut dyn Observer) -> Result<(), StorageError> {
    let mut rows = sql!("SELECT writer, sequence, hash, records, anchors FROM links WHERE anchors IS NOT NULL")
        .fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let Anchor { writer, sequence, hash } = anchor(&row.writer, row.sequence, &row.hash)?;
        let anchors = row.anchors.unwrap_or_default();
        observer.anchors(&Link { writer, sequence, hash, records: row.records, anchors });
    }
    drop(rows);
    let mut rows =
        sql!("SELECT writer, sequence, hash, records, anchors FROM links ORDER BY writer, sequence").fetch(snapshot);
    while let Some(row) = rows.try_next().await? {
        let Anchor { writer, sequence, hash } = anchor(&row.writer, row.sequence, &row.hash)?;
        let anchors = row.anchors.unwrap_or_default();
        observer.link(&Link { writer, sequence, hash, records: row.records, anchors });
    }
    Ok(())
}

async fn show_rows(snapshot: &mut Connection, observer: &mut dyn Observer) -> Result<(), StorageError> {
    let mut rows = notification_rows!("SELECT ", " FROM notifications").fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let (key, digest) = chain::notification(&row);
        let NotificationRow { correlation_id, times, .. } = row;
        let (correlation_id, table) = (correlation_id.as_str(), Chained::Notifications);
        observer.row(&ChainedRow { table, correlation_id, key, digest, times });
    }
    drop(rows);
    let mut rows = sql_as!(
        EventRow,
        "SELECT correlation_id, step, at, dispatch, failure, code, reason, transaction_id FROM dispatch_events"
    )
    .fetch(snapshot);
    while let Some(row) = rows.try_next().await? {
        let (key, digest) = chain::step(&row);
        let (correlation_id, table) = (row.correlation_id.as_str(), Chained::DispatchEvents);
        observer.row(&ChainedRow { table, correlation_id, key, digest, times: 1 });
    }
    Ok(())
}
