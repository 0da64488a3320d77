//! The APIs of a single channel, with one recipient and camel-case members.

use receiptd_domain::Channel;
use serde_json::Value;

use super::{Api, Order, Recipient, Refusal, owned, text};

/// The allowed values of `contentType`, in upper or lower case.
const CONTENT_TYPES: [&str; 7] = ["text", "template", "unicode", "flash", "binary", "media", "sticker"];

pub(super) fn read(api: Api, channel: Channel, kind: &'static str, body: &Value) -> Result<Order, Refusal> {
    let mandatory = |name: &str| text(body, name).ok_or_else(|| missing(name));
    mandatory("from")?;
    let id = mandatory("to")?.to_owned();
    // Instagram has templates and media elsewhere.
    if channel == Channel::Sms {
        mandatory("content")?;
    }
    let kind_of_content = text(body, "contentType").unwrap_or("text");
    if !CONTENT_TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind_of_content)) {
        return Err(Refusal::new("7004", "Invalid parameter -  : contentType"));
    }
    let correlation_id = owned(body, "correlationId").unwrap_or_default();
    Ok(Order {
        api,
        channel,
        recipients: vec![Recipient { kind, id, correlation_id }],
        callback_data: owned(body, "callbackData").unwrap_or_default(),
        notify_url: owned(body, "callbackUrl"),
        receipts: None,
        send_at: None,
        body: Value::Null,
    })
}

/// A call by the Voice API v1, which has no callback data.
pub(super) fn read_call(body: &Value) -> Result<Order, Refusal> {
    let mandatory = |name: &str| text(body, name).ok_or_else(|| missing(name));
    mandatory("callerId")?;
    let id = mandatory("dialedNumber")?.to_owned();
    let kind = body.pointer("/audio/type").and_then(Value::as_str).ok_or_else(|| missing("audio"))?;
    if !["TTS", "MEDIA", "URL"].contains(&kind) {
        return Err(Refusal::new("7004", "Invalid parameter -  : audio"));
    }
    let correlation_id = owned(body, "correlationId").unwrap_or_default();
    Ok(Order {
        api: Api::Voice,
        channel: Channel::Voice,
        recipients: vec![Recipient { kind: "msisdn", id, correlation_id }],
        callback_data: String::new(),
        notify_url: owned(body, "callbackUrl"),
        receipts: None,
        send_at: None,
        body: Value::Null,
    })
}

fn missing(param: &str) -> Refusal {
    Refusal::new("7003", format!("mandatory param {param} missing"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_sms(body: &Value) -> Result<Order, Refusal> {
        read(Api::Sms, Channel::Sms, "msisdn", body)
    }

    #[test]
    fn the_callback_url_is_the_notify_url() {
        let order = read_sms(&json!({"from": "ACME", "to": "+447700900123", "content": "Hello", "correlationId": "c1",
            "callbackUrl": "https://status.example.com"}))
        .unwrap();
        assert_eq!(order.correlation_id(), "c1");
        assert!(order.usable_notify_url().is_some());
    }

    #[test]
    fn mandatory_members_are_required() {
        let body = json!({"from": "ACME", "to": "+447700900123", "content": "Hello"});
        for name in ["from", "to", "content"] {
            let mut body = body.clone();
            body.as_object_mut().unwrap().remove(name);
            assert_eq!(read_sms(&body).unwrap_err().code, "7003", "{name}");
        }
    }

    #[test]
    fn a_call_needs_both_numbers_and_audio() {
        let call = json!({"callerId": "+447700900200", "dialedNumber": "+447700900123", "correlationId": "c1",
            "audio": {"type": "TTS", "text": "Hello"}, "callbackUrl": "https://status.example.com"});
        let order = read_call(&call).unwrap();
        assert_eq!((order.correlation_id(), order.recipients[0].id.as_str()), ("c1", "+447700900123"));
        for name in ["callerId", "dialedNumber", "audio"] {
            let mut call = call.clone();
            call.as_object_mut().unwrap().remove(name);
            assert_eq!(read_call(&call).unwrap_err().code, "7003", "{name}");
        }
    }

    #[test]
    fn an_unknown_content_type_is_rejected() {
        let body = json!({"from": "ACME", "to": "+447700900123", "content": "Hello", "contentType": "smoke"});
        assert_eq!(read_sms(&body).unwrap_err().text, "Invalid parameter -  : contentType");
    }
}
