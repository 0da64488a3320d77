//! Imports: notifications that never arrived, from the platform's export of those that it gave up on, or from bodies one
//! a line.
//!
//! Each body is read as if it had been posted, and what is on record already is left alone, so a file may be loaded
//! again, or overlap with another. `receivedAt` is the time of the import, since that is when we first heard of it; when
//! it happened stands in the notification itself. What cannot be read goes to quarantine, as it does when it is posted.
//!
//! | File | Holds |
//! | --- | --- |
//! | `layout` | which kinds of files there are, and how they are told apart |
//! | `bounded` | how long a row may be |
//! | `rows` | the bodies of a file, one after the other |

mod bounded;
mod layout;
mod rows;

use std::{io::Read, slice, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::trail::entry;
use crate::{
    clock::Clock,
    domain::{Actor, Arrival, Deed, Kept, Recorded, Source, TrailEntry, Unreadable},
    storage::{Deeds, Repair, StorageError, Store},
    webex::{Posted, TimeZone},
};

pub use layout::{ImportOptions, Layout};
pub use rows::{ImportError, Row, read_rows};

/// In one commit. Few, so that what is posted meanwhile does not wait long.
const BATCH: usize = 200;
/// So many unreadable rows are told one by one.
const TOLD: usize = 1000;

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Put on record.
    pub new: u64,
    /// On record already, or twice in the file.
    pub known: u64,
    /// Not understood. What there is of them is in quarantine.
    pub unreadable: u64,
    /// The first of these, row by row.
    pub unreadable_rows: Vec<UnreadableRow>,
}

/// A row that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRow {
    /// Which, counted from 1: the row after the header, the element of the array, or the line.
    pub row: u64,
    /// Why.
    pub reason: String,
}

/// Loads files.
#[derive(Clone)]
pub struct Importer {
    repair: Arc<dyn Repair>,
    deeds: Arc<dyn Deeds>,
    zone: TimeZone,
    clock: Clock,
}

impl Importer {
    /// Into `store`; `zone` is the tenant's.
    pub fn new(store: &Store, zone: TimeZone, clock: Clock) -> Self {
        Self { repair: store.repair.clone(), deeds: store.deeds.clone(), zone, clock }
    }

    /// Loads a file. When it breaks off, what came before is on record,
    /// and the same file can be loaded again. `actor` is noted in the trail.
    pub async fn import(
        &self,
        actor: &Actor,
        file: impl Read + Send + 'static,
        options: ImportOptions,
    ) -> Result<ImportReport, ImportError> {
        let entry = entry(actor, Deed::Imported, &self.clock, None);
        self.deeds.note(slice::from_ref(&entry)).await.map_err(ImportError::Storage)?;
        let (found, mut rows) = mpsc::channel(BATCH);
        let reading =
            tokio::task::spawn_blocking(move || read_rows(file, &options, |row| found.blocking_send(row).is_ok()));
        let mut report = ImportReport::default();
        let mut batch = Vec::with_capacity(BATCH);
        while rows.recv_many(&mut batch, BATCH).await > 0 {
            self.put(std::mem::take(&mut batch), &entry, &mut report).await?;
        }
        reading.await.map_err(|_| ImportError::Broken)??;
        Ok(report)
    }

    async fn put(&self, rows: Vec<Row>, entry: &TrailEntry, report: &mut ImportReport) -> Result<(), StorageError> {
        let mut arrivals = Vec::with_capacity(rows.len());
        for Row { number, body } in rows {
            let why = match body {
                Ok(body) => match self.read(body) {
                    Ok(arrival) => {
                        arrivals.push((number, arrival));
                        continue;
                    }
                    Err((why, body)) => {
                        let kept = Kept::now(Unreadable(why.clone()), body, Source::Import, self.clock.now());
                        arrivals.push((number, Arrival::Quarantined(kept)));
                        why
                    }
                },
                Err(why) => why,
            };
            report.unreadable(number, why);
        }
        self.commit(arrivals, entry, report).await
    }

    /// What a body is, as if it had been posted.
    fn read(&self, body: Vec<u8>) -> Result<Arrival, (String, Vec<u8>)> {
        let now = self.clock.now();
        match Posted::read(&body, self.zone) {
            Posted::Notification(notification) => {
                Ok(Arrival::Notification(Recorded::now(*notification, body, Source::Import, now)))
            }
            Posted::Inbound(inbound) => Ok(Arrival::Inbound(Kept::now(inbound, body, Source::Import, now))),
            Posted::Foreign => Err(("it is a delivery report of another API (GSMA OneAPI)".to_owned(), body)),
            Posted::Unreadable(Unreadable(why)) => Err((why, body)),
        }
    }

    /// One row that the database refuses must not fail the others.
    async fn commit(
        &self,
        rows: Vec<(u64, Arrival)>,
        entry: &TrailEntry,
        report: &mut ImportReport,
    ) -> Result<(), StorageError> {
        let (numbers, arrivals): (Vec<u64>, Vec<Arrival>) = rows.into_iter().unzip();
        match self.repair.import(&arrivals, entry).await {
            Ok(outcomes) => {
                arrivals.iter().zip(outcomes).for_each(|(arrival, is_new)| report.count(arrival, is_new));
                return Ok(());
            }
            Err(StorageError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        for (number, arrival) in numbers.into_iter().zip(arrivals) {
            match self.repair.import(slice::from_ref(&arrival), entry).await {
                Ok(outcomes) => outcomes.into_iter().for_each(|is_new| report.count(&arrival, is_new)),
                Err(StorageError::Refused(_)) => {
                    let why = "the database refuses its parsed form";
                    self.repair.import(&[arrival.quarantined(why)], entry).await?;
                    report.unreadable(number, why.to_owned());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl ImportReport {
    fn count(&mut self, arrival: &Arrival, is_new: bool) {
        match arrival {
            // It was counted as unreadable already.
            Arrival::Quarantined(_) => {}
            _ if is_new => self.new += 1,
            _ => self.known += 1,
        }
    }

    fn unreadable(&mut self, row: u64, reason: String) {
        self.unreadable += 1;
        if self.unreadable_rows.len() < TOLD {
            self.unreadable_rows.push(UnreadableRow { row, reason });
        }
    }
}
