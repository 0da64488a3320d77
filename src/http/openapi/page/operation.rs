//! An operation: what it does, what it takes, what it answers, and an example that can be copied.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    entries,
    kind::{kind, named},
    members, prose, resolved, text, words,
};

/// Where the examples are asked.
const SERVER: &str = "http://127.0.0.1:8080";

/// Renders an operation.
pub(super) fn render(
    description: &Value,
    example: &Value,
    [method_name, path]: [&str; 2],
    [item, operation]: [&Value; 2],
) -> Markup {
    let parameters = [item, operation].into_iter().filter_map(|owner| owner["parameters"].as_array()).flatten();
    let parameters: Vec<&Value> = parameters.map(|parameter| resolved(description, parameter)).collect();
    let body = resolved(description, &operation["requestBody"]);
    html! {
        section.operation id=(text(&operation["operationId"])) {
            h3 { (method(method_name)) " " code { (path) } }
            p { b { (text(&operation["summary"])) "." } " " (scopes(operation)) }
            @if !operation["description"].is_null() { (prose(text(&operation["description"]))) }
            (shown_example(example, [method_name, path], operation))
            @if !parameters.is_empty() {
                h4 { "Parameters" }
                div.wide.card {
                    table.stacked.members {
                        thead { tr { th { "Name" } th { "Type" } th { "Meaning" } } }
                        tbody {
                            @for parameter in parameters {
                                tr {
                                    td { code { (text(&parameter["name"])) } " " small { (text(&parameter["in"])) @if parameter["required"] == true { ", required" } } }
                                    td { (kind(&parameter["schema"])) }
                                    td { (words(said(description, parameter))) }
                                }
                            }
                        }
                    }
                }
            }
            @for (media, content) in entries(&body["content"]) { (request_body(description, media, content)) }
            h4 { "Answers" }
            dl.terms {
                @for (status, answer) in entries(&operation["responses"]).filter(|(_, answer)| errors(answer).is_none()) {
                    dt { (status) }
                    dd { (answered(answer)) }
                }
                @let codes: Vec<_> = entries(&operation["responses"]).filter_map(|(_, answer)| errors(answer)).flatten().collect();
                @if !codes.is_empty() {
                    dt { "Errors" }
                    dd { @for code in codes { a href={ "#error-" (text(code)) } { code { (text(code)) } } " " } }
                }
            }
        }
    }
}

/// Renders the name of a method.
pub(super) fn method(method: &str) -> Markup {
    html! { span class={ "method " (method) } { (method.to_uppercase()) } }
}

/// What is said about a parameter, or about its schema.
fn said<'a>(description: &'a Value, parameter: &'a Value) -> &'a str {
    let own = text(&parameter["description"]);
    if own.is_empty() { text(&resolved(description, &parameter["schema"])["description"]) } else { own }
}

fn scopes(operation: &Value) -> Markup {
    let scope = operation.pointer("/security/0/token/0").and_then(Value::as_str);
    html! {
        @if let Some(scope) = scope { small { "Scope " code { (scope) } } }
    }
}

fn request_body(description: &Value, media: &str, content: &Value) -> Markup {
    let schema = if content["x-itemSchema"].is_null() { &content["schema"] } else { &content["x-itemSchema"] };
    html! {
        h4 { "Body, " code { (media) } }
        @if !content["x-itemSchema"].is_null() { p { "One " (kind(schema)) " a line." } }
        @else if named(schema).is_none() { p { (kind(schema)) } }
        @if content["x-itemSchema"].is_null() { (members::table(description, resolved(description, schema))) }
    }
}

/// The codes of an answer that is an error.
fn errors(answer: &Value) -> Option<&Vec<Value>> {
    answer["content"]["application/problem+json"]["schema"]["properties"]["code"]["enum"].as_array()
}

fn answered(answer: &Value) -> Markup {
    html! {
        (words(text(&answer["description"]))) ". "
        @for (media, content) in entries(&answer["content"]) {
            code { (media) } ": " (kind(item(content))) @if !content["x-itemSchema"].is_null() { " a line" } ". "
        }
    }
}

/// The schema of a body, or of its lines.
fn item(content: &Value) -> &Value {
    if content["x-itemSchema"].is_null() { &content["schema"] } else { &content["x-itemSchema"] }
}

/// Renders a request as curl, and its answer.
fn shown_example(example: &Value, [method, path]: [&str; 2], operation: &Value) -> Markup {
    html! {
        div.example {
            div { pre tabindex="0" { (curl(example, [method, path], operation)) } copy-button {} }
            @if !example["answer"].is_null() { pre tabindex="0" aria-label="The answer" { (shown(&example["answer"])) } }
        }
    }
}

/// A command that can be copied.
fn curl(example: &Value, [method, path]: [&str; 2], operation: &Value) -> String {
    let path = example["path"].as_str().unwrap_or(path);
    let verb = match method {
        "get" => String::new(),
        "head" => " -I".to_owned(),
        other => format!(" -X {}", other.to_uppercase()),
    };
    let mut parts = vec![format!("curl -s{verb} '{SERVER}{path}'")];
    if operation.pointer("/security/0/token").is_some() {
        parts.push("-H \"Authorization: Bearer $RECEIPTD_TOKEN\"".to_owned());
    }
    if !example["request"].is_null() {
        parts.push("-H 'Content-Type: application/json'".to_owned());
        parts.push(format!("-d '{}'", shown(&example["request"]).replace('\'', "'\\''")));
    }
    parts.join(" \\\n  ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}
