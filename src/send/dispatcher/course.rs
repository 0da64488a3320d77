//! One turn after the other: what is claimed, and what follows from the answers.

use std::{
    collections::HashMap,
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, timeout_at},
};

use super::{
    OnUnknown,
    gate::Gate,
    hand_over::{Desk, Report},
    lanes::Lanes,
    rates::Rates,
};
use crate::{
    domain::{Channel, Timestamp},
    storage::{Outbox, StorageError},
    webex::Api,
};

/// How long the loop rests at the most. Another instance's work, leases that end and messages that expire are seen
/// after it at the latest.
const REST: Duration = Duration::from_secs(1);
/// The least time between two looks at what is due, and between two claims of a lane that waits for its rate: the store
/// is not asked for every message alone.
const SPACING: Duration = Duration::from_millis(5);

/// The state of the loop.
pub(super) struct Course {
    outbox: Arc<dyn Outbox>,
    desk: Arc<Desk>,
    lanes: Lanes,
    rates: Rates,
    gate: Gate,
    in_flight: JoinSet<Report>,
    /// The channel of each request in flight.
    channels: HashMap<Id, Channel>,
    swept: Option<Instant>,
    /// The latest time that our clock has shown since the last sweep.
    latest: Timestamp,
    looked: Option<Instant>,
    /// Whether the lanes may have changed since then.
    is_stale: bool,
    /// Ends when the credentials are renewed. It goes on from turn to turn.
    renewal: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Course {
    pub(super) fn new(outbox: Arc<dyn Outbox>, desk: Arc<Desk>, rates: Rates, gate: Gate) -> Self {
        Self {
            outbox,
            desk,
            lanes: Lanes::default(),
            rates,
            gate,
            in_flight: JoinSet::new(),
            channels: HashMap::new(),
            swept: None,
            // As if it had been set back: it may have been before we were started.
            latest: Timestamp::from_micros(i64::MAX),
            looked: None,
            is_stale: true,
            renewal: None,
        }
    }

    /// Something was taken over.
    pub(super) fn look_again(&mut self) {
        self.is_stale = true;
    }

    /// Starts the hand-over of what is due, as far as there is room, and tells for how long there is nothing to do.
    pub(super) async fn turn(&mut self) -> Duration {
        let turn = async {
            self.sweep().await?;
            self.look().await?;
            self.claim().await
        };
        match turn.await {
            Ok(is_more) if is_more => Duration::ZERO,
            Ok(_) => self.rest(Instant::now()),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the outbox cannot be read");
                REST
            }
        }
    }

    /// Waits until requests have ended, or the credentials are renewed. May be dropped at any time.
    pub(super) async fn news(&mut self) {
        if !self.gate.is_shut() {
            self.renewal = None;
        } else if self.renewal.is_none() {
            let platform = self.desk.platform.clone();
            self.renewal = Some(Box::pin(async move { platform.renewed().await }));
        }
        let renewal = async {
            match &mut self.renewal {
                Some(renewal) => renewal.await,
                None => pending().await,
            }
        };
        let ended = tokio::select! {
            Some(ended) = self.in_flight.join_next_with_id(), if !self.in_flight.is_empty() => ended,
            () = renewal => {
                self.renewal = None;
                return self.gate.renewed(Instant::now());
            }
            else => return pending().await,
        };
        self.heard(&ended);
        // Some more, so that the next claim is for several.
        let (end, mut more) = (Instant::now() + SPACING, self.desk.pace.in_flight / 2);
        while more > 1
            && let Ok(Some(ended)) = timeout_at(end, self.in_flight.join_next_with_id()).await
        {
            self.heard(&ended);
            more -= 1;
        }
        while let Some(ended) = self.in_flight.try_join_next_with_id() {
            self.heard(&ended);
        }
    }

    /// Waits for what is in flight.
    pub(super) async fn finish(mut self) {
        while self.in_flight.join_next().await.is_some() {}
    }

    fn heard(&mut self, ended: &Result<(Id, Report), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(channel) = self.channels.remove(&id) else { return };
        self.lanes.ended(&channel);
        let Ok((_, report)) = ended else {
            tracing::error!(%channel, "a hand-over broke off; its messages are unconfirmed when their leases end");
            return;
        };
        let now = Instant::now();
        self.gate.heard(report.hint, report.began, now);
        if report.is_too_fast {
            self.rates.slow(&channel, now);
        }
        if let Some(time) = report.rest {
            self.rates.rest(&channel, time, now);
        }
    }

    /// Ends what ran out of time.
    async fn sweep(&mut self) -> Result<(), StorageError> {
        if self.swept.is_some_and(|swept| swept.elapsed() < REST) {
            return Ok(());
        }
        let now = self.desk.clock.now();
        if now < self.latest {
            self.outbox.set_back(now, now.plus(self.desk.pace.lease)).await?;
        }
        let resend = self.desk.pace.on_unknown == OnUnknown::Resend;
        for id in self.outbox.abandon(now, resend).await? {
            tracing::warn!(%id, resend, "a hand-over was cut off; the platform may have the message");
        }
        let expired = self.outbox.expire(now).await?.len();
        if expired > 0 {
            tracing::info!(messages = expired, "the time of messages ran out before they were handed over");
        }
        self.latest = now;
        self.swept = Some(Instant::now());
        self.is_stale = true;
        Ok(())
    }

    /// Asks the store what is due.
    async fn look(&mut self) -> Result<(), StorageError> {
        if self.is_stale && self.looked.is_none_or(|looked| looked.elapsed() >= SPACING) {
            self.lanes.learn(self.outbox.next_due().await?);
            self.is_stale = false;
            self.looked = Some(Instant::now());
        }
        Ok(())
    }

    /// Claims what may start, and starts it. Tells whether there may be room for more.
    async fn claim(&mut self) -> Result<bool, StorageError> {
        let now = Instant::now();
        let is_open = !self.gate.is_shut();
        let free = match self.gate.wait(now) {
            Some(Duration::ZERO) if is_open => self.free(),
            // One message, to try.
            Some(Duration::ZERO) => self.free().min(1),
            _ => 0,
        };
        let mut wanted = Vec::new();
        let time = self.time();
        for channel in self.lanes.due(time) {
            let requests = self.rates.tokens(&channel, now).div_ceil(self.batch(&channel));
            wanted.push((channel, requests));
        }
        let mut is_short = false;
        for (channel, requests) in self.lanes.share(free, wanted) {
            let batch = if is_open { self.batch(&channel) } else { 1 };
            // Those before it may have used up the tenant's rate.
            let most = self.rates.tokens(&channel, now).min(requests * batch);
            if most > 0 && self.start(channel, most, batch).await? < most {
                is_short = true;
            }
        }
        Ok(is_short && self.free() > 0 && !self.lanes.due(time).is_empty())
    }

    /// Claims up to `most` messages and starts their requests. Tells how many there were.
    async fn start(&mut self, channel: Channel, most: usize, batch: usize) -> Result<usize, StorageError> {
        let until = Instant::now() + self.desk.pace.lease;
        let now = self.time();
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let claims = self.outbox.claim(&channel, limit, now, now.plus(self.desk.pace.lease)).await?;
        let messages = claims.len();
        if messages < most {
            self.lanes.is_empty(&channel);
            self.is_stale = true;
        }
        if messages == 0 {
            return Ok(0);
        }
        self.gate.began();
        // The rate is documented in requests, and what an array counts for is left open. As many as it holds messages
        // is what cannot be too fast.
        self.rates.take(&channel, messages, Instant::now());
        self.lanes.began(&channel, messages.div_ceil(batch));
        let mut claims = claims.into_iter();
        while claims.len() > 0 {
            let request = self.desk.clone().hand_over(claims.by_ref().take(batch).collect(), until);
            self.channels.insert(self.in_flight.spawn(request).id(), channel.clone());
        }
        Ok(messages)
    }

    /// What time it is by our clock.
    fn time(&mut self) -> Timestamp {
        let now = self.desk.clock.now();
        self.latest = self.latest.max(now);
        now
    }

    fn free(&self) -> usize {
        self.desk.pace.in_flight.saturating_sub(self.in_flight.len())
    }

    /// How many messages a request on `channel` may hold: Messaging API v1 takes an array of them (`api-faqs`).
    fn batch(&self, channel: &Channel) -> usize {
        let takes_several = Api::of(channel, None, self.desk.tenant.sms_api) == Some(Api::V1);
        if takes_several { self.desk.pace.batch.max(1) } else { 1 }
    }

    /// How long there is nothing to do, unless there is news.
    fn rest(&mut self, now: Instant) -> Duration {
        let left = |since: Option<Instant>, time: Duration| {
            since.map_or(Duration::ZERO, |since| (since + time).saturating_duration_since(now))
        };
        let mut rest = left(self.swept, REST);
        if self.is_stale {
            rest = rest.min(left(self.looked, SPACING));
        }
        match self.gate.wait(now) {
            None => return rest,
            Some(wait) if wait > Duration::ZERO => return rest.min(wait),
            Some(_) => {}
        }
        let time = self.time();
        if let Some(next) = self.lanes.next().filter(|next| *next > time) {
            rest = rest.min(next.since(time));
        }
        for channel in self.lanes.due(time) {
            let wait = self.rates.wait(&channel, now);
            // One that may go at once waits for the answer to another.
            if wait > Duration::ZERO {
                rest = rest.min(wait.max(SPACING));
            }
        }
        rest
    }
}
