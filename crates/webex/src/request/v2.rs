//! Messaging API v2 (developers.webexconnect.io/reference/send-message-v2 and the pages of its channels).

use receiptd_domain::{Channel, Content, Object};
use serde_json::{Value, json};

use super::{RequestContext, given, is_gsm, object};

pub(super) fn render(request: &RequestContext<'_>) -> Object {
    let message = request.message;
    let to = object([
        (message.recipient.kind, Some(json!(request.ids()))),
        ("correlationId", Some(json!(message.correlation_id.as_str()))),
        ("substitutions", request.passthrough("substitutions")),
    ]);
    let (content, template) = match &message.content {
        Content::Plain { text, subject, html } => {
            (Some(plain(&message.channel, text.as_ref(), subject.as_ref(), html.as_ref())), None)
        }
        Content::Native(content) => (Some(content.clone()), None),
        Content::Template { template, content } => (content.clone(), Some(template)),
    };
    let mut body = object([
        ("channel", Some(json!(message.channel.as_str()))),
        ("from", Some(json!(message.sender))),
        ("to", Some(json!([to]))),
        ("content", given(content)),
        ("template", given(template)),
        ("options", given(message.options.as_ref())),
        ("sendAt", given(request.send_at())),
        ("expireAt", given(message.expire_at)),
        ("callbackData", given(message.callback_data.as_ref())),
        ("notifyUrl", Some(json!(request.notify_url()))),
        ("notifyUrlAuthId", given(request.auth_id())),
    ]);
    // The substitutions belong to the recipient.
    let at_the_root = message.passthrough.iter().filter(|(name, _)| *name != "substitutions");
    body.extend(at_the_root.map(|(name, value)| (name.clone(), value.clone())));
    body
}

fn plain(channel: &Channel, text: Option<&String>, subject: Option<&String>, html: Option<&String>) -> Object {
    let kind = match channel {
        Channel::Email if html.is_some() => "html",
        Channel::Sms if !text.is_none_or(|text| is_gsm(text)) => "unicode",
        _ => "text",
    };
    object([
        ("type", Some(Value::String(kind.to_owned()))),
        ("subject", given(subject)),
        ("text", given(text)),
        ("html", given(html)),
    ])
}
