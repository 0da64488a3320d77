//! What a message said.

use maud::{Markup, html};
use serde_json::Value;

use crate::query::SubmissionView;

pub(super) fn render(submission: &SubmissionView) -> Markup {
    html! {
        @match &submission.content {
            None => p.soft { "A token with the scope " code { "content" } " also sees what it said." },
            Some(content) => @for (name, member) in content {
                @match (name.as_str(), member) {
                    ("text", Value::String(text)) => p { "“" (text) "”" },
                    (_, Value::String(text)) => p { b { (name) ": " } (text) },
                    (_, member) => p { b { (name) ": " } code { (member) } },
                }
            },
        }
    }
}
