//! How a limit changes over time, against a platform that accepts a fixed number of messages per second.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(10);

/// Sends as much as allowed for `seconds`, to a platform that rejects what is above `limit` in a second. Returns how
/// many messages were accepted and how many rejected in each second.
fn play(throttle: &mut Throttle, start: Instant, seconds: u32, limit: usize) -> Vec<(usize, usize)> {
    let mut history = Vec::new();
    for second in 0..seconds {
        let (mut accepted, mut rejected) = (0, 0);
        for tick in 0..100 {
            let now = start + SECOND * second + TICK * tick;
            // The queue never runs empty, and at most five requests fit into a tick.
            let messages = throttle.tokens(now).min(5);
            throttle.take(messages, now);
            let fits = messages.min(limit - accepted);
            accepted += fits;
            if messages > fits {
                rejected += messages - fits;
                throttle.slow(now);
            }
        }
        history.push((accepted, rejected));
    }
    history
}

fn sent(history: &[(usize, usize)]) -> Vec<usize> {
    history.iter().map(|(accepted, rejected)| accepted + rejected).collect()
}

#[test]
fn without_a_rate_there_is_no_limit() {
    let now = Instant::now();
    let mut throttle = Throttle::new(0, now);
    throttle.take(100_000, now);
    assert_eq!((throttle.tokens(now), throttle.wait(now)), (usize::MAX, Duration::ZERO));
}

#[test]
fn no_second_has_more_than_the_rate_and_the_documented_burst() {
    for (rate, most) in [(1, 2), (10, 15), (60, 90), (200, 300), (400, 500)] {
        let now = Instant::now();
        let history = sent(&play(&mut Throttle::new(rate, now), now, 4, usize::MAX));
        assert!(history[0] <= most && history[0] >= rate as usize, "{rate}: {history:?}");
        assert!(history[1..].iter().all(|sent| sent.abs_diff(rate as usize) <= 1), "{rate}: {history:?}");
    }
}

#[test]
fn a_rejection_halves_the_rate_and_it_recovers_step_by_step() {
    let now = Instant::now();
    let mut throttle = Throttle::new(100, now);
    play(&mut throttle, now, 2, usize::MAX);
    let now = now + SECOND * 2;
    assert_eq!(throttle.slow(now), Some(50.0));
    // Further rejections of requests that were sent before.
    assert_eq!(throttle.slow(now + TICK), None);
    let history = sent(&play(&mut throttle, now, 15, usize::MAX));
    assert!((45..=55).contains(&history[0]), "{history:?}");
    assert!(history.windows(2).all(|pair| pair[1] <= pair[0] + 10), "{history:?}");
    assert!(history[12..].iter().all(|sent| (99..=150).contains(sent)), "{history:?}");
}

#[test]
fn it_finds_the_rate_that_the_platform_accepts() {
    for configured in [0, 400] {
        let now = Instant::now();
        let mut throttle = Throttle::new(configured, now);
        let history = play(&mut throttle, now, 120, 60);
        let late = &history[20..];
        let accepted: usize = late.iter().map(|(accepted, _)| accepted).sum();
        let rejected: usize = late.iter().map(|(_, rejected)| rejected).sum();
        assert!(accepted > 100 * 60 * 6 / 10, "{accepted} were accepted: {history:?}");
        assert!(rejected < accepted / 20, "{rejected} were rejected: {history:?}");
    }
}

#[test]
fn a_lone_rejection_is_soon_forgotten() {
    let now = Instant::now();
    let mut throttle = Throttle::new(0, now);
    throttle.take(1, now);
    assert_eq!(throttle.slow(now), Some(1.0));
    assert!(throttle.wait(now) <= SECOND);
    assert_eq!(throttle.tokens(now + SECOND * 2), usize::MAX);
}

#[test]
fn a_limit_that_was_not_reached_is_not_taken_as_the_rejected_rate() {
    let now = Instant::now();
    let mut throttle = Throttle::new(1000, now);
    throttle.take(40, now);
    assert_eq!(throttle.slow(now + TICK), Some(20.0));
}
