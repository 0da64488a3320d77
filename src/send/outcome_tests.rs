//! From an answer, or none, to what goes on record.

use super::*;

const NOW: Timestamp = Timestamp::from_micros(0);

fn answered(status: u16, body: &str) -> Attempt {
    Attempt::Answered { status, body: body.as_bytes().to_vec(), retry_after: None }
}

fn later(cause: Cause, after: Option<u64>) -> Outcome {
    Outcome::Later { code: None, reason: "HTTP 503".to_owned(), cause, after: after.map(Duration::from_secs) }
}

#[test]
fn each_answer_has_one_meaning() {
    use DispatchOutcome::{Accepted, Later, Refused, Unknown};
    for (status, body, expected) in [
        (200, r#"{"response":[{"code":"1001","transid":"t"}]}"#, Accepted),
        (500, r#"{"response":[{"code":"1001","transid":"t"}]}"#, Accepted),
        (201, r#"{"messageId":"t","status":"queued"}"#, Accepted),
        (200, r#"{"response":{"code":"7000","description":"Invalid JSON"}}"#, Refused),
        (400, r#"{"code":"7004","message":"Invalid parameter - x"}"#, Refused),
        (201, r#"{"messageId":"t","status":"Rejected"}"#, Refused),
        (200, r#"{"response":{"code":"4711","description":"?"}}"#, Refused),
        (200, r#"{"response":{"code":"7020","description":"limit"}}"#, Later),
        (500, r#"{"code":"7006","message":"Internal error"}"#, Later),
        (400, r#"{"response":{"code":"7001","description":"Authentication failed."}}"#, Later),
        (401, "", Later),
        (302, "", Later),
        (400, "<html>", Later),
        (429, "", Later),
        (503, "", Later),
        (404, "", Later),
        (404, r#"{"code":404,"message":"HTTP 404 Not Found"}"#, Later),
        (404, r#"{"code":"7004","message":"Invalid parameter - x"}"#, Refused),
        (413, "<html>", Refused),
        (408, "", Unknown),
        (200, "OK", Unknown),
        (200, "", Unknown),
        (500, "", Unknown),
        (502, "<html>", Unknown),
        (504, "", Unknown),
    ] {
        assert_eq!(Outcome::of(&answered(status, body), &Channel::Sms).metric(), expected, "{status} {body}");
    }
}

#[test]
fn of_an_attempt_without_a_whole_answer_only_what_was_not_taken_is_tried_again() {
    let of = |attempt| Outcome::of(&attempt, &Channel::Sms).metric();
    assert_eq!(of(Attempt::NotSent("refused".to_owned())), DispatchOutcome::Later);
    assert_eq!(of(Attempt::NoAnswer("timed out".to_owned())), DispatchOutcome::Unknown);
    assert_eq!(of(Attempt::BrokeOff { status: 400 }), DispatchOutcome::Later);
    assert_eq!(of(Attempt::BrokeOff { status: 201 }), DispatchOutcome::Unknown);
}

/// The outcomes of a batch of these ids, all of them by SMS.
fn batch(attempt: &Attempt, ids: &[&str]) -> Vec<Outcome> {
    let ids: Vec<_> = ids.iter().map(|id| CorrelationId::new(id).unwrap()).collect();
    let messages: Vec<_> = ids.iter().map(|id| (id, &Channel::Sms)).collect();
    Outcome::of_batch(attempt, &messages)
}

fn kinds(outcomes: &[Outcome]) -> Vec<DispatchOutcome> {
    outcomes.iter().map(Outcome::metric).collect()
}

#[test]
fn each_message_of_a_batch_has_its_own_outcome() {
    use DispatchOutcome::{Accepted, Later, Refused, Unknown};
    let partly = r#"{"response":[
        {"code":"7020","correlationid":"c","description":"limit"},
        {"code":"1001","correlationid":"a","transid":"t"},
        {"code":"7102","correlationid":"b","description":"Invalid address"}]}"#;
    let outcomes = batch(&answered(200, partly), &["a", "b", "c", "d"]);
    assert_eq!(kinds(&outcomes), [Accepted, Refused, Later, Unknown]);
    let refused = answered(400, r#"{"response":{"code":"7009","description":"too many"}}"#);
    assert_eq!(kinds(&batch(&refused, &["a", "b"])), [Refused, Refused]);
    assert_eq!(kinds(&batch(&answered(503, ""), &["a", "b"])), [Later, Later]);
    assert_eq!(kinds(&batch(&answered(200, "OK"), &["a", "b"])), [Unknown, Unknown]);
    assert_eq!(kinds(&batch(&Attempt::NotSent("refused".to_owned()), &["a", "b"])), [Later, Later]);
    assert_eq!(kinds(&batch(&Attempt::NoAnswer("timed out".to_owned()), &["a", "b"])), [Unknown, Unknown]);
}

#[test]
fn a_batch_of_one_is_like_one() {
    for attempt in [
        answered(200, r#"{"response":[{"code":"1001","transid":"t","correlationid":"another"}]}"#),
        answered(201, r#"{"messageId":"t"}"#),
        answered(200, r#"{"response":{"code":"7020"}}"#),
        answered(502, ""),
        Attempt::BrokeOff { status: 401 },
    ] {
        assert_eq!(batch(&attempt, &["a"]), [Outcome::of(&attempt, &Channel::Sms)], "{attempt:?}");
    }
}

/// After attempts that count, of ten.
fn after(counted: i64) -> Attempts {
    Attempts { begun: counted + 30, counted, most: 10 }
}

#[test]
fn attempts_are_spaced_out_and_end() {
    let second = later(Cause::Transient, None).settle(after(1), NOW);
    assert_eq!((second.event.dispatch, second.counts), (Dispatch::Queued, true));
    let pause = second.retry_at.unwrap().since(NOW);
    assert!((2..=4).contains(&pause.as_secs()), "{pause:?}");
    let seconds = pause.as_secs_f64().ceil();
    assert_eq!(second.event.reason, Some(format!("HTTP 503; tried again in {seconds} s")));
    let last = later(Cause::Transient, None).settle(after(9), NOW);
    assert_eq!((last.event.dispatch, last.retry_at), (Dispatch::Rejected, None));
    assert_eq!(last.failure, Some(Failure::Transient));
    assert_eq!(last.event.reason.as_deref(), Some("given up after 10 attempts; the last: HTTP 503"));
}

#[test]
fn what_is_not_the_messages_fault_never_ends_its_attempts() {
    for cause in [Cause::Rate, Cause::Credentials, Cause::Unreachable, Cause::Unexpected] {
        let settled = later(cause, None).settle(after(1000), NOW);
        assert_eq!((settled.event.dispatch, settled.counts), (Dispatch::Queued, false), "{cause:?}");
    }
}

#[test]
fn what_does_not_count_does_not_lengthen_the_pause() {
    let pause = |counted| later(Cause::Rate, None).settle(after(counted), NOW).retry_at.unwrap().since(NOW);
    for counted in [0, 9, 1000] {
        assert!((1..=2).contains(&pause(counted).as_secs()), "{counted}");
    }
}

#[test]
fn an_answer_that_is_not_the_platforms_is_waited_out_for_half_a_minute_at_the_most() {
    let pause = |begun| {
        let attempts = Attempts { begun, counted: 0, most: 10 };
        later(Cause::Unexpected, None).settle(attempts, NOW).retry_at.unwrap().since(NOW)
    };
    assert!((1..=2).contains(&pause(1).as_secs()));
    assert_eq!(pause(1000), LONGEST_UNEXPECTED);
}

#[test]
fn what_the_platform_asks_for_goes_before_a_shorter_pause() {
    let waits = |asked: u64| later(Cause::Transient, Some(asked)).settle(after(2), NOW).retry_at.unwrap().since(NOW);
    assert_eq!(waits(60), Duration::from_mins(1));
    assert!(waits(1) >= Duration::from_secs(4));
    let body = br#"{"response":{"code":"7020"}}"#.to_vec();
    let attempt = Attempt::Answered { status: 200, body, retry_after: Some(Duration::from_mins(1)) };
    let settlement = Outcome::of(&attempt, &Channel::Sms).settle(after(0), NOW);
    assert_eq!(settlement.retry_at, Some(NOW.plus(Duration::from_mins(1))));
    let reason = settlement.event.reason.unwrap();
    assert_eq!(reason, "You have reached the maximum transaction limit; tried again in 60 s");
}

#[test]
fn an_unknown_outcome_is_never_tried_again() {
    let settlement = Outcome::Unknown { reason: "no answer".to_owned() }.settle(after(0), NOW);
    assert_eq!((settlement.event.dispatch, settlement.retry_at), (Dispatch::Unconfirmed, None));
}
