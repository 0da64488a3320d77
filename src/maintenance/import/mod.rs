//! Imports notifications that never arrived, from the platform's export of those that it gave up on, or as bodies in
//! JSON. Also imports what receiptd itself exported: notifications, inbound and quarantine.
//!
//! Each body is read as if it had been posted, and what is stored already is not changed. So a file can be imported
//! again, or overlap with another. `receivedAt` is the time of the import, since that is when the notification arrived
//! here; the notification itself contains the time of its event. A row of an export keeps its time, source and count.
//! What cannot be read goes to quarantine, as it does when it is posted.
//!
//! | File | Holds |
//! | --- | --- |
//! | `layout` | the kinds of files, and how they are detected |
//! | `encoding` | decodes UTF-8 and UTF-16, and refuses what is not text |
//! | `bounded` | limits the length of a row |
//! | `values` | splits a file into JSON values |
//! | `exported` | rows of receiptd's own exports |
//! | `rows` | reads the bodies of a file, one after the other |

mod bounded;
mod encoding;
mod exported;
mod layout;
mod row;
mod rows;
mod values;

use std::{io::Read, mem, slice, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{
    audit::entry,
    clock::Clock,
    domain::{Actor, Arrival, AuditAction, AuditEntry, Source, Unreadable},
    storage::{AuditLog, Repair, StorageError, Store},
    webex::{Posted, TimeZone},
};

pub use encoding::{as_utf_8, is_utf_8};
pub use layout::{ImportOptions, Layout};
pub use row::{ImportError, Origin, Row};
pub use rows::read_rows;

/// The limits of one commit: few rows, so that notifications that are posted meanwhile do not wait long, and few bytes,
/// so that long rows do not fill the memory. A single row is never split, so a row with an array may exceed this.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 1 << 20;
/// The maximum number of unreadable rows that are reported individually.
const MOST_REPORTED: usize = 1000;

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// The number of new notifications and other bodies, which were stored.
    pub new: u64,
    /// The number of those that were stored already, or are repeated in the file.
    pub known: u64,
    /// The number of rows that were not understood. If they have a body, it is in quarantine.
    pub unreadable: u64,
    /// The first of these rows, at most 1000. `unreadable` counts the others too.
    pub unreadable_rows: Vec<UnreadableRow>,
}

/// A row that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRow {
    /// The number, counted from 1, of the row after the header, of the element in the array, or of the line.
    pub row: u64,
    /// The reason.
    pub reason: String,
}

/// Imports files.
#[derive(Clone)]
pub struct Importer {
    repair: Arc<dyn Repair>,
    audit_log: Arc<dyn AuditLog>,
    zone: TimeZone,
    clock: Clock,
}

impl Importer {
    /// Creates an importer into `store`; `zone` is the time zone of the tenant.
    pub fn new(store: &Store, zone: TimeZone, clock: Clock) -> Self {
        Self { repair: store.repair.clone(), audit_log: store.audit_log.clone(), zone, clock }
    }

    /// Imports a file. If it breaks off, the rows before are stored, and the same file can be imported again. `actor`
    /// is recorded in the audit log.
    pub async fn import(
        &self,
        actor: &Actor,
        file: impl Read + Send + 'static,
        options: ImportOptions,
    ) -> Result<ImportReport, ImportError> {
        let entry = entry(actor, AuditAction::Imported, &self.clock, None);
        self.audit_log.append(slice::from_ref(&entry)).await.map_err(ImportError::Storage)?;
        // At any time, one batch is being stored, one waits, and one is being read.
        let (found, mut batches) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || {
            let mut batch = Batch::default();
            let read = read_rows(file, &options, |row| match batch.add(row) {
                Some(full) => found.blocking_send(full).is_ok(),
                None => true,
            });
            // The last batch is sent even if the reading failed. If it is not received, the store has failed, and that
            // error is returned.
            if !batch.rows.is_empty() {
                let _ = found.blocking_send(batch.rows);
            }
            read
        });
        let mut report = ImportReport::default();
        while let Some(batch) = batches.recv().await {
            self.put(batch, &entry, &mut report).await?;
        }
        reading.await.map_err(|_| ImportError::Broken)??;
        match report.unreadable_rows.first() {
            Some(first) if report.new == 0 && report.known == 0 => {
                let summary = format!("{} rows, of which row {}: {}", report.unreadable, first.row, first.reason);
                Err(ImportError::NothingUnderstood(summary))
            }
            _ => Ok(report),
        }
    }

    async fn put(&self, rows: Vec<Row>, entry: &AuditEntry, report: &mut ImportReport) -> Result<(), StorageError> {
        let mut found = Vec::with_capacity(rows.len());
        for Row { number, body, origin } in rows {
            match body {
                Ok(body) => found.extend(self.read(number, &body, origin.as_ref())),
                Err(why) => report.unreadable(number, why),
            }
            // A row with an array may hold more elements than a batch has rows. It is not split.
            if found.len() >= BATCH {
                self.commit(mem::take(&mut found), entry, report).await?;
            }
        }
        self.commit(found, entry, report).await
    }

    /// Reads a body as if it had been posted; if it is an array, reads each of its elements.
    fn read(&self, number: u64, body: &[u8], origin: Option<&Origin>) -> Vec<Found> {
        let (source, received_at, occurrences) = match origin {
            Some(Origin { received_at, source, occurrences, .. }) => (*source, *received_at, *occurrences),
            None => (Source::Import, self.clock.now(), 1),
        };
        // A row exported from quarantine that is still not understood returns to quarantine. This is expected, so it is
        // not reported as unreadable.
        let was_in_quarantine = origin.is_some_and(|origin| origin.was_in_quarantine);
        let found = |(posted, body): (Posted, &[u8])| {
            let posted = posted.as_element();
            let unreadable = match &posted {
                Posted::Unreadable(Unreadable(why)) if !was_in_quarantine => Some(why.clone()),
                _ => None,
            };
            let arrival = posted.arrival(body.to_vec(), source, received_at).came(occurrences);
            Found { number, arrival, unreadable }
        };
        Posted::read_all(body, self.zone).into_iter().map(found).collect()
    }

    /// Commits rows. One row that the database refuses must not make the others fail.
    async fn commit(
        &self,
        found: Vec<Found>,
        entry: &AuditEntry,
        report: &mut ImportReport,
    ) -> Result<(), StorageError> {
        let mut arrivals = Vec::with_capacity(found.len());
        let mut rows = Vec::with_capacity(found.len());
        for Found { number, arrival, unreadable } in found {
            arrivals.push(arrival);
            rows.push((number, unreadable));
        }
        match self.repair.import(&arrivals, entry).await {
            Ok(outcomes) => {
                rows.into_iter().zip(outcomes).for_each(|(row, is_new)| report.count(row, is_new));
                return Ok(());
            }
            Err(StorageError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        for (row, arrival) in rows.into_iter().zip(arrivals) {
            match self.repair.import(slice::from_ref(&arrival), entry).await {
                Ok(outcomes) => report.count(row, outcomes.contains(&true)),
                Err(StorageError::Refused(_)) => {
                    let why = "the database refuses its parsed form";
                    self.repair.import(&[arrival.quarantined(why)], entry).await?;
                    report.unreadable(row.0, why.to_owned());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl ImportReport {
    fn count(&mut self, (row, unreadable): (u64, Option<String>), is_new: bool) {
        match unreadable {
            Some(why) => self.unreadable(row, why),
            None if is_new => self.new += 1,
            None => self.known += 1,
        }
    }

    fn unreadable(&mut self, row: u64, reason: String) {
        self.unreadable += 1;
        if self.unreadable_rows.len() < MOST_REPORTED {
            self.unreadable_rows.push(UnreadableRow { row, reason });
        }
    }
}

/// A row that was read, or an element if its body is an array.
struct Found {
    number: u64,
    arrival: Arrival,
    /// The reason why it was not understood.
    unreadable: Option<String>,
}

/// Rows for one commit.
#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    bytes: usize,
}

impl Batch {
    /// Adds a row, and returns the batch if it is full.
    fn add(&mut self, row: Row) -> Option<Vec<Row>> {
        self.bytes += row.body.as_ref().map_or(0, Vec::len);
        self.rows.push(row);
        if self.rows.len() < BATCH && self.bytes < BATCH_BYTES {
            return None;
        }
        self.bytes = 0;
        Some(mem::take(&mut self.rows))
    }
}
