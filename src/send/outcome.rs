//! What an attempt to hand messages over means for each of them, and what follows from it.
//!
//! What decides is the table in `verdict`; here are the words for it.

use std::time::Duration;

use super::{
    pause::pause,
    verdict::{self, Cause, Verdict},
};
use crate::{
    domain::{Channel, CorrelationId, Dispatch, Failure, Timestamp, TransactionId},
    observe::DispatchOutcome,
    storage::Settlement,
    webex::{answer::Answer, codes},
};

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The request never left: no connection, or no request could be made.
    NotSent(String),
    /// The request left, at least in part, and no answer came.
    NoAnswer(String),
    /// An answer came, and broke off after its head.
    BrokeOff {
        /// The HTTP status.
        status: u16,
    },
    /// An answer came.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Vec<u8>,
        /// How long it asks us to wait before the next request.
        retry_after: Option<Duration>,
    },
}

impl Attempt {
    /// How it ended, in none of the platform's words.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::NotSent(why) => format!("not sent: {why}"),
            Self::NoAnswer(why) => format!("no answer: {why}"),
            Self::BrokeOff { status } => format!("HTTP {status}, and the answer broke off"),
            Self::Answered { status, .. } => format!("HTTP {status}"),
        }
    }
}

/// How often a message was attempted, the attempt under way included where it says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempts {
    /// Attempts that were begun, with this one.
    pub(super) begun: i64,
    /// Earlier attempts that count.
    pub(super) counted: i64,
    /// The most that may count.
    pub(super) most: i64,
}

impl Attempts {
    /// Whether none may follow if this one counts.
    pub(super) fn is_last(self) -> bool {
        self.counted + 1 >= self.most
    }
}

/// The longest pause of a message whose answers are not the platform's.
const LONGEST_UNEXPECTED: Duration = Duration::from_secs(30);

/// What an attempt means for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The platform has it, under this id, if it told one.
    Accepted(Option<TransactionId>),
    /// The platform does not want it.
    Refused { code: Option<String>, reason: String, failure: Failure },
    /// The platform does not have it, and may take it later, and not before `after`.
    Later { code: Option<String>, reason: String, cause: Cause, after: Option<Duration> },
    /// The platform may have it.
    Unknown { reason: String },
}

impl Outcome {
    /// For the only message of a request.
    pub(super) fn of(attempt: &Attempt, channel: &Channel) -> Self {
        match attempt {
            Attempt::NotSent(_) => Self::from(Verdict::Later(Cause::Unreachable), None, attempt.in_words(), None),
            Attempt::NoAnswer(_) => Self::Unknown { reason: attempt.in_words() },
            Attempt::BrokeOff { status } => Self::from(verdict::of_head(*status), None, attempt.in_words(), None),
            Attempt::Answered { status, body, retry_after } => {
                Self::of_answer(*status, Answer::read(body), *retry_after, channel)
            }
        }
    }

    /// For each message of a request for several, in their order.
    pub(super) fn of_batch(attempt: &Attempt, messages: &[(&CorrelationId, &Channel)]) -> Vec<Self> {
        let Attempt::Answered { status, body, retry_after } = attempt else {
            return messages.iter().map(|(_, channel)| Self::of(attempt, channel)).collect();
        };
        let ids: Vec<_> = messages.iter().map(|(id, _)| *id).collect();
        let answers = Answer::read_all(body, &ids).into_iter().zip(messages);
        answers.map(|(answer, (_, channel))| Self::of_answer(*status, answer, *retry_after, channel)).collect()
    }

    fn of_answer(status: u16, answer: Answer, retry_after: Option<Duration>, channel: &Channel) -> Self {
        match answer {
            Answer::Accepted(id) => Self::Accepted(id),
            Answer::Refused { code, text } => {
                let verdict = verdict::of_refusal(status, code.as_deref(), text.as_deref(), channel);
                let documented = || Some(codes::find(Some(channel), code.as_deref()?)?.text.to_owned());
                let reason = text.or_else(documented).unwrap_or_else(|| "refused".to_owned());
                Self::from(verdict, code, reason, retry_after)
            }
            Answer::Unreadable => match verdict::of_status(status) {
                Verdict::Unknown => {
                    Self::Unknown { reason: format!("HTTP {status} with a body that is not documented") }
                }
                verdict @ Verdict::Later(Cause::Unexpected) => {
                    let reason = format!("HTTP {status} with a body that is not the platform's");
                    Self::from(verdict, None, reason, retry_after)
                }
                verdict => Self::from(verdict, None, format!("HTTP {status}"), retry_after),
            },
        }
    }

    fn from(verdict: Verdict, code: Option<String>, reason: String, after: Option<Duration>) -> Self {
        match verdict {
            Verdict::Refused(failure) => Self::Refused { code, reason, failure },
            Verdict::Later(cause) => Self::Later { code, reason, cause, after },
            Verdict::Unknown => Self::Unknown { reason },
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

    /// What goes on record. After the last attempt, `Later` is a refusal, if the reason to wait is the message's own.
    pub(super) fn settle(self, attempts: Attempts, now: Timestamp) -> Settlement {
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
            Self::Later { code, reason, cause: Cause::Transient, .. } if attempts.is_last() => {
                let reason = match attempts.counted + 1 {
                    1 => format!("given up after 1 attempt: {reason}"),
                    count => format!("given up after {count} attempts; the last: {reason}"),
                };
                Self::Refused { code, reason, failure: Failure::Transient }.settle(attempts, now)
            }
            Self::Later { code, reason, cause, after } => {
                // What does not count does not lengthen the pauses either.
                let (pause, when) = match cause {
                    Cause::Transient => (pause(attempts.counted + 1), None),
                    Cause::Rate => (pause(1), None),
                    // If it is this message's fault after all, it shall not be the probe each time.
                    Cause::Unexpected => {
                        (pause(attempts.begun).min(LONGEST_UNEXPECTED), Some("when the platform answers"))
                    }
                    // These wait for the circuit breaker only.
                    Cause::Credentials => (Duration::ZERO, Some("when the platform takes our credentials")),
                    Cause::Unreachable => (Duration::ZERO, Some("when the platform can be reached")),
                };
                let pause = pause.max(after.unwrap_or_default());
                let when = when.map_or_else(|| format!("in {} s", pause.as_secs_f64().ceil()), str::to_owned);
                let mut settlement = Settlement::new(Dispatch::Queued, now);
                settlement.event.code = code;
                settlement.event.reason = Some(format!("{reason}; tried again {when}"));
                settlement.retry_at = Some(now.plus(pause));
                settlement.counts = cause.counts();
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

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
