//! What is taken, what is refused, and where the fault is.

use proptest::prelude::*;

use super::*;

fn check(value: Value) -> Result<Submission, Vec<FieldError>> {
    Draft::new(value).map_err(|fault| vec![fault])?.check(|| CorrelationId::new("fresh").unwrap())
}

fn pointers(value: Value) -> Vec<String> {
    check(value).unwrap_err().into_iter().map(|fault| fault.pointer).collect()
}

/// A good message, with these members in place of its own.
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
fn a_short_message_is_taken_and_reads_back() {
    let submission = check(message(json!({"options": {"trackClicks": true}}))).unwrap();
    assert_eq!(submission.correlation_id.as_str(), "fresh");
    assert_eq!(submission.recipient, Recipient { kind: "msisdn", ids: vec!["447700900123".to_owned()] });
    assert_eq!(Submission::from_json(submission.to_json()), Ok(submission));
}

#[test]
fn a_plain_recipient_is_of_the_kind_that_the_channel_means() {
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
fn another_kind_of_id_is_named() {
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
fn a_number_without_its_country_code_is_refused_with_the_way_to_write_it() {
    for channel in ["sms", "mms", "rcs", "voice", "whatsapp"] {
        for to in ["07700900123", "00447700900123", "+07700900123", "(0)7700 900123", "+44 (0)7700 900123"] {
            let faults = recipient(channel, to).unwrap_err();
            assert_eq!(faults[0].pointer, "/to");
            assert!(faults[0].detail.contains("+447700900123"), "{channel} {to}: {}", faults[0].detail);
        }
    }
    assert!(recipient("apple", json!({"msisdn": "07700900123"})).is_err());
    // Ids are not numbers.
    assert_eq!(recipient("push", "0012345").unwrap().id(), "0012345");
    assert_eq!(recipient("messenger", "0100000000001").unwrap().id(), "0100000000001");
}

#[test]
fn what_asks_for_the_same_is_the_same_message() {
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
fn only_a_mail_to_several_has_several() {
    let two = json!({"email": ["dana@example.org", "eli@example.org"]});
    let mail = |whole: Value| message(json!({"channel": "email", "to": two, "multipleToRecipients": whole}));
    assert_eq!(check(mail(json!(true))).unwrap().recipient.ids.len(), 2);
    assert_eq!(pointers(mail(json!(false))), ["/to"]);
}

#[test]
fn every_fault_is_reported_at_once() {
    let faults = pointers(json!({
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
    assert_eq!(faults, expected);
}

#[test]
fn a_message_says_one_thing_in_one_way() {
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
fn limits_count_what_the_platform_counts() {
    assert!(check(message(json!({"correlationId": "x".repeat(50), "callbackData": "é".repeat(2000)}))).is_ok());
    assert_eq!(pointers(message(json!({"correlationId": "é".repeat(26)}))), ["/correlationId"]);
    assert_eq!(pointers(message(json!({"correlationId": "txn:1"}))), ["/correlationId"]);
}

#[test]
fn times_have_an_offset_and_an_order() {
    let timed = |send: &str, expire: &str| message(json!({"sendAt": send, "expireAt": expire}));
    assert!(check(timed("2026-06-01T09:00:00Z", "2026-06-01T12:00:00+02:00")).is_ok());
    assert_eq!(pointers(timed("2026-06-01T09:00:00", "2026-06-01T10:00:00Z")), ["/sendAt"]);
    assert_eq!(pointers(timed("2026-06-01T10:00:00Z", "2026-06-01T12:00:00+02:00")), ["/expireAt"]);
}

#[test]
fn the_same_instant_in_other_words_is_the_same_message() {
    let sent_at = |at: &str| check(message(json!({"correlationId": "1", "sendAt": at}))).unwrap().to_json();
    assert_eq!(sent_at("2026-06-01T09:00:00Z"), sent_at("2026-06-01T11:00:00.0004+02:00"));
}

/// Any JSON, mostly of the members that a message has.
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
    fn whatever_comes_is_taken_whole_or_refused_with_its_places(members in anything()) {
        let draft = message(members);
        match check(draft.clone()) {
            Ok(submission) => prop_assert_eq!(Submission::from_json(submission.to_json()), Ok(submission)),
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    let there = draft.pointer(&fault.pointer).is_some();
                    let missing = fault.detail.contains("required");
                    prop_assert!(there || missing, "{} points nowhere", fault.pointer);
                }
            }
        }
    }
}
