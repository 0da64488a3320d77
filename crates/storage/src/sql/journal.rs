//! Appends to the journal: one row for a whole batch.

use async_trait::async_trait;
use receiptd_domain::{Arrival, JournalPosition, journal_digest, journal_payload};

use super::{backend::Backend, paging::count};
use crate::{Journal, StorageError, rows::payload};

#[async_trait]
impl Journal for Backend {
    #[tracing::instrument(level = "debug", name = "storage.append", skip_all, fields(rows = arrivals.len()))]
    async fn append(&self, arrivals: &[Arrival], zone: &str) -> Result<JournalPosition, StorageError> {
        let position = self.journal_writers.take();
        let appended_at = arrivals.iter().map(|arrival| arrival.as_posted().0).max().unwrap_or_default();
        let records = journal_payload(arrivals);
        let payload = payload::compressed(&records);
        let counts @ [number, size] = [arrivals.len(), records.len()].map(count);
        let digest = journal_digest(position, appended_at, zone, counts, &payload);
        let statement = sql!(
            "INSERT INTO journal (writer, sequence, appended_at, records, projected, size, payload, zone, digest) \
             VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8)",
            position.writer.as_bytes(),
            position.sequence,
            appended_at.as_micros(),
            number,
            size,
            payload,
            zone,
            digest.as_bytes()
        );
        // One row and one statement: the shortest transaction that there is.
        self.take_writer().await?.commit_only(statement).await?;
        self.journal_writers.committed(position);
        self.backlog_bytes.add(records.len());
        Ok(position)
    }

    fn backlog_bytes(&self) -> u64 {
        self.backlog_bytes.get()
    }
}
