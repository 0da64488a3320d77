//! For every input there is no panic, every error points into the message, and no error repeats a value of it.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// No error text contains this by itself.
const SECRET: &str = "ж447700900123ж";

/// Names with a meaning in some schema, so that the rules behind them are reached.
const NAMES: [&str; 40] = [
    "type",
    "text",
    "body",
    "url",
    "image",
    "contacts",
    "name",
    "list",
    "action",
    "sections",
    "rows",
    "title",
    "reply",
    "buttons",
    "header",
    "footer",
    "interactiveData",
    "data",
    "quick-reply",
    "items",
    "android",
    "extras",
    "time_to_live",
    "thread_id",
    "message",
    "richCard",
    "cards",
    "suggestions",
    "audio",
    "attachments",
    "subject",
    "html",
    "parameters",
    "template",
    "id",
    "otp",
    "value",
    "promptid",
    "tag",
    "a/b~c",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![prop::sample::select(&NAMES[..]).prop_map(str::to_owned), Just(SECRET.to_owned())]
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["text", "list", "carousel", "TTS", "interactive", "invitation", "image", "otp", SECRET])
        .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
        (0..5000_usize).prop_map(|length| Value::from(format!("{SECRET}{}", "x".repeat(length)))),
    ];
    leaf.prop_recursive(5, 48, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..8).prop_map(|members| json!(members)),
        ]
    })
}

fn members() -> impl Strategy<Value = Map<String, Value>> {
    let root = [
        "from",
        "to",
        "text",
        "subject",
        "html",
        "content",
        "template",
        "options",
        "substitutions",
        "smartlinks",
        "requestedReceipts",
        "contactPolicy",
        "validity",
        "batchId",
        "priority",
        "cc",
        "bcc",
        "multipleToRecipients",
        "sendAt",
        "expireAt",
    ];
    let root = prop::sample::select(root.to_vec()).prop_map(str::to_owned);
    prop::collection::btree_map(root, value(), 0..8).prop_map(|members| members.into_iter().collect())
}

/// Whether the pointer leads to a value of the message, or to a missing member.
fn leads_somewhere(pointer: &str, message: &Value) -> bool {
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    message.pointer(pointer).is_some() || message.pointer(parent).is_some_and(Value::is_object)
}

proptest! {
    #[test]
    fn an_error_points_into_the_message_and_repeats_nothing_of_it(
        (api, channel, _) in prop::sample::select(schema::SCHEMAS.to_vec()),
        message in members(),
    ) {
        let errors = errors(api, &channel, &message);
        let message = Value::Object(message);
        for error in errors {
            prop_assert!(leads_somewhere(&error.pointer, &message), "{error:?}");
            prop_assert!(!error.detail.contains('ж'), "{error:?}");
            prop_assert!(!error.detail.is_empty());
        }
    }
}
