//! How an outcome is stored, and when a message is tried again.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    domain::{Channel, Submission},
    send::classify::Attempt,
};

const NOW: Timestamp = Timestamp::from_micros(1_000_000);

fn limits(attempts: i64, on_unknown: OnUnknown) -> DispatchLimits {
    DispatchLimits { attempts, on_unknown, ..DispatchLimits::default() }
}

/// A message that is claimed for its attempt number `attempt`, after `counted` attempts that count.
fn claim(attempt: i64, counted: i64) -> Claim {
    let message = json!({ "channel": "sms", "from": "ACME", "to": "447700900123", "text": "Hi",
        "correlationId": "order-1" });
    Claim { submission: Submission::from_json(message).unwrap(), attempt, counted }
}

/// The settlement after `counted` attempts that count, of at most ten.
fn after(counted: i64, outcome: Outcome) -> Settlement {
    settle(outcome, &claim(counted + 30, counted), &limits(10, OnUnknown::Hold), NOW)
}

fn later(cause: Cause, after: Option<u64>) -> Outcome {
    Outcome::Later { code: None, reason: "HTTP 503".to_owned(), cause, after: after.map(Duration::from_secs) }
}

fn unknown() -> Outcome {
    Outcome::Unknown { reason: "no answer".to_owned() }
}

#[test]
fn attempts_are_spaced_out_and_end() {
    let second = after(1, later(Cause::Transient, None));
    assert_eq!((second.event.dispatch, second.counts), (Dispatch::Queued, true));
    let pause = second.retry_at.unwrap().since(NOW);
    assert!((2..=4).contains(&pause.as_secs()), "{pause:?}");
    let seconds = pause.as_secs_f64().ceil();
    assert_eq!(second.event.reason, Some(format!("HTTP 503; retry in {seconds} s")));
    let last = after(9, later(Cause::Transient, None));
    assert_eq!((last.event.dispatch, last.retry_at), (Dispatch::Rejected, None));
    assert_eq!(last.failure, Some(Failure::Transient));
    assert_eq!(last.event.reason.as_deref(), Some("given up after 10 attempts; the last: HTTP 503"));
}

#[test]
fn what_is_not_the_messages_fault_never_ends_its_attempts() {
    for cause in [Cause::Rate, Cause::Credentials, Cause::Unreachable, Cause::Unexpected] {
        let settled = after(1000, later(cause, None));
        assert_eq!((settled.event.dispatch, settled.counts), (Dispatch::Queued, false), "{cause:?}");
    }
}

#[test]
fn what_does_not_count_does_not_lengthen_the_pause() {
    let pause = |counted| after(counted, later(Cause::Rate, None)).retry_at.unwrap().since(NOW);
    for counted in [0, 9, 1000] {
        assert!((1..=2).contains(&pause(counted).as_secs()), "{counted}");
    }
}

#[test]
fn an_answer_that_is_not_the_platforms_is_waited_out_for_half_a_minute_at_the_most() {
    let pause = |attempt| {
        let later = later(Cause::Unexpected, None);
        settle(later, &claim(attempt, 0), &limits(10, OnUnknown::Hold), NOW).retry_at.unwrap().since(NOW)
    };
    assert!((1..=2).contains(&pause(1).as_secs()));
    assert_eq!(pause(1000), LONGEST_UNEXPECTED);
}

#[test]
fn a_longer_pause_that_the_platform_asks_for_takes_precedence() {
    let waits = |asked: u64| after(2, later(Cause::Transient, Some(asked))).retry_at.unwrap().since(NOW);
    assert_eq!(waits(60), Duration::from_mins(1));
    assert!(waits(1) >= Duration::from_secs(4));
    let body = br#"{"response":{"code":"7020"}}"#.to_vec();
    let attempt = Attempt::Answered { status: 200, body, retry_after: Some(Duration::from_mins(1)) };
    let settlement = after(0, Outcome::of(&attempt, &Channel::Sms));
    assert_eq!(settlement.retry_at, Some(NOW.plus(Duration::from_mins(1))));
    let reason = settlement.event.reason.unwrap();
    assert_eq!(reason, "You have reached the maximum transaction limit; retry in 60 s");
}

#[test]
fn an_unknown_outcome_is_not_tried_again_by_default() {
    let settlement = after(0, unknown());
    assert_eq!((settlement.event.dispatch, settlement.retry_at), (Dispatch::Unconfirmed, None));
}

#[test]
fn an_unknown_outcome_is_tried_again_only_if_configured() {
    let settled = |on_unknown, counted| settle(unknown(), &claim(40, counted), &limits(3, on_unknown), NOW);
    let held = settled(OnUnknown::Hold, 0);
    assert_eq!((held.event.dispatch, held.retry_at), (Dispatch::Unconfirmed, None));
    let again = settled(OnUnknown::Resend, 0);
    assert_eq!(again.event.dispatch, Dispatch::Queued);
    assert!(again.retry_at.unwrap() > NOW && again.counts);
    assert_eq!(settled(OnUnknown::Resend, 2).event.dispatch, Dispatch::Unconfirmed);
}

#[test]
fn a_cause_that_concerns_every_message_waits_for_the_breaker_only() {
    for cause in [Cause::Credentials, Cause::Unreachable] {
        let settled = settle(later(cause, None), &claim(40, 2), &limits(3, OnUnknown::Hold), NOW);
        let seen = (settled.event.dispatch, settled.retry_at, settled.counts);
        assert_eq!(seen, (Dispatch::Queued, Some(NOW), false), "{cause:?}");
    }
}

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
    fn the_requested_pause_is_bounded(retry_after in ".{0,40}", date in proptest::option::of(".{0,40}")) {
        let asked = asked_for(&retry_after, date.as_deref(), Timestamp::default());
        prop_assert!(asked.is_none_or(|asked| asked <= LONGEST_ASKED));
    }
}

#[test]
fn pauses_are_random() {
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
