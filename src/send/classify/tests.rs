//! The outcome of each answer, and of a missing one.

use super::*;

fn answered(status: u16, body: &str) -> Attempt {
    Attempt::Answered { status, body: body.as_bytes().to_vec(), retry_after: None }
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
fn without_a_complete_answer_only_a_message_that_was_not_accepted_is_tried_again() {
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
fn a_batch_of_one_is_like_a_single_message() {
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
