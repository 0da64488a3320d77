//! One limit: it begins as configured, is lowered when the platform rejects the rate, and recovers by itself.
//!
//! A rejection lowers the limit to half of the rejected rate. It then rises by a twentieth each second, as TCP finds
//! the speed of a line, since nothing else shows what the platform accepts at the moment. The recovery ends at the
//! configured rate or, without one, at twice the rejected rate.

use std::time::Duration;

use tokio::time::Instant;

use super::bucket::Bucket;

/// The limit of a channel, or of the tenant, in messages per second.
#[derive(Debug)]
pub(super) struct Throttle {
    configured: Option<f64>,
    slowed: Option<Slowed>,
    /// `None` if there is no limit.
    bucket: Option<Bucket>,
    meter: Meter,
}

#[derive(Debug)]
struct Slowed {
    /// The current limit.
    rate: f64,
    /// The rate that was rejected.
    from: f64,
    /// When it was last slowed down.
    at: Instant,
    /// When it was last changed.
    changed: Instant,
}

/// The limit never falls below one message per second, which is what a sandbox accepts (the page
/// `sandbox-rate-limits-and-throughput` of the platform's documentation).
const SLOWEST: f64 = 1.0;
/// Rejections within this time count as one, since they may answer earlier requests. The rate does not change
/// meanwhile.
const SETTLES: Duration = Duration::from_secs(1);
/// The fraction of the rejected rate, or of the current rate if that is higher, by which the limit rises each second.
const STEP: f64 = 1.0 / 20.0;

/// Returns how many messages may be sent at once. The documentation allows 1.5 times the rate, at most 100 above it
/// (developers.webexconnect.io/reference/rate-limits-for-messaging-apis-event-api-and-inbound-webhook); with this
/// burst, no second exceeds that. The documented limits of half an hour a day and eight hours a month are not modelled:
/// on average, we send at the configured rate, so they are not used up.
fn burst(rate: f64) -> f64 {
    (rate / 2.0).min(100.0)
}

/// Returns the burst after a rejection, when the platform's burst is used up: what the timer needs to reach the rate.
fn burst_after_rejection(rate: f64) -> f64 {
    (rate / 20.0).min(100.0)
}

impl Throttle {
    /// `rate` is in messages per second; 0 means no limit.
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        let configured = (rate > 0).then_some(f64::from(rate));
        let bucket = configured.map(|rate| Bucket::full(rate, burst(rate), now));
        Self { configured, slowed: None, bucket, meter: Meter::new(now) }
    }

    /// Returns how many messages may be sent now.
    pub(super) fn tokens(&mut self, now: Instant) -> usize {
        self.recover(now);
        self.bucket.as_mut().map_or(usize::MAX, |bucket| bucket.tokens(now))
    }

    /// Counts messages that are sent now.
    pub(super) fn take(&mut self, messages: usize, now: Instant) {
        self.meter.count(messages, now);
        if let Some(bucket) = &mut self.bucket {
            bucket.take(messages, now);
        }
    }

    /// Returns how long it takes until a message may be sent.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        self.recover(now);
        self.bucket.as_mut().map_or(Duration::ZERO, |bucket| bucket.wait(now))
    }

    /// Returns how many messages are sent within `time`, at the current speed.
    pub(super) fn within(&mut self, time: Duration, now: Instant) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and some thousands")]
        let messages = (self.meter.seen(now) * time.as_secs_f64()).ceil() as usize;
        messages
    }

    /// Lowers the limit, since the platform rejected the rate. Returns the new rate if this changed it.
    pub(super) fn slow(&mut self, now: Instant) -> Option<f64> {
        self.recover(now);
        if self.slowed.as_ref().is_some_and(|slowed| now < slowed.at + SETTLES) {
            return None;
        }
        // A limit that was not reached says nothing about what the platform accepts.
        let seen = self.meter.seen(now).max(SLOWEST);
        let limit = self.slowed.as_ref().map(|slowed| slowed.rate).or(self.configured);
        let from = limit.map_or(seen, |limit| limit.min(seen));
        let rate = (from / 2.0).max(SLOWEST);
        self.slowed = Some(Slowed { rate, from, at: now, changed: now });
        self.apply(now);
        Some(rate)
    }

    /// Returns whether it was slowed down within the last `time`.
    pub(super) fn was_slowed(&self, time: Duration, now: Instant) -> bool {
        self.slowed.as_ref().is_some_and(|slowed| now < slowed.at + time)
    }

    /// Raises the limit by the steps that are due.
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
            Some(slowed) => Some((slowed.rate, burst_after_rejection(slowed.rate))),
            None => self.configured.map(|rate| (rate, burst(rate))),
        };
        match (limit, &mut self.bucket) {
            (Some((rate, depth)), Some(bucket)) => bucket.change(rate, depth, now),
            (limit, bucket) => *bucket = limit.map(|(rate, depth)| Bucket::empty(rate, depth, now)),
        }
    }
}

/// Measures how many messages are sent per second.
#[derive(Debug)]
struct Meter {
    since: Instant,
    /// The number in the second that began at `since`.
    count: usize,
    /// The number in the second before that.
    before: usize,
}

impl Meter {
    fn new(now: Instant) -> Self {
        Self { since: now, count: 0, before: 0 }
    }

    fn count(&mut self, messages: usize, now: Instant) {
        self.advance(now);
        self.count += messages;
    }

    fn seen(&mut self, now: Instant) -> f64 {
        self.advance(now);
        #[expect(clippy::cast_precision_loss, reason = "some thousands at the most")]
        let seen = self.count.max(self.before) as f64;
        seen
    }

    fn advance(&mut self, now: Instant) {
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
