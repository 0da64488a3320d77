//! Log lines that strangers can cause without limit: one a minute says how many there were.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A line is logged once in this time.
const EVERY: Duration = Duration::from_mins(1);

/// Counts what is worth a line, and tells when to log one.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<Count>);

/// The same for a holder that is locked already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    logged: Option<Instant>,
    unlogged: u64,
}

impl LogLimit {
    /// How many there were since the last line, this one included; `None` if that line is less than a minute old.
    pub fn due(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).due(Instant::now())
    }
}

impl Count {
    /// The same at this time.
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
