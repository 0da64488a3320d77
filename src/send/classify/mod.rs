//! What an attempt to dispatch messages means for each of them: it is accepted, rejected, tried again later, or
//! unknown.
//!
//! The table in `classify/table.rs` decides. This file extracts what the table needs, and words the reason.

mod table;

use std::time::Duration;

use self::table::Verdict;
use crate::{
    domain::{Channel, CorrelationId, Failure, TransactionId},
    observe::DispatchOutcome,
    webex::{answer::Answer, codes},
};

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The request was not sent: there was no connection, or no request could be built.
    NotSent(String),
    /// The request was sent, at least in part, and no answer came.
    NoAnswer(String),
    /// An answer came, but broke off after its head.
    BrokeOff {
        /// The HTTP status.
        status: u16,
    },
    /// A complete answer came.
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
    /// Describes how the attempt ended, without the platform's own text.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::NotSent(why) => format!("not sent: {why}"),
            Self::NoAnswer(why) => format!("no answer: {why}"),
            Self::BrokeOff { status } => format!("HTTP {status} with an incomplete answer"),
            Self::Answered { status, .. } => format!("HTTP {status}"),
        }
    }
}

/// Why a message has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A temporary reason, which may concern this message only.
    Transient,
    /// We send faster than the tenant is allowed to. This is not the message's fault, so it never uses up its attempts.
    Rate,
    /// The platform rejects our key, the service behind it, or the address that we call from. It would reject any other
    /// message too, so this never uses up the attempts of this one.
    Credentials,
    /// The request was not sent, since no connection could be made.
    Unreachable,
    /// The answer is not from the platform: the base URL is wrong, or a proxy answers in its place.
    Unexpected,
}

impl Cause {
    /// Returns whether the attempt counts towards the limit of the message. It does not if any other message would have
    /// failed too.
    pub(super) fn counts(self) -> bool {
        self == Self::Transient
    }
}

/// What an attempt means for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The platform has the message, under this id if it returned one.
    Accepted(Option<TransactionId>),
    /// The platform rejected the message.
    Rejected { code: Option<String>, reason: String, failure: Failure },
    /// The platform does not have the message, and may accept it later, after `after` at the earliest.
    Later { code: Option<String>, reason: String, cause: Cause, after: Option<Duration> },
    /// The platform may have the message.
    Unknown { reason: String },
}

impl Outcome {
    /// The outcome for the only message of a request.
    pub(super) fn of(attempt: &Attempt, channel: &Channel) -> Self {
        match attempt {
            Attempt::NotSent(_) => Self::from(Verdict::Later(Cause::Unreachable), None, attempt.in_words(), None),
            Attempt::NoAnswer(_) => Self::Unknown { reason: attempt.in_words() },
            Attempt::BrokeOff { status } => Self::from(table::of_head(*status), None, attempt.in_words(), None),
            Attempt::Answered { status, body, retry_after } => {
                Self::of_answer(*status, Answer::read(body), *retry_after, channel)
            }
        }
    }

    /// The outcome for each message of a request with several, in the same order.
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
            Answer::Rejected { code, text } => {
                let verdict = table::of_rejection(status, code.as_deref(), text.as_deref(), channel);
                let documented = || Some(codes::find(Some(channel), code.as_deref()?)?.text.to_owned());
                let reason = text.or_else(documented).unwrap_or_else(|| "refused".to_owned());
                Self::from(verdict, code, reason, retry_after)
            }
            Answer::Unreadable => match table::of_status(status) {
                Verdict::Unknown => Self::Unknown { reason: format!("HTTP {status} with an undocumented body") },
                verdict @ Verdict::Later(Cause::Unexpected) => {
                    let reason = format!("HTTP {status} with a body that is not from the platform");
                    Self::from(verdict, None, reason, retry_after)
                }
                verdict => Self::from(verdict, None, format!("HTTP {status}"), retry_after),
            },
        }
    }

    fn from(verdict: Verdict, code: Option<String>, reason: String, after: Option<Duration>) -> Self {
        match verdict {
            Verdict::Rejected(failure) => Self::Rejected { code, reason, failure },
            Verdict::Later(cause) => Self::Later { code, reason, cause, after },
            Verdict::Unknown => Self::Unknown { reason },
        }
    }

    /// The outcome as the metrics name it.
    pub(super) fn metric(&self) -> DispatchOutcome {
        match self {
            Self::Accepted(_) => DispatchOutcome::Accepted,
            Self::Rejected { .. } => DispatchOutcome::Refused,
            Self::Later { .. } => DispatchOutcome::Later,
            Self::Unknown { .. } => DispatchOutcome::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
