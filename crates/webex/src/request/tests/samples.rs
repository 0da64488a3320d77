//! The documented samples and the messages that they correspond to. They are taken from the documents, not from the
//! code under test.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

/// Every fixture by its name.
pub(super) fn fixtures() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/send");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
    };
    files.map(read).collect()
}

/// Requests that receiptd never sends, and the reason.
pub(super) const NOT_OURS: [(&str, &str); 5] = [
    ("interact-sms", "of the sibling product Webex Interact"),
    ("v1-sms-user-code-camel-correlation", "a spelling of other programs, which is not documented"),
    ("v1-whatsapp-text-corelationid-misspelt", "a spelling that the page's own sample contradicts"),
    ("v2-email-sample-lower-case-names", "a spelling that the other pages contradict"),
    ("v2-sms-rejected-expireat-and-validity", "rejected by the platform, and so by receiptd"),
];

/// The position of v1 content, from the documents.
fn v1_content(body: &Value) -> (&'static str, Value) {
    let at = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
    match body["deliverychannel"].as_str().unwrap() {
        "sms" => ("sms", at("/channels/sms")),
        "voice" => ("voice", at("/channels/voice")),
        "whatsapp" => ("whatsapp", at("/channels/OTT-Messaging/wa")),
        "fb" => ("messenger", at("/channels/OTT-Messaging/fb")),
        "AppleBusinessChat" => ("apple", at("/channels/AppleBusinessChat")),
        "push" => ("push", at("/channels/push")),
        "appmessaging" => ("in-app", at("/channels/appmessaging")),
        other => panic!("there is no channel {other}"),
    }
}

/// The message for a v1 fixture with one recipient.
pub(super) fn v1_message(body: &Value) -> Value {
    let (channel, mut content) = v1_content(body);
    let sender = ["senderid", "cli"].iter().find_map(|name| content.as_object_mut().unwrap().remove(*name));
    let mut to = body["destination"][0].clone();
    let own_id = to.as_object_mut().unwrap().remove("correlationid");
    let (kind, ids) = to.as_object().unwrap().iter().next().unwrap();
    let mut message = json!({
        "channel": channel, "from": sender.unwrap_or_else(|| body["appid"].clone()), "to": { kind: ids[0] },
        "correlationId": own_id.unwrap_or_else(|| body["correlationid"].clone()), "callbackData": body["callbackData"],
        "options": body["options"], "contactPolicy": body["contactPolicy"],
        "smartlinks": body["channels"]["smartlinks"], "template": body["message"], "expireAt": body["expiry"],
    });
    if content.as_object().is_some_and(|content| !content.is_empty()) {
        message["content"] = content;
    }
    message
}

/// The message for a v2 fixture with one recipient.
fn v2_message(body: &Value) -> Value {
    let mut message = body.clone();
    let to = &body["to"][0];
    let (kind, ids) = to.as_object().unwrap().iter().find(|(_, ids)| ids.is_array()).unwrap();
    message["to"] = json!({ kind: ids });
    message["correlationId"] = to["correlationId"].clone();
    message["substitutions"] = to["substitutions"].clone();
    message.as_object_mut().unwrap().retain(|name, _| !name.starts_with("notifyUrl"));
    message
}

/// The messages for a fixture, each with the expected request. If a fixture has several recipients, each gets its own
/// request, since a message has one recipient.
pub(super) fn messages(name: &str, fixture: &Value) -> Vec<(Value, Value)> {
    if let Value::Array(batch) = fixture {
        return batch.iter().flat_map(|body| messages(name, body)).collect();
    }
    let recipients = if name.starts_with("v1-") { "destination" } else { "to" };
    let each = |recipient: &Value| {
        let mut body = fixture.clone();
        body[recipients] = json!([recipient]);
        body
    };
    match name {
        name if name.starts_with("v1-") => split(&fixture[recipients], false)
            .iter()
            .map(each)
            .map(|mut body| {
                let message = v1_message(&body);
                // The id at the root and the id at the recipient have the same meaning.
                body["destination"][0].as_object_mut().unwrap().remove("correlationid");
                body["correlationid"] = message["correlationId"].clone();
                (message, body)
            })
            .collect(),
        name if name.starts_with("v2-") => {
            let whole = fixture["multipleToRecipients"] == true;
            split(&fixture[recipients], whole)
                .iter()
                .map(each)
                .map(|mut body| {
                    // With one recipient, values for all and values for the recipient have the same meaning.
                    if let Some(Value::Object(for_all)) = body.as_object_mut().unwrap().remove("substitutions") {
                        body["to"][0]["substitutions"].as_object_mut().unwrap().extend(for_all);
                    }
                    (v2_message(&body), body)
                })
                .collect()
        }
        "sms-api-v1-text" => vec![(
            json!({
                "channel": "sms", "from": "ACME", "to": "+447700900123", "text": "Hello $(name).",
                "substitutions": {"name": "Dana"}, "options": {"shortenUrls": false},
                "expireAt": "2026-06-01T10:00:00.000Z", "callbackData": fixture["callbackData"],
                "correlationId": "11321391-4f7a-403e-bad6-0ff4228b4d7c"
            }),
            fixture.clone(),
        )],
        "voice-api-v1-tts" => vec![(
            json!({
                "channel": "voice", "from": "+447700900200", "to": "+447700900123",
                "content": {"audio": fixture["audio"]}, "correlationId": "fc44b04e-9262-439d-ac2a-a8f0450c6ccf"
            }),
            fixture.clone(),
        )],
        "instagram-v1-text" => vec![(
            json!({
                "channel": "instagram", "from": "a_100000000000000005", "to": "2000000000000001",
                "text": "Thanks for your message.", "callbackData": fixture["callbackData"],
                "correlationId": "80bc4ab5-75e0-40d9-a71c-f1a90447b851"
            }),
            fixture.clone(),
        )],
        _ => panic!("there is no message for {name}"),
    }
}

/// Recipients, each with one id. With `whole`, they are not split.
fn split(recipients: &Value, whole: bool) -> Vec<Value> {
    let each = |recipient: &Value| {
        let (kind, ids) = recipient.as_object().unwrap().iter().find(|(_, ids)| ids.is_array()).unwrap();
        let one = |id: &Value| {
            let mut one = recipient.clone();
            one[kind] = json!([id]);
            one
        };
        ids.as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    let recipients = recipients.as_array().unwrap();
    if whole { recipients.clone() } else { recipients.iter().flat_map(each).collect() }
}

/// Adds our tracking members, since not every sample shows all of them.
pub(super) fn with_tracking(mut expected: Value, ours: &Value) -> Value {
    for name in ["notifyUrl", "notifyUrlAuthId", "notifyurl", "notifyurlAuthId", "callbackUrlAuthId"] {
        if expected.get(name).is_none() && ours.get(name).is_some() {
            expected[name] = ours[name].clone();
        }
    }
    expected
}
