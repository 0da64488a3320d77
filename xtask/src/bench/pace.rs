//! An open loop: requests are due at a constant rate, however fast they are answered. Their latency counts from the time at
//! which they were due, so a server that falls behind cannot slow down the requests that would show it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Requests that are due within this time are released together.
const TICK: Duration = Duration::from_micros(200);

/// How many requests a second are due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub per_second: f64,
    /// Requests that could not be sent within this time are left out; without it, none are.
    pub skipped_after: Option<Duration>,
}

/// The requests of one phase.
pub(crate) struct Pace {
    rate: Rate,
    start: Instant,
    total: usize,
    due: Semaphore,
    next: AtomicUsize,
    skipped: AtomicU64,
}

impl Pace {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number far below 2^52")]
    pub(crate) fn new(rate: Rate, start: Instant, length: Duration) -> Self {
        let total = (rate.per_second * length.as_secs_f64()) as usize;
        let (next, skipped) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self { rate, start, total, due: Semaphore::new(0), next, skipped }
    }

    /// Requests that were left out.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Waits until the next request is due. Returns its place and the time at which it was due, and `None` at the end.
    pub(crate) async fn next(&self) -> Option<(usize, Instant)> {
        loop {
            self.due.acquire().await.ok()?.forget();
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.total {
                return None;
            }
            let due = self.due_at(index);
            if self.rate.skipped_after.is_none_or(|limit| due.elapsed() <= limit) {
                return Some((index, due));
            }
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Releases all requests when they are due, and at the end the connections that wait for one. It has a thread of its own,
    /// since the timers of tokio count whole milliseconds.
    pub(crate) fn release(&self, connections: usize) {
        let mut released = 0;
        while released < self.total {
            let now = Instant::now();
            let first = released;
            while released < self.total && self.due_at(released) <= now {
                released += 1;
            }
            self.due.add_permits(released - first);
            thread::sleep(self.due_at(released).saturating_duration_since(now).max(TICK));
        }
        self.due.add_permits(connections);
    }

    #[expect(clippy::cast_precision_loss, reason = "some million requests are far below 2^52")]
    fn due_at(&self, index: usize) -> Instant {
        self.start + Duration::from_secs_f64(index as f64 / self.rate.per_second)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, Result};

    use super::*;

    fn paced(skipped_after: Option<Duration>) -> Pace {
        // All of them were due ten seconds ago.
        let start = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        Pace::new(Rate { per_second: 100.0, skipped_after }, start, Duration::from_millis(30))
    }

    #[test]
    fn latency_counts_from_the_time_at_which_a_request_was_due() -> Result<()> {
        let pace = paced(None);
        pace.release(1);
        crate::database::block_on(async {
            for place in 0..3 {
                let (index, due) = pace.next().await.context("three are due")?;
                assert_eq!(index, place);
                assert!(due.elapsed() > Duration::from_secs(9));
            }
            assert!(pace.next().await.is_none());
            Ok(())
        })
    }

    #[test]
    fn requests_that_are_too_late_are_left_out_and_counted() -> Result<()> {
        let pace = paced(Some(Duration::from_secs(1)));
        pace.release(1);
        assert!(crate::database::block_on(async { Ok(pace.next().await) })?.is_none());
        assert_eq!(pace.skipped(), 3);
        Ok(())
    }
}
