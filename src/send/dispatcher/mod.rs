//! The loop that dispatches messages.
//!
//! A claim records that a request may be on its way, and is committed before the request is sent. So the loop claims
//! what can start at once and, while requests are under way, also what will leave before the next claim. These messages
//! wait in the buffer, so that no request waits for a commit. The channels share the requests.
//!
//! | File | Holds |
//! | --- | --- |
//! | `dispatch_loop` | the loop: starts requests, claims messages, and reacts to the answers |
//! | `claims`, `prefetch_buffer`, `requests` | the claim under way, the claimed messages, and the requests under way |
//! | `channel_queues` | how the channels share the requests |
//! | `rates`, `throttle`, `bucket` | how fast messages may be sent |
//! | `sweeper` | ends leases and messages that have expired |
//! | `breaker` | stops sending while the platform accepts no messages |
//! | `dispatch` | one request |
//! | `recorder` | stores outcomes, in batches |

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

use std::{future::Future, pin::pin, sync::Arc};

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

/// The maximum number of outcomes that wait for their commit. Once it is reached, because the store is unavailable, the
/// requests wait too.
const MOST_OUTCOMES: usize = 2 * recorder::MOST;

impl Dispatcher {
    /// Creates a dispatcher that sends what is in `store` to `platform`.
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

    /// Reports whether messages are dispatched.
    pub fn health(&self) -> watch::Receiver<DispatchHealth> {
        self.health.subscribe()
    }

    /// Runs until `shutdown`; then claims no more messages, and ends when the claimed ones are settled.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (outcomes, waiting) = mpsc::channel(MOST_OUTCOMES);
        // It is aborted with this future, as the requests are. The store is then as after a crash.
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
            let pause = dispatch_loop.tick().await;
            tokio::select! {
                () = &mut shutdown => break,
                () = dispatch_loop.next_event() => {}
                _ = submissions.changed() => dispatch_loop.mark_stale(),
                () = sleep(pause) => {}
            }
        }
        dispatch_loop.finish().await;
        while recorder.join_next().await.is_some() {}
    }
}
