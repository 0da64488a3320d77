//! Whether the platform can be reached, and takes our credentials.

use serde_json::json;

use super::{
    classify::{Attempt, Cause, Outcome},
    platform::Platform,
};
use crate::{
    domain::Channel,
    webex::{Api, request::Request},
};

/// What became of an attempt to reach the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It took our credentials.
    Admitted,
    /// It answered that it does not take them.
    Denied(String),
    /// There was no answer.
    Unreachable(String),
    /// There was an answer that is none of the platform's.
    Odd(String),
}

impl Reach {
    /// Asks the platform. The request holds an empty object: it names no recipient and no text, so nothing can be sent,
    /// and the platform says what is missing once it has looked at the credentials.
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
            // It read the request, and said in its own way what it thinks of it.
            Outcome::Refused { code: Some(_), .. } | Outcome::Later { code: Some(_), .. } => Self::Admitted,
            _ => Self::Odd(format!("{words}, in an undocumented form")),
        }
    }
}
