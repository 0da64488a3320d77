//! Messaging API v1 (developers.webexconnect.io/reference/send-message-v1 and the pages of its channels).

use receiptd_domain::{Channel, Content, Object};
use serde_json::{Map, Value, json};

use super::{RequestContext, given, is_gsm, object};

/// The platform's name of a channel, and the path of its content in `channels`.
fn place(channel: &Channel) -> (&'static str, &'static [&'static str]) {
    match channel {
        Channel::Sms => ("sms", &["sms"]),
        Channel::Voice => ("voice", &["voice"]),
        Channel::Messenger => ("fb", &["OTT-Messaging", "fb"]),
        Channel::Apple => ("AppleBusinessChat", &["AppleBusinessChat"]),
        Channel::Push => ("push", &["push"]),
        Channel::InApp => ("appmessaging", &["appmessaging"]),
        _ => ("whatsapp", &["OTT-Messaging", "wa"]),
    }
}

pub(super) fn render(request: &RequestContext<'_>) -> Object {
    let message = request.message;
    let (name, path) = place(&message.channel);
    // Text messages and calls contain their sender within the content.
    let sender = match message.channel {
        Channel::Sms => Some("senderid"),
        Channel::Voice => Some("cli"),
        _ => None,
    };
    let (template, mut content) = match &message.content {
        Content::Plain { text, .. } => (None, plain(&message.channel, text.as_deref().unwrap_or_default())),
        Content::Native(content) => (None, content.clone()),
        Content::Template { template, content } => (Some(template), content.clone().unwrap_or_default()),
    };
    if let Some(sender) = sender {
        content.insert(sender.to_owned(), json!(message.sender));
    }
    let mut channels = nested(path, content);
    if let Some(links) = request.passthrough("smartlinks") {
        channels.insert("smartlinks".to_owned(), links);
    }
    object([
        ("deliverychannel", Some(json!(name))),
        ("appid", sender.is_none().then(|| json!(message.sender))),
        ("destination", Some(json!([{ message.recipient.kind: request.ids() }]))),
        ("message", given(template)),
        ("channels", Some(Value::Object(channels))),
        ("options", given(message.options.as_ref())),
        ("contactPolicy", request.passthrough("contactPolicy")),
        ("priority", request.passthrough("priority")),
        ("expiry", given(message.expire_at)),
        ("correlationid", Some(json!(message.correlation_id.as_str()))),
        ("callbackData", given(message.callback_data.as_ref())),
        ("notifyurl", Some(json!(request.notify_url()))),
        ("notifyurlAuthId", given(request.auth_id())),
    ])
}

/// The content of a channel that has a plain text.
fn plain(channel: &Channel, text: &str) -> Object {
    let content = match channel {
        // 1 is text, 4 is unicode.
        Channel::Sms => json!({ "text": text, "type": if is_gsm(text) { "1" } else { "4" } }),
        Channel::Whatsapp => json!({ "type": "text", "text": { "body": text } }),
        Channel::Apple => json!({ "type": "text", "text": text }),
        _ => json!({ "text": text }),
    };
    match content {
        Value::Object(content) => content,
        _ => Map::new(),
    }
}

/// `content`, nested below the names of `path`.
fn nested(path: &[&str], content: Object) -> Object {
    path.iter().rev().fold(content, |inner, name| object([(name, Some(Value::Object(inner)))]))
}
