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
pub use rates::RateLimits;

use self::{breaker::CircuitBreaker, dispatch::DispatchContext, dispatch_loop::DispatchLoop, rates::Rates};
use super::platform::Platform;
use crate::{
    clock::Clock,
    observe::Metrics,
    storage::{Outbox, Store},
    webex::request::Tenant,
};

/// How the dispatcher goes about it.
#[derive(Clone, Debug)]
pub struct DispatchLimits {
    /// The most requests at one time.
    pub in_flight: usize,
    /// The most messages in one request, on the channels whose API takes several.
    pub batch: usize,
    /// How many messages may leave in a second.
    pub rates: RateLimits,
    /// How long a lease lasts; longer than an attempt can take.
    pub lease: Duration,
    /// After so many attempts a message counts as refused.
    pub attempts: i64,
    /// What to do where nobody knows whether the platform has a message.
    pub on_unknown: OnUnknown,
    /// The longest pause between two probes while the platform can take nothing.
    pub longest_probe_pause: Duration,
}

/// What to do with a message of which nobody knows whether the platform has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// It is not sent again; a notification may settle it. No message is sent twice.
    #[default]
    Hold,
    /// It is sent again. None is left out, and some come twice.
    Resend,
}

impl Default for DispatchLimits {
    /// One request after the other, one message each, as fast as they are answered.
    fn default() -> Self {
        Self {
            in_flight: 1,
            batch: 1,
            rates: RateLimits::default(),
            lease: Duration::from_mins(1),
            attempts: 100,
            on_unknown: OnUnknown::Hold,
            longest_probe_pause: Duration::from_mins(5),
        }
    }
}

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
            limits: limits,
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
