//! The schema of a message to send. What any message has is in `routes/send/send.json`; this file adds what each
//! channel requires, from the kinds of recipients and the platform's rules.

use serde_json::{Value, json};

use super::reference;
use crate::{
    domain::{Channel, Recipient},
    webex::{Api, SmsApi, rules},
};

/// Completes the schema of a message with the known channels and the rules of each.
pub(super) fn complete(schema: &mut Value, sms_api: SmsApi) {
    let names: Vec<_> = Channel::known().map(|channel| channel.to_string()).collect();
    schema["properties"]["channel"]["enum"] = names.into();
    let channels: Vec<_> = Channel::known().map(|channel| on(&channel, sms_api)).collect();
    schema["allOf"] = json!([{ "anyOf": channels }]);
}

/// Returns the rules of a channel.
fn on(channel: &Channel, sms_api: SmsApi) -> Value {
    let mut properties = json!({ "channel": { "const": channel.as_str() }, "to": to(channel) });
    let mut all = vec![by(channel, sms_api)];
    if *channel == Channel::Email {
        all.push(one_mail_to_several());
    } else {
        properties["subject"] = json!({ "type": "null" });
        properties["html"] = json!({ "type": "null" });
    }
    if *channel == Channel::Apple {
        all.push(invitations_go_to_numbers());
    }
    json!({ "title": channel.as_str(), "properties": properties, "allOf": all })
}

/// Returns the rules of the API that a message is sent with.
fn by(channel: &Channel, sms_api: SmsApi) -> Value {
    let rules = |api: Api| reference::schema(rules::name(api, channel).unwrap_or_default());
    if *channel != Channel::Voice {
        return rules(Api::of(channel, None, sms_api).unwrap_or(Api::V2));
    }
    Api::VOICE.iter().rev().fold(rules(Api::V2), |otherwise, (api, members)| {
        let any: Vec<_> = members.iter().map(|member| json!({ "required": [member] })).collect();
        let has = json!({ "properties": { "content": { "type": "object", "anyOf": any } }, "required": ["content"] });
        json!({ "if": has, "then": rules(*api), "else": otherwise })
    })
}

/// Returns the schema of a recipient: an id of the first kind, or an id with its kind.
fn to(channel: &Channel) -> Value {
    let kinds = Recipient::kinds(channel);
    let named = kinds.iter().map(|kind| {
        let mut list = json!({ "type": "array", "items": id(kind), "minItems": 1 });
        if *kind != "email" {
            list["maxItems"] = 1.into();
        }
        json!({
            "type": "object",
            "properties": { *kind: { "anyOf": [id(kind), list] } },
            "required": [kind],
            "additionalProperties": false,
        })
    });
    // An invitation by Apple goes to a number, which matches `Words` as well.
    let plain = kinds.first().map(|kind| id(kind));
    let all: Vec<Value> = plain.into_iter().chain(named).collect();
    json!({ "anyOf": all })
}

fn id(kind: &str) -> Value {
    match kind {
        "msisdn" | "waid" => reference::schema("Number"),
        "email" => reference::schema("MailAddress"),
        _ => reference::schema("Words"),
    }
}

fn one_mail_to_several() -> Value {
    json!({ "anyOf": [
        { "properties": { "multipleToRecipients": { "const": true } }, "required": ["multipleToRecipients"] },
        { "properties": { "to": { "properties": { "email": { "maxItems": 1 } } } } },
    ] })
}

fn invitations_go_to_numbers() -> Value {
    json!({ "anyOf": [
        { "properties": { "content": { "properties": { "type": { "not": { "const": "invitation" } } } } } },
        { "properties": { "to": { "anyOf": [reference::schema("Number"), { "type": "object" }] } } },
    ] })
}
