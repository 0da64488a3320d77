//! Send requests.
//!
//! The tracking fields are spelled differently in each version of the API, and only the documented spelling is
//! emitted:
//!
//! | Meaning | v1 | v2 |
//! | --- | --- | --- |
//! | caller's id | `correlationid` at the root | `correlationId` inside `to[]` |
//! | echo data | `callbackData` | `callbackData` |
//! | where to notify | `notifyurl` | `notifyUrl` |
//! | how to authenticate there | `notifyurlAuthId` | `notifyUrlAuthId` |
//!
//! To add a channel, add its arm in [`Request::new`] and its members in `domain/submission`.

use serde_json::{Map, Value, json};

use super::NotifyUrl;
use crate::domain::{Channel, Submission};

/// Where notifications about a message are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// Our notify URL.
    pub notify_url: NotifyUrl,
    /// The platform's id of the authorization that it uses there, where one is configured.
    pub auth_id: Option<String>,
}

/// A request to the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Below the base URL.
    pub path: &'static str,
    /// The body.
    pub body: Value,
}

impl Request {
    /// The request that sends `message`.
    pub fn new(message: &Submission, tracking: &Tracking) -> Self {
        match message.channel {
            Channel::Whatsapp => v1(message, tracking),
            _ => v2(message, tracking),
        }
    }
}

/// Messaging API v1 (`whatsapp-text-message`).
fn v1(message: &Submission, tracking: &Tracking) -> Request {
    let mut body = Map::new();
    body.insert("deliverychannel".to_owned(), json!(message.channel.as_str()));
    body.insert("appid".to_owned(), json!(message.sender));
    body.insert("destination".to_owned(), json!([{ message.recipient.kind: [message.recipient.id] }]));
    let content = json!({ "type": "text", "text": { "body": message.text } });
    body.insert("channels".to_owned(), json!({ "OTT-Messaging": { "wa": content } }));
    body.insert("correlationid".to_owned(), json!(message.correlation_id.as_str()));
    common(&mut body, message);
    body.insert("notifyurl".to_owned(), json!(tracking.notify_url.as_str()));
    if let Some(id) = &tracking.auth_id {
        body.insert("notifyurlAuthId".to_owned(), json!(id));
    }
    Request { path: "/resources/v1/messaging", body: Value::Object(body) }
}

/// Messaging API v2 (`send-sms-message-api-v2`).
fn v2(message: &Submission, tracking: &Tracking) -> Request {
    let mut body = Map::new();
    body.insert("channel".to_owned(), json!(message.channel.as_str()));
    body.insert("from".to_owned(), json!(message.sender));
    let to =
        json!({ message.recipient.kind: [message.recipient.id], "correlationId": message.correlation_id.as_str() });
    body.insert("to".to_owned(), json!([to]));
    let kind = if is_gsm(&message.text) { "text" } else { "unicode" };
    body.insert("content".to_owned(), json!({ "type": kind, "text": message.text }));
    common(&mut body, message);
    body.insert("notifyUrl".to_owned(), json!(tracking.notify_url.as_str()));
    if let Some(id) = &tracking.auth_id {
        body.insert("notifyUrlAuthId".to_owned(), json!(id));
    }
    Request { path: "/v2/messages", body: Value::Object(body) }
}

/// What both versions spell alike.
fn common(body: &mut Map<String, Value>, message: &Submission) {
    if let Some(data) = &message.callback_data {
        body.insert("callbackData".to_owned(), json!(data));
    }
    if let Some(options) = &message.options {
        body.insert("options".to_owned(), json!(options));
    }
}

/// Whether a text fits the GSM 7-bit default alphabet with its extension (3GPP TS 23.038, 6.2.1). Any other must be
/// sent as `unicode`.
fn is_gsm(text: &str) -> bool {
    const BEYOND_ASCII: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€";
    text.chars().all(|c| match c {
        '`' => false,
        ' '..='~' | '\n' | '\r' | '\u{c}' => true,
        _ => BEYOND_ASCII.contains(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracking() -> Tracking {
        let notify_url = NotifyUrl::new("https://status.example.com/webhooks/webex-connect").unwrap();
        Tracking { notify_url, auth_id: Some("TN0EXMPL7A".to_owned()) }
    }

    fn rendered(message: Value) -> Value {
        let message = Submission::from_json(message).unwrap();
        Request::new(&message, &tracking()).body
    }

    /// A fixture, less the filter of receipts, which we do not set.
    fn fixture(text: &str) -> Value {
        let mut fixture: Value = serde_json::from_str(text).unwrap();
        fixture.as_object_mut().unwrap().remove("requestedReceipts");
        fixture
    }

    const DATA: &str = r#"{"order":"A-1001","tenant":"acme"}"#;

    #[test]
    fn sms_is_what_the_v2_page_shows() {
        let message = json!({
            "channel": "sms", "from": "ACME", "to": "+447700900123", "text": "Your parcel arrives today.",
            "correlationId": "f623d241-cadf-4a40-87d5-5c5ddf30d09f", "callbackData": DATA
        });
        assert_eq!(rendered(message), fixture(include_str!("../../tests/fixtures/send/v2-sms-text.json")));
    }

    #[test]
    fn sms_beyond_gsm_is_unicode_and_options_pass() {
        let expected = fixture(include_str!("../../tests/fixtures/send/v2-sms-unicode-short-links.json"));
        let message = json!({
            "channel": "sms", "from": "ACME", "to": "+447700900123", "text": expected["content"]["text"],
            "correlationId": "962db583-5bba-4444-b809-8f502ac3e350", "callbackData": DATA,
            "options": expected["options"]
        });
        assert_eq!(rendered(message), expected);
    }

    #[test]
    fn whatsapp_is_what_the_v1_page_shows() {
        let expected = fixture(include_str!("../../tests/fixtures/send/v1-whatsapp-text.json"));
        let message = json!({
            "channel": "whatsapp", "from": "a_100000000000000001", "to": "447700900123",
            "text": "Your table is booked for 19:00.", "options": expected["options"],
            "correlationId": "3c22fcf1-636d-4a8f-af94-ec6cd202744d", "callbackData": DATA
        });
        assert_eq!(rendered(message), expected);
        let message = json!({
            "channel": "whatsapp", "from": "a_100000000000000001", "to": {"bsuid": "GB.1000000000000001"},
            "text": "Hello.", "correlationId": "d0dc8f73-d09b-4511-bdff-3f385564d4cc", "callbackData": DATA
        });
        assert_eq!(rendered(message), fixture(include_str!("../../tests/fixtures/send/v1-whatsapp-text-bsuid.json")));
    }

    #[test]
    fn the_gsm_alphabet_is_known() {
        assert!(is_gsm("Grüße @ 5€ [ok] {x}~|\\^\n"));
        assert!(!is_gsm("ç") && !is_gsm("`") && !is_gsm("📦"));
    }
}
