//! Every sample of a request, converted to our message, follows the rules.

use std::{fs, path::Path};

use receiptd_domain::Channel;
use serde_json::{Map, Value, json};

use crate::{Api, rules::errors};

/// Members of the platform's request that our message has in another form, or not at all.
const ELSEWHERE: [&str; 17] = [
    "deliverychannel",
    "appid",
    "destination",
    "channels",
    "message",
    "expiry",
    "correlationid",
    "corelationid",
    "notifyurl",
    "notifyurlAuthId",
    "notifyUrl",
    "notifyUrlAuthId",
    "callbackUrl",
    "callbackUrlAuthId",
    "contentType",
    "callerId",
    "dialedNumber",
];

/// The message for which receiptd would send this request.
fn ours(name: &str, request: &Value) -> (Api, Map<String, Value>) {
    let kept = request.as_object().unwrap().iter().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()));
    let mut message: Map<_, _> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            message.insert(name.to_owned(), value);
        }
    };
    let api = match name.split_once('-').unwrap() {
        ("v1", _) => {
            let channels = &request["channels"];
            let path = ["/sms", "/voice", "/push", "/appmessaging", "/AppleBusinessChat", "/OTT-Messaging/wa"];
            let place = path.into_iter().chain(["/OTT-Messaging/fb"]).find_map(|path| channels.pointer(path));
            let mut content = place.unwrap().as_object().unwrap().clone();
            let sender = [content.remove("senderid"), content.remove("cli"), request.get("appid").cloned()];
            set("channel", request["deliverychannel"].clone());
            set("from", json!(sender.into_iter().flatten().next()));
            set("to", one(&request["destination"]));
            set("content", Value::Object(content));
            set("template", request["message"].clone());
            set("smartlinks", channels["smartlinks"].clone());
            set("expireAt", request["expiry"].clone());
            Api::V1
        }
        ("v2", _) => {
            set("substitutions", request["to"][0]["substitutions"].clone());
            set("to", one(&request["to"]));
            Api::V2
        }
        ("sms", _) => {
            set("channel", json!("sms"));
            set("content", json!({ "type": request["contentType"], "text": request["content"] }));
            set("options", json!({ "shortenUrls": request["shortenUrls"] }));
            set("shortenUrls", Value::Null);
            Api::SmsV1
        }
        ("voice", _) => {
            set("channel", json!("voice"));
            set("from", request["callerId"].clone());
            set("to", request["dialedNumber"].clone());
            set("content", json!({ "audio": request["audio"] }));
            Api::VoiceV1
        }
        _ => {
            set("channel", json!("instagram"));
            set("content", json!({ "content": request["content"], "contentType": request["contentType"] }));
            Api::InstagramV1
        }
    };
    message.retain(|name, _| !["shortenUrls", "audio"].contains(&name.as_str()));
    (api, message)
}

/// The first recipient, by its kind of id.
fn one(recipients: &Value) -> Value {
    let (kind, ids) = recipients[0].as_object().unwrap().iter().find(|(_, ids)| ids.is_array()).unwrap();
    let ids = ids.as_array().unwrap();
    json!({ kind: if kind == "email" { json!(ids) } else { ids[0].clone() } })
}

/// Each sample by name. Each request of a batch is a sample.
fn samples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/send");
    let mut samples = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        match serde_json::from_slice(&fs::read(path).unwrap()).unwrap() {
            Value::Array(batch) => samples.extend(batch.into_iter().map(|request| (name.clone(), request))),
            request => samples.push((name, request)),
        }
    }
    // Another product.
    samples.retain(|(name, _)| !name.starts_with("interact-"));
    samples
}

#[test]
fn every_sample_that_the_platform_accepts_follows_the_rules() {
    let samples = samples();
    assert!(samples.len() > 60, "the samples were not found");
    for (name, request) in samples {
        let (api, message) = ours(&name, &request);
        let channel = Channel::from_name(message["channel"].as_str().unwrap());
        let wrong: Vec<_> = errors(api, &channel, &message).into_iter().map(|error| error.pointer).collect();
        let expected: &[&str] = if name == "v2-sms-rejected-expireat-and-validity" { &["/validity"] } else { &[] };
        assert_eq!(wrong, expected, "{name}");
    }
}
