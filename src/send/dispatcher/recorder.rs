//! Stores outcomes in batches: those that came while the last commit ran, and within a moment after it, are the next
//! batch.
//!
//! While the store is unavailable, an outcome waits here until its lease ends. After that, the message becomes
//! unconfirmed, which is true as well.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};

use crate::storage::{Claim, Outbox, Settlement, StorageError};

/// An outcome that is to be stored.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) claim: Claim,
    pub(super) settlement: Settlement,
    /// When the lease ends.
    pub(super) until: Instant,
}

/// The maximum number of outcomes in one commit.
pub(super) const MOST: usize = 512;
const MOMENT: Duration = Duration::from_millis(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The outcomes of one commit, and when their leases end.
type Batch = (Vec<(Claim, Settlement)>, Vec<Instant>);

/// Runs until the queue is closed and empty.
pub(super) async fn run(outbox: Arc<dyn Outbox>, mut waiting: mpsc::Receiver<Record>) {
    let mut records = Vec::new();
    while waiting.recv_many(&mut records, MOST).await > 0 {
        gather(&mut waiting, &mut records).await;
        let pairs = records.drain(..).map(|record| ((record.claim, record.settlement), record.until));
        store(&*outbox, pairs.unzip()).await;
    }
}

/// Adds the outcomes that come within a moment. No request waits for the commit, and a commit of several outcomes costs
/// as much as one of a single outcome.
async fn gather(waiting: &mut mpsc::Receiver<Record>, records: &mut Vec<Record>) {
    let end = Instant::now() + MOMENT;
    while records.len() < MOST
        && let Ok(1..) = timeout_at(end, waiting.recv_many(records, MOST - records.len())).await
    {}
}

async fn store(outbox: &dyn Outbox, batch: Batch) {
    let mut parts = vec![batch];
    let mut pause = FIRST_PAUSE;
    while let Some((mut outcomes, mut until)) = parts.pop() {
        let Some(end) = until.iter().max() else { continue };
        match timeout_at(*end, outbox.settle(&outcomes)).await {
            Ok(Ok(())) => {}
            // One bad row must not make its neighbours fail.
            Ok(Err(StorageError::Refused(_))) if outcomes.len() > 1 => {
                let half = outcomes.len() / 2;
                parts.push((outcomes.split_off(half), until.split_off(half)));
                parts.push((outcomes, until));
            }
            Ok(Err(error @ StorageError::Refused(_))) => {
                tracing::error!(error = crate::observe::causes(&error), "an outcome cannot be stored");
                give_up(&outcomes);
            }
            Ok(Err(error)) => {
                tracing::error!(
                    error = crate::observe::causes(&error),
                    "outcomes could not be stored; this is retried"
                );
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                parts.push(still_leased((outcomes, until), Instant::now()));
            }
            Err(_) => give_up(&outcomes),
        }
    }
}

fn still_leased((outcomes, until): Batch, now: Instant) -> Batch {
    let pairs = outcomes.into_iter().zip(until);
    let (kept, expired): (Vec<_>, Vec<_>) = pairs.partition(|(_, until)| *until > now);
    give_up(&expired.into_iter().map(|(outcome, _)| outcome).collect::<Vec<_>>());
    kept.into_iter().unzip()
}

fn give_up(outcomes: &[(Claim, Settlement)]) {
    for (claim, _) in outcomes {
        let id = &claim.submission.correlation_id;
        tracing::error!(%id, "the outcome of a dispatch could not be stored");
    }
}
