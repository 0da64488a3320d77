//! How long a message waits for its next attempt.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::domain::Timestamp;

/// 1 to 2 seconds, doubled with each attempt until it is 2.5 to 5 minutes. Where in between is left to chance, so that
/// what failed together does not come back together.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_max_delay(Duration::from_secs(150))
    .with_jitter()
    .without_max_times();

/// So many pauses differ in their bounds; all that follow are like the last.
const STEPS: i64 = 9;

/// An answer that asks for more is not believed: a message would be forgotten over a slip of the other side.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// The pause after the n-th attempt.
pub(super) fn pause(attempt: i64) -> Duration {
    let step = usize::try_from(attempt.clamp(1, STEPS) - 1).unwrap_or_default();
    BACKOFF.build().nth(step).unwrap_or_default()
}

/// What a `Retry-After` asks for: seconds, or a date (RFC 9110, 10.2.3). A date is taken against that of the answer,
/// since the clocks of the two sides may differ, and only without it against `now`.
pub(super) fn asked_for(retry_after: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let retry_after = retry_after.trim();
    let asked = if let Ok(seconds) = retry_after.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = httpdate::parse_http_date(retry_after).ok()?;
        let sent = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(|| system(now));
        until.duration_since(sent).unwrap_or_default()
    };
    Some(asked.min(LONGEST_ASKED))
}

fn system(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + at.since(Timestamp::default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_double_from_one_second_to_five_minutes(attempt in any::<i64>()) {
            let least = match attempt {
                ..=1 => 1,
                2..=8 => 1 << (attempt - 1),
                9.. => 150,
            };
            let pause = pause(attempt);
            prop_assert!(pause >= Duration::from_secs(least) && pause <= Duration::from_secs(2 * least), "{pause:?}");
        }

        #[test]
        fn whatever_an_answer_asks_for_is_bounded(retry_after in ".{0,40}", date in proptest::option::of(".{0,40}")) {
            let asked = asked_for(&retry_after, date.as_deref(), Timestamp::default());
            prop_assert!(asked.is_none_or(|asked| asked <= LONGEST_ASKED));
        }
    }

    #[test]
    fn pauses_are_left_to_chance() {
        let first = pause(3);
        assert!((0..100).any(|_| pause(3) != first));
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = Timestamp::parse_rfc3339("2026-05-20T13:15:00Z").unwrap();
        let date = |time: &str| format!("Wed, 20 May 2026 {time} GMT");
        let of = |retry_after: &str, date: Option<&str>| asked_for(retry_after, date, now).map(|asked| asked.as_secs());
        assert_eq!(of("120", None), Some(120));
        assert_eq!(of(" 0 ", None), Some(0));
        assert_eq!(of(&date("13:15:30"), None), Some(30));
        assert_eq!(of(&date("13:15:30"), Some(&date("13:15:20"))), Some(10), "the other clock is 20 s ahead");
        assert_eq!(of(&date("13:15:30"), Some("yesterday")), Some(30));
        assert_eq!(of(&date("13:14:00"), None), Some(0), "over already");
        assert_eq!(of("999999999", None), Some(3600));
        assert_eq!(of("Wed, 20 May 2099 13:15:00 GMT", None), Some(3600));
        for text in ["", "soon", "-1", "1.5", "99999999999999999999999"] {
            assert_eq!(of(text, None), None, "{text:?}");
        }
    }
}
