//! When the projector makes room for what arrives, and when it lets more gather.

use std::time::Duration;

use tokio::time::Instant;

/// How many times as long as a chunk took the projector rests after it while more arrives than it can project. It then has a
/// quarter of the time.
const REST: u32 = 3;
/// Arrivals a second from which the projector lets some gather. Each chunk costs about as much as a dozen records, however many
/// it has.
const FREQUENT: f64 = 250.0;
/// How long it lets them gather.
const GATHERING: Duration = Duration::from_millis(5);

/// Compares how fast notifications arrive with how fast they can be projected.
///
/// If they arrive faster, the backlog grows in any case, and appending goes first: the projector rests after each chunk a few
/// times as long as the chunk took. Otherwise, if they arrive often, it lets some gather. Where appending waits for a chunk, it
/// rests as long as the chunk took, so that each has half of the time.
pub(super) struct Pace {
    /// Whether nothing is appended while a chunk is projected.
    is_exclusive: bool,
    is_overloaded: bool,
    /// The number of arrivals, and the time, when the projector last asked.
    last: Option<(u64, Instant)>,
    /// Arrivals a second.
    arriving: Average,
    /// Projected records a second of projecting, in chunks of full size.
    projecting: Average,
    took: Duration,
}

impl Pace {
    pub(super) fn new(is_exclusive: bool) -> Self {
        Self {
            is_exclusive,
            is_overloaded: false,
            last: None,
            arriving: Average::default(),
            projecting: Average::default(),
            took: Duration::ZERO,
        }
    }

    /// Whether chunks should be as short as possible, since appending waits for them.
    pub(super) fn must_be_brief(&self) -> bool {
        self.is_exclusive && self.is_overloaded
    }

    /// Notes that a chunk was projected. Its size is full if no more records were wanted.
    pub(super) fn projected(&mut self, records: usize, is_full: bool, took: Duration) {
        self.took = took;
        if is_full {
            #[expect(clippy::cast_precision_loss, reason = "a chunk has some thousand records")]
            self.projecting.add(records as f64 / took.as_secs_f64().max(1e-6));
        }
    }

    /// How long to rest before the next chunk. `arrived` is the number of arrivals so far. The projector is behind if it could
    /// fill a few chunks.
    pub(super) fn rest(&mut self, arrived: u64, is_behind: bool) -> Duration {
        let now = Instant::now();
        if let Some((before, at)) = self.last.replace((arrived, now)) {
            #[expect(clippy::cast_precision_loss, reason = "the number that arrived during one chunk is small")]
            let count = arrived.saturating_sub(before) as f64;
            self.arriving.add(count / now.duration_since(at).as_secs_f64().max(1e-6));
        }
        let share = if self.is_exclusive { 0.5 } else { 1.0 };
        self.is_overloaded = is_behind && self.arriving.0 > share * self.projecting.0;
        let took = std::mem::take(&mut self.took);
        if self.is_overloaded {
            REST * took
        } else if self.arriving.0 < FREQUENT {
            Duration::ZERO
        } else if self.is_exclusive {
            took.max(GATHERING)
        } else if is_behind {
            Duration::ZERO
        } else {
            GATHERING
        }
    }
}

/// A moving average over the last few values.
#[derive(Default)]
struct Average(f64);

impl Average {
    fn add(&mut self, value: f64) {
        self.0 += (value - self.0) / 4.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rest after each of many chunks of ten records in ten milliseconds, while this many arrive in that time.
    async fn rest_while_arriving(arrive: u64, is_behind: bool, is_exclusive: bool) -> Duration {
        let (mut pace, mut arrived, mut rest) = (Pace::new(is_exclusive), 0, Duration::ZERO);
        for _ in 0..50 {
            tokio::time::advance(Duration::from_millis(10)).await;
            arrived += arrive;
            pace.projected(10, true, Duration::from_millis(10));
            rest = pace.rest(arrived, is_behind);
        }
        assert_eq!(pace.must_be_brief(), is_exclusive && rest > Duration::from_millis(10));
        rest
    }

    #[tokio::test(start_paused = true)]
    async fn appending_goes_first_if_more_arrives_than_can_be_projected() {
        for (arrive, is_behind, is_exclusive, rest) in [
            (9, true, false, Duration::ZERO),
            (11, true, false, Duration::from_millis(30)),
            (11, false, false, GATHERING),
            (4, true, true, Duration::from_millis(10)),
            (6, true, true, Duration::from_millis(30)),
        ] {
            assert_eq!(rest_while_arriving(arrive, is_behind, is_exclusive).await, rest, "{arrive} {is_behind}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_arrives_often_gathers_and_is_appended_meanwhile() {
        assert_eq!(rest_while_arriving(1, false, true).await, Duration::ZERO);
        assert_eq!(rest_while_arriving(5, false, true).await, Duration::from_millis(10));
        assert_eq!(rest_while_arriving(5, false, false).await, GATHERING);
    }
}
