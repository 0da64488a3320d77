//! What an attempt to hand a message over means, and what follows from it.
//!
//! The rule behind the table: only what proves that the platform does not have the message leads to another attempt.
//! Where it may have it, the message is `unconfirmed`, and a later notification settles it.

use std::time::Duration;

use crate::{
    domain::{Channel, Dispatch, Failure, Timestamp, TransactionId},
    observe::DispatchOutcome,
    storage::Settlement,
    webex::{
        answer::Answer,
        codes::{self, Class},
    },
};

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The request never left: no connection.
    NotSent(String),
    /// The request left, at least in part, and no whole answer came.
    NoAnswer(String),
    /// An answer came.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
}

/// What an attempt means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted(Option<TransactionId>),
    Refused { code: Option<String>, reason: String, failure: Failure },
    Later { code: Option<String>, reason: String },
    Unknown { reason: String },
}

/// Our own credentials were refused. Another message would be too; this one is not to blame.
const CREDENTIALS: [&str; 2] = ["7001", "7002"];

impl Outcome {
    pub(super) fn of(attempt: &Attempt, channel: &Channel) -> Self {
        match attempt {
            Attempt::NotSent(why) => Self::Later { code: None, reason: format!("not sent: {why}") },
            Attempt::NoAnswer(why) => Self::Unknown { reason: format!("no answer: {why}") },
            Attempt::Answered { status, body } => match Answer::read(body) {
                Answer::Accepted(id) => Self::Accepted(id),
                Answer::Refused { code, text } => Self::refused(code, text, channel),
                Answer::Unreadable => Self::by_status(*status),
            },
        }
    }

    fn refused(code: Option<String>, text: Option<String>, channel: &Channel) -> Self {
        let known = code.as_deref().and_then(|code| codes::find(Some(channel), code));
        let reason = text.or_else(|| known.map(|code| code.text.to_owned())).unwrap_or_else(|| "refused".to_owned());
        let ours = code.as_deref().is_some_and(|code| CREDENTIALS.contains(&code));
        match known.map(|code| code.class) {
            _ if ours => Self::Later { code, reason },
            Some(Class::Transient) => Self::Later { code, reason },
            Some(Class::Permanent) => Self::Refused { code, reason, failure: Failure::Permanent },
            _ => Self::Refused { code, reason, failure: Failure::Unclear },
        }
    }

    /// An answer without a documented body.
    fn by_status(status: u16) -> Self {
        let reason = format!("HTTP {status}");
        match status {
            // Redirects are not followed, and mean a wrong base URL; 401 and 403 are about our credentials.
            300..400 | 401 | 403 | 429 | 503 => Self::Later { code: None, reason },
            408 => Self::Unknown { reason },
            400..500 => Self::Refused { code: None, reason, failure: Failure::Permanent },
            _ => Self::Unknown { reason: format!("{reason} with a body that is not documented") },
        }
    }

    pub(super) fn metric(&self) -> DispatchOutcome {
        match self {
            Self::Accepted(_) => DispatchOutcome::Accepted,
            Self::Refused { .. } => DispatchOutcome::Refused,
            Self::Later { .. } => DispatchOutcome::Later,
            Self::Unknown { .. } => DispatchOutcome::Unknown,
        }
    }

    /// What goes on record. After the last attempt, `Later` is a refusal.
    pub(super) fn settle(self, attempt: i64, most: i64, now: Timestamp) -> Settlement {
        match self {
            Self::Accepted(id) => {
                let mut settlement = Settlement::new(Dispatch::Accepted, now);
                settlement.event.transaction_id = id;
                settlement
            }
            Self::Refused { code, reason, failure } => {
                let mut settlement = Settlement::new(Dispatch::Rejected, now);
                settlement.event.code = code;
                settlement.event.reason = Some(reason);
                settlement.failure = Some(failure);
                settlement
            }
            Self::Later { code, reason } if attempt >= most => {
                let reason = format!("given up after {attempt} attempts; the last: {reason}");
                Self::Refused { code, reason, failure: Failure::Transient }.settle(attempt, most, now)
            }
            Self::Later { code, reason } => {
                let mut settlement = Settlement::new(Dispatch::Queued, now);
                settlement.event.code = code;
                settlement.event.reason = Some(reason);
                settlement.retry_at = Some(now.plus(pause(attempt)));
                settlement
            }
            Self::Unknown { reason } => {
                let mut settlement = Settlement::new(Dispatch::Unconfirmed, now);
                settlement.event.reason = Some(reason);
                settlement
            }
        }
    }
}

/// The pause after the n-th attempt: 1, 2, 4… seconds, five minutes at the most.
fn pause(attempt: i64) -> Duration {
    const LONGEST: u64 = 300;
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 62)).unwrap_or(0);
    Duration::from_secs((1 << doublings).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Outcome {
        Outcome::of(&Attempt::Answered { status, body: body.as_bytes().to_vec() }, &Channel::Sms)
    }

    fn kind(outcome: &Outcome) -> DispatchOutcome {
        outcome.metric()
    }

    #[test]
    fn each_answer_has_one_meaning() {
        use DispatchOutcome::{Accepted, Later, Refused, Unknown};
        for (status, body, expected) in [
            (200, r#"{"response":[{"code":"1001","transid":"t"}]}"#, Accepted),
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
            (429, "", Later),
            (503, "", Later),
            (404, "", Refused),
            (413, "<html>", Refused),
            (408, "", Unknown),
            (200, "OK", Unknown),
            (200, "", Unknown),
            (500, "", Unknown),
            (502, "<html>", Unknown),
            (504, "", Unknown),
        ] {
            assert_eq!(kind(&answered(status, body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn only_what_never_left_is_tried_again() {
        let of = |attempt| kind(&Outcome::of(&attempt, &Channel::Sms));
        assert_eq!(of(Attempt::NotSent("refused".to_owned())), DispatchOutcome::Later);
        assert_eq!(of(Attempt::NoAnswer("timed out".to_owned())), DispatchOutcome::Unknown);
    }

    #[test]
    fn attempts_are_spaced_out_and_end() {
        let now = Timestamp::from_micros(0);
        let later = || Outcome::Later { code: None, reason: "HTTP 503".to_owned() };
        let second = later().settle(2, 10, now);
        assert_eq!(
            (second.event.dispatch, second.retry_at),
            (Dispatch::Queued, Some(Timestamp::from_micros(2_000_000)))
        );
        let last = later().settle(10, 10, now);
        assert_eq!((last.event.dispatch, last.retry_at), (Dispatch::Rejected, None));
        assert_eq!(last.failure, Some(Failure::Transient));
        assert_eq!(pause(i64::MAX), Duration::from_mins(5));
        assert_eq!(pause(0), Duration::from_secs(1));
    }

    #[test]
    fn an_unknown_outcome_is_never_tried_again() {
        let settlement = Outcome::Unknown { reason: "no answer".to_owned() }.settle(1, 10, Timestamp::default());
        assert_eq!((settlement.event.dispatch, settlement.retry_at), (Dispatch::Unconfirmed, None));
    }
}
