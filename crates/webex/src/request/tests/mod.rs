//! Every documented request, and the short forms of a message.

mod samples;

use receiptd_domain::Draft;
use serde_json::{Value, json};

use self::samples::{NOT_OURS, fixtures, messages, v1_message, with_tracking};
use super::*;

fn tenant() -> Tenant {
    let notify_url = NotifyUrl::new("https://status.example.com/webhooks/webex-connect").unwrap();
    let tracking = Tracking { notify_url, auth_id: Some("TN0EXMPL7A".to_owned()) };
    Tenant { tracking, sms_api: SmsApi::V2, plus_sign: false }
}

fn submission(message: Value) -> Submission {
    Submission::from_json(message).unwrap()
}

fn rendered(message: Value) -> Value {
    Request::new(&submission(message), &tenant(), Timestamp::default()).body
}

#[test]
fn every_documented_request_is_rendered() {
    for (name, fixture) in fixtures() {
        if NOT_OURS.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let sms_api = match name.as_str() {
            name if name.starts_with("v1-") => SmsApi::V1,
            name if name.starts_with("sms-api-v1") => SmsApi::SmsV1,
            _ => SmsApi::V2,
        };
        for (mut message, mut expected) in messages(&name, &fixture) {
            if message["correlationId"].is_null() {
                message["correlationId"] = json!("drawn");
                expected["to"][0]["correlationId"] = json!("drawn");
            }
            let draft = Draft::new(message).unwrap();
            let submission =
                draft.check(|| panic!("{name} has an id")).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
            let request = Request::new(&submission, &Tenant { sms_api, ..tenant() }, Timestamp::default());
            assert_eq!(request.body, with_tracking(expected, &request.body), "{name}");
            let again = Submission::from_json(submission.to_json()).unwrap();
            assert_eq!(again, submission, "{name} changes when it is stored");
        }
    }
}

#[test]
fn fixtures_of_other_products_exist_and_are_not_rendered() {
    let fixtures = fixtures();
    for (name, why) in NOT_OURS {
        assert!(fixtures.contains_key(name), "{name}, {why}, is gone");
    }
    let misspelt = v1_message(&fixtures["v1-whatsapp-text-corelationid-misspelt"]);
    let mut message = misspelt.clone();
    message["correlationId"] = fixtures["v1-whatsapp-text-corelationid-misspelt"]["corelationid"].clone();
    let body = rendered(message);
    assert_eq!(body["correlationid"], "4b76bbaf-6185-465e-9988-33a8d33fd9d5");
    assert_eq!(body.get("corelationid"), None);
}

fn sms(text: &str) -> Value {
    json!({"channel": "sms", "from": "ACME", "to": "447700900123", "text": text, "correlationId": "1"})
}

fn as_api(message: Value, sms_api: SmsApi) -> Value {
    Request::new(&submission(message), &Tenant { sms_api, ..tenant() }, Timestamp::default()).body
}

#[test]
fn a_plain_text_states_its_alphabet() {
    for (text, v2, v1, single) in [("Grüße", "text", "1", "text"), ("Привет", "unicode", "4", "unicode")] {
        assert_eq!(rendered(sms(text))["content"]["type"], v2);
        assert_eq!(
            as_api(sms(text), SmsApi::V1)["channels"]["sms"],
            json!({"senderid": "ACME", "text": text, "type": v1})
        );
        assert_eq!(as_api(sms(text), SmsApi::SmsV1)["contentType"], single);
    }
    assert!(is_gsm("Grüße @ 5€ [ok] {x}~|\\^\n"));
    assert!(!is_gsm("ç") && !is_gsm("`") && !is_gsm("📦"));
}

#[test]
fn every_channel_with_a_plain_text_has_a_short_form() {
    let content = |channel: &str, to: &str, pointer: &str| {
        let message = json!({"channel": channel, "from": "a", "to": to, "text": "Hi", "correlationId": "1"});
        rendered(message).pointer(pointer).cloned().unwrap()
    };
    assert_eq!(
        content("whatsapp", "447700900123", "/channels/OTT-Messaging/wa"),
        json!({"type": "text", "text": {"body": "Hi"}})
    );
    assert_eq!(content("messenger", "1000", "/channels/OTT-Messaging/fb"), json!({"text": "Hi"}));
    assert_eq!(content("apple", "urn:mbid:A", "/channels/AppleBusinessChat"), json!({"type": "text", "text": "Hi"}));
    assert_eq!(content("rcs", "447700900123", "/content"), json!({"type": "text", "text": "Hi"}));
    assert_eq!(content("email", "dana@example.org", "/content"), json!({"type": "text", "text": "Hi"}));
    assert_eq!(content("instagram", "1000", "/content"), json!("Hi"));
}

#[test]
fn a_mail_may_be_html_with_an_alternative_text() {
    let message = json!({
        "channel": "email", "from": "noreply@example.com", "to": "dana@example.org", "correlationId": "1",
        "subject": "Order", "text": "Hi", "html": "<p>Hi</p>"
    });
    assert_eq!(
        rendered(message)["content"],
        json!({"type": "html", "subject": "Order", "text": "Hi", "html": "<p>Hi</p>"})
    );
}

#[test]
fn times_are_sent_if_the_api_has_them() {
    let timed = || {
        let mut message = sms("Hi");
        message["sendAt"] = json!("2026-06-01T11:00:00+02:00");
        message["expireAt"] = json!("2026-06-01T10:00:00Z");
        message
    };
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
    let early = Request::new(&submission(timed()), &tenant(), at("2026-06-01T08:00:00Z")).body;
    assert_eq!(
        (&early["sendAt"], &early["expireAt"]),
        (&json!("2026-06-01T09:00:00.000Z"), &json!("2026-06-01T10:00:00.000Z"))
    );
    // The platform would reject a time in the past.
    let late = Request::new(&submission(timed()), &tenant(), at("2026-06-01T09:30:00Z")).body;
    assert_eq!(late.get("sendAt"), None);
    let v1 = as_api(timed(), SmsApi::V1);
    assert_eq!((v1.get("sendAt"), &v1["expiry"]), (None, &json!("2026-06-01T10:00:00.000Z")));
    assert_eq!(as_api(timed(), SmsApi::SmsV1).get("sendAt"), None);
}

#[test]
fn a_number_gets_a_plus_if_the_tenant_or_the_api_requires_it() {
    for to in ["+447700900123", "447700900123"] {
        let with = |sms_api, plus_sign| {
            let message = json!({"channel": "sms", "from": "ACME", "to": to, "text": "Hi", "correlationId": "1"});
            Request::new(&submission(message), &Tenant { sms_api, plus_sign, ..tenant() }, Timestamp::default()).body
        };
        assert_eq!(with(SmsApi::V2, false)["to"][0]["msisdn"], json!(["+447700900123"]));
        assert_eq!(with(SmsApi::V1, false)["destination"][0]["msisdn"], json!(["447700900123"]));
        assert_eq!(with(SmsApi::V1, true)["destination"][0]["msisdn"], json!(["+447700900123"]));
        assert_eq!(with(SmsApi::SmsV1, false)["to"], "+447700900123");
    }
}

#[test]
fn a_tenant_may_want_the_plus_sign() {
    let with_plus = Tenant { plus_sign: true, ..tenant() };
    let to =
        |message: Value| Request::new(&submission(message), &with_plus, Timestamp::default()).body["to"][0].clone();
    assert_eq!(to(sms("Hi"))["msisdn"], json!(["+447700900123"]));
    let whatsapp =
        json!({"channel": "whatsapp", "from": "a", "to": "447700900123", "text": "Hi", "correlationId": "1"});
    let request = Request::new(&submission(whatsapp), &with_plus, Timestamp::default());
    assert_eq!(request.body["destination"][0]["waid"], json!(["447700900123"]));
}
