//! Checks whether the platform can be reached and accepts our credentials.

use serde_json::json;

use super::{
    classify::{Attempt, Cause, Outcome},
    platform::Platform,
};
use crate::{
    domain::Channel,
    webex::{Api, request::Request},
};

/// The result of an attempt to reach the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The platform accepted our credentials.
    Admitted,
    /// The platform rejected our credentials.
    Denied(String),
    /// There was no answer.
    Unreachable(String),
    /// There was an answer, but in no form that the platform documents.
    Odd(String),
}

impl Reach {
    /// Sends a request whose body is an empty object. It contains no recipient and no text, so nothing can be sent. The
    /// platform checks the credentials first, and then reports what is missing.
    pub async fn of(platform: &dyn Platform) -> Self {
        let attempt = platform.post(&Request { api: Api::V2, body: json!({}) }).await;
        let words = attempt.in_words();
        match &attempt {
            Attempt::NotSent(why) | Attempt::NoAnswer(why) => return Self::Unreachable(why.clone()),
            Attempt::BrokeOff { .. } => return Self::Odd(words),
            Attempt::Answered { .. } => {}
        }
        match Outcome::of(&attempt, &Channel::Sms) {
            Outcome::Later { cause: Cause::Credentials, code, .. } => {
                let code = code.map(|code| format!(", code {code}")).unwrap_or_default();
                Self::Denied(format!("{words}{code}"))
            }
            // The platform read the request, since its answer has one of its codes.
            Outcome::Rejected { code: Some(_), .. } | Outcome::Later { code: Some(_), .. } => Self::Admitted,
            _ => Self::Odd(format!("{words}, in an undocumented form")),
        }
    }
}
