//! Each rule with messages that follow it and messages that violate it. A file of the folder contains similar channels.

mod any;
mod chat;
mod common;
mod device;
mod fixtures;
mod mail;
mod phone;
mod rcs;

use serde_json::{Map, Value, json};

use super::*;
use crate::SmsApi;

/// A message for `api` with sender, recipient and `members`.
fn message(channel: &Channel, members: Value) -> Map<String, Value> {
    let (from, to) = match channel {
        Channel::Email => ("noreply@example.com", "dana@example.org"),
        Channel::Sms => ("ACME", "+447700900123"),
        _ => ("a_1", "1001"),
    };
    let mut message = json!({ "channel": channel.as_str(), "from": from, "to": to });
    let (Value::Object(all), Value::Object(members)) = (&mut message, members) else { panic!("not an object") };
    all.extend(members);
    all.clone()
}

fn check(sms: SmsApi, channel: &str, members: Value) -> Vec<FieldError> {
    let channel = Channel::from_name(channel);
    let message = message(&channel, members);
    let content = message.get("content").and_then(Value::as_object);
    errors(Api::of(&channel, content, sms).unwrap(), &channel, &message)
}

/// The errors of a message. An SMS uses messaging v2.
fn wrong(channel: &str, members: Value) -> Vec<String> {
    check(SmsApi::V2, channel, members).into_iter().map(|error| error.pointer).collect()
}

/// Like `wrong`, for an SMS by another API.
fn wrong_sms(api: SmsApi, members: Value) -> Vec<String> {
    check(api, "sms", members).into_iter().map(|error| error.pointer).collect()
}

/// The only error of a message, with its pointer.
fn told(channel: &str, members: Value) -> String {
    let errors = check(SmsApi::V2, channel, members);
    assert_eq!(errors.len(), 1, "{errors:?}");
    format!("{} {}", errors[0].pointer, errors[0].detail)
}

/// Each content is accepted.
fn takes(channel: &str, contents: impl IntoIterator<Item = Value>) {
    for content in contents {
        let errors = check(SmsApi::V2, channel, json!({ "content": content }));
        assert_eq!(errors, [], "{channel}: {content}");
    }
}

/// Each content is rejected, for exactly the members beside it. Their pointers begin in the content.
fn refuses<const N: usize>(channel: &str, contents: [(Value, &[&str]); N]) {
    for (content, expected) in contents {
        let expected: Vec<_> = expected.iter().map(|pointer| format!("/content{pointer}")).collect();
        assert_eq!(wrong(channel, json!({ "content": content })), expected, "{channel}: {content}");
    }
}

#[test]
fn errors_are_in_the_order_of_the_elements() {
    let mut pointers: Vec<_> = ["/b", "/a/10/x", "/a/2", "/a/10", "/a/9/x", "", "/a"].to_vec();
    pointers.sort_by_cached_key(|pointer| super::place(pointer));
    assert_eq!(pointers, ["", "/a", "/a/2", "/a/9/x", "/a/10", "/a/10/x", "/b"]);
}

#[test]
fn every_schema_compiles() {
    for (api, channel, (name, _)) in schema::SCHEMAS {
        assert!(schema::of(api, &channel).is_some(), "{name} is no schema");
    }
}

#[test]
fn every_channel_has_rules_for_each_of_its_apis() {
    for channel in Channel::known() {
        for sms in [SmsApi::V1, SmsApi::V2, SmsApi::SmsV1] {
            for content in [json!({}), json!({ "audio": {} }), json!({ "promptid": "1" })] {
                let api = Api::of(&channel, content.as_object(), sms).unwrap();
                assert!(schema::of(api, &channel).is_some(), "{channel} by {api:?}");
            }
        }
    }
}

#[test]
fn a_channel_that_the_api_does_not_have_is_rejected() {
    let message = message(&Channel::Whatsapp, json!({ "text": "Hi" }));
    assert_eq!(errors(Api::V2, &Channel::Whatsapp, &message)[0].pointer, "/channel");
}

/// Otherwise the sender would not learn what to do.
#[test]
fn a_rule_without_a_usual_error_text_has_its_own() {
    fn search(place: &str, schema: &Value) {
        let Value::Object(members) = schema else { return };
        let silent = ["not", "pattern", "anyOf"].into_iter().find(|name| schema.get(*name).is_some());
        if let Some(keyword) = silent.filter(|_| !members.contains_key("x-detail")) {
            panic!("{place} has {keyword} without x-detail");
        }
        for (name, schema) in members.iter().filter(|(name, _)| !["if", "not"].contains(&name.as_str())) {
            match schema {
                Value::Array(all) => all.iter().for_each(|schema| search(&format!("{place}/{name}"), schema)),
                schema => search(&format!("{place}/{name}"), schema),
            }
        }
    }
    for (name, text) in schema::SCHEMAS.map(|(.., file)| file).into_iter().chain([schema::COMMON]) {
        search(name, &serde_json::from_str(text).unwrap());
    }
}
