//! Messaging API v1.

use receiptd_domain::Channel;
use serde_json::Value;

use super::{Api, Order, Recipient, Refusal, owned, strings, text};

/// The channels of this API, by its own names.
const CHANNELS: [&str; 8] = ["sms", "voice", "appmessaging", "rt", "push", "fb", "whatsapp", "applebusinesschat"];

/// The kinds of id in a destination. The first one that is present is used.
const KINDS: [&str; 14] = [
    "msisdn",
    "waid",
    "bsuid",
    "psid",
    "abcUserId",
    "userid",
    "customerid",
    "android_pushid",
    "hms_pushid",
    "ios_pushid",
    "chrome_pushid",
    "firefox_pushid",
    "safari_pushid",
    "email",
];

/// Maximum length of a correlation id in bytes.
const CORRELATION_BYTES: usize = 50;

/// Maximum length of the callback data in characters.
const CALLBACK_CHARACTERS: usize = 2000;

pub(super) fn read(body: &Value) -> Result<Order, Refusal> {
    let name = text(body, "deliverychannel").ok_or_else(|| missing("param 'deliverychannel' missing"))?;
    if !CHANNELS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Err(invalid("deliverychannel"));
    }
    let channel = Channel::from_name(name);
    let callback_data = owned(body, "callbackData").unwrap_or_default();
    if callback_data.chars().count() > CALLBACK_CHARACTERS {
        return Err(invalid("callbackData"));
    }
    let recipients = recipients(body)?;
    content(body, &channel, name)?;
    Ok(Order {
        api: Api::V1,
        channel,
        recipients,
        callback_data,
        notify_url: owned(body, "notifyurl"),
        receipts: None,
        send_at: None,
        body: Value::Null,
    })
}

fn recipients(body: &Value) -> Result<Vec<Recipient>, Refusal> {
    let destinations = body.get("destination").and_then(Value::as_array).filter(|all| !all.is_empty());
    let destinations = destinations.ok_or_else(|| missing("No destination channel information found in request"))?;
    let of_all = text(body, "correlationid").unwrap_or_default();
    let mut found = Vec::new();
    for destination in destinations {
        let kind = KINDS.into_iter().find(|kind| strings(destination, kind).next().is_some()).ok_or_else(|| {
            missing("any one of [customerid,msisdn,email,userid,pushid,psid,waid,bsuid,abcUserId] is mandatory")
        })?;
        let correlation_id = text(destination, "correlationid").unwrap_or(of_all);
        if correlation_id.len() > CORRELATION_BYTES {
            return Err(invalid("correlationid"));
        }
        found.extend(strings(destination, kind).map(|id| Recipient {
            kind,
            id: id.to_owned(),
            correlation_id: correlation_id.to_owned(),
        }));
    }
    Ok(found)
}

/// The mandatory members of each channel, if the documents are clear about them.
fn content(body: &Value, channel: &Channel, name: &str) -> Result<(), Refusal> {
    let param = |param: &str| missing(&format!("param '{param}' missing for channel {name}"));
    let has = |pointer: &str| body.pointer(pointer).is_some();
    if !matches!(channel, Channel::Sms | Channel::Voice) && text(body, "appid").is_none() {
        return Err(param("appid"));
    }
    if !has("/channels") {
        return Err(missing("mandatory param channels missing"));
    }
    let templated = has("/message/template");
    match channel {
        Channel::Sms if !has("/channels/sms/senderid") => Err(param("senderid")),
        Channel::Sms if !templated && !has("/channels/sms/text") && !has("/channels/sms/body") => Err(param("text")),
        Channel::Voice
            if !["callflowid", "promptid", "media"].iter().any(|id| has(&format!("/channels/voice/{id}"))) =>
        {
            Err(missing("either param 'callflowid' or param 'media' is required"))
        }
        Channel::Whatsapp if !has("/channels/OTT-Messaging/wa") && !templated => Err(param("wa")),
        Channel::Whatsapp if !has("/channels/OTT-Messaging/wa/type") && !templated => Err(param("type")),
        Channel::Messenger if !has("/channels/OTT-Messaging/fb") && !templated => Err(param("fb")),
        Channel::Apple if !has("/channels/AppleBusinessChat/type") && !templated => Err(param("type")),
        Channel::Push if !has("/channels/push") && !templated => Err(param("push")),
        Channel::InApp if !has("/channels/appmessaging/thread_id") => Err(param("thread_id")),
        _ => Ok(()),
    }
}

fn missing(text: &str) -> Refusal {
    Refusal::new("7003", text)
}

fn invalid(param: &str) -> Refusal {
    Refusal::new("7004", format!("invalid value for param '{param}'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sms() -> Value {
        json!({"deliverychannel": "sms", "destination": [{"msisdn": ["447700900123"]}],
               "channels": {"sms": {"senderid": "ACME", "text": "Hello"}}})
    }

    fn refusal(body: &Value) -> String {
        read(body).unwrap_err().code
    }

    #[test]
    fn a_destinations_correlation_id_replaces_that_of_the_root() {
        let mut body = sms();
        body["correlationid"] = json!("root");
        body["destination"] = json!([{"msisdn": ["1", "2"], "correlationid": "own"}, {"msisdn": ["3"]}]);
        let ids: Vec<_> = read(&body).unwrap().recipients.into_iter().map(|r| (r.id, r.correlation_id)).collect();
        assert_eq!(ids, [("1".into(), "own".into()), ("2".into(), "own".into()), ("3".into(), "root".into())]);
    }

    #[test]
    fn the_camel_case_of_other_apis_is_not_read() {
        let mut body = sms();
        body["correlationId"] = json!("camel");
        body["notifyUrl"] = json!("https://status.example.com");
        let order = read(&body).unwrap();
        assert_eq!((order.correlation_id(), order.notify_url.as_ref()), ("", None));
    }

    #[test]
    fn mandatory_members_are_required() {
        for name in ["deliverychannel", "destination", "channels"] {
            let mut body = sms();
            body.as_object_mut().unwrap().remove(name);
            assert_eq!(refusal(&body), "7003", "{name}");
        }
        let mut body = sms();
        body["destination"] = json!([{}]);
        assert_eq!(refusal(&body), "7003");
        let mut body = sms();
        body["deliverychannel"] = json!("whatsapp");
        assert_eq!(read(&body).unwrap_err().text, "param 'appid' missing for channel whatsapp");
    }

    #[test]
    fn channels_have_the_names_of_this_api() {
        for name in ["pager", "in-app", "email", "rcs"] {
            let mut body = sms();
            body["deliverychannel"] = json!(name);
            assert_eq!(refusal(&body), "7004", "{name}");
        }
    }

    #[test]
    fn a_correlation_id_has_at_most_50_bytes() {
        let mut body = sms();
        body["correlationid"] = json!("é".repeat(25));
        assert!(read(&body).is_ok());
        body["correlationid"] = json!("é".repeat(26));
        assert_eq!(refusal(&body), "7004");
    }
}
