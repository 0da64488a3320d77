//! Checks a message before it is taken over: what any message has, and what the platform allows.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use crate::{
    domain::{Channel, CorrelationId, Draft, FieldError, Submission},
    webex::{Api, SmsApi, rules},
};

/// Checks a message; every fault at once. Whether its times can still be kept is looked at when it is taken over.
///
/// `sms_api` is the API that text messages go by. Where that is not known, the platform's rules for them, which differ
/// from API to API, are not asked.
pub fn check(draft: &Draft, sms_api: Option<SmsApi>) -> Result<Submission, Vec<FieldError>> {
    let broken = broken_rules(draft, sms_api);
    match draft.check(fresh_id) {
        Ok(submission) if broken.is_empty() => Ok(submission),
        Ok(_) => Err(broken),
        Err(mut errors) => {
            // One fault of a member says enough.
            let known: HashSet<_> = errors.iter().map(|fault| fault.pointer.clone()).collect();
            errors.extend(broken.into_iter().filter(|fault| !known.contains(&fault.pointer)));
            Err(errors)
        }
    }
}

/// What the platform would refuse, if it can be told by which API the message is to go.
fn broken_rules(draft: &Draft, sms_api: Option<SmsApi>) -> Vec<FieldError> {
    let Some(channel) = draft.channel() else { return Vec::new() };
    let content = draft.members().get("content").and_then(Value::as_object);
    let api = match (&channel, sms_api) {
        (Channel::Sms, None) => None,
        (channel, sms_api) => Api::of(channel, content, sms_api.unwrap_or_default()),
    };
    api.map(|api| rules::errors(api, &channel, draft.members())).unwrap_or_default()
}

/// A new id for a message. Ids that sort by time keep the indexes dense.
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
        errors.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn both_kinds_of_fault_are_told_at_once_and_no_member_twice() {
        let message = json!({
            "channel": "sms", "from": "+447700900200", "to": "soon", "text": "x".repeat(4001), "validity": "soon"
        });
        assert_eq!(pointers(message, Some(SmsApi::V2)), ["/to", "/from", "/text", "/validity"]);
        let blank = json!({"channel": "whatsapp", "from": "a_1", "to": "447700900123", "text": " "});
        assert_eq!(pointers(blank, Some(SmsApi::V2)), ["/text"]);
    }

    #[test]
    fn the_api_that_text_messages_go_by_makes_the_rules() {
        let long = || json!({"channel": "sms", "from": "ACME", "to": "447700900123", "text": "x".repeat(1025)});
        assert_eq!(pointers(long(), Some(SmsApi::V2)), Vec::<String>::new());
        assert_eq!(pointers(long(), Some(SmsApi::V1)), ["/text"]);
        assert_eq!(pointers(long(), None), Vec::<String>::new());
    }
}
