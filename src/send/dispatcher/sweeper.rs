//! Ends leases and messages that have expired.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::dispatch::DispatchContext;
use crate::{
    domain::Timestamp,
    send::OnUnknown,
    storage::{Outbox, StorageError},
};

/// The time between two sweeps. A lease or a message that expires is noticed within this time.
const PAUSE: Duration = Duration::from_secs(1);

/// Sweeps regularly, and watches in between whether the clock is set back.
pub(super) struct Sweeper {
    outbox: Arc<dyn Outbox>,
    context: Arc<DispatchContext>,
    swept: Option<Instant>,
    /// The latest time that our clock has shown since the last sweep.
    latest: Timestamp,
}

impl Sweeper {
    pub(super) fn new(outbox: Arc<dyn Outbox>, context: Arc<DispatchContext>) -> Self {
        // This looks as if the clock had been set back, since it may have been before we were started.
        Self { outbox, context, swept: None, latest: Timestamp::from_micros(i64::MAX) }
    }

    /// Reads our clock, and notices if it was set back.
    pub(super) fn read_clock(&mut self) -> Timestamp {
        let now = self.context.clock.now();
        self.latest = self.latest.max(now);
        now
    }

    /// Returns how long it takes until the next sweep.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        remaining(self.swept, PAUSE, now)
    }

    /// Ends the leases and the waiting messages that have expired.
    pub(super) async fn sweep(&mut self) -> Result<(), StorageError> {
        let now = self.context.clock.now();
        if now < self.latest {
            self.outbox.on_clock_rollback(now, now.plus(self.context.limits.lease)).await?;
        }
        let resend = self.context.limits.on_unknown == OnUnknown::Resend;
        for id in self.outbox.expire_leases(now, resend).await? {
            tracing::warn!(%id, resend, "a dispatch was interrupted; the platform may have the message");
        }
        let expired = self.outbox.expire(now).await?.len();
        if expired > 0 {
            tracing::info!(messages = expired, "messages expired before they were dispatched");
        }
        self.latest = now;
        self.swept = Some(Instant::now());
        Ok(())
    }
}

/// Returns how much of `time` remains, counted from `since`.
pub(super) fn remaining(since: Option<Instant>, time: Duration, now: Instant) -> Duration {
    since.map_or(Duration::ZERO, |since| (since + time).saturating_duration_since(now))
}
