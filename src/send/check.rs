//! Validates a message before it is accepted, against the rules for any message and those of the platform.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use crate::{
    domain::{Channel, CorrelationId, Draft, FieldError, Submission},
    webex::{Api, SmsApi, rules},
};

/// Validates a message, and returns all errors at once. Its times are checked when it is accepted.
///
/// `sms_api` is the API that text messages are sent with. If it is not known, the platform's rules for text messages
/// are not applied, since they differ between the APIs.
pub fn check(draft: &Draft, sms_api: Option<SmsApi>) -> Result<Submission, Vec<FieldError>> {
    let broken = broken_rules(draft, sms_api);
    match draft.check(fresh_id) {
        Ok(submission) if broken.is_empty() => Ok(submission),
        Ok(_) => Err(broken),
        Err(mut errors) => {
            // One error for each member is enough.
            let known: HashSet<_> = errors.iter().map(|error| error.pointer.clone()).collect();
            errors.extend(broken.into_iter().filter(|error| !known.contains(&error.pointer)));
            Err(errors)
        }
    }
}

/// Returns the platform's rules that the message breaks; none if the API that it would be sent with is not known.
fn broken_rules(draft: &Draft, sms_api: Option<SmsApi>) -> Vec<FieldError> {
    let Some(channel) = draft.channel() else { return Vec::new() };
    let content = draft.members().get("content").and_then(Value::as_object);
    let api = match (&channel, sms_api) {
        (Channel::Sms, None) => None,
        (channel, sms_api) => Api::of(channel, content, sms_api.unwrap_or_default()),
    };
    api.map(|api| rules::errors(api, &channel, draft.members())).unwrap_or_default()
}

/// Generates an id for a message. Ids that sort by time keep the indexes dense.
pub fn fresh_id() -> CorrelationId {
    let id = Uuid::now_v7();
    CorrelationId::of_uuid(id.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(message: Value, sms_api: Option<SmsApi>) -> Vec<String> {
        let errors = check(&Draft::new(message).unwrap(), sms_api).err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn both_kinds_of_errors_are_reported_at_once_and_each_member_once() {
        let message = json!({
            "channel": "sms", "from": "+447700900200", "to": "soon", "text": "x".repeat(4001), "validity": "soon"
        });
        assert_eq!(pointers(message, Some(SmsApi::V2)), ["/to", "/from", "/text", "/validity"]);
        let blank = json!({"channel": "whatsapp", "from": "a_1", "to": "447700900123", "text": " "});
        assert_eq!(pointers(blank, Some(SmsApi::V2)), ["/text"]);
    }

    #[test]
    fn the_rules_are_those_of_the_api_for_text_messages() {
        let long = || json!({"channel": "sms", "from": "ACME", "to": "447700900123", "text": "x".repeat(1025)});
        assert_eq!(pointers(long(), Some(SmsApi::V2)), Vec::<String>::new());
        assert_eq!(pointers(long(), Some(SmsApi::V1)), ["/text"]);
        assert_eq!(pointers(long(), None), Vec::<String>::new());
    }
}
