//! What a message said.

use maud::{Markup, html};
use serde_json::Value;

use crate::query::SubmissionView;

/// The members of a request that a person reads, with their names.
const MEMBERS: [(&str, &str); 5] =
    [("subject", "Subject"), ("text", ""), ("html", "HTML"), ("content", "Content"), ("template", "Template")];

pub(super) fn render(submission: &SubmissionView) -> Markup {
    html! {
        @match &submission.content {
            None => p.soft { "A token with the scope " code { "content" } " also sees what it said." },
            Some(content) => @for (member, name) in MEMBERS {
                @match content.get(member) {
                    Some(Value::String(text)) if name.is_empty() => p { "“" (text) "”" },
                    Some(Value::String(text)) => p { b { (name) ": " } (text) },
                    Some(other) => p { b { (name) ": " } code { (other) } },
                    None => {}
                }
            },
        }
    }
}
