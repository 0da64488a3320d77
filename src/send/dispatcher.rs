//! The loop that hands messages over.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{outcome::Outcome, platform::Platform};
use crate::{
    clock::Clock,
    observe::Metrics,
    storage::{Claim, Outbox, Settlement, StorageError, Store},
    webex::request::{Request, Tenant},
};

/// How the dispatcher goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The most requests at one time.
    pub in_flight: usize,
    /// How long a lease lasts; longer than an attempt can take.
    pub lease: Duration,
    /// After so many attempts a message counts as refused.
    pub attempts: i64,
}

/// Hands over what is due.
#[derive(Clone)]
pub struct Dispatcher {
    outbox: Arc<dyn Outbox>,
    submissions: watch::Receiver<()>,
    platform: Arc<dyn Platform>,
    tenant: Tenant,
    pace: Pace,
    clock: Clock,
    metrics: Metrics,
}

/// How long the loop rests at the most. Another instance's work, and leases that end, are seen after it at the latest.
const REST: Duration = Duration::from_secs(1);

impl Dispatcher {
    /// Sends what is in `store` to `platform`.
    pub fn new(
        store: &Store,
        platform: Arc<dyn Platform>,
        tenant: Tenant,
        pace: Pace,
        clock: Clock,
        metrics: Metrics,
    ) -> Self {
        Self {
            outbox: store.outbox.clone(),
            submissions: store.submissions.clone(),
            platform,
            tenant,
            pace,
            clock,
            metrics,
        }
    }

    /// Runs until `shutdown`; then claims nothing more, and ends when the requests in flight are settled.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut in_flight = JoinSet::new();
        let mut swept = None;
        loop {
            self.submissions.mark_unchanged();
            let rest = match self.turn(&mut in_flight, &mut swept).await {
                Ok(rest) => rest,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the outbox cannot be read");
                    REST
                }
            };
            // With every slot taken, only an answer makes room.
            let full = in_flight.len() >= self.pace.in_flight;
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = in_flight.join_next(), if !in_flight.is_empty() => {}
                _ = self.submissions.changed(), if !full => {}
                () = sleep(rest), if !full => {}
            }
        }
        while in_flight.join_next().await.is_some() {}
    }

    /// Starts the hand-over of what is due, as far as there is room, and tells for how long there is nothing to do.
    async fn turn(&self, in_flight: &mut JoinSet<()>, swept: &mut Option<Instant>) -> Result<Duration, StorageError> {
        let now = self.clock.now();
        if swept.is_none_or(|swept| swept.elapsed() >= REST) {
            for id in self.outbox.abandon(now, false).await? {
                tracing::warn!(%id, "a hand-over was cut off; the message is unconfirmed until a notification settles it");
            }
            *swept = Some(Instant::now());
        }
        let room = self.pace.in_flight.saturating_sub(in_flight.len());
        let mut next = self.outbox.next_due().await?.into_iter().min_by_key(|(_, due)| *due);
        if let Some((channel, _)) = next.clone().filter(|(_, due)| room > 0 && *due <= now) {
            let room = i64::try_from(room).unwrap_or(i64::MAX);
            for claim in self.outbox.claim(&channel, room, now, now.plus(self.pace.lease)).await? {
                in_flight.spawn(self.clone().hand_over(claim));
            }
            next = self.outbox.next_due().await?.into_iter().min_by_key(|(_, due)| *due);
        }
        Ok(next.map_or(REST, |(_, due)| due.since(self.clock.now()).min(REST)))
    }

    async fn hand_over(self, claim: Claim) {
        let began = Instant::now();
        let request = Request::new(&claim.submission, &self.tenant, self.clock.now());
        let attempt = self.platform.post(&request).await;
        let outcome = Outcome::of(&attempt, &claim.submission.channel);
        let id = &claim.submission.correlation_id;
        tracing::info!(%id, attempt = claim.attempt, outcome = ?outcome.metric(), "handed a message to the platform");
        self.metrics.dispatched(outcome.metric());
        let settlement = outcome.settle(claim.attempt, self.pace.attempts, self.clock.now());
        // While the store is away the outcome is kept here, as long as the lease lasts; after that the message counts
        // as unconfirmed, which is true as well.
        let left = self.pace.lease.saturating_sub(began.elapsed());
        if timeout(left, self.settle(&claim, &settlement)).await.is_err() {
            tracing::error!(%id, "the outcome of a hand-over could not be put on record");
        }
    }

    async fn settle(&self, claim: &Claim, settlement: &Settlement) {
        let mut pause = Duration::from_millis(50);
        while let Err(error) = self.outbox.settle(&[(claim.clone(), settlement.clone())]).await {
            tracing::error!(error = &error as &dyn std::error::Error, "an outcome could not be stored; trying again");
            sleep(pause).await;
            pause = (pause * 2).min(REST);
        }
    }
}
