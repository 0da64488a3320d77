//! Reads the quarantine again: after an upgrade, some of it may be understood.

use std::{collections::HashSet, slice};

use serde::{Deserialize, Serialize};

use crate::{
    audit::entry,
    clock::Clock,
    domain::{Actor, Archived, Arrival, AuditAction, AuditEntry, Cursor, Fingerprint, PageLimit, Unreadable},
    storage::{StorageError, Store},
    webex::{Posted, TimeZone},
};

/// The result of a retry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryReport {
    /// Now understood as notifications.
    pub notifications: u64,
    /// Now understood as messages and events of customers.
    pub inbound: u64,
    /// Still not understood.
    pub left: u64,
}

/// Reads everything in quarantine again. What is understood moves to where it belongs, and keeps the time and the
/// source of its arrival; the rest stays. `zone` is the time zone of the tenant; `actor` and `reason` are recorded in the
/// audit log.
pub async fn retry(
    store: &Store,
    zone: TimeZone,
    actor: &Actor,
    reason: Option<&str>,
    clock: &Clock,
) -> Result<RetryReport, StorageError> {
    let entry = entry(actor, AuditAction::Retried, clock, reason.map(|reason| format!("reason: {reason}")));
    store.audit_log.append(slice::from_ref(&entry)).await?;
    let mut retry = Retry { store, zone, entry, report: RetryReport::default(), put_back: HashSet::new() };
    let mut after: Option<Cursor> = None;
    loop {
        let page = store.quarantine.list(after.as_ref(), PageLimit::default()).await?;
        for archived in page.items {
            retry.release(archived).await?;
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
    /// Elements of arrays that were put into quarantine as separate entries, and counted.
    put_back: HashSet<Fingerprint>,
}

impl Retry<'_> {
    /// Releases one entry in its own commit, so that one which the database refuses does not prevent the others.
    async fn release(&mut self, archived: Archived<Unreadable>) -> Result<(), StorageError> {
        let fingerprint = archived.fingerprint;
        if self.put_back.contains(&fingerprint) {
            return Ok(());
        }
        let zone = self.zone;
        let read = move |archived: &Archived<Unreadable>| understood(archived, zone);
        if read(&archived).is_empty() {
            self.report.left += 1;
            return Ok(());
        }
        match self.store.repair.release_from_quarantine(fingerprint, &read, &self.entry).await {
            // It was erased meanwhile.
            Ok(Some(arrivals)) if arrivals.is_empty() => self.report.left += 1,
            Ok(Some(arrivals)) => arrivals.iter().for_each(|arrival| self.count(arrival)),
            // Another retry was faster.
            Ok(None) => {}
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

/// Reads a body again. Returns nothing if nothing of it is understood. An array becomes several arrivals. Those that are
/// not understood go back to quarantine as separate entries.
fn understood(archived: &Archived<Unreadable>, zone: TimeZone) -> Vec<Arrival> {
    let arrival = |(posted, body): (Posted, &[u8])| {
        // The signature is that of the whole body.
        let signature = archived.signature.clone().filter(|_| body.len() == archived.body.len());
        let arrival = posted.arrival(body.to_vec(), archived.source, archived.received_at);
        arrival.came(archived.occurrences).signed(signature)
    };
    let arrivals: Vec<_> = Posted::read_all(&archived.body, zone).into_iter().map(arrival).collect();
    let is_understood = |arrival: &Arrival| !matches!(arrival, Arrival::Quarantined(_));
    if arrivals.iter().any(is_understood) { arrivals } else { Vec::new() }
}
