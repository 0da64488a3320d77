//! SMS, MMS and voice.

use serde_json::json;

use super::*;

fn sms_v1(content: &Value) -> Vec<String> {
    wrong_sms(SmsApi::V1, json!({ "content": content }))
}

fn sms_api_v1(content: &Value) -> Vec<String> {
    wrong_sms(SmsApi::SmsV1, json!({ "content": content }))
}

#[test]
fn sms_by_messaging_v2() {
    takes("sms", [json!({ "type": "text", "text": "Hi" }), json!({ "type": "unicode", "text": "é".repeat(4000) })]);
    refuses(
        "sms",
        [
            (json!({ "type": "1", "text": "Hi" }), &["/type"]),
            (json!({}), &["/text", "/type"]),
            (json!({ "type": "text", "text": "" }), &["/text"]),
            (json!({ "type": "text", "text": ["Hi"] }), &["/text"]),
            (json!({ "type": "text", "text": "é".repeat(4001) }), &["/text"]),
        ],
    );
}

#[test]
fn sms_by_messaging_v1() {
    for good in [
        json!({ "text": "é".repeat(1024) }),
        json!({ "text": "Hi", "type": "4", "extras": { "dlt_templateid": "1" } }),
        json!({ "type": "3", "body": "00fF" }),
    ] {
        assert_eq!(sms_v1(&good), [""; 0], "{good}");
    }
    for (bad, expected) in [
        (json!({ "text": "é".repeat(1025) }), "/content/text"),
        (json!({ "type": "1" }), "/content/text"),
        (json!({ "text": "Hi", "type": 1 }), "/content/type"),
        (json!({ "text": "Hi", "type": "5" }), "/content/type"),
        (json!({ "text": "Hi", "senderid": "ACME" }), "/content/senderid"),
        (json!({ "type": "3" }), "/content/body"),
        (json!({ "type": "3", "body": "0" }), "/content/body"),
        (json!({ "type": "3", "body": "0g" }), "/content/body"),
    ] {
        assert_eq!(sms_v1(&bad), [expected], "{bad}");
    }
    assert_eq!(wrong_sms(SmsApi::V1, json!({ "text": "é".repeat(1025) })), ["/text"]);
    assert_eq!(wrong_sms(SmsApi::V1, json!({ "template": { "template": "T" }, "content": {} })), [""; 0]);
}

#[test]
fn sms_by_its_own_api() {
    for kind in ["text", "UNICODE", "Flash", "BINARY", "TEMPLATE"] {
        assert_eq!(sms_api_v1(&json!({ "type": kind, "text": "é".repeat(4000) })), [""; 0]);
    }
    assert_eq!(sms_api_v1(&json!({ "text": "Hi" })), [""; 0]);
    assert_eq!(sms_api_v1(&json!({ "type": "1", "body": "00" })), ["/content/body", "/content/text", "/content/type"]);
    assert_eq!(sms_api_v1(&json!({ "text": "é".repeat(4001) })), ["/content/text"]);
    let options = |options| wrong_sms(SmsApi::SmsV1, json!({ "text": "Hi", "options": options }));
    assert_eq!(options(json!({ "shortenUrls": true, "shortUrlDomain": "d", "dltTemplateId": "1" })), [""; 0]);
    assert_eq!(options(json!({ "shortenLinks": true, "a/b~": 1 })), ["/options/a~1b~0", "/options/shortenLinks"]);
}

#[test]
fn mms() {
    let attachment = || json!({ "type": "image", "mediaUrl": "https://media.example.com/1.jpg", "duration": 5 });
    takes(
        "mms",
        [
            json!({ "subject": "é".repeat(80), "attachments": vec![attachment(); 9] }),
            json!({ "attachments": [{ "type": "vcard", "messageText": "Hi", "duration": "5" }] }),
        ],
    );
    refuses(
        "mms",
        [
            (json!({ "subject": "é".repeat(81) }), &["/subject"]),
            (json!({ "attachments": vec![attachment(); 10] }), &["/attachments"]),
            (json!({ "attachments": [attachment(), { "type": "gif" }] }), &["/attachments/1/type"]),
            (json!({ "attachments": {} }), &["/attachments"]),
        ],
    );
}

#[test]
fn voice_by_messaging_v2() {
    takes(
        "voice",
        [
            json!({ "type": "media", "mediaId": "7" }),
            json!({ "type": "TTS", "text": "é".repeat(2000), "language": "en-GB", "voiceType": "Neural" }),
        ],
    );
    refuses(
        "voice",
        [
            (json!({}), &["/type"]),
            (json!({ "type": "tts" }), &["/type"]),
            (json!({ "type": "media" }), &["/mediaId"]),
            (json!({ "type": "TTS" }), &["/text"]),
            (json!({ "type": "TTS", "text": "é".repeat(2001), "gender": 1 }), &["/gender", "/text"]),
        ],
    );
}

#[test]
fn voice_by_messaging_v1() {
    takes("voice", [json!({ "callflowid": "184" }), json!({ "promptid": 354 }), json!({ "media": {} })]);
    refuses(
        "voice",
        [(json!({ "callflowid": {} }), &["/callflowid"]), (json!({ "promptid": "1", "cli": "1" }), &["/cli"])],
    );
}

#[test]
fn voice_by_its_own_api() {
    let audio = |audio| json!({ "audio": audio });
    takes(
        "voice",
        [
            audio(json!({ "type": "TTS", "style": "NEURAL", "text": "Hi" })),
            audio(json!({ "type": "URL", "location": "https://media.example.com/1.wav" })),
            audio(json!({ "type": "MEDIA" })),
        ],
    );
    refuses(
        "voice",
        [
            (audio(json!({})), &["/audio/type"]),
            (audio(json!({ "type": "tts" })), &["/audio/type"]),
            (audio(json!({ "type": "TTS" })), &["/audio/text"]),
            (audio(json!({ "type": "URL" })), &["/audio/location"]),
            (audio(json!("https://media.example.com/1.wav")), &["/audio"]),
            (json!({ "audio": { "type": "MEDIA" }, "callflowid": "184" }), &["/callflowid"]),
        ],
    );
    let call = |more: Value| {
        let mut call = json!({ "content": { "audio": { "type": "MEDIA" } } });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wrong("voice", call)
    };
    assert_eq!(call(json!({ "options": {} })), ["/options"]);
    assert_eq!(call(json!({ "template": { "id": "T" } })), ["/content", "/template"]);
}
