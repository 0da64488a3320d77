//! Who did what. A deed is on disk in the trail before anybody is told that it is done.
//!
//! Deeds that are noted at the same time share a commit, and those of one kind that somebody does within a minute share
//! an entry with a count. So many single messages cost few commits and few rows.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{Actor, Cursor, Deed, TrailEntry, TrailRequest},
    storage::{Deeds, StorageError, Store},
};

/// A deed could not be put on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what was done could not be noted in the trail")]
pub struct NotNoted;

/// The way into the trail, and the way to look at it.
#[derive(Clone)]
pub struct Trail {
    queue: mpsc::Sender<Noting>,
    deeds: Arc<dyn Deeds>,
    clock: Clock,
}

/// A deed that goes on for a while, and counts meanwhile. The count of one that is given up half way is noted too.
pub struct Undertaking {
    queue: mpsc::Sender<Noting>,
    entry: TrailEntry,
    count: i64,
}

/// Somebody who waits until a deed is on record.
struct Noting {
    what: What,
    count: i64,
    answer: oneshot::Sender<Result<(), NotNoted>>,
}

/// Under which entry a deed is noted.
enum What {
    /// One that it shares with others of its kind.
    Shared(Actor, Deed, Option<String>),
    /// Its own.
    Own(TrailEntry),
}

/// How many may wait.
const QUEUE: usize = 1024;

impl Trail {
    /// Of `store`. Must be called within a runtime, where it runs until the last clone is gone.
    pub fn start(store: &Store, clock: Clock) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let scribe = Scribe { deeds: store.deeds.clone(), clock: clock.clone(), open: HashMap::new() };
        tokio::spawn(scribe.run(waiting));
        Self { queue, deeds: store.deeds.clone(), clock }
    }

    /// Notes that `actor` did `deed` to so many messages or rows. When this returns, it is on disk.
    pub async fn record(&self, actor: &Actor, deed: Deed, count: i64, details: Option<&str>) -> Result<(), NotNoted> {
        let what = match details {
            Some(details) => What::Own(entry(actor, deed, &self.clock, Some(details.to_owned()))),
            None => What::Shared(actor.clone(), deed, None),
        };
        note(&self.queue, what, count).await
    }

    /// Notes that `actor` begins `deed`. When this returns, that is on disk.
    pub async fn begin(&self, actor: &Actor, deed: Deed, details: &str) -> Result<Undertaking, NotNoted> {
        let entry = entry(actor, deed, &self.clock, Some(details.to_owned()));
        note(&self.queue, What::Own(entry.clone()), 0).await?;
        Ok(Undertaking { queue: self.queue.clone(), entry, count: 0 })
    }

    /// Notes that `actor` looked at `what`. What somebody looks at again within a minute is one entry with a count.
    pub async fn looked_at(&self, actor: &Actor, what: String) -> Result<(), NotNoted> {
        note(&self.queue, What::Shared(actor.clone(), Deed::Read, Some(what)), 1).await
    }

    /// One page of the trail, newest first.
    pub async fn list(&self, request: &TrailRequest) -> Result<TrailView, StorageError> {
        let TrailRequest { filter, after, limit } = request;
        let page = self.deeds.trail(filter, after.as_ref(), *limit).await?;
        Ok(TrailView {
            items: page.items.iter().map(TrailEntryView::of).collect(),
            next_cursor: page.next.as_ref().map(Cursor::encode),
        })
    }
}

async fn note(queue: &mpsc::Sender<Noting>, what: What, count: i64) -> Result<(), NotNoted> {
    let (answer, answered) = oneshot::channel();
    queue.send(Noting { what, count, answer }).await.map_err(|_| NotNoted)?;
    answered.await.unwrap_or(Err(NotNoted))
}

impl Undertaking {
    /// So many more rows.
    pub fn count(&mut self, rows: usize) {
        self.count = self.count.saturating_add(i64::try_from(rows).unwrap_or(i64::MAX));
    }

    /// Notes what was counted. When this returns, that is on disk.
    pub async fn note(&mut self) -> Result<(), NotNoted> {
        note(&self.queue, What::Own(self.entry.clone()), std::mem::take(&mut self.count)).await
    }
}

impl Drop for Undertaking {
    fn drop(&mut self) {
        if self.count > 0 {
            let (answer, _) = oneshot::channel();
            // Where the queue is full, the entry itself has to do.
            let _ = self.queue.try_send(Noting { what: What::Own(self.entry.clone()), count: self.count, answer });
        }
    }
}

/// A new entry with nothing counted yet.
pub fn entry(actor: &Actor, deed: Deed, clock: &Clock, details: Option<String>) -> TrailEntry {
    TrailEntry { id: Uuid::new_v4().into_bytes(), at: clock.now(), actor: actor.clone(), deed, count: 0, details }
}

/// What shares an entry: who did what, and to what where that is told.
type Kind = (Actor, Deed, Option<String>);

/// Writes the trail.
struct Scribe {
    deeds: Arc<dyn Deeds>,
    clock: Clock,
    /// The entries that may still grow.
    open: HashMap<Kind, TrailEntry>,
}

/// An entry grows for so long, in microseconds.
const MINUTE: i64 = 60_000_000;

impl Scribe {
    async fn run(mut self, mut waiting: mpsc::Receiver<Noting>) {
        let mut together = Vec::new();
        while waiting.recv_many(&mut together, QUEUE).await > 0 {
            let noting: Vec<Noting> = std::mem::take(&mut together);
            let entries = self.entries(&noting);
            let result = self.deeds.note(&entries).await.map_err(|error| {
                tracing::error!(error = crate::observe::causes(&error), "deeds could not be noted in the trail");
                NotNoted
            });
            // Somebody who went away is not missed: what was done is noted all the same.
            for Noting { answer, .. } in noting {
                let _ = answer.send(result);
            }
        }
    }

    /// What to add to the trail for these.
    fn entries(&mut self, noting: &[Noting]) -> Vec<TrailEntry> {
        let now = self.clock.now();
        // Not one of a later time either, by a clock that was set back.
        self.open.retain(|_, entry| (0..MINUTE).contains(&now.as_micros().saturating_sub(entry.at.as_micros())));
        let mut counts: HashMap<Kind, i64> = HashMap::new();
        let mut entries = Vec::new();
        for Noting { what, count, .. } in noting {
            match what {
                What::Own(entry) => entries.push(TrailEntry { count: *count, ..entry.clone() }),
                What::Shared(actor, deed, details) => {
                    *counts.entry((actor.clone(), *deed, details.clone())).or_default() += count;
                }
            }
        }
        for ((actor, deed, details), count) in counts {
            let kind = (actor.clone(), deed, details.clone());
            let open = self.open.entry(kind).or_insert_with(|| entry(&actor, deed, &self.clock, details));
            entries.push(TrailEntry { count, ..open.clone() });
        }
        entries
    }
}

/// A page of the trail, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrailView {
    /// The entries.
    pub items: Vec<TrailEntryView>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// An entry of the trail, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are those of domain::TrailEntry")]
pub struct TrailEntryView {
    pub at: String,
    pub actor: String,
    pub os_user: Option<String>,
    pub deed: String,
    pub count: i64,
    pub details: Option<String>,
}

impl TrailEntryView {
    fn of(entry: &TrailEntry) -> Self {
        Self {
            at: entry.at.to_string(),
            actor: entry.actor.as_str().to_owned(),
            os_user: entry.actor.os_user().map(str::to_owned),
            deed: entry.deed.as_str().to_owned(),
            count: entry.count,
            details: entry.details.clone(),
        }
    }
}
