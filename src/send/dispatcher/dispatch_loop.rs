//! The dispatch loop: it starts requests, claims messages, and reacts to the answers.

use std::{
    collections::BTreeMap,
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    breaker::{CircuitBreaker, Trouble},
    channel_queues::ChannelQueues,
    claims::{Claimed, Claims},
    dispatch::{DispatchContext, Feedback},
    prefetch_buffer::{PATIENCE, PrefetchBuffer},
    rates::Rates,
    requests::Requests,
    sweeper::{Sweeper, remaining},
};
use crate::{
    domain::Channel,
    storage::{Outbox, StorageError},
    webex::Api,
};

/// The longest time that the loop waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The minimum time between two queries for what is due, and between two claims of a queue, so that the store is not
/// asked for each message separately.
const LEAST_INTERVAL: Duration = Duration::from_millis(5);

/// The state of the loop.
pub(super) struct DispatchLoop {
    outbox: Arc<dyn Outbox>,
    context: Arc<DispatchContext>,
    queues: ChannelQueues,
    rates: Rates,
    breaker: CircuitBreaker,
    claims: Claims,
    buffer: PrefetchBuffer,
    requests: Requests,
    sweeper: Sweeper,
    refreshed_at: Option<Instant>,
    /// Whether the queues may have changed since the last refresh.
    is_stale: bool,
    /// Completes when the credentials are renewed. It is kept from tick to tick.
    renewal: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl DispatchLoop {
    pub(super) fn new(
        outbox: Arc<dyn Outbox>,
        context: Arc<DispatchContext>,
        rates: Rates,
        breaker: CircuitBreaker,
    ) -> Self {
        Self {
            claims: Claims::new(outbox.clone()),
            sweeper: Sweeper::new(outbox.clone(), context.clone()),
            outbox,
            context,
            queues: ChannelQueues::default(),
            rates,
            breaker,
            buffer: PrefetchBuffer::default(),
            requests: Requests::default(),
            refreshed_at: None,
            is_stale: true,
            renewal: None,
        }
    }

    /// Notes that messages were accepted.
    pub(super) fn mark_stale(&mut self) {
        self.is_stale = true;
    }

    /// Dispatches what is claimed, and claims what is due. Returns for how long there is nothing to do.
    pub(super) async fn tick(&mut self) -> Duration {
        if let Err(error) = self.refresh().await {
            tracing::error!(error = crate::observe::causes(&error), "the outbox cannot be read");
            return LONGEST_PAUSE;
        }
        self.put_back_timed_out().await;
        self.start_requests();
        self.claim().min(self.next_wakeup(Instant::now()))
    }

    /// Waits until requests have ended, messages are claimed, or the credentials are renewed. The future may be dropped
    /// at any time.
    pub(super) async fn next_event(&mut self) {
        if self.breaker.trouble() != Some(Trouble::CredentialsRejected) {
            self.renewal = None;
        } else if self.renewal.is_none() {
            let platform = self.context.platform.clone();
            self.renewal = Some(Box::pin(async move { platform.renewed().await }));
        }
        let renewal = async {
            match &mut self.renewal {
                Some(renewal) => renewal.await,
                None => pending().await,
            }
        };
        tokio::select! {
            Some((channel, feedback)) = self.requests.next_ended() => self.on_feedback(&channel, feedback),
            claimed = self.claims.next_ended(), if self.claims.are_under_way() => self.on_claimed(claimed),
            () = renewal => {
                self.renewal = None;
                self.breaker.renewed(Instant::now());
            }
        }
        while let Some((channel, feedback)) = self.requests.take_ended() {
            self.on_feedback(&channel, feedback);
        }
    }

    /// Dispatches the claimed messages that may be sent, puts the others back, and waits for the requests in flight.
    pub(super) async fn finish(mut self) {
        if self.claims.are_under_way() {
            let claimed = self.claims.next_ended().await;
            self.on_claimed(claimed);
        }
        self.start_requests();
        let waiting = self.buffer.take_all();
        self.context.put_back(waiting, "the program was stopped").await;
        while self.requests.next_ended().await.is_some() {}
    }

    fn on_feedback(&mut self, channel: &Channel, feedback: Option<Feedback>) {
        self.queues.ended(channel);
        let Some(feedback) = feedback else {
            tracing::error!(%channel, "a dispatch was interrupted; its messages become unconfirmed when their leases expire");
            return;
        };
        let now = Instant::now();
        self.breaker.heard(feedback.signal, feedback.began, now);
        if feedback.is_too_fast {
            self.rates.slow(channel, now);
        }
        if let Some(time) = feedback.retry_after {
            self.rates.pause(channel, time, now);
        }
    }

    fn on_claimed(&mut self, claimed: Option<Claimed>) {
        let Some(Claimed { channel, claims, until, is_short }) = claimed else { return };
        if is_short {
            self.queues.mark_drained(&channel);
            self.is_stale = true;
        }
        self.buffer.put(channel, claims, until, Instant::now());
    }

    /// Sweeps if it is time to, and asks the store what is due if that may have changed.
    async fn refresh(&mut self) -> Result<(), StorageError> {
        if self.sweeper.wait(Instant::now()).is_zero() {
            self.sweeper.sweep().await?;
            // There is no signal for messages that another instance has accepted.
            self.is_stale = true;
        }
        if self.is_stale && remaining(self.refreshed_at, LEAST_INTERVAL, Instant::now()).is_zero() {
            self.queues.set_due(self.outbox.next_due().await?);
            self.is_stale = false;
            self.refreshed_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Puts back claimed messages that have waited longer than `PATIENCE` or have expired; all of them, while the
    /// breaker is open and its pause is not over.
    async fn put_back_timed_out(&mut self) {
        let now = Instant::now();
        if let Some(trouble) = self.breaker.trouble()
            && self.breaker.wait(now) != Some(Duration::ZERO)
        {
            let waiting = self.buffer.take_all();
            return self.context.put_back(waiting, trouble.as_sentence()).await;
        }
        let timed_out = self.buffer.take_timed_out(now, self.sweeper.read_clock());
        for ready in &timed_out {
            self.queues.mark_stuck(&ready.claim.submission.channel);
        }
        self.context.put_back(timed_out, "no request could start soon").await;
    }

    /// Starts requests with the claimed messages that may be sent.
    fn start_requests(&mut self) {
        let now = Instant::now();
        let mut wanted = Vec::new();
        for channel in self.buffer.channels() {
            let messages = self.buffer.of(&channel).min(self.rates.tokens(&channel, now));
            wanted.push((channel.clone(), messages.div_ceil(self.batch(&channel))));
        }
        for (channel, requests) in self.queues.share(self.free(now), wanted) {
            for _ in 0..requests {
                // Earlier requests may have used up the tenant's rate.
                let most = self.batch(&channel).min(self.rates.tokens(&channel, now));
                let Some((claims, until)) = self.buffer.take(&channel, most) else { break };
                self.breaker.began();
                // The platform documents the rate in requests, but not how a request with an array counts. Counting
                // every message is the safe choice.
                self.rates.take(&channel, claims.len(), now);
                self.queues.began(&channel);
                self.requests.start(channel.clone(), self.context.clone().dispatch(claims, until, now));
            }
        }
    }

    /// Begins a claim for the queue that has waited for one the longest. Returns how long to wait until the next
    /// attempt.
    fn claim(&mut self) -> Duration {
        let now = Instant::now();
        // The end of the claim under way is an event, which wakes the loop.
        let Some(wait) = self.claims.wait(now) else { return LONGEST_PAUSE };
        let sizes = self.claim_sizes(now).into_iter();
        let Some((channel, most)) = sizes.min_by_key(|(channel, _)| self.queues.last_claim(channel)) else {
            return LONGEST_PAUSE;
        };
        let wait = wait.max(remaining(self.queues.last_claim(&channel), LEAST_INTERVAL, now));
        if !wait.is_zero() {
            return wait;
        }
        self.queues.claimed(&channel, now);
        self.claims.begin(channel, most, self.sweeper.read_clock(), self.context.limits.lease + PATIENCE);
        LONGEST_PAUSE
    }

    /// Returns how many messages to claim for each queue that needs some, as far as its rate allows.
    fn claim_sizes(&mut self, now: Instant) -> Vec<(Channel, usize)> {
        let mut spare = Vec::new();
        for channel in self.queues.due(self.sweeper.read_clock()) {
            let messages = self.rates.spare(&channel, self.buffer.of(&channel), self.buffer.len(), now);
            spare.push((channel, messages));
        }
        let requests = spare.iter().map(|(channel, spare)| (channel.clone(), spare.div_ceil(self.batch(channel))));
        let at_once: BTreeMap<_, _> = self.queues.share(self.free(now), requests.collect()).into_iter().collect();
        let size = |(channel, spare): (Channel, usize)| {
            let size = self.claim_size(&channel, at_once.get(&channel).copied().unwrap_or(0), now).min(spare);
            (size > 0).then_some((channel, size))
        };
        spare.into_iter().filter_map(size).collect()
    }

    /// Returns how many messages to claim on `channel` if `at_once` requests may start now: those for these requests,
    /// and those that are claimed ahead for the next ones.
    fn claim_size(&mut self, channel: &Channel, at_once: usize, now: Instant) -> usize {
        let (batch, buffered) = (self.batch(channel), self.buffer.of(channel));
        let ahead = if self.breaker.is_open() || self.queues.is_stuck(channel) {
            0
        } else {
            // How many messages are sent, at the current speed, until a claim is on disk. If answers are slow, there
            // are hardly any. Twice as many are claimed ahead, because a claim begins when half of them are left: these
            // are sent meanwhile. The limit is what all requests together can take.
            let next = self.rates.within(channel, self.claims.took() + LEAST_INTERVAL, now);
            (2 * next).min(self.context.limits.in_flight * batch)
        };
        // While more than half of the messages claimed ahead are in the buffer, no claim is needed.
        let is_enough = at_once == 0 && buffered > ahead / 2;
        if is_enough { 0 } else { (at_once * batch + ahead).saturating_sub(buffered) }
    }

    /// Returns how many requests may begin.
    fn free(&self, now: Instant) -> usize {
        let free = self.context.limits.in_flight.saturating_sub(self.requests.len());
        match self.breaker.wait(now) {
            // The breaker is open and its pause is over: let one request through, the probe.
            Some(Duration::ZERO) if self.breaker.is_open() => free.min(1),
            Some(Duration::ZERO) => free,
            _ => 0,
        }
    }

    /// Returns how many messages a request on `channel` may contain: Messaging API v1 accepts an array
    /// (developers.webexconnect.io/reference/api-faqs).
    fn batch(&self, channel: &Channel) -> usize {
        let takes_several = Api::of(channel, None, self.context.tenant.sms_api) == Some(Api::V1);
        if takes_several && !self.breaker.is_open() { self.context.limits.batch.max(1) } else { 1 }
    }

    /// Returns how long there is nothing to do, unless an event occurs.
    fn next_wakeup(&mut self, now: Instant) -> Duration {
        let mut pause = self.sweeper.wait(now);
        if self.is_stale {
            pause = pause.min(remaining(self.refreshed_at, LEAST_INTERVAL, now));
        }
        if let Some(patience) = self.buffer.patience() {
            pause = pause.min(patience.saturating_duration_since(now));
        }
        match self.breaker.wait(now) {
            None => return pause,
            Some(wait) if wait > Duration::ZERO => return pause.min(wait),
            Some(_) => {}
        }
        let time = self.sweeper.read_clock();
        if let Some(next) = self.queues.next().filter(|next| *next > time) {
            pause = pause.min(next.since(time));
        }
        for channel in self.queues.due(time) {
            let wait = self.rates.wait(&channel, now);
            // If the rate already allows a message, the message is waiting for a free request, and the end of a request
            // is an event.
            if wait > Duration::ZERO {
                pause = pause.min(wait.max(LEAST_INTERVAL));
            }
        }
        pause
    }
}
