//! The clock, which is passed to everything that needs the time. A lint ensures that the wall clock is read only here.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::domain::Timestamp;

/// The current time of the wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}

/// A source of the current time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The wall clock.
    pub fn system() -> Self {
        Self::new(|| wall().into())
    }

    /// A clock whose time is the result of `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Detects that a clock was set. Everything that deletes data because of its age should then wait: the clock may be wrong
/// now, or may have been wrong until now.
pub struct ClockJumpDetector {
    clock: Clock,
    last: (Timestamp, Instant),
}

/// Smaller corrections of a clock are normal, and are not reported.
const TOLERANCE: Duration = Duration::from_mins(5);

impl ClockJumpDetector {
    /// Starts to watch `clock`.
    pub fn new(clock: Clock) -> Self {
        let last = (clock.now(), Instant::now());
        Self { clock, last }
    }

    /// Returns whether the clock was set since the previous call: whether it advanced by more or by less than the time that
    /// really passed.
    pub fn was_set(&mut self) -> bool {
        let (time, instant) = self.last;
        self.last = (self.clock.now(), Instant::now());
        let expected = time.plus(instant.elapsed());
        self.last.0.since(expected).max(expected.since(self.last.0)) > TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_is_noticed_once() {
        let (began, ahead) = (Instant::now(), Arc::new(AtomicI64::new(0)));
        let shift = ahead.clone();
        let clock = Clock::new(move || Timestamp::from_micros(shift.load(Ordering::Relaxed)).plus(began.elapsed()));
        let mut watched = ClockJumpDetector::new(clock);
        for (seconds, was_set) in [(0, false), (200, false), (0, false), (-400, true), (-400, false), (1 << 40, true)] {
            ahead.store(seconds * 1_000_000, Ordering::Relaxed);
            advance(Duration::from_hours(1)).await;
            assert_eq!(watched.was_set(), was_set, "{seconds}");
        }
    }
}
