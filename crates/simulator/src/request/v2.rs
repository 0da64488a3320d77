//! Messaging API v2.

use chrono::{DateTime, TimeDelta, Utc};
use receiptd_domain::Channel;
use serde_json::Value;

use super::{Api, Order, Recipient, Refusal, owned, strings, text};

/// The channels of this API.
const CHANNELS: [&str; 5] = ["sms", "mms", "rcs", "email", "voice"];

/// How far ahead a message may be scheduled.
const AHEAD: TimeDelta = TimeDelta::days(7);

/// Maximum length of the callback data in characters.
const CALLBACK_CHARACTERS: usize = 2000;

pub(super) fn read(body: &Value, now: DateTime<Utc>) -> Result<Order, Refusal> {
    let name = text(body, "channel").ok_or_else(|| missing("channel"))?;
    if !CHANNELS.contains(&name) {
        return Err(invalid("channel"));
    }
    let channel = Channel::from_name(name);
    text(body, "from").ok_or_else(|| missing("from"))?;
    let recipients = recipients(body, &channel)?;
    if body.get("content").is_none() && body.get("template").is_none() {
        return Err(missing("content"));
    }
    let send_at = moment(body, "sendAt", now)?;
    if moment(body, "expireAt", now)?.is_some() && body.get("validity").is_some_and(|validity| !validity.is_null()) {
        return Err(invalid("validity"));
    }
    let callback_data = owned(body, "callbackData").unwrap_or_default();
    if callback_data.chars().count() > CALLBACK_CHARACTERS {
        return Err(invalid("callbackData"));
    }
    Ok(Order {
        api: Api::V2,
        channel,
        recipients,
        callback_data,
        notify_url: owned(body, "notifyUrl").or_else(|| owned(body, "notifyurl")),
        receipts: body
            .get("requestedReceipts")
            .map(|_| strings(body, "requestedReceipts").map(str::to_owned).collect()),
        send_at,
        body: Value::Null,
    })
}

fn recipients(body: &Value, channel: &Channel) -> Result<Vec<Recipient>, Refusal> {
    let kind = if *channel == Channel::Email { "email" } else { "msisdn" };
    // Some of the samples have it at the root, in either spelling.
    let of_all = text(body, "correlationId").or_else(|| text(body, "correlationid")).unwrap_or_default();
    let mut found = Vec::new();
    for to in body.get("to").and_then(Value::as_array).into_iter().flatten() {
        let before = found.len();
        let correlation_id = text(to, "correlationId").unwrap_or(of_all);
        found.extend(strings(to, kind).map(|id| Recipient {
            kind,
            id: id.to_owned(),
            correlation_id: correlation_id.to_owned(),
        }));
        if found.len() == before {
            return Err(missing(kind));
        }
    }
    let first = found.first().ok_or_else(|| missing("to"))?.correlation_id.clone();
    if kind == "email" {
        // Recipients of copies get notifications too.
        let copies = strings(body, "cc").chain(strings(body, "bcc"));
        found.extend(copies.map(|id| Recipient { kind, id: id.to_owned(), correlation_id: first.clone() }));
    }
    Ok(found)
}

/// An optional time. It must be within the next seven days.
fn moment(body: &Value, name: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Refusal> {
    let Some(value) = body.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let at = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| at.to_utc());
    match at {
        Some(at) if at <= now + AHEAD => Ok(Some(at)),
        _ => Err(invalid(name)),
    }
}

fn missing(param: &str) -> Refusal {
    Refusal::new("7003", format!("mandatory param {param} missing"))
}

fn invalid(param: &str) -> Refusal {
    Refusal::new("7004", format!("Invalid parameter - {param}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn email() -> Value {
        json!({"channel": "email", "from": "a@example.com", "to": [{"email": ["b@example.org"], "correlationId": "c1"}],
               "content": {"type": "text", "subject": "Hello", "text": "Hello"}})
    }

    #[test]
    fn a_recipient_of_a_copy_is_a_recipient() {
        let mut body = email();
        body["cc"] = json!(["c@example.org"]);
        body["bcc"] = json!(["d@example.org"]);
        let order = read(&body, NOW).unwrap();
        let ids: Vec<_> = order.recipients.iter().map(|r| (r.id.as_str(), r.correlation_id.as_str())).collect();
        assert_eq!(ids, [("b@example.org", "c1"), ("c@example.org", "c1"), ("d@example.org", "c1")]);
    }

    #[test]
    fn the_lower_case_names_of_the_root_are_read() {
        let mut body = email();
        body["to"] = json!([{"email": ["b@example.org"]}]);
        body["correlationid"] = json!("root");
        body["notifyurl"] = json!("https://status.example.com");
        let order = read(&body, NOW).unwrap();
        assert_eq!((order.correlation_id(), order.notify_url.is_some()), ("root", true));
    }

    #[test]
    fn an_end_and_a_validity_exclude_each_other() {
        let mut body = email();
        body["expireAt"] = json!("1970-01-02T00:00:00Z");
        assert!(read(&body, NOW).is_ok());
        body["validity"] = json!("3600");
        assert_eq!(read(&body, NOW).unwrap_err().code, "7004");
    }

    #[test]
    fn a_message_is_scheduled_at_most_seven_days_ahead() {
        let mut body = email();
        body["sendAt"] = json!("1970-01-08T00:00:00Z");
        assert!(read(&body, NOW).unwrap().send_at.is_some());
        for sent_at in ["1970-01-08T00:00:01Z", "tomorrow"] {
            body["sendAt"] = json!(sent_at);
            assert_eq!(read(&body, NOW).unwrap_err().text, "Invalid parameter - sendAt", "{sent_at}");
        }
    }

    #[test]
    fn mandatory_members_are_required() {
        for name in ["channel", "from", "to", "content"] {
            let mut body = email();
            body.as_object_mut().unwrap().remove(name);
            assert_eq!(read(&body, NOW).unwrap_err().code, "7003", "{name}");
        }
        let mut body = email();
        body["channel"] = json!("whatsapp");
        assert_eq!(read(&body, NOW).unwrap_err().code, "7004");
    }
}
