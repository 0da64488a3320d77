//! The course of a limit, against a platform that takes so much and no more.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(10);

/// Sends as much as it may for `seconds`, to a platform that refuses what is above `limit` in a second. Tells how many
/// were taken and how many refused in each second.
fn play(throttle: &mut Throttle, start: Instant, seconds: u32, limit: usize) -> Vec<(usize, usize)> {
    let mut course = Vec::new();
    for second in 0..seconds {
        let (mut taken, mut refused) = (0, 0);
        for tick in 0..100 {
            let now = start + SECOND * second + TICK * tick;
            // The queue is endless, and this many requests fit into a tick.
            let messages = throttle.tokens(now).min(5);
            throttle.take(messages, now);
            let fits = messages.min(limit - taken);
            taken += fits;
            if messages > fits {
                refused += messages - fits;
                throttle.slow(now);
            }
        }
        course.push((taken, refused));
    }
    course
}

fn sent(course: &[(usize, usize)]) -> Vec<usize> {
    course.iter().map(|(taken, refused)| taken + refused).collect()
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
        let course = sent(&play(&mut Throttle::new(rate, now), now, 4, usize::MAX));
        assert!(course[0] <= most && course[0] >= rate as usize, "{rate}: {course:?}");
        assert!(course[1..].iter().all(|sent| sent.abs_diff(rate as usize) <= 1), "{rate}: {course:?}");
    }
}

#[test]
fn a_refusal_halves_the_rate_and_it_recovers_step_by_step() {
    let now = Instant::now();
    let mut throttle = Throttle::new(100, now);
    play(&mut throttle, now, 2, usize::MAX);
    let now = now + SECOND * 2;
    assert_eq!(throttle.slow(now), Some(50.0));
    // The other answers to what had left by then.
    assert_eq!(throttle.slow(now + TICK), None);
    let course = sent(&play(&mut throttle, now, 15, usize::MAX));
    assert!((45..=55).contains(&course[0]), "{course:?}");
    assert!(course.windows(2).all(|pair| pair[1] <= pair[0] + 10), "{course:?}");
    assert!(course[12..].iter().all(|sent| (99..=150).contains(sent)), "{course:?}");
}

#[test]
fn it_finds_what_the_platform_takes() {
    for configured in [0, 400] {
        let now = Instant::now();
        let mut throttle = Throttle::new(configured, now);
        let course = play(&mut throttle, now, 120, 60);
        let late = &course[20..];
        let taken: usize = late.iter().map(|(taken, _)| taken).sum();
        let refused: usize = late.iter().map(|(_, refused)| refused).sum();
        assert!(taken > 100 * 60 * 6 / 10, "{taken} were taken: {course:?}");
        assert!(refused < taken / 20, "{refused} were refused: {course:?}");
    }
}

#[test]
fn a_lone_refusal_is_soon_forgotten() {
    let now = Instant::now();
    let mut throttle = Throttle::new(0, now);
    throttle.take(1, now);
    assert_eq!(throttle.slow(now), Some(1.0));
    assert!(throttle.wait(now) <= SECOND);
    assert_eq!(throttle.tokens(now + SECOND * 2), usize::MAX);
}

#[test]
fn a_limit_that_was_not_reached_is_not_what_was_refused() {
    let now = Instant::now();
    let mut throttle = Throttle::new(1000, now);
    throttle.take(40, now);
    assert_eq!(throttle.slow(now + TICK), Some(20.0));
}
