//! What is in quarantine, read once more: after an upgrade, some of it may be understood.

use std::slice;

use serde::{Deserialize, Serialize};

use super::trail::entry;
use crate::{
    clock::Clock,
    domain::{Actor, Arrival, Cursor, Deed, Kept, PageLimit, Recorded, TrailEntry, Unreadable},
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
/// the way by which it came; the rest stays. `zone` is the tenant's; `actor` is noted in the trail.
pub async fn retry(store: &Store, zone: TimeZone, actor: &Actor, clock: &Clock) -> Result<RetryReport, StorageError> {
    let entry = entry(actor, Deed::Retried, clock, None);
    store.deeds.note(slice::from_ref(&entry)).await?;
    let mut report = RetryReport::default();
    let mut after: Option<Cursor> = None;
    loop {
        let page = store.shelf.quarantine(after.as_ref(), PageLimit::default()).await?;
        for kept in page.items {
            release(store, zone, kept, &entry, &mut report).await?;
        }
        let Some(next) = page.next else { return Ok(report) };
        after = Some(next);
    }
}

/// Each in a commit of its own, so that one which the database refuses does not keep the others back.
async fn release(
    store: &Store,
    zone: TimeZone,
    kept: Kept<Unreadable>,
    entry: &TrailEntry,
    report: &mut RetryReport,
) -> Result<(), StorageError> {
    let fingerprint = kept.fingerprint;
    let Some(arrival) = understood(kept, zone) else {
        report.left += 1;
        return Ok(());
    };
    match store.repair.release(fingerprint, &arrival, entry).await {
        Ok(true) if matches!(arrival, Arrival::Notification(_)) => report.notifications += 1,
        Ok(true) => report.inbound += 1,
        // Somebody else was quicker.
        Ok(false) => {}
        Err(StorageError::Refused(_)) => report.left += 1,
        Err(error) => return Err(error),
    }
    Ok(())
}

fn understood(kept: Kept<Unreadable>, zone: TimeZone) -> Option<Arrival> {
    let Kept { fingerprint, received_at, source, times, body, .. } = kept;
    match Posted::read(&body, zone) {
        Posted::Notification(notification) => {
            let recorded = Recorded::now(*notification, body, source, received_at);
            Some(Arrival::Notification(Recorded { times, ..recorded }))
        }
        Posted::Inbound(what) => Some(Arrival::Inbound(Kept { what, fingerprint, received_at, source, times, body })),
        Posted::Foreign | Posted::Unreadable(_) => None,
    }
}
