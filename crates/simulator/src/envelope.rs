//! The notification of one step, in the documented envelope of its channel.
//!
//! The channels differ in their members, in upper and lower case, and in the zone of their time stamps. Some of their
//! samples are older than others: an old one has neither `additionalInfo` nor `subtid`. This code follows the samples.

use chrono::{DateTime, Utc};
use receiptd_domain::Channel;
use serde_json::{Map, Value, json};

use super::members;
use super::step::Step;
use super::trace::{Frame, Trace, push_id, set, time_stamp};

/// The body of the notification of `step`, which happened at `at`. `None` if the flat callback has no word for it.
pub(super) fn render(trace: &Trace, step: &Step, at: DateTime<Utc>) -> Option<Value> {
    match trace.frame {
        Frame::Envelope => {}
        Frame::FlatSms => return flat_sms(trace, step, at),
        Frame::FlatVoice => return flat_voice(trace, step, at),
    }
    let channel = if step.fallback { &Channel::Sms } else { &trace.channel };
    let mut info = info(trace, step, channel, at);
    let mut outer = Map::new();
    set(&mut outer, "subtid", "");
    let suffix = if step.fallback { "_fallbackrcs" } else { "" };
    set(&mut outer, "transid", format!("{}{suffix}", trace.transaction_id));
    set(&mut outer, "callbackData", trace.callback_data.as_str());
    set(&mut outer, "correlationid", trace.correlation_id.as_str());
    members::add(trace, step, channel, at, &mut info, &mut outer);
    outer.insert("deliveryInfo".to_owned(), Value::Object(info));
    let mut root = Map::new();
    root.insert("deliveryInfoNotification".to_owned(), Value::Object(outer));
    if *channel == Channel::Voice && matches!(step.word, "OFFERED" | "ACCEPTED" | "ANSWERED" | "DROPPED" | "Released") {
        set(
            &mut root,
            "deliveryTransInfo",
            format!("<event name=\"{}\"><code>{}</code></event>", step.word, step.code),
        );
    }
    Some(Value::Object(root))
}

/// The flat callback of the SMS API v1, which has no word for a click.
fn flat_sms(trace: &Trace, step: &Step, at: DateTime<Utc>) -> Option<Value> {
    let status = match step.word {
        "Queued" => "QUEUED",
        "Submitted" => "SENT",
        "Delivered" => "DELIVERED",
        "Failed" | "Un-Delivered" => "FAILED",
        _ => return None,
    };
    let mut body = json!({
        "messageId": trace.transaction_id,
        "statusTime": at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "status": status,
        "callbackData": trace.callback_data,
        "correlationId": trace.correlation_id,
    });
    if status == "FAILED" {
        body["error"] = json!({"code": step.code, "message": step.text});
    }
    Some(body)
}

/// The event of the Voice API v1, which has words for only some of the steps.
fn flat_voice(trace: &Trace, step: &Step, at: DateTime<Utc>) -> Option<Value> {
    let known = ["ACCEPTED", "ANSWERED", "DROPPED"].contains(&step.word);
    known.then(|| {
        json!({
            "event": step.word,
            "eventTime": at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "sessionId": trace.transaction_id,
            "transactionId": trace.transaction_id,
            "correlationId": trace.correlation_id,
        })
    })
}

/// The members of every channel.
fn info(trace: &Trace, step: &Step, channel: &Channel, at: DateTime<Utc>) -> Map<String, Value> {
    let (kind, destination) = destination(trace, channel);
    let mut info = Map::new();
    set(&mut info, "timeStamp", time_stamp(channel, step, at));
    set(&mut info, "Description", step.text.as_str());
    set(&mut info, "code", step.code.as_str());
    set(&mut info, "deliveryChannel", wire_name(channel, step));
    set(&mut info, "additionalInfo", step.info.as_str());
    set(&mut info, "destination", destination);
    set(&mut info, "destinationType", kind);
    set(&mut info, "deliveryStatus", step.word);
    info
}

fn wire_name<'a>(channel: &'a Channel, step: &Step) -> &'a str {
    match channel {
        Channel::Sms if step.word != "Clicked" => "SMS",
        Channel::Messenger => "fb",
        Channel::Apple => "applebusinesschat",
        Channel::InApp => "rt",
        other => other.as_str(),
    }
}

/// The destination as notifications name it: SMS without the plus; MMS, RCS and voice with it; push by the device.
fn destination(trace: &Trace, channel: &Channel) -> (&'static str, String) {
    let number = trace.id.strip_prefix('+').unwrap_or(&trace.id);
    match (channel, trace.kind) {
        (Channel::Sms | Channel::Whatsapp, kind) => (kind, number.to_owned()),
        (Channel::Mms | Channel::Rcs | Channel::Voice, kind) => (kind, format!("+{number}")),
        (Channel::Apple, "abcUserId") => ("applebusinesschat", trace.id.clone()),
        (Channel::Push, "userid" | "customerid") => ("android_pushid", push_id(trace)),
        (_, kind) => (kind, trace.id.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: DateTime<Utc> = DateTime::from_timestamp_millis(1_779_282_904_749).unwrap();

    fn trace(channel: Channel, kind: &'static str, id: &str) -> Trace {
        Trace {
            channel,
            kind,
            id: id.to_owned(),
            transaction_id: "t1".to_owned(),
            correlation_id: "c1".to_owned(),
            callback_data: "order-1".to_owned(),
            segments: 2,
            carrier: "USTMO",
            frame: Frame::Envelope,
            has_buttons: false,
        }
    }

    fn delivered(channel: Channel, kind: &'static str, id: &str) -> Value {
        render(&trace(channel, kind, id), &Step::new("Delivered", "7500", "Delivered"), AT).unwrap()
    }

    #[test]
    fn an_sms_has_the_documented_members() {
        let expected = json!({"deliveryInfoNotification": {
            "deliveryInfo": {
                "timeStamp": "2026-05-20T14:15:04.749+01:00", "Description": "Delivered", "code": "7500",
                "messageCount": "2", "deliveryChannel": "SMS", "additionalInfo": "", "destination": "447700900123",
                "destinationType": "msisdn", "deliveryStatus": "Delivered",
                "carrierSubmitTimeStamp": "2026-05-20T14:15:04.749+01:00"},
            "carrier": "USTMO", "subtid": "", "transid": "t1", "callbackData": "order-1", "correlationid": "c1"}});
        assert_eq!(delivered(Channel::Sms, "msisdn", "+447700900123"), expected);
    }

    #[test]
    fn channels_name_themselves_and_the_destination_in_their_own_way() {
        for (channel, kind, id, wire, wire_kind, destination) in [
            (Channel::Mms, "msisdn", "12025550143", "mms", "msisdn", "+12025550143"),
            (Channel::Rcs, "msisdn", "+447700900123", "rcs", "", "+447700900123"),
            (Channel::Whatsapp, "bsuid", "GB.1", "whatsapp", "bsuid", "GB.1"),
            (Channel::Messenger, "psid", "1", "fb", "psid", "1"),
            (Channel::InApp, "customerid", "cust-1", "rt", "customerid", "cust-1"),
            (Channel::Push, "ios_pushid", "apns-1", "push", "ios_pushid", "apns-1"),
            (Channel::Push, "userid", "user-1", "push", "android_pushid", "fcm-token-user-1"),
            (Channel::Apple, "abcUserId", "urn:mbid:1", "applebusinesschat", "applebusinesschat", "urn:mbid:1"),
            (Channel::Apple, "msisdn", "+447700900123", "applebusinesschat", "msisdn", "+447700900123"),
        ] {
            let body = delivered(channel, kind, id);
            let info = &body["deliveryInfoNotification"]["deliveryInfo"];
            let found = [&info["deliveryChannel"], &info["destinationType"], &info["destination"]];
            assert_eq!(found, [wire, wire_kind, destination]);
        }
    }

    #[test]
    fn time_stamps_come_in_three_shapes() {
        let stamp = |channel, word| time_stamp(&channel, &Step::new(word, "", ""), AT);
        assert_eq!(stamp(Channel::Voice, "OFFERED"), "2026-05-20T13:15:04.749Z");
        assert_eq!(stamp(Channel::Voice, "ANSWERED"), "2026-05-20T13:15:04.749");
        assert_eq!(stamp(Channel::Whatsapp, "Read"), "2026-05-20T18:45:04.749+05:30");
        assert_eq!(stamp(Channel::Rcs, "Read"), "2026-05-20T09:15:04.749-04:00");
    }

    #[test]
    fn the_known_defect_of_voice_omits_the_correlation_id() {
        let body = render(
            &trace(Channel::Voice, "msisdn", "447700900123"),
            &Step::new("DISCONNECTED", "7410", "Call disconnected"),
            AT,
        );
        let outer = &body.unwrap()["deliveryInfoNotification"];
        assert_eq!([&outer["correlationid"], &outer["callbackData"], &outer["transid"]], ["", "", "t1"]);
    }

    #[test]
    fn an_in_app_click_has_all_members_inside() {
        let body = render(&trace(Channel::InApp, "userid", "user-1"), &Step::new("Clicked", "7528", ""), AT).unwrap();
        let outer = body["deliveryInfoNotification"].as_object().unwrap();
        assert_eq!(outer.keys().collect::<Vec<_>>(), ["deliveryInfo"]);
        assert_eq!(outer["deliveryInfo"]["correlationid"], "c1");
        assert_eq!(outer["deliveryInfo"]["interactiveData"]["type"], "quickReplyPostback");
    }

    #[test]
    fn the_flat_callback_has_its_own_words() {
        let flat = Trace { frame: Frame::FlatSms, ..trace(Channel::Sms, "msisdn", "447700900123") };
        let failed = render(&flat, &Step::new("Un-Delivered", "7203", "Unknown Subscriber address"), AT);
        let expected = json!({"messageId": "t1", "statusTime": "2026-05-20T13:15:04.749Z", "status": "FAILED",
            "callbackData": "order-1", "correlationId": "c1",
            "error": {"code": "7203", "message": "Unknown Subscriber address"}});
        assert_eq!(failed, Some(expected));
        assert_eq!(render(&flat, &Step::new("Clicked", "7528", ""), AT), None);
    }
}
