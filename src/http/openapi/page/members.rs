//! The members of a schema, as a table.

use maud::{Markup, html};
use serde_json::Value;

use super::{entries, kind::kind, resolved, text, words};

/// How deep members of members are listed with their path. Deeper ones are only named.
const DEPTH: usize = 3;

/// One member.
struct Member<'a> {
    path: String,
    schema: &'a Value,
    is_required: bool,
}

/// Renders the members of a schema; nothing if it has none.
pub(super) fn table(description: &Value, schema: &Value) -> Markup {
    let mut members = Vec::new();
    collect(schema, "", DEPTH, &mut members);
    html! {
        @if !members.is_empty() {
            div.wide.card {
                table.stacked.members {
                    thead { tr { th { "Member" } th { "Type" } th { "Meaning" } } }
                    tbody {
                        @for member in &members {
                            tr {
                                td { code { (member.path) } @if member.is_required { " " small { "required" } } }
                                td { (kind(member.schema)) }
                                td { (meaning(description, member.schema)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Renders a schema that has a name.
pub(super) fn section(description: &Value, name: &str, schema: &Value) -> Markup {
    let has_members = schema["properties"].is_object();
    html! {
        details.schema id={ "schema-" (name) } {
            summary { code { (name) } }
            @if !schema["description"].is_null() { p { (words(text(&schema["description"]))) "." } }
            @if has_members { (table(description, schema)) } @else { p { (kind(schema)) } }
            details { summary { "As JSON Schema" } pre { (serde_json::to_string_pretty(schema).unwrap_or_default()) } }
        }
    }
}

/// What is said about a schema, by itself or by the one that it refers to.
fn meaning(description: &Value, schema: &Value) -> Markup {
    let own = text(&schema["description"]);
    let said = if own.is_empty() { text(&resolved(description, schema)["description"]) } else { own };
    html! { (words(said)) }
}

/// Lists the members of an object, and those of the objects in it that have no name of their own.
fn collect<'a>(schema: &'a Value, root: &str, depth: usize, members: &mut Vec<Member<'a>>) {
    let required = schema["required"].as_array();
    for (name, member) in entries(&schema["properties"]) {
        let is_required = required.is_some_and(|required| required.iter().any(|one| one == name));
        let path = format!("{root}{name}");
        members.push(Member { path: path.clone(), schema: member, is_required });
        if depth > 1 {
            collect(member, &format!("{path}."), depth - 1, members);
            collect(&member["items"], &format!("{path}[]."), depth - 1, members);
        }
    }
}
