//! Group commit: whatever arrived while the last commit ran is the next batch, and every caller is answered after it.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, timeout},
};

use super::batching::{Attempt, Next, next};
use crate::{
    domain::Arrival,
    observe::{Commit, Metrics},
    storage::Journal,
};

/// How much the committer takes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most arrivals that wait.
    pub queue_rows: usize,
    /// The most bytes that wait.
    pub queue_bytes: usize,
    /// The most arrivals in one commit.
    pub batch_rows: usize,
    /// How many commits may run at the same time.
    pub writers: usize,
    /// After this, a commit that has not ended counts as failed.
    pub patience: Duration,
}

/// Why an arrival was not stored. The sender is to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStored {
    /// The queue is full.
    #[error("too much is waiting to be stored")]
    Busy,
    /// The store cannot commit; or it was not seen to.
    #[error("the store cannot commit")]
    Unavailable,
}

/// Somebody who waits to hear whether an arrival is stored.
struct Caller {
    answer: oneshot::Sender<Result<(), NotStored>>,
    /// The arrival's share of `queue_bytes`, given back before the answer.
    share: OwnedSemaphorePermit,
}

impl Caller {
    /// A caller that went away is not missed: what it brought is stored all the same.
    fn answer(self, result: Result<(), NotStored>) {
        // Whoever is told and comes back at once finds the room free.
        drop(self.share);
        let _ = self.answer.send(result);
    }
}

/// The way into the queue. When the last clone is dropped, what waits is committed and the writers end.
#[derive(Clone)]
pub struct Committer {
    queue: mpsc::Sender<(Arrival, Caller)>,
    bytes: Arc<Semaphore>,
    most_bytes: usize,
    metrics: Metrics,
    failed: watch::Sender<Option<Instant>>,
}

/// A failure says this long that the next commit will fail, too.
const TELLING: Duration = Duration::from_secs(10);

impl Committer {
    /// Starts the writers. The returned set ends when the queue is closed and empty.
    pub fn start(journal: &Arc<dyn Journal>, limits: Limits, metrics: &Metrics) -> (Self, JoinSet<()>) {
        let (queue, waiting) = mpsc::channel(limits.queue_rows.max(1));
        let waiting = Arc::new(Mutex::new(waiting));
        let failed = watch::Sender::new(None);
        let mut writers = JoinSet::new();
        for _ in 0..limits.writers.max(1) {
            let writer = Writer {
                journal: journal.clone(),
                metrics: metrics.clone(),
                patience: limits.patience,
                failed: failed.clone(),
            };
            writers.spawn(writer.run(waiting.clone(), limits.batch_rows.max(1)));
        }
        let most_bytes = limits.queue_bytes.min(Semaphore::MAX_PERMITS);
        let bytes = Arc::new(Semaphore::new(most_bytes));
        (Self { queue, bytes, most_bytes, metrics: metrics.clone(), failed }, writers)
    }

    /// Whether a commit failed a moment ago, and none succeeded since.
    pub fn is_failing(&self) -> bool {
        self.failed.borrow().is_some_and(|at| at.elapsed() < TELLING)
    }

    /// Puts an arrival on disk. `Ok` means that it is there; an error means that the sender is to try again.
    pub async fn commit(&self, arrival: Arrival) -> Result<(), NotStored> {
        let size = u32::try_from(arrival.size().min(self.most_bytes)).unwrap_or(u32::MAX);
        let share = self.bytes.clone().try_acquire_many_owned(size).map_err(|_| NotStored::Busy)?;
        let (answer, answered) = oneshot::channel();
        // Counted before a writer can take it, so that the count never falls below zero.
        self.metrics.waiting(1);
        if self.queue.try_send((arrival, Caller { answer, share })).is_err() {
            self.metrics.waiting(-1);
            return Err(NotStored::Busy);
        }
        // A writer that went away without an answer has not stored anything that it could vouch for.
        answered.await.unwrap_or(Err(NotStored::Unavailable))
    }
}

fn answer(callers: Vec<Caller>, result: Result<(), NotStored>) {
    for caller in callers {
        caller.answer(result);
    }
}

/// Commits batch after batch.
struct Writer {
    journal: Arc<dyn Journal>,
    metrics: Metrics,
    patience: Duration,
    /// When the last commit failed, unless one succeeded since.
    failed: watch::Sender<Option<Instant>>,
}

impl Writer {
    async fn run(self, waiting: Arc<Mutex<mpsc::Receiver<(Arrival, Caller)>>>, most: usize) {
        loop {
            let mut batch = Vec::with_capacity(most);
            if waiting.lock().await.recv_many(&mut batch, most).await == 0 {
                return;
            }
            self.metrics.waiting(-i64::try_from(batch.len()).unwrap_or(0));
            self.store(batch).await;
        }
    }

    /// Answers every caller of the batch, exactly once.
    async fn store(&self, batch: Vec<(Arrival, Caller)>) {
        let (arrivals, callers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let mut parts = vec![(arrivals, callers)];
        while let Some((mut arrivals, mut callers)) = parts.pop() {
            let quarantined = arrivals.iter().all(|arrival| matches!(arrival, Arrival::Quarantined(_)));
            let attempt = self.attempt(&arrivals).await;
            match attempt {
                Attempt::Committed => _ = self.failed.send_replace(None),
                Attempt::Unavailable => _ = self.failed.send_replace(Some(Instant::now())),
                // The store works, or else it could not tell.
                Attempt::Refused => {}
            }
            match next(attempt, arrivals.len(), quarantined) {
                Next::Acknowledge => answer(callers, Ok(())),
                Next::TurnAway => answer(callers, Err(NotStored::Unavailable)),
                Next::Halve => {
                    let half = arrivals.len() / 2;
                    parts.push((arrivals.split_off(half), callers.split_off(half)));
                    parts.push((arrivals, callers));
                }
                Next::Quarantine => {
                    let why = "the database refuses its parsed form";
                    let quarantined = arrivals.into_iter().map(|arrival| arrival.quarantined(why)).collect();
                    parts.push((quarantined, callers));
                }
            }
        }
    }

    async fn attempt(&self, arrivals: &[Arrival]) -> Attempt {
        let began = Instant::now();
        let Ok(result) = timeout(self.patience, self.journal.append(arrivals)).await else {
            tracing::error!(rows = arrivals.len(), "a commit did not end in time; the senders are told to try again");
            return Attempt::Unavailable;
        };
        match &result {
            Ok(()) => {
                let seconds = began.elapsed().as_secs_f64();
                self.metrics.committed(Commit { rows: arrivals.len(), seconds });
            }
            Err(error) => {
                let error = crate::observe::causes(error);
                tracing::error!(error, rows = arrivals.len(), "a batch was not committed");
            }
        }
        Attempt::from(&result)
    }
}

#[cfg(test)]
#[path = "committer_tests.rs"]
mod tests;
