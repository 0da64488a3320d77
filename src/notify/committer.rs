//! Group commit: what arrives during one commit forms the next batch, up to `batch_rows`, and its callers are answered
//! after its commit.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    domain::Arrival,
    handover::Handover,
    observe::{Commit, Metrics},
    storage::Journal,
    webex::TimeZone,
};

/// The limits of the committer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of waiting requests.
    pub queue_requests: usize,
    /// The maximum number of waiting bytes.
    pub queue_bytes: usize,
    /// The maximum number of arrivals in one batch. The arrivals of one request are always in one batch, however many
    /// there are, so the last request may exceed this.
    pub batch_rows: usize,
    /// The size of what is stored and cannot be looked up yet, in bytes, beyond which nothing more is accepted.
    pub backlog_bytes: u64,
    /// How many commits may run at the same time.
    pub writers: usize,
    /// After this time, a commit that has not ended counts as failed.
    pub patience: Duration,
}

/// The reason why an arrival was not stored. The sender should try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStored {
    /// The queue is full, or too much cannot be looked up yet.
    #[error("too many notifications are waiting to be stored")]
    Busy,
    /// The store cannot commit, or did not confirm the commit.
    #[error("the store cannot commit")]
    Unavailable,
}

/// The caller of a request, which waits until its arrivals are stored.
struct Caller {
    answer: oneshot::Sender<Result<(), NotStored>>,
    /// Their share of `queue_bytes`, which is returned before the answer.
    share: OwnedSemaphorePermit,
}

/// The arrivals of a request, and the caller that waits for them.
type Waiting = (Vec<Arrival>, Caller);

impl Caller {
    /// Answers the caller. If it has gone away, its arrivals are stored all the same.
    fn answer(self, result: Result<(), NotStored>) {
        // The share is free before the answer, so that a caller can post again at once.
        drop(self.share);
        let _ = self.answer.send(result);
    }
}

/// Adds arrivals to the queue. When the last clone is dropped, the waiting arrivals are committed, and the writers end.
#[derive(Clone)]
pub struct Committer {
    journal: Arc<dyn Journal>,
    backlog_bytes: u64,
    queue: mpsc::Sender<Waiting>,
    bytes: Arc<Semaphore>,
    most_bytes: usize,
    metrics: Metrics,
    latest: watch::Sender<Option<Outcome>>,
}

/// How the last commit ended.
#[derive(Clone, Copy)]
struct Outcome {
    at: Instant,
    store_works: bool,
}

/// How long after a failure the next commit is expected to fail too.
const FAILURE_COUNTS_FOR: Duration = Duration::from_secs(10);

impl Committer {
    /// Starts the writers. The tasks of the returned set end when the queue is closed and empty.
    /// `zone` is the time zone in which the bodies of the arrivals were read.
    /// They give what they have appended to `handover`.
    pub fn start(
        journal: &Arc<dyn Journal>,
        handover: &Handover,
        zone: TimeZone,
        limits: Limits,
        metrics: &Metrics,
    ) -> (Self, JoinSet<()>) {
        let (queue, waiting) = mpsc::channel(limits.queue_requests.max(1));
        let waiting = Arc::new(Mutex::new(waiting));
        let latest = watch::Sender::new(None);
        let mut writers = JoinSet::new();
        for _ in 0..limits.writers.max(1) {
            let writer = Writer {
                journal: journal.clone(),
                handover: handover.clone(),
                zone: zone.name(),
                metrics: metrics.clone(),
                patience: limits.patience,
                latest: latest.clone(),
            };
            writers.spawn(writer.run(waiting.clone(), limits.batch_rows.max(1)));
        }
        let most_bytes = limits.queue_bytes.min(Semaphore::MAX_PERMITS);
        let bytes = Arc::new(Semaphore::new(most_bytes));
        let (journal, backlog_bytes, metrics) = (journal.clone(), limits.backlog_bytes, metrics.clone());
        (Self { journal, backlog_bytes, queue, bytes, most_bytes, metrics, latest }, writers)
    }

    /// Returns whether a commit failed recently, and none has succeeded since.
    pub fn is_failing(&self) -> bool {
        self.latest.borrow().is_some_and(|latest| !latest.store_works && latest.at.elapsed() < FAILURE_COUNTS_FOR)
    }

    /// Returns whether the store commits, according to notifications: by the last commit if it ended within `recently`,
    /// otherwise by the one under way. `None` if there is neither.
    pub async fn observed_health(&self, recently: Duration) -> Option<bool> {
        let mut latest = self.latest.subscribe();
        loop {
            let known = latest.borrow_and_update().filter(|latest| latest.at.elapsed() < recently);
            if let Some(known) = known {
                return Some(known.store_works);
            }
            let is_idle = self.bytes.available_permits() == self.most_bytes;
            if is_idle || latest.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Stores the arrivals of one request, all in one commit. `Ok` means that they are on disk; an error means that the
    /// sender should try again.
    pub async fn commit(&self, arrivals: Vec<Arrival>) -> Result<(), NotStored> {
        if self.journal.backlog_bytes() >= self.backlog_bytes {
            return Err(NotStored::Busy);
        }
        let size = arrivals.iter().map(Arrival::size).sum::<usize>().min(self.most_bytes);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let share = self.bytes.clone().try_acquire_many_owned(size).map_err(|_| NotStored::Busy)?;
        let (answer, answered) = oneshot::channel();
        let caller = Caller { answer, share };
        let count = i64::try_from(arrivals.len()).unwrap_or(i64::MAX);
        // It is counted before a writer can take it, so that the count never falls below zero.
        self.metrics.waiting(count);
        if self.queue.try_send((arrivals, caller)).is_err() {
            self.metrics.waiting(-count);
            return Err(NotStored::Busy);
        }
        // If a writer ends without an answer, it is not known whether the arrivals are stored.
        answered.await.unwrap_or(Err(NotStored::Unavailable))
    }
}

/// Commits batch after batch.
struct Writer {
    journal: Arc<dyn Journal>,
    handover: Handover,
    zone: &'static str,
    metrics: Metrics,
    patience: Duration,
    latest: watch::Sender<Option<Outcome>>,
}

impl Writer {
    async fn run(self, waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>, most: usize) {
        loop {
            let batch = next_batch(&mut *waiting.lock().await, most).await;
            if batch.is_empty() {
                return;
            }
            let (arrivals, callers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let arrivals: Vec<_> = arrivals.into_iter().flatten().collect();
            self.metrics.waiting(-i64::try_from(arrivals.len()).unwrap_or(i64::MAX));
            self.store(arrivals, callers).await;
        }
    }

    /// Answers every caller of the batch, exactly once.
    async fn store(&self, arrivals: Vec<Arrival>, callers: Vec<Caller>) {
        let result = self.append(arrivals).await;
        self.latest.send_replace(Some(Outcome { at: Instant::now(), store_works: result.is_ok() }));
        for caller in callers {
            caller.answer(result);
        }
    }

    #[tracing::instrument(level = "debug", name = "notify.commit", skip_all, fields(rows = arrivals.len()))]
    async fn append(&self, arrivals: Vec<Arrival>) -> Result<(), NotStored> {
        let began = Instant::now();
        match timeout(self.patience, self.journal.append(&arrivals, self.zone)).await {
            Ok(Ok(position)) => {
                let seconds = began.elapsed().as_secs_f64();
                self.metrics.committed(Commit { rows: arrivals.len(), seconds });
                self.handover.give(position, arrivals);
                return Ok(());
            }
            Ok(Err(error)) => {
                let error = crate::observe::causes(&error);
                tracing::error!(error, rows = arrivals.len(), "a batch could not be committed");
            }
            Err(_) => {
                tracing::error!(rows = arrivals.len(), "a commit did not end in time; the senders are asked to retry");
            }
        }
        Err(NotStored::Unavailable)
    }
}

/// Returns the waiting requests with up to `most` arrivals, and with all arrivals of the last request; none if the
/// queue is closed and empty.
async fn next_batch(waiting: &mut mpsc::Receiver<Waiting>, most: usize) -> Vec<Waiting> {
    let mut batch: Vec<_> = waiting.recv().await.into_iter().collect();
    let mut rows: usize = batch.iter().map(|(arrivals, _)| arrivals.len()).sum();
    while !batch.is_empty()
        && rows < most
        && let Ok((arrivals, caller)) = waiting.try_recv()
    {
        rows += arrivals.len();
        batch.push((arrivals, caller));
    }
    batch
}

#[cfg(test)]
#[path = "committer_tests.rs"]
mod tests;
