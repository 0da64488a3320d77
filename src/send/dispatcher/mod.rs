//! The loop that hands messages over.
//!
//! A claim says that a request may be on its way, and is on disk before it is. So it claims what can start at once, and
//! while requests are under way, what will leave until the next claim: that waits in the buffer, and no request waits for a
//! commit. What leaves is shared out among the channels.
//!
//! | File | Holds |
//! | --- | --- |
//! | `dispatch_loop` | one turn after the other: what leaves, what is claimed, and what follows from the answers |
//! | `claims`, `prefetch_buffer`, `requests` | what is being claimed, what is claimed, and what is under way |
//! | `channel_queues` | how the channels share the requests |
//! | `rates`, `throttle`, `bucket` | how fast messages may leave |
//! | `sweeper` | ends what is over because time has passed |
//! | `breaker` | the stop while the platform can take nothing |
//! | `dispatch` | one request |
//! | `recorder` | puts outcomes on record, in batches |

mod breaker;
mod bucket;
mod channel_queues;
mod claims;
mod dispatch;
mod dispatch_loop;
mod prefetch_buffer;
mod rates;
mod recorder;
mod requests;
mod sweeper;
mod throttle;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

pub use breaker::{DispatchHealth, Trouble};

use self::{breaker::CircuitBreaker, dispatch::DispatchContext, dispatch_loop::DispatchLoop, rates::Rates};
use super::{limits::DispatchLimits, platform::Platform};
use crate::{
    clock::Clock,
    observe::Metrics,
    storage::{Outbox, Store},
    webex::request::Tenant,
};

/// Dispatches what is due.
pub struct Dispatcher {
    outbox: Arc<dyn Outbox>,
    submissions: watch::Receiver<()>,
    platform: Arc<dyn Platform>,
    tenant: Tenant,
    limits: DispatchLimits,
    clock: Clock,
    metrics: Metrics,
    health: watch::Sender<DispatchHealth>,
}

/// How many outcomes wait for their commit at the most. While the store is away, requests wait for it then.
const MOST_OUTCOMES: usize = 2 * recorder::MOST;

impl Dispatcher {
    /// Sends what is in `store` to `platform`.
    pub fn new(
        store: &Store,
        platform: Arc<dyn Platform>,
        tenant: Tenant,
        limits: DispatchLimits,
        clock: Clock,
        metrics: Metrics,
    ) -> Self {
        Self {
            outbox: store.outbox.clone(),
            submissions: store.submission_signal.clone(),
            platform,
            tenant,
            limits,
            clock,
            metrics,
            health: watch::Sender::new(DispatchHealth::Working),
        }
    }

    /// Tells whether messages are dispatched.
    pub fn health(&self) -> watch::Receiver<DispatchHealth> {
        self.health.subscribe()
    }

    /// Runs until `shutdown`; then claims nothing more, and ends when what was claimed is settled.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (outcomes, waiting) = mpsc::channel(MOST_OUTCOMES);
        // Aborted with this future, as the requests are: what is left then is what a crash would leave.
        let mut recorder = JoinSet::new();
        recorder.spawn(recorder::run(self.outbox.clone(), waiting));
        let mut submissions = self.submissions;
        let context = DispatchContext {
            platform: self.platform,
            tenant: self.tenant,
            limits: self.limits,
            clock: self.clock,
            metrics: self.metrics,
            outcomes,
        };
        let rates = Rates::new(context.limits.rates.clone(), Instant::now());
        let breaker = CircuitBreaker::new(self.health, context.clock.clone(), context.limits.longest_probe_pause);
        let mut dispatch_loop = DispatchLoop::new(self.outbox, Arc::new(context), rates, breaker);
        let mut shutdown = pin!(shutdown);
        loop {
            let rest = dispatch_loop.tick().await;
            tokio::select! {
                () = &mut shutdown => break,
                () = dispatch_loop.next_event() => {}
                _ = submissions.changed() => dispatch_loop.mark_stale(),
                () = sleep(rest) => {}
            }
        }
        dispatch_loop.finish().await;
        while recorder.join_next().await.is_some() {}
    }
}

/// What is left of `time` since then.
fn left(since: Option<Instant>, time: Duration, now: Instant) -> Duration {
    since.map_or(Duration::ZERO, |since| (since + time).saturating_duration_since(now))
}
