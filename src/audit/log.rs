//! The audit log: who did what. An action is stored in the audit log before it is reported as done.
//!
//! Actions that are recorded at the same time share a commit. Actions of one kind by one actor within a minute share an
//! entry with a count. Thus a large number of single messages needs few commits and few rows.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{Actor, AuditAction, AuditEntry, AuditRequest, Cursor, Verification},
    storage::{AuditLog, StorageError, Store},
};

/// An action could not be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entry could not be stored in the audit log")]
pub struct AuditUnavailable;

/// Writes the audit log, and reads it.
#[derive(Clone)]
pub struct AuditWriter {
    queue: mpsc::Sender<QueuedEntry>,
    log: Arc<dyn AuditLog>,
    clock: Clock,
}

/// An action that takes a while, and counts its rows. If it is aborted, its count is recorded too.
pub struct PendingEntry {
    queue: mpsc::Sender<QueuedEntry>,
    entry: AuditEntry,
    count: i64,
}

/// An action that waits to be recorded, with its caller.
struct QueuedEntry {
    target: Target,
    count: i64,
    answer: oneshot::Sender<Result<(), AuditUnavailable>>,
}

/// The entry under which an action is recorded.
enum Target {
    /// An entry that it shares with others of its kind.
    Shared(Actor, AuditAction, Option<String>),
    /// Its own entry.
    Own(AuditEntry),
}

/// The maximum number of waiting actions.
const QUEUE: usize = 1024;

impl AuditWriter {
    /// Starts the writer of `store`. Must be called within a runtime, in which it runs until the last clone is dropped.
    pub fn start(store: &Store, clock: Clock) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let task = WriterTask { log: store.audit_log.clone(), clock: clock.clone(), open: HashMap::new() };
        tokio::spawn(task.run(waiting));
        Self { queue, log: store.audit_log.clone(), clock }
    }

    /// Records that `actor` did `action` to `count` messages or rows. When this returns, the entry is on disk.
    pub async fn record(
        &self,
        actor: &Actor,
        action: AuditAction,
        count: i64,
        details: Option<&str>,
    ) -> Result<(), AuditUnavailable> {
        let what = match details {
            Some(details) => Target::Own(entry(actor, action, &self.clock, Some(details.to_owned()))),
            None => Target::Shared(actor.clone(), action, None),
        };
        enqueue(&self.queue, what, count).await
    }

    /// Records that `actor` begins `action`. When this returns, the entry is on disk.
    pub async fn begin(
        &self,
        actor: &Actor,
        action: AuditAction,
        details: &str,
    ) -> Result<PendingEntry, AuditUnavailable> {
        let entry = entry(actor, action, &self.clock, Some(details.to_owned()));
        enqueue(&self.queue, Target::Own(entry.clone()), 0).await?;
        Ok(PendingEntry { queue: self.queue.clone(), entry, count: 0 })
    }

    /// Records that `actor` looked at `what`. If the same actor looks at it again within a minute, they share an entry
    /// with a count.
    pub async fn record_read(&self, actor: &Actor, what: String) -> Result<(), AuditUnavailable> {
        enqueue(&self.queue, Target::Shared(actor.clone(), AuditAction::Read, Some(what)), 1).await
    }

    /// Records that `actor` verified the store, with the number of rows. When this returns, the entry is on disk. It is
    /// written after the verification, so it is not among what it says to be sound.
    pub async fn record_verification(
        &self,
        actor: &Actor,
        rows: u64,
        result: &Verification,
    ) -> Result<(), AuditUnavailable> {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        match self.record(actor, AuditAction::Verified, rows, Some(&result.to_string())).await {
            // What was found must be heard, even if the audit log itself is what was damaged.
            Err(AuditUnavailable) if matches!(result, Verification::Unsound(_)) => Ok(()),
            recorded => recorded,
        }
    }

    /// One page of the audit log, newest first.
    pub async fn list(&self, request: &AuditRequest) -> Result<AuditView, StorageError> {
        let AuditRequest { filter, after, limit } = request;
        let page = self.log.list(filter, after.as_ref(), *limit).await?;
        Ok(AuditView {
            items: page.items.iter().map(AuditEntryView::of).collect(),
            next_cursor: page.next.as_ref().map(Cursor::encode),
        })
    }
}

async fn enqueue(queue: &mpsc::Sender<QueuedEntry>, what: Target, count: i64) -> Result<(), AuditUnavailable> {
    let (answer, answered) = oneshot::channel();
    queue.send(QueuedEntry { target: what, count, answer }).await.map_err(|_| AuditUnavailable)?;
    answered.await.unwrap_or(Err(AuditUnavailable))
}

impl PendingEntry {
    /// Adds to the count.
    pub fn count(&mut self, rows: usize) {
        self.count = self.count.saturating_add(i64::try_from(rows).unwrap_or(i64::MAX));
    }

    /// Records what was counted. When this returns, the count is on disk.
    pub async fn commit(&mut self) -> Result<(), AuditUnavailable> {
        enqueue(&self.queue, Target::Own(self.entry.clone()), std::mem::take(&mut self.count)).await
    }
}

impl Drop for PendingEntry {
    fn drop(&mut self) {
        if self.count > 0 {
            let (answer, _) = oneshot::channel();
            // If the queue is full, the count is lost, but the entry itself is stored already.
            let _ =
                self.queue.try_send(QueuedEntry { target: Target::Own(self.entry.clone()), count: self.count, answer });
        }
    }
}

/// Returns a new entry with a count of zero.
pub fn entry(actor: &Actor, action: AuditAction, clock: &Clock, details: Option<String>) -> AuditEntry {
    AuditEntry { id: Uuid::new_v4().into_bytes(), at: clock.now(), actor: actor.clone(), action, count: 0, details }
}

/// The actions with this key share an entry: actor, action, and what was looked at.
type SharedKey = (Actor, AuditAction, Option<String>);

/// Writes the audit log.
struct WriterTask {
    log: Arc<dyn AuditLog>,
    clock: Clock,
    /// The entries that may still grow.
    open: HashMap<SharedKey, AuditEntry>,
}

/// How long an entry grows, in microseconds.
const MINUTE: i64 = 60_000_000;

impl WriterTask {
    async fn run(mut self, mut waiting: mpsc::Receiver<QueuedEntry>) {
        let mut together = Vec::new();
        while waiting.recv_many(&mut together, QUEUE).await > 0 {
            let queued: Vec<QueuedEntry> = std::mem::take(&mut together);
            let entries = self.entries(&queued);
            let result = self.log.append(&entries).await.map_err(|error| {
                tracing::error!(error = crate::observe::causes(&error), "entries could not be stored in the audit log");
                AuditUnavailable
            });
            // If a caller has gone away, its action is recorded all the same.
            for QueuedEntry { answer, .. } in queued {
                let _ = answer.send(result);
            }
        }
    }

    /// Returns the entries to add to the audit log for these actions.
    fn entries(&mut self, queued: &[QueuedEntry]) -> Vec<AuditEntry> {
        let now = self.clock.now();
        // An entry of a later time no longer grows either: the clock was set back.
        self.open.retain(|_, entry| (0..MINUTE).contains(&now.as_micros().saturating_sub(entry.at.as_micros())));
        let mut counts: HashMap<SharedKey, i64> = HashMap::new();
        let mut entries = Vec::new();
        for QueuedEntry { target: what, count, .. } in queued {
            match what {
                Target::Own(entry) => entries.push(AuditEntry { count: *count, ..entry.clone() }),
                Target::Shared(actor, action, details) => {
                    *counts.entry((actor.clone(), *action, details.clone())).or_default() += count;
                }
            }
        }
        for ((actor, action, details), count) in counts {
            let shared = (actor.clone(), action, details.clone());
            let open = self.open.entry(shared).or_insert_with(|| entry(&actor, action, &self.clock, details));
            entries.push(AuditEntry { count, ..open.clone() });
        }
        entries
    }
}

/// A page of the audit log, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    /// The entries.
    pub items: Vec<AuditEntryView>,
    /// The cursor of the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// An entry of the audit log, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryView {
    pub at: String,
    pub actor: String,
    pub os_user: Option<String>,
    pub action: String,
    pub count: i64,
    pub details: Option<String>,
}

impl AuditEntryView {
    fn of(entry: &AuditEntry) -> Self {
        Self {
            at: entry.at.to_string(),
            actor: entry.actor.as_str().to_owned(),
            os_user: entry.actor.os_user().map(str::to_owned),
            action: entry.action.as_str().to_owned(),
            count: entry.count,
            details: entry.details.clone(),
        }
    }
}
