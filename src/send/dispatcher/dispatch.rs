//! One request: it is built from leased messages and posted, and its outcomes go to the recorder.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::mpsc, time::Instant};

use super::{
    breaker::{Signal, Trouble},
    prefetch_buffer::Ready,
    recorder::Record,
};
use crate::{
    clock::Clock,
    domain::Dispatch,
    observe::Metrics,
    send::{
        classify::{Attempt, Cause, Outcome},
        limits::DispatchLimits,
        platform::Platform,
        retry::settle,
    },
    storage::{Claim, Settlement},
    webex::request::{Request, Tenant},
};

/// What every request needs.
pub(super) struct DispatchContext {
    pub(super) platform: Arc<dyn Platform>,
    pub(super) tenant: Tenant,
    pub(super) limits: DispatchLimits,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) outcomes: mpsc::Sender<Record>,
}

/// What a request reveals about the next ones.
#[derive(Clone, Debug)]
pub(super) struct Feedback {
    /// When the request began.
    pub(super) began: Instant,
    pub(super) signal: Signal,
    /// The platform rejected our rate.
    pub(super) is_too_fast: bool,
    /// How long the platform asked us to wait.
    pub(super) retry_after: Option<Duration>,
}

impl DispatchContext {
    /// Dispatches `claims` of one channel, whose leases end at `until`. When this returns, their outcomes have been
    /// passed to the recorder. `began` is when the request was started.
    #[tracing::instrument(level = "debug", name = "dispatch.request", skip_all, fields(channel = claims.first().map(|claim| claim.submission.channel.as_str()), messages = claims.len()))]
    pub(super) async fn dispatch(self: Arc<Self>, claims: Vec<Claim>, until: Instant, began: Instant) -> Feedback {
        let (outcomes, signal) = match self.request(&claims) {
            Some(request) => {
                let attempt = self.platform.post(&request).await;
                let outcomes = outcomes(&attempt, &claims);
                let signal = signal(&attempt, &outcomes);
                (outcomes, signal)
            }
            None => (Vec::new(), Signal::Answered),
        };
        let feedback = feedback(began, signal, &outcomes);
        let now = self.clock.now();
        for (claim, outcome) in claims.into_iter().zip(outcomes) {
            let id = &claim.submission.correlation_id;
            let metric = outcome.metric();
            tracing::debug!(%id, attempt = claim.attempt, outcome = ?metric, "dispatched a message to the platform");
            self.metrics.dispatched(metric);
            let settlement = settle(outcome, &claim, &self.limits, now);
            // This does not fail: the recorder outlives all requests.
            let _ = self.outcomes.send(Record { claim, settlement, until }).await;
        }
        feedback
    }

    /// Puts claimed messages back into the outbox without dispatching them. They are due at once.
    pub(super) async fn put_back(&self, waiting: Vec<Ready>, why: &str) {
        let now = self.clock.now();
        for Ready { claim, until, .. } in waiting {
            let mut settlement = Settlement::new(Dispatch::Queued, now);
            settlement.event.reason = Some(format!("{why}; it was not sent"));
            settlement.retry_at = Some(now);
            // This does not fail: the recorder outlives all requests.
            let _ = self.outcomes.send(Record { claim, settlement, until }).await;
        }
    }

    /// Builds the request. For several messages, its body is an array of their bodies
    /// (developers.webexconnect.io/reference/api-faqs).
    fn request(&self, claims: &[Claim]) -> Option<Request> {
        let now = self.clock.now();
        let mut requests = claims.iter().map(|claim| Request::new(&claim.submission, &self.tenant, now));
        let first = requests.next()?;
        if claims.len() == 1 {
            return Some(first);
        }
        let bodies = requests.map(|request| request.body);
        let body = Value::Array([first.body].into_iter().chain(bodies).collect());
        Some(Request { body, ..first })
    }
}

fn outcomes(attempt: &Attempt, claims: &[Claim]) -> Vec<Outcome> {
    let messages = claims.iter().map(|claim| (&claim.submission.correlation_id, &claim.submission.channel));
    match messages.collect::<Vec<_>>().as_slice() {
        [(_, channel)] => vec![Outcome::of(attempt, channel)],
        messages => Outcome::of_batch(attempt, messages),
    }
}

/// Returns the reason of the first outcome that has to wait because of `wanted`.
fn waits_for(outcomes: &[Outcome], wanted: Cause) -> Option<&str> {
    outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Later { cause, reason, .. } if *cause == wanted => Some(reason.as_str()),
        _ => None,
    })
}

/// Returns what a request reveals about all others. The reason is shown in the log and at `/health/ready`, so it
/// contains none of the platform's text, which may repeat what we sent.
fn signal(attempt: &Attempt, outcomes: &[Outcome]) -> Signal {
    let decided = |outcome: &Outcome| matches!(outcome, Outcome::Accepted(_) | Outcome::Rejected { .. });
    let coded = |outcome: &Outcome| matches!(outcome, Outcome::Later { code: Some(_), .. });
    let rejected = |outcome: &Outcome| match outcome {
        Outcome::Later { cause: Cause::Credentials, code, .. } => Some(code.clone()),
        _ => None,
    };
    if let Some(code) = outcomes.iter().find_map(rejected) {
        let code = code.map(|code| format!(", code {code}")).unwrap_or_default();
        return Signal::Trouble(Trouble::CredentialsRejected, format!("{}{code}", attempt.in_words()));
    }
    if waits_for(outcomes, Cause::Rate).is_some() || outcomes.iter().any(decided) {
        return Signal::Good;
    }
    if outcomes.iter().any(coded) {
        return Signal::Answered;
    }
    if let Some(reason) = waits_for(outcomes, Cause::Unreachable) {
        return Signal::Trouble(Trouble::Unreachable, reason.to_owned());
    }
    if let Some(reason) = waits_for(outcomes, Cause::Unexpected) {
        return Signal::Trouble(Trouble::UnexpectedAnswers, reason.to_owned());
    }
    match attempt {
        Attempt::Answered { status: 200..=299, .. } => {
            let reason = format!("{} with an undocumented body", attempt.in_words());
            Signal::Suspected(Trouble::UnexpectedAnswers, reason)
        }
        _ => Signal::Suspected(Trouble::Unreachable, attempt.in_words()),
    }
}

fn feedback(began: Instant, signal: Signal, outcomes: &[Outcome]) -> Feedback {
    let asked = |outcome: &Outcome| match outcome {
        Outcome::Later { after, .. } => *after,
        _ => None,
    };
    let is_too_fast = waits_for(outcomes, Cause::Rate).is_some();
    Feedback { began, signal, is_too_fast, retry_after: outcomes.iter().filter_map(asked).max() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Channel;

    fn later(cause: Cause, after: Option<Duration>) -> Outcome {
        Outcome::Later { code: None, reason: "HTTP 503".to_owned(), cause, after }
    }

    fn unknown() -> Outcome {
        Outcome::Unknown { reason: "no answer".to_owned() }
    }

    /// The signal of a request with one message.
    fn signal_of(attempt: &Attempt) -> Signal {
        signal(attempt, &[Outcome::of(attempt, &Channel::Sms)])
    }

    fn answered(status: u16, body: &str) -> Attempt {
        Attempt::Answered { status, body: body.as_bytes().to_vec(), retry_after: None }
    }

    #[test]
    fn a_signal_shows_whether_another_request_could_succeed() {
        use Trouble::{CredentialsRejected, UnexpectedAnswers, Unreachable};
        for (status, body) in [
            (201, r#"{"messageId":"t","status":"queued"}"#),
            (400, r#"{"code":"7004","message":"Invalid parameter"}"#),
            (400, r#"{"code":"7020","message":"limit"}"#),
            (429, ""),
        ] {
            assert_eq!(signal_of(&answered(status, body)), Signal::Good, "{status} {body}");
        }
        assert_eq!(signal_of(&answered(500, r#"{"code":"7006","message":"Internal error"}"#)), Signal::Answered);
        for (attempt, trouble) in [
            (answered(401, ""), CredentialsRejected),
            (answered(400, r#"{"code":"7001","message":"Authentication failed"}"#), CredentialsRejected),
            (Attempt::NotSent("Connection refused".to_owned()), Unreachable),
            (answered(404, "<html>nginx</html>"), UnexpectedAnswers),
            (answered(400, "Bad Request"), UnexpectedAnswers),
            (answered(405, ""), UnexpectedAnswers),
            (answered(301, ""), UnexpectedAnswers),
            (answered(404, r#"{"timestamp":"2026-05-20","status":404,"error":"Not Found"}"#), UnexpectedAnswers),
            (answered(404, r#"{"code":404,"message":"HTTP 404 Not Found"}"#), UnexpectedAnswers),
        ] {
            assert!(matches!(signal_of(&attempt), Signal::Trouble(found, _) if found == trouble), "{attempt:?}");
        }
        for (attempt, trouble) in [
            (answered(200, "<html>Welcome</html>"), UnexpectedAnswers),
            (answered(502, "<html>"), Unreachable),
            (answered(503, ""), Unreachable),
            (answered(500, ""), Unreachable),
            (Attempt::NoAnswer("timed out".to_owned()), Unreachable),
            (Attempt::BrokeOff { status: 201 }, Unreachable),
            (Attempt::BrokeOff { status: 400 }, Unreachable),
        ] {
            assert!(matches!(signal_of(&attempt), Signal::Suspected(found, _) if found == trouble), "{attempt:?}");
        }
    }

    #[test]
    fn one_answered_message_of_a_batch_makes_the_signal_good() {
        let some = [unknown(), Outcome::Accepted(None), unknown()];
        assert_eq!(signal(&answered(200, "{}"), &some), Signal::Good);
    }

    #[test]
    fn feedback_has_the_rate_and_the_pause_for_the_next_requests() {
        let seconds = Duration::from_secs;
        let feedback_of = |outcomes: &[Outcome]| {
            let feedback = feedback(Instant::now(), Signal::Good, outcomes);
            (feedback.is_too_fast, feedback.retry_after)
        };
        assert_eq!(feedback_of(&[Outcome::Accepted(None)]), (false, None));
        assert_eq!(feedback_of(&[unknown()]), (false, None));
        assert_eq!(feedback_of(&[later(Cause::Transient, Some(seconds(7)))]), (false, Some(seconds(7))));
        let mixed = [Outcome::Accepted(None), later(Cause::Rate, Some(seconds(3))), later(Cause::Rate, None)];
        assert_eq!(feedback_of(&mixed), (true, Some(seconds(3))));
    }
}
