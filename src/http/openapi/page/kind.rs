//! What a value is, in words: `text`, `time or null`, a link to a schema.

use maud::{Markup, html};
use serde_json::Value;

use super::text;

/// Renders what a schema admits.
pub(super) fn kind(schema: &Value) -> Markup {
    let choices = ["anyOf", "oneOf"].iter().find_map(|name| schema[*name].as_array());
    html! {
        @if let Some(name) = named(schema) {
            (reference(name))
        } @else if let Some(item) = listed(schema) {
            @if schema["properties"]["nextCursor"].is_null() { "a list, " } @else { "a page of a list, " }
            code { "items" } ", each " (kind(item))
        } @else if let Some(choices) = choices.filter(|_| schema["properties"].is_null()) {
            @for (at, choice) in choices.iter().enumerate() { @if at > 0 { " or " } (kind(choice)) }
        } @else if let Some(words) = schema["enum"].as_array() {
            @for (at, word) in words.iter().enumerate() { @if at > 0 { ", " } code { (literal(word)) } }
        } @else if !schema["const"].is_null() {
            code { (literal(&schema["const"])) }
        } @else if let Some(types) = schema["type"].as_array() {
            @for (at, one) in types.iter().enumerate() { @if at > 0 { " or " } (plain(text(one), schema)) }
        } @else {
            (plain(text(&schema["type"]), schema))
        }
    }
}

/// What the items of a list are; `None` if it is none.
fn listed(schema: &Value) -> Option<&Value> {
    let members = schema["properties"].as_object()?;
    let is_list = members.keys().all(|name| ["items", "nextCursor"].contains(&name.as_str()));
    members.get("items")?.get("items").filter(|_| is_list)
}

/// The name of the schema that a reference names. Those of simple values are said in words.
pub(super) fn named(schema: &Value) -> Option<&str> {
    let (kind, name) = schema["$ref"].as_str()?.rsplit_once('/')?;
    kind.ends_with("schemas").then_some(name)
}

fn reference(name: &str) -> Markup {
    let simple = match name {
        "Time" => Some("time"),
        "MaybeTime" => Some("time or null"),
        "MaybeText" => Some("text or null"),
        "Count" => Some("number"),
        _ => None,
    };
    html! {
        @if let Some(words) = simple { (words) } @else { a href={ "#schema-" (name) } { (name) } }
    }
}

fn plain(name: &str, schema: &Value) -> Markup {
    let format = text(&schema["format"]);
    html! {
        @match name {
            "string" if format == "date-time" => "time",
            "string" if format == "date" => "date",
            "string" => "text",
            "integer" | "number" => "number",
            "boolean" => { code { "true" } " or " code { "false" } },
            "array" => { "list of " (kind(&schema["items"])) },
            "object" => "object",
            "null" => "null",
            _ => "any value",
        }
        @if let Some(default) = schema.get("default") { ", by default " code { (literal(default)) } }
    }
}

/// A value as a person reads it: a text without quotes.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(literal).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(schema: &Value) -> String {
        let html = kind(schema).into_string();
        html.replace("<code>", "").replace("</code>", "")
    }

    #[test]
    fn a_schema_is_said_in_words() {
        for (schema, expected) in [
            (json!({ "type": "string" }), "text"),
            (json!({ "type": ["string", "null"] }), "text or null"),
            (json!({ "type": "string", "format": "date" }), "date"),
            (json!({ "type": "array", "items": { "type": "integer" } }), "list of number"),
            (json!({ "type": "boolean", "default": false }), "true or false, by default false"),
            (json!({ "enum": ["a", "b"] }), "a, b"),
            (json!({ "const": 7 }), "7"),
            (json!({ "$ref": "#/components/schemas/MaybeTime" }), "time or null"),
            (json!({ "anyOf": [{ "$ref": "#/components/schemas/Time" }, { "type": "null" }] }), "time or null"),
            (json!({}), "any value"),
            (
                json!({ "type": "object", "properties": { "items": { "type": "array", "items": { "type": "string" } } } }),
                "a list, items, each text",
            ),
        ] {
            assert_eq!(words(&schema), expected);
        }
        assert!(words(&json!({ "$ref": "#/components/schemas/Message" })).contains("href=\"#schema-Message\""));
    }
}
