//! Sends what a message said as a new message.

use serde_json::{Value, json};

use crate::domain::{CorrelationId, Fingerprint, Submission};

/// The members that belong to the first message: its id, and its times.
const OF_THE_FIRST: [&str; 3] = ["correlationId", "sendAt", "expireAt"];

/// The request to send the same as a new message with this id.
pub fn request_again(first: &Submission, id: &CorrelationId) -> Value {
    let mut request = first.to_json();
    if let Value::Object(members) = &mut request {
        members.retain(|name, _| !OF_THE_FIRST.contains(&name.as_str()));
    }
    request["correlationId"] = json!(id.as_str());
    request
}

/// The request that an act on many messages makes. No person looks at each of them, so the new message keeps the `expireAt` of
/// the first one. The request follows from the first message alone, so the act sends it once, however often it is repeated.
pub(super) fn only_request_again(first: &Submission) -> Value {
    let mut request = request_again(first, &only_id_again(&first.correlation_id));
    if let Some(end) = first.expire_at {
        request["expireAt"] = json!(end);
    }
    request
}

/// The id that acts on many messages give to the message that replaces `first`. The time at which a message was first known
/// is no part of it, since a notification can still change that time.
fn only_id_again(first: &CorrelationId) -> CorrelationId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(Fingerprint::of_parts([b"again".as_slice(), first.as_str().as_bytes()]).as_bytes());
    CorrelationId::of_uuid(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_alone_decides_what_is_sent_in_its_place() {
        let first = |id: &str| {
            Submission::from_json(json!({
                "channel": "sms", "from": "ACME", "to": "447700900123", "text": "Hi", "correlationId": id,
                "sendAt": "2026-06-01T00:00:00Z", "expireAt": "2026-06-02T00:00:00Z"
            }))
            .unwrap()
        };
        let again = only_request_again(&first("order-1"));
        assert_eq!(again, only_request_again(&first("order-1")));
        assert_eq!(again["expireAt"], first("order-1").to_json()["expireAt"]);
        assert!(again["sendAt"].is_null(), "{again}");
        let other = only_request_again(&first("order-2"));
        let new = only_request_again(&Submission::from_json(again.clone()).unwrap());
        let ids = [&again, &other, &new].map(|request| request["correlationId"].as_str().unwrap().to_owned());
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[0].len() == 36, "{ids:?}");
    }
}
