//! Projects one chunk after the other.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::reading;
use crate::{
    clock::Clock,
    domain::{Arrival, Writer},
    observe::causes,
    storage::{Projection, StorageError, Store},
};

/// The fewest and the most records in a chunk.
const FEWEST: usize = 16;
const MOST: usize = 4_096;
/// How often the projector looks for batches that it was not told of, and the pause after an error.
const TICK: Duration = Duration::from_secs(1);
/// Batches of another instance are projected by that instance, unless they are older than this.
const ABANDONED: Duration = Duration::from_secs(2);
/// Appending goes before projecting: the projector waits until nothing was appended for this long…
const QUIET: Duration = Duration::from_millis(2);
/// …but not longer than this for each chunk.
const PATIENCE: Duration = Duration::from_millis(50);

/// Projects the journal.
pub struct Projector {
    projection: Arc<dyn Projection>,
    appended: watch::Receiver<()>,
    clock: Clock,
    /// How long a chunk should take, and how many records take about that long.
    planned: Duration,
    records: usize,
}

impl Projector {
    pub fn new(store: &Store, clock: Clock) -> Self {
        let (projection, appended) = (store.projection.clone(), store.append_signal.clone());
        Self { projection, appended, clock, planned: store.projection_time, records: FEWEST }
    }

    /// Projects what this instance appends, and what other instances have left behind. When `stop` is cancelled, it
    /// projects everything that this instance has appended, and ends.
    pub async fn run(mut self, stop: CancellationToken) {
        // What was left by an instance that was killed.
        let mut abandoned = Duration::ZERO;
        loop {
            self.appended.mark_unchanged();
            let is_last = stop.is_cancelled();
            if !is_last {
                self.give_way().await;
            }
            let projected = self.round(abandoned).await;
            match &projected {
                Ok(true) => continue,
                Ok(false) => abandoned = ABANDONED,
                Err(error) => {
                    tracing::error!(error = causes(error), "the journal cannot be projected; it is tried again");
                }
            }
            if is_last {
                return;
            }
            // After an error, new batches do not shorten the pause.
            tokio::select! {
                _ = self.appended.changed(), if projected.is_ok() => {}
                () = sleep(TICK) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Waits until nothing is being appended, or for [`PATIENCE`].
    async fn give_way(&mut self) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && matches!(timeout(QUIET, self.appended.changed()).await, Ok(Ok(()))) {}
    }

    /// Projects everything, whichever instance appended it.
    pub async fn project_all(&mut self) -> Result<(), StorageError> {
        while self.round(Duration::ZERO).await? {}
        Ok(())
    }

    /// Projects a chunk of each writer. Batches of other instances are left alone until they are older than `abandoned`.
    /// Returns whether there was anything to project.
    async fn round(&mut self, abandoned: Duration) -> Result<bool, StorageError> {
        let mut any = Ok(false);
        for head in self.projection.heads().await? {
            let abandoned = if head.is_own { Duration::ZERO } else { abandoned };
            // A writer whose batches cannot be projected does not keep the others back.
            match self.chunk(head.position.writer, abandoned).await {
                Ok(projected) => any = any.map(|any| any || projected),
                Err(error) => any = Err(error),
            }
        }
        any
    }

    async fn chunk(&mut self, writer: Writer, abandoned: Duration) -> Result<bool, StorageError> {
        let batches = self.projection.unprojected(writer, self.records).await?;
        let too_late = self.clock.now().minus(abandoned);
        if !abandoned.is_zero() && batches.first().is_none_or(|batch| batch.appended_at > too_late) {
            return Ok(false);
        }
        let (spans, arrivals) = reading::chunk(batches, self.records)?;
        if spans.is_empty() {
            return Ok(false);
        }
        match self.projection.project(&spans, &arrivals).await {
            Ok(Some(took)) => self.adapt(arrivals.len(), took),
            Ok(None) => {}
            Err(StorageError::Refused(_)) => {
                let accepted = self.sift(arrivals).await?;
                self.projection.project(&spans, &accepted).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Chooses the size of the next chunk, by the time that the last one took.
    fn adapt(&mut self, records: usize, took: Duration) {
        if took > self.planned {
            self.records = (self.records / 2).max(FEWEST);
        } else if took < self.planned / 2 && records >= self.records {
            self.records = (self.records * 2).min(MOST);
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
