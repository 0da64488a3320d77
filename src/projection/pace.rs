//! When the projector makes room for what arrives, and when it lets more gather.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Arrivals a second from which the projector lets some gather. Each chunk costs about as much as a dozen records, however many
/// it has.
const FREQUENT: f64 = 250.0;
/// Whether notifications arrive often is known over about this time.
const USUALLY: Duration = Duration::from_millis(250);
/// How long the projector lets some gather, and how often it looks whether it must rest longer.
const GATHERING: Duration = Duration::from_millis(5);
/// Over what time it then counts arrivals. They come in batches.
const JUST_NOW: Duration = Duration::from_millis(20);
/// Where appending waits for a chunk, it needs a part of the time. The store can keep up with about this share of what it can
/// project a second without a pause.
const EXCLUSIVE_SHARE: f64 = 0.6;
/// A chunk that took longer than this had to wait for something else. A longer rest would not help.
const LONG: Duration = Duration::from_millis(100);
/// A burst ends within this time. What lasts longer is the usual load of the store, and appending it must not keep it from being
/// projected.
const BURST: Duration = Duration::from_mins(1);

/// Decides how long the projector rests after a chunk: until no more notifications arrive than the store can keep up with.
///
/// Where appending waits for a chunk, those that had to wait come first. A moment later this is known of the others. If still more
/// arrive, the backlog grows in any case. Then appending goes first, for as long as a burst may last.
pub(super) struct Pace {
    /// Whether nothing is appended while a chunk is projected.
    is_exclusive: bool,
    /// The latest looks at the number of arrivals since the last chunk.
    looks: VecDeque<(Instant, u64)>,
    /// Arrivals a second, over some chunks.
    usual: f64,
    /// Projected records a second of projecting, in chunks that are not small. `None`: there was none yet.
    projecting: Option<f64>,
    /// Since when more arrive than the store can keep up with.
    pressed_since: Option<Instant>,
    /// When the last chunk ended, how long it took (at most [`LONG`]), and how many had arrived by then.
    ended: Instant,
    took: Duration,
    arrived: u64,
}

impl Pace {
    pub(super) fn new(is_exclusive: bool) -> Self {
        Self {
            is_exclusive,
            looks: VecDeque::new(),
            usual: 0.0,
            projecting: None,
            pressed_since: None,
            ended: Instant::now(),
            took: Duration::ZERO,
            arrived: 0,
        }
    }

    /// Notes that a chunk was projected, after this number of arrivals. A small chunk does not tell how fast projecting is.
    pub(super) fn projected(&mut self, records: usize, is_small: bool, took: Duration, arrived: u64) {
        let now = Instant::now();
        if !is_small {
            let rate = per_second(records as u64, took);
            let known = self.projecting.unwrap_or(rate);
            self.projecting = Some(known + (rate - known) / 4.0);
        }
        let time = now.duration_since(self.ended);
        let weight = 1.0 - (-time.as_secs_f64() / USUALLY.as_secs_f64()).exp();
        self.usual += (per_second(arrived.saturating_sub(self.arrived), time) - self.usual) * weight;
        (self.ended, self.took, self.arrived) = (now, took.min(LONG), arrived);
        self.looks.clear();
    }

    /// When to look again, or to begin the next chunk if that is now. `arrived` is the number of arrivals so far. The projector is
    /// behind if it could fill a few chunks.
    pub(super) fn next(&mut self, arrived: u64, is_behind: bool) -> Instant {
        let now = Instant::now();
        self.look(now, arrived);
        if self.usual < FREQUENT {
            return now;
        }
        let first = if self.is_exclusive {
            GATHERING.max(self.took / 3)
        } else if is_behind {
            Duration::ZERO
        } else {
            GATHERING
        };
        let again = now + GATHERING;
        if now < self.ended + first {
            return again.min(self.ended + first);
        }
        if !self.is_pressed() || !(self.is_exclusive || is_behind) {
            self.pressed_since = None;
            return now;
        }
        let is_burst = now.duration_since(*self.pressed_since.get_or_insert(now)) < BURST;
        // On its own connection, projecting only takes a part of the processor's time.
        let most = match (is_burst, self.is_exclusive) {
            (false, _) => 1,
            (true, true) => 200,
            (true, false) => 3,
        } * self.took;
        if now < self.ended + most { again } else { now }
    }

    fn look(&mut self, now: Instant, arrived: u64) {
        self.looks.push_back((now, arrived));
        let is_old = |look: Option<&(Instant, u64)>| look.is_some_and(|(at, _)| now.duration_since(*at) >= JUST_NOW);
        while is_old(self.looks.get(1)) {
            self.looks.pop_front();
        }
    }

    /// Whether more arrive than the store can keep up with: just now if others had to wait for the last chunk, and usually if not.
    fn is_pressed(&self) -> bool {
        let Some(projecting) = self.projecting else { return false };
        if !self.is_exclusive {
            return self.usual > projecting;
        }
        let (Some((from, before)), Some((to, after))) = (self.looks.front(), self.looks.back()) else { return false };
        let time = to.duration_since(*from);
        !time.is_zero() && per_second(after - before, time) > EXCLUSIVE_SHARE * projecting
    }
}

#[expect(clippy::cast_precision_loss, reason = "the counts of a moment are small")]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-6)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// How long each chunk takes. It has 600 records.
    const TOOK: Duration = Duration::from_millis(60);

    /// A store in which 10,000 a second can be projected, and twice as many can be appended.
    struct Load {
        pace: Pace,
        is_exclusive: bool,
        is_behind: bool,
        /// What was appended, and what waits for that.
        appended: f64,
        waits: f64,
        /// Arrivals a second, and the most that wait: then the senders wait, too.
        rate: f64,
        most: f64,
    }

    impl Load {
        fn new(is_exclusive: bool, rate: f64) -> Self {
            Self {
                pace: Pace::new(is_exclusive),
                is_exclusive,
                is_behind: true,
                appended: 0.0,
                waits: 0.0,
                rate,
                most: 1e6,
            }
        }

        async fn pass(&mut self, time: Duration, is_blocked: bool) {
            advance(time).await;
            self.waits = (self.waits + self.rate * time.as_secs_f64()).min(self.most);
            let room = if is_blocked && self.is_exclusive { 0.0 } else { 20_000.0 * time.as_secs_f64() };
            let appended = self.waits.min(room);
            self.waits -= appended;
            self.appended += appended;
        }

        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        fn arrived(&self) -> u64 {
            self.appended as u64
        }

        /// Projects a chunk, and returns how long the projector rests after it.
        async fn rest(&mut self) -> Duration {
            self.pass(TOOK, true).await;
            // One batch has waited for the chunk.
            let batch = self.waits.min(64.0);
            self.waits -= batch;
            self.appended += batch;
            self.pace.projected(600, false, TOOK, self.arrived());
            let ended = Instant::now();
            loop {
                let next = self.pace.next(self.arrived(), self.is_behind);
                let left = next.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return ended.elapsed();
                }
                self.pass(left, false).await;
            }
        }

        /// The rest after this time.
        async fn rest_after(&mut self, time: Duration) -> Duration {
            let begin = Instant::now();
            while begin.elapsed() < time {
                self.rest().await;
            }
            self.rest().await
        }
    }

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn what_had_to_wait_is_appended_before_the_next_chunk() {
        for rate in [1_000.0, 3_000.0, 5_000.0] {
            let mut load = Load::new(true, rate);
            let rest = load.rest_after(SOON).await;
            assert!((TOOK / 3..TOOK).contains(&rest), "{rate}: {rest:?}");
            assert!(load.waits < 1.0, "{rate}: {}", load.waits);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn appending_goes_first_in_a_burst() {
        for (is_exclusive, is_behind, rate, rest) in [
            (true, true, 12_000.0, 200 * TOOK),
            (false, true, 12_000.0, 3 * TOOK),
            (false, false, 12_000.0, GATHERING),
            (false, true, 9_000.0, Duration::ZERO),
        ] {
            let mut load = Load { is_behind, ..Load::new(is_exclusive, rate) };
            assert_eq!(load.rest_after(SOON).await, rest, "{is_exclusive} {is_behind} {rate}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn senders_that_wait_for_each_other_are_a_burst() {
        let mut load = Load { most: 64.0, ..Load::new(true, 1e6) };
        assert_eq!(load.rest_after(SOON).await, 200 * TOOK);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_ends_with_the_burst() {
        let mut load = Load::new(true, 12_000.0);
        load.rest_after(SOON).await;
        load.rate = 1_000.0;
        assert!(load.rest().await < TOOK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_that_lasts_is_projected() {
        let mut load = Load::new(true, 12_000.0);
        assert_eq!(load.rest_after(BURST + SOON).await, TOOK);
        load.rate = 1_000.0;
        load.rest_after(SOON).await;
        load.rate = 12_000.0;
        assert_eq!(load.rest_after(SOON).await, 200 * TOOK, "another burst");
    }

    #[tokio::test(start_paused = true)]
    async fn a_chunk_that_was_kept_waiting_is_no_reason_to_rest() {
        let mut load = Load::new(false, 12_000.0);
        load.rest_after(SOON).await;
        load.pass(10 * LONG, true).await;
        load.pace.projected(600, false, 10 * LONG, load.arrived());
        load.pass(3 * LONG, false).await;
        assert!(load.pace.next(load.arrived(), true) <= Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn what_arrives_seldom_is_projected_at_once() {
        for is_exclusive in [false, true] {
            assert_eq!(Load::new(is_exclusive, 100.0).rest_after(SOON).await, Duration::ZERO);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn small_chunks_do_not_tell_how_fast_projecting_is() {
        let mut load = Load::new(true, 12_000.0);
        for _ in 0..100 {
            load.pass(TOOK, true).await;
            load.pace.projected(1, true, TOOK, load.arrived());
            load.pass(TOOK / 3, false).await;
            assert!(load.pace.next(load.arrived(), true) <= Instant::now());
        }
    }
}
