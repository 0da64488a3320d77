//! Whether the projector makes room for what arrives.

use std::time::Duration;

use tokio::time::Instant;

/// How many times as long as a chunk took the projector rests after it. It then has a quarter of the time.
const REST: u32 = 3;

/// Compares how fast notifications arrive with how fast they can be projected.
///
/// If they arrive faster, the backlog grows in any case, and appending goes first: the projector rests after each chunk a few
/// times as long as the chunk took. Otherwise it does not rest, so that what was acknowledged can be looked up soon.
#[derive(Default)]
pub(super) struct Pace {
    /// The number of arrivals, and the time, when the projector last asked.
    last: Option<(u64, Instant)>,
    /// Arrivals a second.
    arriving: Average,
    /// Projected records a second of projecting.
    projecting: Average,
    took: Duration,
}

impl Pace {
    /// Notes that a chunk was projected.
    pub(super) fn projected(&mut self, records: usize, took: Duration) {
        self.took = took;
        #[expect(clippy::cast_precision_loss, reason = "a chunk has some thousand records")]
        self.projecting.add(records as f64 / took.as_secs_f64().max(1e-6));
    }

    /// How long to rest. `arrived` is the number of arrivals so far.
    pub(super) fn rest(&mut self, arrived: u64) -> Duration {
        let now = Instant::now();
        if let Some((before, at)) = self.last.replace((arrived, now)) {
            #[expect(clippy::cast_precision_loss, reason = "the number that arrived during one chunk is small")]
            let count = arrived.saturating_sub(before) as f64;
            self.arriving.add(count / now.duration_since(at).as_secs_f64().max(1e-6));
        }
        if self.arriving.0 > self.projecting.0 { REST * std::mem::take(&mut self.took) } else { Duration::ZERO }
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

    /// The rest after each of many chunks of ten records in a millisecond, while this many arrive in each millisecond.
    async fn rest_while_arriving(arrive: u64) -> Duration {
        let (mut pace, mut arrived, mut rest) = (Pace::default(), 0, Duration::ZERO);
        for _ in 0..50 {
            tokio::time::advance(Duration::from_millis(1)).await;
            arrived += arrive;
            pace.projected(10, Duration::from_millis(1));
            rest = pace.rest(arrived);
        }
        rest
    }

    #[tokio::test(start_paused = true)]
    async fn the_projector_rests_only_if_more_arrives_than_it_can_project() {
        assert_eq!(rest_while_arriving(9).await, Duration::ZERO);
        assert_eq!(rest_while_arriving(11).await, REST * Duration::from_millis(1));
    }
}
