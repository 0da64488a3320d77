//! Ends what is over because time has passed.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{dispatch::DispatchContext, left};
use crate::{
    domain::Timestamp,
    send::OnUnknown,
    storage::{Outbox, StorageError},
};

/// How long between two sweeps. Leases that end and messages that expire are seen after it at the latest.
const PAUSE: Duration = Duration::from_secs(1);

/// Sweeps now and then, and watches the clock meanwhile.
pub(super) struct Sweeper {
    outbox: Arc<dyn Outbox>,
    context: Arc<DispatchContext>,
    swept: Option<Instant>,
    /// The latest time that our clock has shown since the last sweep.
    latest: Timestamp,
}

impl Sweeper {
    pub(super) fn new(outbox: Arc<dyn Outbox>, context: Arc<DispatchContext>) -> Self {
        // As if it had been set back: it may have been before we were started.
        Self { outbox, context, swept: None, latest: Timestamp::from_micros(i64::MAX) }
    }

    /// Reads our clock, and notices if it was set back.
    pub(super) fn read_clock(&mut self) -> Timestamp {
        let now = self.context.clock.now();
        self.latest = self.latest.max(now);
        now
    }

    /// How long until the next sweep.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        left(self.swept, PAUSE, now)
    }

    /// Ends what ran out of time, whether it waits or is leased.
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
