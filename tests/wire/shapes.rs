//! Formats that the documents describe without a sample, or with a sample that cannot be used unchanged.

use std::fs;

use receiptd::{
    domain::{Address, Channel, Event, Failure, Notification, Reference, Timestamp},
    webex::Posted,
};
use serde_json::{Value, json};

use crate::{fingerprint, notification, read};

fn nested(info: &Value, more: &Value) -> Value {
    let mut envelope = json!({
        "deliveryInfo": {
            "timeStamp": "2026-05-20T14:15:04.749+01:00", "Description": "Delivered", "code": "7500",
            "deliveryChannel": "SMS", "additionalInfo": "", "destination": "447700900123", "destinationType": "msisdn",
            "deliveryStatus": "Delivered",
        },
        "subtid": "", "transid": "t-1", "callbackData": "basket 7", "correlationid": "order-1",
    });
    for (members, target) in [(info, 0), (more, 1)] {
        for (name, value) in members.as_object().unwrap() {
            let object = if target == 0 { &mut envelope["deliveryInfo"] } else { &mut envelope };
            object[name] = value.clone();
        }
    }
    json!({ "deliveryInfoNotification": envelope })
}

fn read_nested(info: &Value) -> Notification {
    notification(nested(info, &json!({})).to_string().as_bytes())
}

fn correlated(reference: &Reference) -> (&str, &str) {
    match reference {
        Reference::Correlated(id, Some(transaction)) => (id.as_str(), transaction.as_str()),
        other => panic!("{other:?}"),
    }
}

/// D/live-chat-in-app-messages-outbound-webhooks: four members are one level deeper.
#[test]
fn an_in_app_click_has_its_ids_inside() {
    let body = json!({"deliveryInfoNotification": {"deliveryInfo": {
        "timeStamp": "2026-05-20T14:15:49.101+01:00", "Description": "Clicked", "code": "7528", "deliveryChannel": "rt",
        "destination": "cust-1001", "destinationType": "customerid", "deliveryStatus": "Clicked",
        "interactiveData": {"identifier": "1", "type": "button", "title": "Track", "url": "https://www.example.com"},
        "subtid": "", "transid": "t-1", "callbackData": "basket 7", "correlationid": "order-1",
    }}});
    let click = notification(body.to_string().as_bytes());
    assert_eq!((click.event, click.channel), (Event::Clicked, Some(Channel::InApp)));
    assert_eq!(correlated(&click.reference), ("order-1", "t-1"));
    assert_eq!(click.callback_data.as_deref(), Some("basket 7"));
    assert_eq!(click.recipient, Address::new("cust-1001"));
}

/// D/sandbox-post_v1-voice-messages.
#[test]
fn each_flat_event_of_a_call_is_known() {
    for (event, expected) in [
        ("ACCEPTED", Event::Submitted),
        ("ANSWERED", Event::Delivered),
        ("DROPPED", Event::Progress),
        ("PLAYED", Event::Progress),
        ("PATCHED", Event::Progress),
        ("RECORDED", Event::Progress),
        ("COLLECTED_DIGITS", Event::Progress),
        ("VMDETECTED", Event::Progress),
    ] {
        let mut body = json!({
            "event": event, "eventTime": "2026-05-20T13:15:04.112Z", "sessionId": "session-1", "transactionId": "t-1",
            "correlationId": "order-1",
        });
        let call = notification(body.to_string().as_bytes());
        assert_eq!((call.event, call.channel, call.code), (expected, Some(Channel::Voice), None), "{event}");
        assert_eq!(correlated(&call.reference), ("order-1", "t-1"));
        assert_eq!(call.at, Timestamp::parse_rfc3339("2026-05-20T13:15:04.112Z"));
        assert_eq!(call.status_text, event);

        // Without a transaction id, the session replaces it.
        body.as_object_mut().unwrap().remove("transactionId");
        body["correlationId"] = json!("");
        let call = notification(body.to_string().as_bytes());
        assert_eq!(call.reference.correlation_id().as_str(), "txn:session-1", "{event}");
    }
}

/// The voice samples lack their last brace.
#[test]
fn a_missing_last_brace_is_tolerated() {
    let name = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/notify/voice-dropped.json");
    let whole = fs::read_to_string(name).unwrap();
    assert!(whole.contains("deliveryTransInfo"));
    let cut = whole.trim_end().strip_suffix('}').unwrap();
    assert_eq!(read(cut.as_bytes()), read(whole.as_bytes()));
    assert_eq!(notification(cut.trim_end().as_bytes()).event, Event::Progress);
    let cut_twice = cut.trim_end().strip_suffix('}').unwrap();
    assert!(matches!(read(cut_twice.as_bytes()), Posted::Unreadable(_)), "one brace is a known slip, two are not");
}

#[test]
fn a_voice_event_has_its_xml_at_the_root() {
    let mut body =
        nested(&json!({"deliveryChannel": "voice", "deliveryStatus": "Released", "code": "7406"}), &json!({}));
    let plain = notification(body.to_string().as_bytes());
    body["deliveryTransInfo"] = json!("<voice><release at=\"now\"/></voice>");
    assert_eq!(notification(body.to_string().as_bytes()), plain);
    assert_eq!(plain.event, Event::Progress);
}

/// A sample of 2016: no time zone, no subtid, and two empty members that belong to push.
#[test]
fn an_undelivered_sms_of_2016_is_read() {
    let body = json!({"deliveryInfoNotification": {
        "deliveryInfo": {
            "deliveryChannel": "sms", "Description": "Subscriber out of coverage area or not reachable", "pushId": "",
            "destinationType": "msisdn", "timeStamp": "2016-07-21T12:44:23.644", "code": "7207", "deviceid": "",
            "deliveryStatus": "Un-Delivered", "destination": "447700900123",
        },
        "correlationid": "order-1", "callbackData": "", "transid": "t-1",
    }});
    let old = notification(body.to_string().as_bytes());
    assert_eq!(old.event, Event::Failed(Failure::Transient));
    assert_eq!(old.recipient, Address::new("447700900123"));
    assert_eq!(old.at, Timestamp::parse_rfc3339("2016-07-21T12:44:23.644Z"));
    assert_eq!((old.callback_data, old.detail, old.segments), (None, None, None));
}

/// The tables of the SMS page spell them in lower case, its samples with a capital letter.
#[test]
fn lower_case_members_are_accepted() {
    let spelt = |description: &str, additional: &str| {
        let mut body = nested(&json!({}), &json!({}));
        let info = body["deliveryInfoNotification"]["deliveryInfo"].as_object_mut().unwrap();
        info.remove("Description");
        info.remove("additionalInfo");
        info.insert(description.to_owned(), json!("Delivered to terminal"));
        info.insert(additional.to_owned(), json!("operator 42"));
        notification(body.to_string().as_bytes())
    };
    let usual = spelt("Description", "additionalInfo");
    assert_eq!(usual.reason.as_deref(), Some("Delivered to terminal"));
    assert_eq!(usual.detail.as_deref(), Some("operator 42"));
    assert_eq!(spelt("description", "additionalinfo"), usual);
}

#[test]
fn every_spelling_of_the_correlation_id_is_accepted() {
    let usual = notification(nested(&json!({}), &json!({})).to_string().as_bytes());
    for name in ["correlationId", "corelationid", "CorrelationID"] {
        let mut body = nested(&json!({}), &json!({}));
        let envelope = body["deliveryInfoNotification"].as_object_mut().unwrap();
        let id = envelope.remove("correlationid").unwrap();
        envelope.insert(name.to_owned(), id);
        assert_eq!(notification(body.to_string().as_bytes()), usual, "{name}");
    }
}

/// D/data-streams-sms: the same envelope with two additional members.
#[test]
fn a_data_streams_copy_is_a_duplicate() {
    let fixture = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/notify");
        fs::read(format!("{folder}/{name}.json")).unwrap()
    };
    let (original, copy) = (fixture("sms-delivered"), fixture("sms-delivered-data-stream"));
    assert_eq!(notification(&copy), notification(&original));
    assert_eq!(fingerprint(&copy, "UTC"), fingerprint(&original, "UTC"));
    assert_ne!(fingerprint(&copy, "UTC"), fingerprint(&fixture("sms-submitted"), "UTC"));
}

#[test]
fn status_texts_without_a_sample_are_known() {
    let says = |text: &str, channel: &str, code: &str| {
        read_nested(&json!({"deliveryStatus": text, "deliveryChannel": channel, "code": code})).event
    };
    assert_eq!(says("Complained", "email", "7521"), Event::Complained);
    assert_eq!(says("Opened", "email", "7502"), Event::Read);
    assert_eq!(says("Sent", "mms", "7501"), Event::Submitted);
    assert_eq!(says("Submited", "fb", "7501"), Event::Submitted);
    assert_eq!(says("Bounced", "email", "7520"), Event::Failed(Failure::Unclear));
    assert_eq!(says("Invalid", "email", "7523"), Event::Failed(Failure::Permanent));
    assert_eq!(says("Released", "voice", "7410"), Event::Progress);
    assert_eq!(says("DISCONNECTED", "voice", "7413"), Event::Progress);
    assert_eq!(says("", "rcs", "7502"), Event::Read);
    assert_eq!(says("Teleported", "sms", "7203"), Event::Failed(Failure::Permanent));
    assert_eq!(says("Teleported", "sms", "0000"), Event::Unknown);
}

#[test]
fn each_kind_of_bounce_has_its_failure() {
    for (kind, additional, failure) in [
        ("Permanent_General", "", Failure::Permanent),
        ("Permanent_NoEmail", "5.1.1|failed|smtp; 550-5.1.1 no such user", Failure::Permanent),
        ("Permanent_Suppressed", "", Failure::Permanent),
        ("Transient_General", "4.4.7|failed|smtp; 421 4.4.7 message expired", Failure::Transient),
        ("Transient_General", "5.4.1|failed|smtp;550 5.4.1 rejected", Failure::Permanent),
        ("Transient_MailboxFull", "", Failure::Transient),
        ("Transient_MessageTooLarge", "", Failure::Permanent),
        ("Transient_ContentRejected", "", Failure::Permanent),
        ("Transient_AttachmentRejected", "", Failure::Permanent),
        ("Undetermined", "", Failure::Unclear),
        ("", "", Failure::Unclear),
    ] {
        let bounce = json!({
            "deliveryStatus": "Bounce", "code": "7520", "deliveryChannel": "email", "Description": kind,
            "additionalInfo": additional, "destination": "dana@example.org",
        });
        assert_eq!(read_nested(&bounce).event, Event::Failed(failure), "{kind} {additional}");
    }
}

/// All spellings of a time in the envelope are one instant.
#[test]
fn times_are_read_with_and_without_a_zone() {
    let at = |text: &str| read_nested(&json!({ "timeStamp": text })).at.map(|at| at.to_string());
    for text in [
        "2026-05-20T18:45:04.749+05:30",
        "2026-05-20T13:15:04.749Z",
        "2026-05-20T13:15:04.749",
        "2026-05-20T09:15:04.749-0400",
    ] {
        assert_eq!(at(text).as_deref(), Some("2026-05-20T13:15:04.749Z"), "{text}");
    }
    for text in ["", "soon", "2026-02-30T00:00:00Z"] {
        assert_eq!(at(text), None, "{text}: kept without a time");
    }
}

/// As programs between the platform and receiptd write them.
#[test]
fn times_are_read_as_numbers_and_in_other_formats() {
    let at = |time: &Value| read_nested(&json!({ "timeStamp": time })).at.map(|at| at.to_string());
    for time in [
        json!(1_779_282_904_749_i64),
        json!("1779282904749"),
        json!("2026-05-20 13:15:04.749"),
        json!("2026-05-20T14:15:04.749+01:00[Europe/London]"),
    ] {
        assert_eq!(at(&time).as_deref(), Some("2026-05-20T13:15:04.749Z"), "{time}");
    }
    assert_eq!(at(&json!("Wed, 20 May 2026 14:15:04 +0100")).as_deref(), Some("2026-05-20T13:15:04.000Z"));
}

#[test]
fn an_unreadable_time_is_added_to_the_detail() {
    let read = |time: Value, additional: &str| {
        let read = read_nested(&json!({ "timeStamp": time, "additionalInfo": additional }));
        (read.at, read.detail)
    };
    let unread = |text: &str| Some(format!("the time of the event cannot be read: {text}"));
    assert_eq!(read(json!("next Tuesday"), ""), (None, unread("next Tuesday")));
    assert_eq!(read(json!([2026, 5, 20]), ""), (None, unread("[2026,5,20]")));
    assert_eq!(read(json!("1815-12-10T00:00:00Z"), "").0, None);
    let with_more = Some(format!("(#470) | {}", unread("soon").unwrap()));
    assert_eq!(read(json!("soon"), "(#470)"), (None, with_more));
    for nothing in [json!(null), json!(""), json!("  ")] {
        assert_eq!(read(nothing, ""), (None, None));
    }
    let flat = notification(br#"{"messageId":"7","status":"SENT","statusTime":"soon"}"#);
    assert_eq!((flat.at, flat.detail), (None, unread("soon")));
}

#[test]
fn unknown_statuses_and_clicked_links_distinguish_notifications() {
    let of = |info: &Value| fingerprint(nested(info, &json!({})).to_string().as_bytes(), "UTC");
    for (one, other) in [
        (json!({ "deliveryStatus": "STAGE_1", "code": "" }), json!({ "deliveryStatus": "STAGE_2", "code": "" })),
        (json!({ "deliveryStatus": "Stage A+", "code": "" }), json!({ "deliveryStatus": "Stage A-", "code": "" })),
        (json!({ "deliveryStatus": "STAGE_1" }), json!({ "deliveryStatus": "STAGE_2" })),
        (json!({ "deliveryStatus": "?" }), json!({ "deliveryStatus": "!" })),
        (json!({ "timeStamp": "soon" }), json!({ "timeStamp": "later" })),
        (json!({ "timeStamp": "soon" }), json!({ "timeStamp": "" })),
        (json!({ "timeStamp": [1] }), json!({ "timeStamp": [2] })),
        (
            json!({ "deliveryStatus": "Clicked", "code": "7528", "Description": "https://example.com/a|203.0.113.7" }),
            json!({ "deliveryStatus": "Clicked", "code": "7528", "Description": "https://example.com/b|203.0.113.7" }),
        ),
        (
            json!({ "deliveryStatus": "Clicked", "interactiveData": { "title": "Track", "url": "https://example.com/a" } }),
            json!({ "deliveryStatus": "Clicked", "interactiveData": { "title": "Track", "url": "https://example.com/b" } }),
        ),
    ] {
        assert_ne!(of(&one), of(&other), "{one} {other}");
        assert_eq!(of(&one), of(&one));
    }
    for status in ["UN-DELIVERED", "Un Delivered", "undelivered"] {
        assert_eq!(of(&json!({ "deliveryStatus": status })), of(&json!({ "deliveryStatus": "Un-Delivered" })));
    }
}

/// A time zone that was wrong is corrected later, and the same notification may be posted or imported again.
#[test]
fn the_time_zone_of_the_tenant_does_not_distinguish_notifications() {
    for time in ["2026-05-20T13:15:04.749", "20260520131504", "2026-05-20T13:15:04.749Z", "soon"] {
        let body = nested(&json!({ "timeStamp": time }), &json!({})).to_string();
        let in_zone = |zone| fingerprint(body.as_bytes(), zone);
        assert_eq!(in_zone("Asia/Kolkata"), in_zone("UTC"), "{time}");
    }
}

/// It may be posted in addition to the notifications of the same message, and is recognized by its format.
#[test]
fn the_failed_notification_export_contains_notifications() {
    let name = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/notify/failed-notification-export.json");
    let export: Vec<Value> = serde_json::from_slice(&fs::read(name).unwrap()).unwrap();
    assert!(export.len() > 1);
    for row in export {
        notification(row["df_payload"].to_string().as_bytes());
    }
}
