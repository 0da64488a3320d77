//! The description as a page for people: each operation with an example, its members as tables, and the errors once.
//!
//! | File | What it renders |
//! | --- | --- |
//! | `operation` | an operation, and its example |
//! | `members` | the members of a schema, as a table |
//! | `kind` | what a value is, in words |

mod kind;
mod members;
mod operation;

use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use crate::http::{
    assets::{ICON, SCRIPT, STYLE},
    problem::Code,
    routes::endpoints,
};

/// Renders a description, with the examples of its operations.
pub(super) fn render(description: &Value, examples: &Value) -> Markup {
    let info = &description["info"];
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "API · receiptd" }
                link rel="stylesheet" href=(STYLE.path());
                link rel="icon" href=(ICON.path()) type="image/svg+xml";
                script type="module" src=(SCRIPT.path()) {}
            }
            body.reference {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { "receiptd" }
                    reference-search { input #q type="search" aria-label="Find an operation" placeholder="Find an operation, a member, an error" autocomplete="off"; }
                    nav aria-label="Pages" { a href="/" { "Overview" } a href="/docs" aria-current="page" { "API" } }
                }
                div.sides {
                    (contents(description))
                    main #main {
                        h1 { "The API of receiptd" }
                        p.soft { "Version " (text(&info["version"])) ". " (text(&info["summary"])) }
                        (prose(text(&info["description"])))
                        (access(description))
                        @for tag in tags(description) {
                            h2 id=(text(&tag["name"])) { (text(&tag["description"])) }
                            @for (method, path, item, operation) in operations(description, &tag["name"]) {
                                (operation::render(description, &examples[text(&operation["operationId"])], [method, path], [item, operation]))
                            }
                        }
                        (errors())
                        h2 #schemas { "Schemas" }
                        p.soft { "What the tables above refer to. " a href="/openapi.json" { "openapi.json" } " has the same for programs, with the rules for every channel." }
                        @for (name, schema) in entries(&description["components"]["schemas"]) { (members::section(description, name, schema)) }
                    }
                }
            }
        }
    }
}

/// The list of everything on the page.
fn contents(description: &Value) -> Markup {
    html! {
        nav.contents aria-label="Operations" {
            @for tag in tags(description) {
                p { a href={ "#" (text(&tag["name"])) } { (text(&tag["description"])) } }
                ul {
                    @for (method, path, _, operation) in operations(description, &tag["name"]) {
                        li {
                            a href={ "#" (text(&operation["operationId"])) } { (operation::method(method)) " " (path) }
                        }
                    }
                }
            }
            p { a href="#errors" { "Errors" } }
            p { a href="#schemas" { "Schemas" } }
        }
    }
}

/// How a client is let in.
fn access(description: &Value) -> Markup {
    html! {
        h2 #access { "Access" }
        dl.terms {
            @for (name, scheme) in entries(&description["components"]["securitySchemes"]) {
                dt { code { (name) } }
                dd { (words(text(&scheme["description"]))) }
            }
        }
    }
}

/// Every problem. Operations name those that they can answer.
fn errors() -> Markup {
    html! {
        h2 #errors { "Errors" }
        p { "Every error is an RFC 9457 problem, " code { "application/problem+json" } ", with " a href="#schema-Problem" { "these members" } ". Programs decide by " code { "code" } ", which does not change." }
        div.wide.card {
            table.stacked {
                thead { tr { th { "Code" } th { "Status" } th { "What it means" } } }
                tbody {
                    @for code in Code::ALL {
                        tr id={ "error-" (code.as_str()) } {
                            td { code { (code.as_str()) } }
                            td data-label="Status" { (code.status().as_u16()) }
                            td { (code.title()) "." }
                        }
                    }
                }
            }
        }
    }
}

fn tags(description: &Value) -> impl Iterator<Item = &Value> {
    description["tags"].as_array().into_iter().flatten()
}

/// Returns the operations of a tag in the order of the routes: method, path, the item of the path, and the operation.
fn operations<'a>(description: &'a Value, tag: &'a Value) -> Vec<(&'a str, &'a str, &'a Value, &'a Value)> {
    let of_tag = |operation: &Value| operation["tags"].as_array().is_some_and(|tags| tags.contains(tag));
    let all = entries(&description["paths"])
        .flat_map(|(path, item)| entries(item).map(move |(method, operation)| (method, path, item, operation)));
    let mut operations: Vec<_> = all.filter(|(.., operation)| of_tag(operation)).collect();
    let routes = endpoints();
    let at = |path: &str| routes.iter().position(|endpoint| endpoint.path == path);
    operations.sort_by_key(|(_, path, ..)| at(path));
    operations
}

/// Renders text between backticks as code.
fn words(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn prose(text: &str) -> Markup {
    html! { p { (words(text)) } }
}

/// The value that a reference names, or the value itself.
fn resolved<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    pointer.and_then(|pointer| description.pointer(pointer)).unwrap_or(value)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
