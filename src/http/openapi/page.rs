//! The description as a page for people. It has no script, and loads nothing from other servers.

use actix_web::web::Bytes;
use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The only style sheet. The policy of the page allows it by its hash.
const STYLE: &str = include_str!("page.css");

/// The page, and its content security policy.
pub(super) struct Page {
    pub(super) html: Bytes,
    pub(super) policy: String,
}

impl Page {
    /// Renders a description.
    pub(super) fn of(description: &Value) -> Self {
        let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Self { html: whole(description).into_string().into(), policy }
    }
}

fn whole(description: &Value) -> Markup {
    let info = &description["info"];
    let tags = description["tags"].as_array();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "The API of receiptd" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "The API of receiptd " (text(&info["version"])) }
                p { (text(&info["summary"])) }
                p { (words(text(&info["description"]))) }
                nav {
                    @for tag in tags.into_iter().flatten() { a href={ "#" (text(&tag["name"])) } { (text(&tag["name"])) } }
                    a href="#schemas" { "schemas" }
                    a href="/openapi.json" { "openapi.json" }
                }
                @for tag in tags.into_iter().flatten() {
                    h2 id=(text(&tag["name"])) { (text(&tag["description"])) }
                    @for (method, path, item, operation) in operations(description, &tag["name"]) {
                        (one(description, method, path, item, operation))
                    }
                }
                h2 id="schemas" { "Schemas" }
                @for (name, schema) in members(&description["components"]["schemas"]) {
                    details id={ "schema-" (name) } { summary { code { (name) } } pre { (pretty(schema)) } }
                }
            }
        }
    }
}

/// Returns the operations of a tag: method, path, the item of the path, and the operation.
fn operations<'a>(
    description: &'a Value,
    tag: &'a Value,
) -> impl Iterator<Item = (&'a str, &'a str, &'a Value, &'a Value)> {
    members(&description["paths"]).flat_map(move |(path, item)| {
        let of_tag = move |operation: &Value| operation["tags"].as_array().is_some_and(|tags| tags.contains(tag));
        members(item)
            .filter(move |(_, operation)| of_tag(operation))
            .map(move |(method, operation)| (method, path, item, operation))
    })
}

fn one(description: &Value, method: &str, path: &str, item: &Value, operation: &Value) -> Markup {
    let parameters = [item, operation].into_iter().filter_map(|owner| owner["parameters"].as_array()).flatten();
    let parameters: Vec<&Value> = parameters.map(|parameter| resolved(description, parameter)).collect();
    let body = resolved(description, &operation["requestBody"]);
    html! {
        h3 id=(text(&operation["operationId"])) { (method.to_uppercase()) " " (path) }
        p { (text(&operation["summary"])) "." }
        @if !operation["description"].is_null() { p { (words(text(&operation["description"]))) } }
        table {
            @for (scheme, scopes) in operation["security"].as_array().into_iter().flatten().flat_map(members) {
                tr { th { "asks for" } td { code { (scheme) } " " (list(scopes)) } td {} }
            }
            @for parameter in parameters {
                tr {
                    th { (text(&parameter["in"])) @if parameter["required"] == true { ", required" } }
                    td { code { (text(&parameter["name"])) } }
                    td { (words(text(&parameter["description"]))) " " (schema(&parameter["schema"])) }
                }
            }
            @for (media, content) in members(&body["content"]) {
                tr { th { "body" } td { code { (media) } } td { (content_schema(content)) } }
            }
            @for (status, answer) in members(&operation["responses"]) {
                tr {
                    th { (status) }
                    td { @for (media, _) in members(&answer["content"]) { code { (media) } " " } }
                    td {
                        (words(text(&answer["description"]))) " "
                        @for (media, content) in members(&answer["content"]) {
                            @if media == "application/problem+json" { (list(&content["schema"]["properties"]["code"]["enum"])) }
                            @else { (content_schema(content)) " " }
                        }
                    }
                }
            }
        }
    }
}

fn content_schema(content: &Value) -> Markup {
    html! {
        (schema(&content["schema"]))
        @if !content["x-itemSchema"].is_null() { " of " (schema(&content["x-itemSchema"])) }
    }
}

/// Renders a link to a schema that has a name; other schemas are shown in full.
fn schema(schema: &Value) -> Markup {
    let target = schema["$ref"].as_str().and_then(|target| target.rsplit_once('/'));
    html! {
        @if let Some((_, name)) = target { a href={ "#schema-" (name) } { (name) } }
        @else if schema.as_object().is_some_and(|schema| !schema.is_empty()) { code { (schema.to_string()) } }
    }
}

/// Renders text between backticks as code.
fn words(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn list(values: &Value) -> Markup {
    html! { @for value in values.as_array().into_iter().flatten() { code { (text(value)) } " " } }
}

fn resolved<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    pointer.and_then(|pointer| description.pointer(pointer)).unwrap_or(value)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
