//! A token bucket: it allows a number of messages per second, and some more in a burst.
//!
//! It is our own, since a claim is made only for what may start at once: the caller must see how many tokens are
//! available, and take only those that it uses. `governor` cannot change its rate, and neither it nor `ratelimit` shows
//! the available tokens or takes unused ones back.

use std::time::Duration;

use tokio::time::Instant;

/// Tokens that are added at a steady rate, up to a maximum.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Tokens per second.
    rate: f64,
    /// The maximum number of tokens.
    depth: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// Creates an empty bucket.
    pub(super) fn empty(rate: f64, depth: f64, now: Instant) -> Self {
        Self { rate, depth: depth.max(1.0), level: 0.0, at: now }
    }

    /// Creates a full bucket.
    pub(super) fn full(rate: f64, depth: f64, now: Instant) -> Self {
        let empty = Self::empty(rate, depth, now);
        Self { level: empty.depth, ..empty }
    }

    /// Changes the rate and the depth. The bucket keeps its tokens, up to the new depth.
    pub(super) fn change(&mut self, rate: f64, depth: f64, now: Instant) {
        self.refill(now);
        (self.rate, self.depth) = (rate, depth.max(1.0));
        self.level = self.level.min(self.depth);
    }

    /// Returns the number of whole tokens.
    pub(super) fn tokens(&mut self, now: Instant) -> usize {
        self.refill(now);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the depth")]
        let tokens = (self.level + ROUNDING) as usize;
        tokens
    }

    /// Removes tokens that are available.
    pub(super) fn take(&mut self, tokens: usize, now: Instant) {
        self.refill(now);
        #[expect(clippy::cast_precision_loss, reason = "some thousands at the most")]
        let tokens = tokens as f64;
        self.level = (self.level - tokens).max(0.0);
    }

    /// Returns how long it takes until a token is available.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        self.refill(now);
        Duration::from_secs_f64((1.0 - self.level).max(0.0) / self.rate)
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.depth);
        self.at = self.at.max(now);
    }
}

/// A token that is incomplete by less than this counts as whole: after `wait`, there must be one.
const ROUNDING: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_fills_at_its_rate_up_to_its_depth() {
        let start = Instant::now();
        let mut bucket = Bucket::full(10.0, 5.0, start);
        assert_eq!(bucket.tokens(start), 5);
        bucket.take(5, start);
        assert_eq!((bucket.tokens(start), bucket.wait(start)), (0, Duration::from_millis(100)));
        assert_eq!(bucket.tokens(start + Duration::from_millis(350)), 3);
        assert_eq!(bucket.tokens(start + Duration::from_mins(1)), 5);
    }

    #[test]
    fn a_change_of_rate_keeps_what_it_holds() {
        let start = Instant::now();
        let mut bucket = Bucket::full(10.0, 8.0, start);
        bucket.take(2, start);
        bucket.change(1.0, 4.0, start);
        assert_eq!(bucket.tokens(start), 4);
        bucket.take(4, start);
        assert_eq!(bucket.wait(start), Duration::from_secs(1));
    }

    proptest! {
        /// A caller that takes all tokens as soon as there are any gets the rate and one burst, and no more.
        #[test]
        fn in_any_time_it_gives_the_rate_and_one_burst(
            rate in 0.5_f64..500.0, depth in 1.0_f64..100.0, steps in proptest::collection::vec(0_u64..400, 1..60)
        ) {
            let start = Instant::now();
            let (mut bucket, mut now, mut taken) = (Bucket::full(rate, depth, start), start, 0_u32);
            for step in steps {
                now += Duration::from_millis(step);
                let tokens = bucket.tokens(now);
                bucket.take(tokens, now);
                taken += u32::try_from(tokens).unwrap();
                let most = (now - start).as_secs_f64() * rate + depth;
                prop_assert!(f64::from(taken) <= most + 0.01, "{taken} > {most}");
                let wait = bucket.wait(now);
                prop_assert!(bucket.clone().tokens(now + wait) >= 1);
            }
        }
    }
}
