//! One limit: as it is configured, slowed down when the platform says so, and recovering by itself.
//!
//! Slowed by half of the rate that was refused, and faster again by a twentieth each second: as TCP finds the speed of a
//! line, since nothing else tells us what the platform takes just now. It ends at the configured rate; without one, where
//! twice the refused rate goes through.

use std::time::Duration;

use tokio::time::Instant;

use super::bucket::Bucket;

/// The limit of a channel, or of the tenant, in messages a second.
#[derive(Debug)]
pub(super) struct Throttle {
    configured: Option<f64>,
    slowed: Option<Slowed>,
    /// There if there is a limit.
    bucket: Option<Bucket>,
    meter: Meter,
}

#[derive(Debug)]
struct Slowed {
    /// The limit now.
    rate: f64,
    /// The rate that was refused.
    from: f64,
    /// When it was last slowed down.
    at: Instant,
    /// When it was last changed.
    changed: Instant,
}

/// It never becomes slower than one message a second, which is what a sandbox takes
/// (`sandbox-rate-limits-and-throughput`).
const SLOWEST: f64 = 1.0;
/// Answers to what had left before count as one, and so long the rate stays as it is.
const SETTLES: Duration = Duration::from_secs(1);
/// So much of the refused rate comes back each second, and as much of the present one where that is greater.
const STEP: f64 = 1.0 / 20.0;

/// How many messages may leave at once. The documents allow 1.5 times the rate, at most 100 above it
/// (`rate-limits-for-messaging-apis-event-api-and-inbound-webhook`); with this many saved up, no second has more. That
/// they allow it for half an hour a day, and eight hours a month, is not modelled: the mean is the configured rate, so
/// what is allowed for those times is not used up.
fn burst(rate: f64) -> f64 {
    (rate / 2.0).min(100.0)
}

/// After a refusal the burst is used up. What is left is what the timer needs to reach the rate.
fn no_burst(rate: f64) -> f64 {
    (rate / 20.0).min(100.0)
}

impl Throttle {
    /// `rate`: messages a second; 0 is no limit.
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        let configured = (rate > 0).then_some(f64::from(rate));
        let bucket = configured.map(|rate| Bucket::full(rate, burst(rate), now));
        Self { configured, slowed: None, bucket, meter: Meter::new(now) }
    }

    /// How many messages may leave now.
    pub(super) fn tokens(&mut self, now: Instant) -> usize {
        self.recover(now);
        self.bucket.as_mut().map_or(usize::MAX, |bucket| bucket.tokens(now))
    }

    /// Counts messages that leave now.
    pub(super) fn take(&mut self, messages: usize, now: Instant) {
        self.meter.count(messages, now);
        if let Some(bucket) = &mut self.bucket {
            bucket.take(messages, now);
        }
    }

    /// How long until one may leave.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        self.recover(now);
        self.bucket.as_mut().map_or(Duration::ZERO, |bucket| bucket.wait(now))
    }

    /// How many leave in such a time, at the speed of now.
    pub(super) fn within(&mut self, time: Duration, now: Instant) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and some thousands")]
        let messages = (self.meter.seen(now) * time.as_secs_f64()).ceil() as usize;
        messages
    }

    /// The platform refused because of the rate. Tells the new rate, if this changed it.
    pub(super) fn slow(&mut self, now: Instant) -> Option<f64> {
        self.recover(now);
        if self.slowed.as_ref().is_some_and(|slowed| now < slowed.at + SETTLES) {
            return None;
        }
        // A limit that was not reached says nothing about what the platform takes.
        let seen = self.meter.seen(now).max(SLOWEST);
        let limit = self.slowed.as_ref().map(|slowed| slowed.rate).or(self.configured);
        let from = limit.map_or(seen, |limit| limit.min(seen));
        let rate = (from / 2.0).max(SLOWEST);
        self.slowed = Some(Slowed { rate, from, at: now, changed: now });
        self.apply(now);
        Some(rate)
    }

    /// Whether it was slowed down within the last `time`.
    pub(super) fn was_slowed(&self, time: Duration, now: Instant) -> bool {
        self.slowed.as_ref().is_some_and(|slowed| now < slowed.at + time)
    }

    /// Takes the steps up that are due.
    fn recover(&mut self, now: Instant) {
        let Some(slowed) = &mut self.slowed else { return };
        let passed = now.saturating_duration_since(slowed.changed);
        if passed < SETTLES {
            return;
        }
        slowed.rate += (slowed.from.max(slowed.rate) * STEP).max(SLOWEST) * passed.as_secs_f64();
        slowed.changed = now;
        if slowed.rate >= self.configured.unwrap_or(slowed.from * 2.0) {
            self.slowed = None;
        }
        self.apply(now);
    }

    fn apply(&mut self, now: Instant) {
        let limit = match &self.slowed {
            Some(slowed) => Some((slowed.rate, no_burst(slowed.rate))),
            None => self.configured.map(|rate| (rate, burst(rate))),
        };
        match (limit, &mut self.bucket) {
            (Some((rate, depth)), Some(bucket)) => bucket.change(rate, depth, now),
            (limit, bucket) => *bucket = limit.map(|(rate, depth)| Bucket::empty(rate, depth, now)),
        }
    }
}

/// Measures how many messages leave in a second.
#[derive(Debug)]
struct Meter {
    since: Instant,
    /// In the second that began then.
    count: usize,
    /// In the second before it.
    before: usize,
}

impl Meter {
    fn new(now: Instant) -> Self {
        Self { since: now, count: 0, before: 0 }
    }

    fn count(&mut self, messages: usize, now: Instant) {
        self.turn(now);
        self.count += messages;
    }

    fn seen(&mut self, now: Instant) -> f64 {
        self.turn(now);
        #[expect(clippy::cast_precision_loss, reason = "some thousands at the most")]
        let seen = self.count.max(self.before) as f64;
        seen
    }

    fn turn(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.since).as_secs();
        if seconds > 0 {
            self.before = if seconds == 1 { self.count } else { 0 };
            self.count = 0;
            self.since += Duration::from_secs(seconds);
        }
    }
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
