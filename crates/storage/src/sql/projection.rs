//! The projection of the journal: a few statements for many arrivals, in one transaction.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use receiptd_domain::{Arrival, JournalBatch, JournalPosition, JournalSpan, Timestamp, Writer};

use super::{
    adoption, attestations, backend::Backend, dialect::Connection, inbound, paging::count, quarantine, transactions,
    upsert::store,
};
use crate::{
    JournalHead, Projection, StorageError,
    rows::{
        Place,
        batch::{Adoption, Batch},
        changes::RowChanges,
        journal::JournalRow,
    },
};

/// The maximum number of batches that are read at a time.
const BATCHES: i64 = 256;
/// The maximum size of the batches that are read at a time, in bytes. One batch is read however large it is.
const BYTES: i64 = 8 << 20;

#[async_trait]
impl Projection for Backend {
    async fn heads(&self) -> Result<Vec<JournalHead>, StorageError> {
        let rows = sql!(
            "SELECT writer AS \"writer!: Vec<u8>\", MAX(sequence) AS \"sequence!: i64\" FROM journal GROUP BY writer"
        );
        let rows = rows.fetch_all(&self.pools.read).await?;
        if rows.is_empty() {
            self.backlog_bytes.clear();
        }
        let head = |writer: &[u8], sequence| {
            let at = Place { table: "journal", row: &hex::encode(writer) };
            let writer = at.read("writer", writer.try_into().ok().map(Writer::new))?;
            let position = JournalPosition { writer, sequence };
            Ok(JournalHead { position, is_own: self.journal_writers.is_own(writer) })
        };
        rows.iter().map(|row| head(&row.writer, row.sequence)).collect()
    }

    async fn is_projected(&self, up_to: JournalPosition) -> Result<bool, StorageError> {
        let left = sql!(
            "SELECT sequence FROM journal WHERE writer = $1 AND sequence <= $2 LIMIT 1",
            up_to.writer.as_bytes(),
            up_to.sequence
        );
        Ok(left.fetch_optional(&self.pools.read).await?.is_none())
    }

    async fn unprojected(&self, writer: Writer) -> Result<Vec<JournalBatch>, StorageError> {
        let mut snapshot = self.snapshot().await?;
        let sizes = sql!(
            "SELECT sequence, size FROM journal WHERE writer = $1 ORDER BY sequence LIMIT $2",
            writer.as_bytes(),
            BATCHES
        );
        let sizes = sizes.fetch_all(&mut *snapshot).await?;
        let (mut last, mut bytes) = (0, 0);
        for row in &sizes {
            if last > 0 && bytes + row.size > BYTES {
                break;
            }
            (last, bytes) = (row.sequence, bytes + row.size);
        }
        let rows = sql_as!(
            JournalRow,
            "SELECT sequence, appended_at, zone, records, projected, size, payload, digest FROM journal WHERE writer = $1 AND sequence <= $2 \
             ORDER BY sequence",
            writer.as_bytes(),
            last
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        snapshot.rollback().await?;
        let batch = |row: JournalRow| {
            let position = JournalPosition { writer, sequence: row.sequence };
            let at = Place { table: "journal", row: &format!("{writer} {}", row.sequence) };
            // Otherwise an altered row would become a notification that nothing shows to be altered.
            at.read("digest", (row.digest == row.expected_digest(position).as_bytes()).then_some(()))?;
            Ok(JournalBatch {
                position,
                appended_at: Timestamp::from_micros(row.appended_at),
                zone: row.zone.clone(),
                projected: at.read("projected", usize::try_from(row.projected).ok())?,
                records: at.read("payload", row.records())?,
            })
        };
        rows.into_iter().map(batch).collect()
    }

    async fn oldest_unprojected(&self) -> Result<Option<Timestamp>, StorageError> {
        let oldest = sql!("SELECT MIN(appended_at) AS \"at?: i64\" FROM journal").fetch_one(&self.pools.read).await?;
        Ok(oldest.at.map(Timestamp::from_micros))
    }

    #[tracing::instrument(level = "debug", name = "storage.project", skip_all, fields(rows = arrivals.len()))]
    async fn project(&self, spans: &[JournalSpan], arrivals: &[Arrival]) -> Result<Option<Duration>, StorageError> {
        let mut unit = self.begin().await?;
        let began = Instant::now();
        // This comes first: it makes other instances wait that are about to project the same.
        if !remove(&mut unit, spans).await? {
            unit.rollback().await?;
            return Ok(None);
        }
        let mut changes = RowChanges::default();
        changes.projected(spans);
        put(&mut unit, arrivals, &mut changes).await?;
        self.commit(unit, changes).await?;
        let took = began.elapsed();
        self.backlog_bytes.remove(spans.iter().map(|span| span.bytes).sum());
        self.signals.changed.send_replace(());
        Ok(Some(took))
    }

    async fn rehearse(&self, arrivals: &[Arrival]) -> Result<(), StorageError> {
        let mut unit = self.begin().await?;
        put(&mut unit, arrivals, &mut RowChanges::default()).await?;
        Ok(unit.rollback().await?)
    }
}

/// Removes spans from the journal. Returns whether all of them were still there.
async fn remove(connection: &mut Connection, spans: &[JournalSpan]) -> Result<bool, StorageError> {
    let is_whole = |span: &JournalSpan| span.from == 0 && span.to == span.of;
    let is_next =
        |one: &JournalSpan, next: &JournalSpan| is_whole(one) && is_whole(next) && one.position.next() == next.position;
    for run in spans.chunk_by(is_next) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let writer = first.position.writer.as_bytes();
        let removed = if last.to == last.of {
            sql!(
                "DELETE FROM journal WHERE writer = $1 AND sequence BETWEEN $2 AND $3 AND projected = $4",
                writer,
                first.position.sequence,
                last.position.sequence,
                count(first.from)
            )
            .execute(&mut *connection)
            .await?
        } else {
            sql!(
                "UPDATE journal SET projected = $4 WHERE writer = $1 AND sequence = $2 AND projected = $3",
                writer,
                first.position.sequence,
                count(first.from),
                count(first.to)
            )
            .execute(&mut *connection)
            .await?
        };
        if removed.rows_affected() != run.len() as u64 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Stores arrivals within a unit of work.
pub(super) async fn put<'a>(
    connection: &mut Connection,
    arrivals: impl IntoIterator<Item = &'a Arrival>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let batch = Batch::of(arrivals);
    notifications(connection, &batch, changes).await?;
    for archived in &batch.inbound {
        inbound::store(connection, archived, changes).await?;
    }
    for archived in &batch.quarantined {
        quarantine::store(connection, archived, changes).await?;
    }
    Ok(())
}

async fn notifications(
    connection: &mut Connection,
    batch: &Batch<'_>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let adoptions = transactions::claim(connection, &batch.claims()).await?;
    let owners = transactions::owners(connection, &batch.uncorrelated()).await?;
    let entries = batch.entries(&owners);
    if entries.is_empty() {
        return Ok(());
    }
    let ids = entries.iter().map(|entry| entry.correlation_id.as_str());
    let ids: BTreeSet<String> = ids.chain(adoptions.iter().flat_map(Adoption::ids)).map(str::to_owned).collect();
    let attested = attestations::open(connection, ids.iter().map(String::as_str)).await?;
    store(connection, entries, changes).await?;
    for adoption in adoptions {
        adoption::adopt(connection, &adoption, changes).await?;
    }
    attestations::close(connection, attested, changes).await
}
