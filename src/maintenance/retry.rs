//! What is in quarantine, read once more: after an upgrade, some of it may be understood.

use std::{collections::HashSet, slice};

use serde::{Deserialize, Serialize};

use crate::{
    audit::entry,
    clock::Clock,
    domain::{Actor, Archived, Arrival, AuditAction, AuditEntry, Cursor, Fingerprint, PageLimit, Unreadable},
    storage::{StorageError, Store},
    webex::{Posted, TimeZone},
};

/// What became of the quarantine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryReport {
    /// Understood now, as notifications.
    pub notifications: u64,
    /// Understood now, as customers' own messages and events.
    pub inbound: u64,
    /// Still not understood.
    pub left: u64,
}

/// Reads everything in quarantine once more. What is understood moves to where it belongs, with the time at which and
/// the way by which it came; the rest stays. `zone` is the tenant's; `actor` is noted in the audit log.
pub async fn retry(store: &Store, zone: TimeZone, actor: &Actor, clock: &Clock) -> Result<RetryReport, StorageError> {
    let entry = entry(actor, AuditAction::Retried, clock, None);
    store.audit_log.append(slice::from_ref(&entry)).await?;
    let mut retry = Retry { store, zone, entry, report: RetryReport::default(), put_back: HashSet::new() };
    let mut after: Option<Cursor> = None;
    loop {
        let page = store.quarantine.list(after.as_ref(), PageLimit::default()).await?;
        for kept in page.items {
            retry.release(kept).await?;
        }
        let Some(next) = page.next else { return Ok(retry.report) };
        after = Some(next);
    }
}

struct Retry<'a> {
    store: &'a Store,
    zone: TimeZone,
    entry: AuditEntry,
    report: RetryReport,
    /// Elements of arrays that were put into quarantine on their own, and counted.
    put_back: HashSet<Fingerprint>,
}

impl Retry<'_> {
    /// Each in a commit of its own, so that one which the database refuses does not keep the others back.
    async fn release(&mut self, kept: Archived<Unreadable>) -> Result<(), StorageError> {
        let fingerprint = kept.fingerprint;
        if self.put_back.contains(&fingerprint) {
            return Ok(());
        }
        let arrivals = arrivals(&kept, self.zone);
        if !arrivals.iter().any(is_understood) {
            self.report.left += 1;
            return Ok(());
        }
        match self.store.repair.release_from_quarantine(fingerprint, &arrivals, &self.entry).await {
            Ok(true) => arrivals.iter().for_each(|arrival| self.count(arrival)),
            // Another retry was quicker.
            Ok(false) => {}
            Err(StorageError::Refused(_)) => self.report.left += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn count(&mut self, arrival: &Arrival) {
        match arrival {
            Arrival::Notification(_) => self.report.notifications += 1,
            Arrival::Inbound(_) => self.report.inbound += 1,
            Arrival::Quarantined(element) => {
                self.report.left += 1;
                self.put_back.insert(element.fingerprint);
            }
        }
    }
}

fn is_understood(arrival: &Arrival) -> bool {
    !matches!(arrival, Arrival::Quarantined(_))
}

/// What a body is now. An array is several arrivals, of which those that are not understood go back each on its own.
fn arrivals(kept: &Archived<Unreadable>, zone: TimeZone) -> Vec<Arrival> {
    let arrival = |(posted, body): (Posted, &[u8])| {
        let arrival = posted.arrival(body.to_vec(), kept.source, kept.received_at)?;
        Some(arrival.came(kept.occurrences))
    };
    Posted::read_all(&kept.body, zone).into_iter().filter_map(arrival).collect()
}
