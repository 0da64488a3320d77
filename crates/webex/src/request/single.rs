//! The APIs of one channel: SMS v1 (`send-sms-api-v1`), Voice v1 (`voice-only-api-v1-make-outbound-calls`), Instagram v1
//! (`instagram-api`).

use receiptd_domain::{Content, Object};
use serde_json::json;

use super::{Letter, given, is_gsm, object};

pub(super) fn sms(letter: &Letter<'_>) -> Object {
    let message = letter.message;
    let mut body = match &message.content {
        Content::Plain { text, .. } => {
            let kind = if text.as_deref().is_none_or(is_gsm) { "text" } else { "unicode" };
            object([("contentType", Some(json!(kind))), ("content", given(text.as_ref()))])
        }
        Content::Own(content) => {
            object([("contentType", content.get("type").cloned()), ("content", content.get("text").cloned())])
        }
        Content::Template { template, .. } => {
            object([("contentType", Some(json!("TEMPLATE"))), ("content", template.get("id").cloned())])
        }
    };
    body.extend(message.options.clone().unwrap_or_default());
    body.extend(object([
        ("from", Some(json!(message.sender))),
        ("to", Some(json!(letter.id()))),
        ("substitutions", letter.passed_on("substitutions")),
        ("expireAt", given(message.expire_at)),
        ("callbackData", given(message.callback_data.as_ref())),
    ]));
    body.extend(tracking(letter));
    body
}

pub(super) fn voice(letter: &Letter<'_>) -> Object {
    let mut body = content(letter);
    body.extend(object([("callerId", Some(json!(letter.message.sender))), ("dialedNumber", Some(json!(letter.id())))]));
    body.extend(tracking(letter));
    body
}

pub(super) fn instagram(letter: &Letter<'_>) -> Object {
    let message = letter.message;
    let mut body = content(letter);
    body.extend(object([
        ("from", Some(json!(message.sender))),
        ("to", Some(json!(letter.id()))),
        ("callbackData", given(message.callback_data.as_ref())),
    ]));
    body.extend(tracking(letter));
    body
}

/// The members that make up the content at the root.
fn content(letter: &Letter<'_>) -> Object {
    match &letter.message.content {
        Content::Plain { text, .. } => {
            object([("contentType", Some(json!("TEXT"))), ("content", given(text.as_ref()))])
        }
        Content::Own(content) => content.clone(),
        Content::Template { template, .. } => {
            object([("contentType", Some(json!("TEMPLATE"))), ("template", Some(json!(template)))])
        }
    }
}

fn tracking(letter: &Letter<'_>) -> Object {
    object([
        ("correlationId", Some(json!(letter.message.correlation_id.as_str()))),
        ("callbackUrl", Some(json!(letter.notify_url()))),
        ("callbackUrlAuthId", given(letter.auth_id())),
    ])
}
