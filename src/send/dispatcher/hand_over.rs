//! One request: made of leased messages, posted, its outcome handed to the recorder.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::mpsc, time::Instant};

use super::{OnUnknown, Pace, gate::Hint, recorder::Record, stock::Ready};
use crate::{
    clock::Clock,
    domain::{Dispatch, Timestamp},
    observe::Metrics,
    send::{Attempt, outcome::Outcome, platform::Platform, verdict::Cause},
    storage::{Claim, Settlement},
    webex::request::{Request, Tenant},
};

/// What every request needs.
pub(super) struct Desk {
    pub(super) platform: Arc<dyn Platform>,
    pub(super) tenant: Tenant,
    pub(super) pace: Pace,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) outcomes: mpsc::Sender<Record>,
}

/// What a request tells about the next ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    /// When it left.
    pub(super) began: Instant,
    pub(super) hint: Hint,
    /// The platform refused our rate.
    pub(super) is_too_fast: bool,
    /// It asked us to wait so long.
    pub(super) rest: Option<Duration>,
}

impl Desk {
    /// Hands over `claims`, of one channel, whose leases end at `until`. They are on their way to the record when this
    /// returns.
    pub(super) async fn hand_over(self: Arc<Self>, claims: Vec<Claim>, until: Instant) -> Report {
        let began = Instant::now();
        let outcomes = match self.request(&claims) {
            Some(request) => outcomes(&self.platform.post(&request).await, &claims),
            None => Vec::new(),
        };
        let report = report(began, &outcomes);
        let now = self.clock.now();
        for (claim, outcome) in claims.into_iter().zip(outcomes) {
            let id = &claim.submission.correlation_id;
            let metric = outcome.metric();
            tracing::debug!(%id, attempt = claim.attempt, outcome = ?metric, "handed a message to the platform");
            self.metrics.dispatched(metric);
            let settlement = settle(outcome, claim.attempt, &self.pace, now);
            // The recorder outlives all requests.
            let _ = self.outcomes.send(Record { claim, settlement, until }).await;
        }
        report
    }

    /// Puts claimed messages back, since they are not handed over now. They are due at once.
    pub(super) async fn put_back(&self, waiting: Vec<Ready>, why: &str) {
        let now = self.clock.now();
        for Ready { claim, until, .. } in waiting {
            let mut settlement = Settlement::new(Dispatch::Queued, now);
            settlement.event.reason = Some(format!("{why}; it was not sent"));
            settlement.retry_at = Some(now);
            // The recorder outlives all requests.
            let _ = self.outcomes.send(Record { claim, settlement, until }).await;
        }
    }

    /// Several are an array of what each would be alone (`api-faqs`).
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

fn report(began: Instant, outcomes: &[Outcome]) -> Report {
    let waits_for = |wanted: Cause| {
        outcomes.iter().any(|outcome| matches!(outcome, Outcome::Later { cause, .. } if *cause == wanted))
    };
    let is_too_fast = waits_for(Cause::Rate);
    let decided = |outcome: &Outcome| matches!(outcome, Outcome::Accepted(_) | Outcome::Refused { .. });
    let hint = match () {
        () if waits_for(Cause::Credentials) => Hint::Refused,
        () if is_too_fast || outcomes.iter().any(decided) => Hint::Good,
        () => Hint::None,
    };
    let asked = |outcome: &Outcome| match outcome {
        Outcome::Later { after, .. } => *after,
        _ => None,
    };
    Report { began, hint, is_too_fast, rest: outcomes.iter().filter_map(asked).max() }
}

/// What goes on record.
fn settle(outcome: Outcome, attempt: i64, pace: &Pace, now: Timestamp) -> Settlement {
    match outcome {
        // After the last attempt it stays unconfirmed: to say that it was refused would be saying too much.
        Outcome::Unknown { reason } if pace.on_unknown == OnUnknown::Resend && attempt < pace.attempts => {
            let reason = format!("{reason}; the platform may have it");
            Outcome::Later { code: None, reason, cause: Cause::Passing, after: None }.settle(
                attempt,
                pace.attempts,
                now,
            )
        }
        outcome @ Outcome::Later { cause: Cause::Credentials, .. } => {
            let mut settlement = outcome.settle(attempt, pace.attempts, now);
            // It has nothing to wait for but the gate.
            settlement.retry_at = Some(now);
            settlement
        }
        outcome => outcome.settle(attempt, pace.attempts, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn pace(on_unknown: OnUnknown) -> Pace {
        Pace { attempts: 3, on_unknown, ..Pace::default() }
    }

    fn later(cause: Cause, after: Option<Duration>) -> Outcome {
        Outcome::Later { code: None, reason: "HTTP 503".to_owned(), cause, after }
    }

    fn unknown() -> Outcome {
        Outcome::Unknown { reason: "no answer".to_owned() }
    }

    #[test]
    fn what_may_be_there_is_sent_again_only_where_that_is_wanted() {
        let settled = |on_unknown, attempt| settle(unknown(), attempt, &pace(on_unknown), NOW);
        let held = settled(OnUnknown::Hold, 1);
        assert_eq!((held.event.dispatch, held.retry_at), (Dispatch::Unconfirmed, None));
        let again = settled(OnUnknown::Resend, 1);
        assert_eq!(again.event.dispatch, Dispatch::Queued);
        assert!(again.retry_at.unwrap() > NOW);
        assert_eq!(settled(OnUnknown::Resend, 3).event.dispatch, Dispatch::Unconfirmed);
    }

    #[test]
    fn a_message_is_not_to_blame_for_our_credentials() {
        let settled = settle(later(Cause::Credentials, None), 3, &pace(OnUnknown::Hold), NOW);
        assert_eq!((settled.event.dispatch, settled.retry_at), (Dispatch::Queued, Some(NOW)));
    }

    #[test]
    fn a_request_tells_what_the_next_ones_have_to_heed() {
        let seconds = Duration::from_secs;
        let told = |outcomes: &[Outcome]| {
            let report = report(Instant::now(), outcomes);
            (report.hint, report.is_too_fast, report.rest)
        };
        assert_eq!(told(&[Outcome::Accepted(None)]), (Hint::Good, false, None));
        assert_eq!(told(&[unknown()]), (Hint::None, false, None));
        assert_eq!(told(&[later(Cause::Passing, Some(seconds(7)))]), (Hint::None, false, Some(seconds(7))));
        assert_eq!(told(&[later(Cause::Credentials, None)]), (Hint::Refused, false, None));
        let mixed = [Outcome::Accepted(None), later(Cause::Rate, Some(seconds(3))), later(Cause::Rate, None)];
        assert_eq!(told(&mixed), (Hint::Good, true, Some(seconds(3))));
    }
}
