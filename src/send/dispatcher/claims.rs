//! Claims messages, for one queue after the other, while requests are under way.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use crate::{
    domain::{Channel, Timestamp},
    storage::{Claim, Outbox, StorageError},
};

/// The pause after a failed claim. It becomes longer with each failure in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The claim under way, if there is one.
pub(super) struct Claims {
    outbox: Arc<dyn Outbox>,
    /// A separate task, so that the commit goes on while the loop waits for something else.
    under_way: JoinSet<Result<Claimed, StorageError>>,
    /// When the last claim began.
    began: Option<Instant>,
    /// How long the last claim took.
    took: Duration,
    paused_until: Option<Instant>,
    /// The pause after the next failure.
    pause: Duration,
}

/// What was claimed.
pub(super) struct Claimed {
    pub(super) channel: Channel,
    pub(super) claims: Vec<Claim>,
    /// When the leases end.
    pub(super) until: Instant,
    /// Fewer messages were due than requested.
    pub(super) is_short: bool,
}

impl Claims {
    pub(super) fn new(outbox: Arc<dyn Outbox>) -> Self {
        Self {
            outbox,
            under_way: JoinSet::new(),
            began: None,
            took: Duration::ZERO,
            paused_until: None,
            pause: FIRST_PAUSE,
        }
    }

    /// Returns how long it takes until the next claim may begin; `None` while one is under way.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let pause = self.paused_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        (!self.are_under_way()).then_some(pause)
    }

    /// Returns whether a claim is under way.
    pub(super) fn are_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Returns how long the last claim took.
    pub(super) fn took(&self) -> Duration {
        self.took
    }

    /// Begins to claim up to `most` messages on `channel` for as long as `lease`. `time` is the time of our clock.
    pub(super) fn begin(&mut self, channel: Channel, most: usize, time: Timestamp, lease: Duration) {
        let (outbox, now) = (self.outbox.clone(), Instant::now());
        let until = now + lease;
        self.began = Some(now);
        self.under_way.spawn(async move {
            let limit = i64::try_from(most).unwrap_or(i64::MAX);
            let claims = outbox.claim(&channel, limit, time, time.plus(lease)).await?;
            Ok(Claimed { is_short: claims.len() < most, channel, claims, until })
        });
    }

    /// Waits for the claim under way. Returns `None` if it failed or there is none. The future may be dropped at any
    /// time.
    pub(super) async fn next_ended(&mut self) -> Option<Claimed> {
        let ended = self.under_way.join_next().await?;
        self.took = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        match ended {
            Ok(Ok(claimed)) => {
                self.pause = FIRST_PAUSE;
                return Some(claimed);
            }
            Ok(Err(error)) => tracing::error!(error = crate::observe::causes(&error), "messages cannot be claimed"),
            Err(error) => tracing::error!(error = crate::observe::causes(&error), "a claim was interrupted"),
        }
        self.paused_until = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        None
    }
}
