//! The APIs of one channel: SMS v1 (developers.webexconnect.io/reference/send-sms-api-v1), Voice v1
//! (developers.webexconnect.io/reference/voice-only-api-v1-make-outbound-calls), Instagram v1
//! (developers.webexconnect.io/reference/instagram-api).

use receiptd_domain::{Content, Object};
use serde_json::json;

use super::{RequestContext, given, is_gsm, object};

pub(super) fn sms(request: &RequestContext<'_>) -> Object {
    let message = request.message;
    let mut body = match &message.content {
        Content::Plain { text, .. } => {
            let kind = if text.as_deref().is_none_or(is_gsm) { "text" } else { "unicode" };
            object([("contentType", Some(json!(kind))), ("content", given(text.as_ref()))])
        }
        Content::Native(content) => {
            object([("contentType", content.get("type").cloned()), ("content", content.get("text").cloned())])
        }
        Content::Template { template, .. } => {
            object([("contentType", Some(json!("TEMPLATE"))), ("content", template.get("id").cloned())])
        }
    };
    body.extend(message.options.clone().unwrap_or_default());
    body.extend(object([
        ("from", Some(json!(message.sender))),
        ("to", Some(json!(request.id()))),
        ("substitutions", request.passthrough("substitutions")),
        ("expireAt", given(message.expire_at)),
        ("callbackData", given(message.callback_data.as_ref())),
    ]));
    body.extend(tracking(request));
    body
}

pub(super) fn voice(request: &RequestContext<'_>) -> Object {
    let mut body = content(request);
    body.extend(object([
        ("callerId", Some(json!(request.message.sender))),
        ("dialedNumber", Some(json!(request.id()))),
    ]));
    body.extend(tracking(request));
    body
}

pub(super) fn instagram(request: &RequestContext<'_>) -> Object {
    let message = request.message;
    let mut body = content(request);
    body.extend(object([
        ("from", Some(json!(message.sender))),
        ("to", Some(json!(request.id()))),
        ("callbackData", given(message.callback_data.as_ref())),
    ]));
    body.extend(tracking(request));
    body
}

/// The members of the content, which are at the root.
fn content(request: &RequestContext<'_>) -> Object {
    match &request.message.content {
        Content::Plain { text, .. } => {
            object([("contentType", Some(json!("TEXT"))), ("content", given(text.as_ref()))])
        }
        Content::Native(content) => content.clone(),
        Content::Template { template, .. } => {
            object([("contentType", Some(json!("TEMPLATE"))), ("template", Some(json!(template)))])
        }
    }
}

fn tracking(request: &RequestContext<'_>) -> Object {
    object([
        ("correlationId", Some(json!(request.message.correlation_id.as_str()))),
        ("callbackUrl", Some(json!(request.notify_url()))),
        ("callbackUrlAuthId", given(request.auth_id())),
    ])
}
