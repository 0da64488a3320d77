//! The time, passed in. The wall clock is read here and nowhere else; a lint holds that.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::domain::Timestamp;

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}

/// A clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The wall clock.
    pub fn system() -> Self {
        Self::new(|| wall().into())
    }

    /// One that says what `now` says.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Notices when a clock is set. What is removed for good by its time had better wait then: the clock may be wrong, or may
/// have been until now.
pub struct ClockJumpDetector {
    clock: Clock,
    last: (Timestamp, Instant),
}

/// Below this, clocks are put right without anybody having to know.
const TOLERANCE: Duration = Duration::from_mins(5);

impl ClockJumpDetector {
    /// From now on.
    pub fn new(clock: Clock) -> Self {
        let last = (clock.now(), Instant::now());
        Self { clock, last }
    }

    /// Whether it was set since this was asked last: whether more or less time has gone by on it than has passed.
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
