//! Messaging API v2 (`send-message-v2` and the pages of its channels).

use serde_json::{Value, json};

use super::{Letter, given, is_gsm, object};
use crate::domain::{Channel, Content, Object};

/// What the root takes as it is; `substitutions` go to the recipient.
const PASSED_ON: [&str; 9] = [
    "requestedReceipts",
    "contactPolicy",
    "smartlinks",
    "validity",
    "batchId",
    "priority",
    "cc",
    "bcc",
    "multipleToRecipients",
];

pub(super) fn render(letter: &Letter<'_>) -> Object {
    let message = letter.message;
    let to = object([
        (message.recipient.kind, Some(json!(letter.ids()))),
        ("correlationId", Some(json!(message.correlation_id.as_str()))),
        ("substitutions", letter.passed_on("substitutions")),
    ]);
    let (content, template) = match &message.content {
        Content::Plain { text, subject, html } => {
            (Some(plain(&message.channel, text.as_ref(), subject.as_ref(), html.as_ref())), None)
        }
        Content::Own(content) => (Some(content.clone()), None),
        Content::Template { template, content } => (content.clone(), Some(template)),
    };
    let mut body = object([
        ("channel", Some(json!(message.channel.as_str()))),
        ("from", Some(json!(message.sender))),
        ("to", Some(json!([to]))),
        ("content", given(content)),
        ("template", given(template)),
        ("options", given(message.options.as_ref())),
        ("sendAt", given(letter.send_at())),
        ("expireAt", given(message.expire_at)),
        ("callbackData", given(message.callback_data.as_ref())),
        ("notifyUrl", Some(json!(letter.notify_url()))),
        ("notifyUrlAuthId", given(letter.auth_id())),
    ]);
    body.extend(PASSED_ON.into_iter().filter_map(|name| Some((name.to_owned(), letter.passed_on(name)?))));
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
