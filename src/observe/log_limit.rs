//! Limits the log lines that strangers can cause: one line per minute states how many events there were.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The minimum time between two lines.
const EVERY: Duration = Duration::from_mins(1);

/// Counts events, and decides when to log a line about them.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<Count>);

/// A [`LogLimit`] without a lock, for an owner that has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    logged: Option<Instant>,
    unlogged: u64,
}

impl LogLimit {
    /// Counts an event. Returns the number of events since the last line, including this one, or `None` if that line is less
    /// than a minute old.
    pub fn due(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).due(Instant::now())
    }
}

impl Count {
    /// Counts an event at the time `now`, like [`LogLimit::due`].
    pub fn due(&mut self, now: Instant) -> Option<u64> {
        self.unlogged += 1;
        if self.logged.is_some_and(|logged| now < logged + EVERY) {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_counts_what_came_since_the_last() {
        let (mut count, begin) = (Count::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(count.due(after(0)), Some(1));
        assert_eq!([1, 30, 59].map(|seconds| count.due(after(seconds))), [None; 3]);
        assert_eq!(count.due(after(60)), Some(4));
        assert_eq!(count.due(after(61)), None);
    }
}
