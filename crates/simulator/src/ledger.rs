//! A report of what the platform received and did, for comparisons.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

/// Everything that the platform received and did so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Send requests that arrived, accepted or not.
    pub requests: u64,
    /// Accepted messages, one for each recipient.
    pub accepted: u64,
    /// How often each correlation id was accepted. More than once means that a message was sent twice.
    pub accepted_by_correlation_id: BTreeMap<String, u64>,
    /// Rejected send requests by code, `http-…` for a bare HTTP status.
    pub refused: BTreeMap<String, u64>,
    pub notifications: Notifications,
    /// The notifications that the platform dropped, as in its export of failed notifications.
    pub dropped: Vec<Dropped>,
}

/// Counts of notifications. `planned` is always the sum of `taken`, `lost`, `dropped` and `pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notifications {
    /// All planned ones, including duplicates and those that are lost on purpose.
    pub planned: u64,
    /// Lost on purpose: never posted.
    pub lost: u64,
    /// Requests made, including retries.
    pub posted: u64,
    /// Retries after a failure.
    pub retried: u64,
    /// Answered with 200.
    pub taken: u64,
    /// Dropped after the last attempt.
    pub dropped: u64,
    /// Still to be posted or retried.
    pub pending: u64,
}

/// A notification that the platform dropped.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dropped {
    /// The URL to which it was posted.
    pub url: String,
    /// The transaction id of its message.
    pub transaction_id: String,
    pub payload: Value,
    /// The last HTTP status. `None` if there was no answer.
    pub status: Option<u16>,
    /// The beginning of the last answer, or the error.
    pub response: String,
    /// When it was dropped, in RFC 3339.
    pub at: String,
}

/// A handle for reading the report.
#[derive(Clone)]
pub struct Observer(Arc<Ledger>);

impl Observer {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        Self(ledger)
    }

    /// What was received and done so far.
    pub fn report(&self) -> Report {
        self.0.report()
    }

    /// Waits until no notification is pending.
    pub async fn settled(&self) {
        let mut pending = self.0.pending.subscribe();
        // It cannot end early: the sender is in the ledger, which we hold.
        let _ = pending.wait_for(|pending| *pending == 0).await;
    }
}

/// The counters.
#[derive(Default)]
pub(super) struct Ledger {
    report: Mutex<Report>,
    pending: watch::Sender<u64>,
}

impl Ledger {
    pub(super) fn report(&self) -> Report {
        self.lock().clone()
    }

    pub(super) fn request(&self) {
        self.lock().requests += 1;
    }

    pub(super) fn refused(&self, code: &str) {
        *self.lock().refused.entry(code.to_owned()).or_default() += 1;
    }

    /// A request object was accepted: `messages` to as many recipients, with these correlation ids.
    pub(super) fn accepted<'a>(&self, messages: u64, correlation_ids: impl Iterator<Item = &'a str>) {
        let mut report = self.lock();
        report.accepted += messages;
        for id in correlation_ids {
            *report.accepted_by_correlation_id.entry(id.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn planned(&self, planned: u64, lost: u64) {
        self.count(|notifications| {
            notifications.planned += planned;
            notifications.lost += lost;
            notifications.pending += planned - lost;
        });
    }

    pub(super) fn posted(&self, is_repetition: bool) {
        self.count(|notifications| {
            notifications.posted += 1;
            notifications.retried += u64::from(is_repetition);
        });
    }

    pub(super) fn taken(&self) {
        self.count(|notifications| {
            notifications.taken += 1;
            notifications.pending -= 1;
        });
    }

    pub(super) fn dropped(&self, dropped: Dropped) {
        self.change(|report| {
            report.dropped.push(dropped);
            report.notifications.dropped += 1;
            report.notifications.pending -= 1;
        });
    }

    fn count(&self, change: impl FnOnce(&mut Notifications)) {
        self.change(|report| change(&mut report.notifications));
    }

    fn change(&self, change: impl FnOnce(&mut Report)) {
        let mut report = self.lock();
        change(&mut report);
        let pending = report.notifications.pending;
        self.pending.send_if_modified(|known| std::mem::replace(known, pending) != pending);
    }

    /// A counter is still right after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
