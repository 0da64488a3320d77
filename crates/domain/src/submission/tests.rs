//! Which messages are accepted, which are rejected, and the position of each error.

use proptest::prelude::*;

use super::*;

fn check(value: Value) -> Result<Submission, Vec<FieldError>> {
    Draft::new(value).map_err(|error| vec![error])?.check(|| CorrelationId::new("fresh").unwrap())
}

fn pointers(value: Value) -> Vec<String> {
    check(value).unwrap_err().into_iter().map(|error| error.pointer).collect()
}

/// A valid message in which these members replace its own.
fn message(members: Value) -> Value {
    let mut message = json!({"channel": "sms", "from": "ACME", "to": "+447700900123", "text": "Hi"});
    let Value::Object(members) = members else { panic!("members are an object") };
    message.as_object_mut().unwrap().extend(members);
    message
}

fn recipient(channel: &str, to: impl Into<Value>) -> Result<Recipient, Vec<FieldError>> {
    check(message(json!({"channel": channel, "to": to.into()}))).map(|submission| submission.recipient)
}

#[test]
fn a_short_message_is_accepted_and_can_be_read_again() {
    let submission = check(message(json!({"options": {"trackClicks": true}}))).unwrap();
    assert_eq!(submission.correlation_id.as_str(), "fresh");
    assert_eq!(submission.recipient, Recipient { kind: "msisdn", ids: vec!["447700900123".to_owned()] });
    assert_eq!(Submission::from_json(submission.to_json()), Ok(submission));
}

#[test]
fn a_plain_recipient_has_the_default_kind_of_the_channel() {
    for (channel, id, kind) in [
        ("sms", "447700900123", "msisdn"),
        ("mms", "12025550143", "msisdn"),
        ("rcs", "447700900123", "msisdn"),
        ("voice", "447700900123", "msisdn"),
        ("email", "dana@example.org", "email"),
        ("whatsapp", "447700900123", "waid"),
        ("messenger", "1000000000000001", "psid"),
        ("apple", "urn:mbid:AQ+/=", "abcUserId"),
        ("push", "user-1001", "userid"),
        ("in-app", "user-1001", "userid"),
        ("instagram", "2000000000000001", "igsid"),
    ] {
        assert_eq!(recipient(channel, json!(id)), Ok(Recipient { kind, ids: vec![id.to_owned()] }), "{channel}");
    }
    let invitation = check(message(json!({
        "channel": "apple", "text": null, "content": {"type": "invitation"}, "to": "+447700900123"
    })));
    assert_eq!(invitation.unwrap().recipient.kind, "msisdn");
}

#[test]
fn a_recipient_may_name_another_kind_of_id() {
    assert_eq!(recipient("whatsapp", json!({"bsuid": "GB.1000000000000001"})).unwrap().kind, "bsuid");
    assert_eq!(recipient("push", json!({"ios_pushid": "a1b2"})).unwrap().kind, "ios_pushid");
    for to in [json!({"psid": "1"}), json!({}), json!({"msisdn": "447700900123", "customerid": "1"}), json!(1)] {
        assert_eq!(pointers(message(json!({ "to": to }))), ["/to"], "{to}");
    }
    for to in [json!(" "), json!("0"), json!("44 77x"), json!({"msisdn": []}), json!({"msisdn": [1]})] {
        assert_eq!(pointers(message(json!({ "to": to }))), ["/to"], "{to}");
    }
    assert!(recipient("email", json!("dana")).is_err() && recipient("email", json!("a b@example.org")).is_err());
}

#[test]
fn a_number_without_its_country_code_is_rejected_with_an_example() {
    for channel in ["sms", "mms", "rcs", "voice", "whatsapp"] {
        for to in ["07700900123", "00447700900123", "+07700900123", "(0)7700 900123", "+44 (0)7700 900123"] {
            let errors = recipient(channel, to).unwrap_err();
            assert_eq!(errors[0].pointer, "/to");
            assert!(errors[0].detail.contains("+447700900123"), "{channel} {to}: {}", errors[0].detail);
        }
    }
    assert!(recipient("apple", json!({"msisdn": "07700900123"})).is_err());
    // Ids are not numbers, so they may begin with 0.
    assert_eq!(recipient("push", "0012345").unwrap().id(), "0012345");
    assert_eq!(recipient("messenger", "0100000000001").unwrap().id(), "0100000000001");
}

#[test]
fn equivalent_requests_make_equal_messages() {
    let json = |members: Value| {
        let named = json!({"correlationId": "1", "to": "447700900123"});
        let mut message = message(named);
        message.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        check(message).unwrap().to_json()
    };
    let plain = json(json!({}));
    for same in [
        json!({"to": "+447700900123"}),
        json!({"to": " +44 (7700) 900-123"}),
        json!({"to": "+44\u{A0}7700.900\u{2013}123"}),
        json!({"to": "\u{202A}+447700900123\u{202C}"}),
        json!({"to": {"msisdn": "+447700900123"}}),
        json!({"to": {"msisdn": ["447700900123"]}}),
        json!({"options": {}}),
        json!({"options": null, "callbackData": null, "sendAt": null, "content": null, "cc": null}),
        json!({"substitutions": {}, "contactPolicy": {}}),
    ] {
        assert_eq!(json(same.clone()), plain, "{same}");
    }
    for other in [json!({"to": "447700900124"}), json!({"options": {"tag1": "x"}}), json!({"requestedReceipts": []})] {
        assert_ne!(json(other.clone()), plain, "{other}");
    }
}

#[test]
fn only_a_mail_may_have_several_recipients() {
    let two = json!({"email": ["dana@example.org", "eli@example.org"]});
    let mail = |whole: Value| message(json!({"channel": "email", "to": two, "multipleToRecipients": whole}));
    assert_eq!(check(mail(json!(true))).unwrap().recipient.ids.len(), 2);
    assert_eq!(pointers(mail(json!(false))), ["/to"]);
}

#[test]
fn all_errors_are_reported_at_once() {
    let errors = pointers(json!({
        "channel": "pigeon", "to": "soon", "text": "", "correlationId": "x".repeat(51), "sendAt": "tomorrow",
        "callbackData": "é".repeat(2001), "options": [], "contactPolicy": 1, "colour/~": 1
    }));
    let expected = [
        "/colour~1~0",
        "/channel",
        "/from",
        "/text",
        "/correlationId",
        "/callbackData",
        "/sendAt",
        "/options",
        "/contactPolicy",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn a_message_has_exactly_one_kind_of_content() {
    let own = json!({"type": "text", "text": "Hi"});
    assert_eq!(pointers(message(json!({ "text": null }))), ["/text"]);
    assert_eq!(pointers(message(json!({ "content": own }))), ["/text"]);
    assert_eq!(pointers(message(json!({ "template": {"id": "1"} }))), ["/text"]);
    assert_eq!(pointers(message(json!({ "subject": "Hi" }))), ["/subject"]);
    let content = |members: Value| check(message(members)).unwrap().content;
    assert!(matches!(content(json!({ "text": null, "content": own })), Content::Native(_)));
    let both = json!({ "text": null, "template": {"template": "1"}, "content": {"identity_key_hash": "x"} });
    assert!(matches!(content(both), Content::Template { content: Some(_), .. }));
}

#[test]
fn limits_use_the_units_of_the_platform() {
    assert!(check(message(json!({"correlationId": "x".repeat(50), "callbackData": "é".repeat(2000)}))).is_ok());
    assert_eq!(pointers(message(json!({"correlationId": "é".repeat(26)}))), ["/correlationId"]);
    assert_eq!(pointers(message(json!({"correlationId": "txn:1"}))), ["/correlationId"]);
}

#[test]
fn times_need_an_offset_and_must_be_in_order() {
    let timed = |send: &str, expire: &str| message(json!({"sendAt": send, "expireAt": expire}));
    assert!(check(timed("2026-06-01T09:00:00Z", "2026-06-01T12:00:00+02:00")).is_ok());
    assert_eq!(pointers(timed("2026-06-01T09:00:00", "2026-06-01T10:00:00Z")), ["/sendAt"]);
    assert_eq!(pointers(timed("2026-06-01T10:00:00Z", "2026-06-01T12:00:00+02:00")), ["/expireAt"]);
}

#[test]
fn equal_instants_in_different_spellings_make_equal_messages() {
    let sent_at = |at: &str| check(message(json!({"correlationId": "1", "sendAt": at}))).unwrap().to_json();
    assert_eq!(sent_at("2026-06-01T09:00:00Z"), sent_at("2026-06-01T11:00:00.0004+02:00"));
}

/// Any JSON value, which mostly has the members of a message.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        ".{0,8}".prop_map(|value| json!(value)),
        Just(json!("sms")),
        Just(json!("email")),
        Just(json!("447700900123")),
        Just(json!("2026-06-01T09:00:00Z")),
    ];
    let value = leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[a-z]{1,6}|msisdn|email", inner, 0..3).prop_map(|map| json!(map)),
        ]
    });
    let name = prop::sample::select(vec![
        "channel",
        "from",
        "to",
        "text",
        "subject",
        "html",
        "content",
        "template",
        "correlationId",
        "callbackData",
        "sendAt",
        "expireAt",
        "options",
        "substitutions",
        "cc",
        "multipleToRecipients",
        "~/",
    ]);
    prop::collection::btree_map(name, value, 0..10).prop_map(|members| json!(members))
}

proptest! {
    #[test]
    fn every_input_is_accepted_or_rejected_with_pointers_to_the_errors(members in anything()) {
        let draft = message(members);
        match check(draft.clone()) {
            Ok(submission) => prop_assert_eq!(Submission::from_json(submission.to_json()), Ok(submission)),
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    let there = draft.pointer(&error.pointer).is_some();
                    let missing = error.detail.contains("required");
                    prop_assert!(there || missing, "{} points nowhere", error.pointer);
                }
            }
        }
    }
}
