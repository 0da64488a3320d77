//! Projects one chunk after the other.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{pace::Pace, reading};
use crate::{
    clock::Clock,
    domain::{Arrival, JournalSpan, Writer},
    handover::{Batches, Handover},
    observe::causes,
    storage::{Projection, StorageError, Store},
};

/// The fewest and the most records in a chunk. Each chunk costs about as much as a dozen records, however many it has.
const FEWEST: usize = 64;
const MOST: usize = 4_096;
/// The records of a chunk that tells how fast projecting is, also if it took less time than planned.
const ENOUGH: usize = 2 * FEWEST;
/// The projector is behind if more than this number of chunks wait.
const BEHIND: usize = 2;
/// How often the projector looks for batches that it was not given, and the pause after an error.
const TICK: Duration = Duration::from_secs(1);
/// How often the projector tries to project the rest before it ends.
const LAST_ATTEMPTS: u32 = 3;
/// Batches that are younger than this are about to be projected: they were given to this projector, or to that of another
/// instance.
const ABANDONED: Duration = Duration::from_secs(2);

/// Projects the journal.
pub struct Projector {
    projection: Arc<dyn Projection>,
    handover: Handover,
    clock: Clock,
    /// How long a chunk should take, and how many records take about that long.
    planned: Duration,
    records: usize,
    pace: Pace,
    /// When to look for batches that it was not given.
    next_look: Instant,
    /// The age from which batches of other instances are projected. At first these are what an instance left that was
    /// killed.
    others: Duration,
}

impl Projector {
    pub fn new(store: &Store, clock: Clock) -> Self {
        let (projection, plan, next_look) = (store.projection.clone(), store.projection_plan, Instant::now());
        Self {
            projection,
            handover: Handover::default(),
            clock,
            planned: plan.time,
            records: FEWEST,
            pace: Pace::new(plan.is_exclusive),
            next_look,
            others: Duration::ZERO,
        }
    }

    /// `handover` is given what this instance appends.
    #[must_use]
    pub fn with(self, handover: Handover) -> Self {
        Self { handover, ..self }
    }

    /// Projects what this instance appends, and what other instances have left behind. When `stop` is cancelled, it
    /// projects everything that this instance has appended, and ends.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut last_attempts = 0;
        loop {
            let is_last = stop.is_cancelled();
            if is_last {
                // Everything that is left is read from the journal.
                self.handover.close();
            }
            let projected = self.next().await;
            match &projected {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(error = causes(error), "the journal cannot be projected; it is tried again");
                }
            }
            if is_last {
                // A connection may have been lost, which the next attempt replaces.
                last_attempts += 1;
                if projected.is_ok() || last_attempts == LAST_ATTEMPTS {
                    return;
                }
                sleep(TICK).await;
                continue;
            }
            // After an error, new batches do not shorten the pause.
            tokio::select! {
                () = self.handover.given(), if projected.is_ok() => {}
                () = sleep_until(self.next_look) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Projects what comes next. Returns whether there was anything.
    ///
    /// First, everything in the journal is projected. From then on, what was just appended is taken from the handover, until
    /// that has too much to keep, or until an error. Then the journal comes first again.
    async fn next(&mut self) -> Result<bool, StorageError> {
        let is_open = self.handover.is_open();
        if is_open {
            let waiting = self.handover.waiting();
            if waiting > 0 {
                self.rest(waiting > BEHIND * self.records).await;
            }
            let (spans, arrivals) = self.handover.take(self.records);
            if !spans.is_empty() {
                let projected = self.project(&spans, arrivals).await;
                if !matches!(projected, Ok(true)) {
                    self.handover.close();
                }
                return projected.map(|_| true);
            }
            if Instant::now() < self.next_look {
                return Ok(false);
            }
        }
        self.next_look = Instant::now() + TICK;
        if is_open {
            return self.round(ABANDONED).await;
        }
        if self.round(Duration::ZERO).await? {
            return Ok(true);
        }
        self.others = ABANDONED;
        self.handover.open();
        // What was appended in between was not given.
        self.round(Duration::ZERO).await
    }

    /// Projects everything, whichever instance appended it.
    pub async fn project_all(&mut self) -> Result<(), StorageError> {
        while self.round(Duration::ZERO).await? {}
        Ok(())
    }

    /// Projects the next batches of each writer. Batches of this instance are left alone until they are older than `own`.
    /// Returns whether there was anything to project.
    async fn round(&mut self, own: Duration) -> Result<bool, StorageError> {
        let mut any = Ok(false);
        for head in self.projection.heads().await? {
            let abandoned = if head.is_own { own } else { self.others };
            // A writer whose batches cannot be projected does not keep the others back.
            match self.batches(head.position.writer, abandoned).await {
                Ok(projected) => any = any.map(|any| any || projected),
                Err(error) => any = Err(error),
            }
        }
        any
    }

    async fn batches(&mut self, writer: Writer, abandoned: Duration) -> Result<bool, StorageError> {
        let read = self.projection.unprojected(writer).await?;
        let too_late = self.clock.now().minus(abandoned);
        let mut batches = Batches::default();
        for batch in read {
            if abandoned.is_zero() || batch.appended_at <= too_late {
                batches.add(batch.position, batch.projected, reading::arrivals(batch)?);
            }
        }
        let mut any = false;
        loop {
            let (spans, arrivals) = batches.take(self.records);
            if spans.is_empty() {
                return Ok(any);
            }
            self.handover.forget(&spans);
            self.rest(true).await;
            if !self.project(&spans, arrivals).await? {
                // Some of them are projected already, so they are read again.
                return Ok(true);
            }
            any = true;
        }
    }

    /// Rests before the next chunk.
    async fn rest(&mut self, is_behind: bool) {
        loop {
            let next = self.pace.next(self.handover.count(), is_behind);
            if next <= Instant::now() {
                return;
            }
            sleep_until(next).await;
        }
    }

    /// Projects a chunk. Returns `false` if another instance was quicker, at least with a part.
    async fn project(&mut self, spans: &[JournalSpan], arrivals: Vec<Arrival>) -> Result<bool, StorageError> {
        let began = Instant::now();
        let took = match self.projection.project(spans, &arrivals).await {
            Err(StorageError::Refused(_)) => {
                let accepted = self.sift(arrivals).await?;
                return Ok(self.projection.project(spans, &accepted).await?.is_some());
            }
            projected => projected?,
        };
        if let Some(took) = took {
            // So that no batch is cut, a chunk may have half as many records as are wanted.
            let is_full = arrivals.len() >= self.records / 2;
            let is_small = arrivals.len() < ENOUGH && (!is_full || took < self.planned / 2);
            self.pace.projected(arrivals.len(), is_small, began.elapsed(), self.handover.count());
            self.adapt(is_full, took);
        }
        Ok(took.is_some())
    }

    /// Chooses the size of the next chunk, by the time that the last one took.
    fn adapt(&mut self, is_full: bool, took: Duration) {
        if is_full || took > self.planned {
            let factor = (self.planned.as_secs_f64() / took.as_secs_f64().max(1e-6)).clamp(0.5, 2.0);
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a chunk has some thousand records"
            )]
            let records = (self.records as f64 * factor) as usize;
            self.records = records.clamp(FEWEST, MOST);
        }
    }

    /// Puts those of `arrivals` into quarantine that the database refuses. All others stay as they are.
    async fn sift(&self, arrivals: Vec<Arrival>) -> Result<Vec<Arrival>, StorageError> {
        let (mut parts, mut accepted) = (vec![arrivals], Vec::new());
        while let Some(mut part) = parts.pop() {
            match self.projection.rehearse(&part).await {
                Ok(()) => accepted.append(&mut part),
                Err(StorageError::Refused(why)) => match part.len() {
                    0 | 1 if part.iter().all(|arrival| matches!(arrival, Arrival::Quarantined(_))) => {
                        return Err(StorageError::Refused(why));
                    }
                    1 => {
                        tracing::warn!(error = %why, "the database refuses a notification; its body goes to quarantine");
                        let why = "the database refuses its parsed form";
                        parts.push(part.into_iter().map(|arrival| arrival.quarantined(why)).collect());
                    }
                    length => {
                        parts.push(part.split_off(length / 2));
                        parts.push(part);
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Ok(accepted)
    }
}

#[cfg(test)]
#[path = "projector_tests.rs"]
mod tests;
