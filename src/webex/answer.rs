//! The platform's answers to a send request.
//!
//! In v1 the member `response` is an object or an array, for success and for errors alike, and HTTP says 200 for
//! both; so the code is what counts, not the HTTP status.

use serde_json::Value;

use super::fields::Fields;
use crate::domain::TransactionId;

/// What the platform answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It queued the message.
    Accepted(Option<TransactionId>),
    /// It refused the message.
    Refused {
        /// Its code; a refused call (v2 voice) has none.
        code: Option<String>,
        /// Its words.
        text: Option<String>,
    },
    /// Nothing that is documented.
    Unreadable,
}

/// The codes of acceptance (`references-api-codes`).
const QUEUED: [&str; 2] = ["1001", "1002"];

impl Answer {
    /// Reads the body of an answer, of any version of the API.
    pub fn read(body: &[u8]) -> Self {
        let Ok(root) = serde_json::from_slice::<Value>(body) else { return Self::Unreadable };
        let Some(root) = Fields::of(&root) else { return Self::Unreadable };
        match root.get(&["response"]) {
            Some(Value::Array(list)) => list.first().and_then(Fields::of).map_or(Self::Unreadable, v1),
            Some(object) => Fields::of(object).map_or(Self::Unreadable, v1),
            None => v2(root),
        }
    }
}

fn v1(response: Fields<'_>) -> Answer {
    match response.owned(&["code"]) {
        Some(code) if QUEUED.contains(&code.as_str()) => accepted(response, "transid"),
        code @ Some(_) => Answer::Refused { code, text: response.owned(&["description"]) },
        None => Answer::Unreadable,
    }
}

fn v2(root: Fields<'_>) -> Answer {
    if let Some(code) = root.owned(&["code"]) {
        return Answer::Refused { code: Some(code), text: root.owned(&["message"]) };
    }
    let status = root.text(&["status"]).map(|status| status.to_lowercase());
    match (root.has(&["messageId"]), status.as_deref()) {
        (true, None | Some("queued")) => accepted(root, "messageId"),
        (_, Some("rejected" | "failed")) => Answer::Refused { code: None, text: root.owned(&["status"]) },
        _ => Answer::Unreadable,
    }
}

fn accepted(fields: Fields<'_>, name: &str) -> Answer {
    Answer::Accepted(fields.text(&[name]).and_then(|id| TransactionId::new(&id).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            Answer::read(include_bytes!(concat!("../../tests/fixtures/send-response/", $name, ".json")))
        };
    }

    fn accepted_as(id: &str) -> Answer {
        Answer::Accepted(Some(TransactionId::new(id).unwrap()))
    }

    fn refused(code: &str, text: &str) -> Answer {
        Answer::Refused { code: Some(code.to_owned()), text: Some(text.to_owned()) }
    }

    #[test]
    fn acceptance_is_read_in_each_version_and_shape() {
        let v1 = "5c14b618-dc88-473c-a1b3-c177cb1b0ea1";
        assert_eq!(fixture!("v1-accepted"), accepted_as(v1));
        assert_eq!(fixture!("v1-accepted-burst"), accepted_as(v1));
        assert_eq!(fixture!("v1-accepted-with-correlationid"), accepted_as(v1));
        assert_eq!(Answer::read(br#"{"response":{"code":1001,"transid":"t"}}"#), accepted_as("t"));
        assert_eq!(fixture!("v2-accepted"), accepted_as("e0c6e0fe-000a-491b-8657-6f22b5a44fcf"));
        assert_eq!(fixture!("sms-v1-accepted"), accepted_as("051030ee-b7a3-4f35-b305-4c9c83d3f473"));
    }

    #[test]
    fn refusal_is_read_in_each_version_and_shape() {
        assert_eq!(fixture!("v1-error-7000"), refused("7000", "Invalid JSON"));
        assert_eq!(fixture!("v1-error-7000-no-transid"), refused("7000", "Invalid request"));
        assert_eq!(fixture!("v1-error-7020"), refused("7020", "You have reached maximum transaction limit"));
        assert_eq!(fixture!("v2-error-7004"), refused("7004", "Invalid parameter - sendAt"));
        assert_eq!(fixture!("sms-v1-error-7006"), refused("7006", "Internal error"));
        assert_eq!(Answer::read(br#"{"code":8000,"message":"x"}"#), refused("8000", "x"));
        assert_eq!(fixture!("v2-voice-rejected"), Answer::Refused { code: None, text: Some("Rejected".to_owned()) });
    }

    #[test]
    fn anything_else_is_not_guessed() {
        for body in ["", "OK", "[]", "{}", r#"{"response":[]}"#, r#"{"response":"x"}"#, r#"{"status":"queued"}"#] {
            assert_eq!(Answer::read(body.as_bytes()), Answer::Unreadable, "{body}");
        }
    }
}
