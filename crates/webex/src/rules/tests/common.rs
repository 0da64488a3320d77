//! Rules of the root, which an API has for all of its channels.

use serde_json::json;

use super::*;

const ALIEN_TO_V1: [&str; 4] = ["/batchId", "/requestedReceipts", "/substitutions", "/validity"];

#[test]
fn a_member_that_the_api_does_not_have_is_rejected() {
    let everything = || {
        json!({
            "text": "Hi", "batchId": "b", "requestedReceipts": [], "substitutions": {}, "validity": "60",
            "contactPolicy": {}, "smartlinks": [], "priority": 1
        })
    };
    assert_eq!(wrong("sms", everything()), [""; 0]);
    assert_eq!(wrong("whatsapp", everything()), ALIEN_TO_V1);
    assert_eq!(wrong_sms(SmsApi::V1, everything()), ALIEN_TO_V1);
    let alien = ["/batchId", "/contactPolicy", "/priority", "/requestedReceipts", "/smartlinks", "/validity"];
    assert_eq!(wrong_sms(SmsApi::SmsV1, everything()), alien);
    let alien = [&alien[..5], &["/substitutions", "/validity"]].concat();
    assert_eq!(wrong("instagram", everything()), alien);
    let mut call = everything();
    call["content"] = json!({ "audio": { "type": "MEDIA" } });
    assert_eq!(wrong("voice", call), [&alien[..6], &["/text", "/validity"]].concat());
}

#[test]
fn members_for_mail_are_rejected_on_other_channels() {
    for channel in ["sms", "rcs", "whatsapp", "messenger", "apple", "instagram"] {
        let mail = json!({ "text": "Hi", "cc": [], "bcc": [], "multipleToRecipients": true });
        assert_eq!(wrong(channel, mail), ["/bcc", "/cc", "/multipleToRecipients"], "{channel}");
    }
}

#[test]
fn a_member_that_is_null_is_absent() {
    assert_eq!(wrong("whatsapp", json!({ "text": "Hi", "batchId": null, "content": null, "template": null })), [""; 0]);
}

#[test]
fn a_plain_text_is_rejected_if_the_channel_has_no_short_form() {
    for channel in ["mms", "voice", "push", "in-app"] {
        assert_eq!(wrong(channel, json!({ "text": "Hi" })), ["/text"], "{channel}");
    }
    for channel in ["sms", "rcs", "whatsapp", "messenger", "apple", "instagram"] {
        assert_eq!(wrong(channel, json!({ "text": "Hi" })), [""; 0], "{channel}");
    }
}

#[test]
fn texts_have_their_limit_in_characters() {
    for (channel, most) in [("sms", 4000), ("rcs", 1024), ("whatsapp", 4096)] {
        assert_eq!(wrong(channel, json!({ "text": "é".repeat(most) })), [""; 0], "{channel}");
        let detail = format!("/text has {} characters; the platform accepts at most {most}", most + 1);
        assert_eq!(told(channel, json!({ "text": "é".repeat(most + 1) })), detail);
    }
}

#[test]
fn an_expiry_is_given_once() {
    let twice = json!({ "text": "Hi", "validity": "60", "expireAt": "2026-06-01T10:00:00Z" });
    assert_eq!(told("sms", twice), "/validity must not be given together with expireAt: remove one of them");
}

#[test]
fn a_validity_is_seconds_up_to_72_hours() {
    for good in ["0", "259200"] {
        assert_eq!(wrong("sms", json!({ "text": "Hi", "validity": good })), [""; 0]);
    }
    for bad in [json!("259201"), json!("99999999999999999999999"), json!("1h"), json!(""), json!(60)] {
        assert_eq!(wrong("sms", json!({ "text": "Hi", "validity": bad })), ["/validity"], "{bad}");
    }
}

#[test]
fn a_template_has_the_id_that_its_api_requires() {
    assert_eq!(wrong("sms", json!({ "template": { "id": "T" } })), [""; 0]);
    assert_eq!(wrong("sms", json!({ "template": { "template": "T" } })), ["/template/id"]);
    assert_eq!(wrong_sms(SmsApi::SmsV1, json!({ "template": {} })), ["/template/id"]);
    let v1 = |template| wrong_sms(SmsApi::V1, json!({ "template": template }));
    assert_eq!(v1(json!({ "template": "T", "parameters": { "name": "Dana" } })), [""; 0]);
    assert_eq!(v1(json!({ "id": "T", "parameters": [] })), ["/template/parameters", "/template/template"]);
}

#[test]
fn content_beside_a_template_is_only_for_messaging_v1() {
    let both = |template| json!({ "template": template, "content": { "type": "text", "text": "Hi" } });
    assert_eq!(wrong("sms", both(json!({ "id": "T" }))), ["/content"]);
    assert_eq!(wrong_sms(SmsApi::SmsV1, both(json!({ "id": "T" }))), ["/content"]);
    let whatsapp = json!({ "template": { "template": "T" }, "content": { "identity_key_hash": "h" } });
    assert_eq!(wrong("whatsapp", whatsapp), [""; 0]);
}

#[test]
fn short_links_have_their_domain() {
    for channel in ["sms", "whatsapp", "messenger"] {
        let options = |options| wrong(channel, json!({ "text": "Hi", "options": options }));
        assert_eq!(options(json!({})), [""; 0]);
        assert_eq!(options(json!({ "shortenLinks": "true", "domain": "https://s.example.com" })), [""; 0]);
        assert_eq!(
            told(channel, json!({ "text": "Hi", "options": { "shortenLinks": true, "tag1": "spring" } })),
            "/options/domain is required with short links: it is their domain"
        );
        assert_eq!(options(json!({ "trackClicks": "yes", "domain": "d" })), ["/options/trackClicks"]);
    }
}

#[test]
fn receipts_are_those_of_the_channel_in_upper_or_lower_case() {
    for (channel, good, bad) in [
        ("sms", "submitted", "bounce"),
        ("mms", "Read", "CLICKED"),
        ("rcs", "SENT", "SUBMITTED"),
        ("email", "Not Verified", "sent"),
        ("voice", "ANSWERED", "delivered"),
    ] {
        let content = match channel {
            "email" => json!({ "type": "text", "subject": "Hi", "text": "Hi" }),
            "voice" => json!({ "type": "media", "mediaId": "1" }),
            "mms" => json!({}),
            _ => json!({ "type": "text", "text": "Hi" }),
        };
        let receipts = |receipts| wrong(channel, json!({ "content": content, "requestedReceipts": receipts }));
        assert_eq!(receipts(json!([good, good])), [""; 0], "{channel}");
        assert_eq!(receipts(json!([good, bad, 1])), ["/requestedReceipts/1", "/requestedReceipts/2"], "{channel}");
        assert_eq!(receipts(json!(good)), ["/requestedReceipts"], "{channel}");
    }
}

#[test]
fn smart_links_are_spelled_as_the_api_spells_them() {
    let links = |name: &str| json!({ "text": "Hi", "smartlinks": [{ name: 5, "validity": 30 }] });
    assert_eq!(wrong("sms", links("smartlinkId")), [""; 0]);
    assert_eq!(wrong("sms", links("linkid")), ["/smartlinks/0/smartlinkId"]);
    assert_eq!(wrong_sms(SmsApi::V1, links("linkid")), [""; 0]);
    assert_eq!(wrong_sms(SmsApi::V1, links("smartlinkId")), ["/smartlinks/0/linkid"]);
}

#[test]
fn priority_and_contact_policy_are_as_documented() {
    for (priority, good) in [(json!(1), true), (json!(5), true), (json!(0), false), (json!(6), false)] {
        for channel in ["sms", "whatsapp"] {
            assert_eq!(wrong(channel, json!({ "text": "Hi", "priority": priority })).is_empty(), good, "{priority}");
        }
    }
    let policy = |policy| wrong("sms", json!({ "text": "Hi", "contactPolicy": policy }));
    assert_eq!(policy(json!({ "contactPolicyGroup": "g", "channelCheckConsent": true })), [""; 0]);
    assert_eq!(
        policy(json!({ "contactPolicyGroup": 1, "channelApplyFrequencyCap": 1 })),
        ["/contactPolicy/channelApplyFrequencyCap", "/contactPolicy/contactPolicyGroup"]
    );
}

#[test]
fn a_profile_is_only_for_messaging_v1() {
    let profile = || json!({ "to": { "customerid": "c" }, "text": "Hi" });
    assert_eq!(wrong("sms", profile()), ["/to/customerid"]);
    assert_eq!(wrong_sms(SmsApi::SmsV1, profile()), ["/to/customerid"]);
    assert_eq!(wrong_sms(SmsApi::V1, profile()), [""; 0]);
}

#[test]
fn a_sending_number_has_a_plus_only_in_the_voice_api() {
    let from = |content| json!({ "from": "+447700900200", "content": content });
    assert_eq!(wrong("sms", json!({ "from": "+447700900200", "text": "Hi" })), ["/from"]);
    assert_eq!(wrong_sms(SmsApi::V1, json!({ "from": "+447700900200", "text": "Hi" })), ["/from"]);
    assert_eq!(wrong("mms", from(json!({}))), ["/from"]);
    assert_eq!(wrong("voice", from(json!({ "promptid": "1" }))), ["/from"]);
    assert_eq!(wrong("voice", from(json!({ "type": "media", "mediaId": "1" }))), ["/from"]);
    assert_eq!(wrong("voice", from(json!({ "audio": { "type": "MEDIA" } }))), [""; 0]);
}
