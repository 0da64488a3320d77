//! Acts on all messages of a filter: a preview with the number and the risk, a reason for the audit log, and a page that grows
//! with the progress. To leave that page stops the act.

pub(super) mod again;
pub(super) mod cancel;

use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, StreamExt};
use maud::{Markup, html};

use super::{
    page::{self, Page, Room},
    show::with_query,
};
use crate::http::problem::Problem;

/// An act, in the words of its pages.
struct Words {
    path: &'static str,
    /// What it is called in the trail.
    name: &'static str,
    title: &'static str,
    /// The title while it goes on.
    doing: &'static str,
    /// What stays if it is stopped.
    stays: &'static str,
    button: &'static str,
    leave: &'static str,
}

/// A preview: what the act would do.
struct Preview {
    question: String,
    /// What the reader has to know before.
    facts: Markup,
    /// The fields of the form beside the reason. `None` if there is nothing to do.
    fields: Option<Markup>,
    /// Which messages of the filter the act is about, as in "that wait here".
    which: &'static str,
}

/// Shows what the act would do, and asks for the reason. `given` are the filters of the address, in which a view may stand for
/// what is meant.
fn asks(words: &Words, given: &[(&str, &str)], meant: &[(&str, &str)], preview: &Preview) -> Page {
    let list = with_query("/messages", given.iter().copied());
    let filters: Vec<_> = meant.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let main = html! {
        p.trail { a href="/messages" { "Messages" } " › " a href=(list) { "The list" } " › " (words.name) }
        section.card.verdict.warn aria-labelledby="verdict" {
            div {
                h1 #verdict { (preview.question) }
                (preview.facts)
                @if let Some(fields) = &preview.fields {
                    form.again method="post" action=(with_query(words.path, given.iter().copied())) {
                        (fields)
                        label for="reason" { "Why? The audit log records it with your name." }
                        input #reason name="reason" maxlength="200" required autocomplete="off";
                        div.buttons { button.main-button { (words.button) } a href=(list) { (words.leave) } }
                    }
                } @else {
                    p { a href=(list) { "Back to the list" } }
                }
            }
        }
        h2 { "Which messages" }
        section.card {
            @if filters.is_empty() { p { "All " (preview.which) "." } }
            @else { p { "Those " (preview.which) ", with " b { (filters.join(", ")) } "." } }
        }
    };
    Page { title: words.title.to_owned(), room: Some(Room::Messages), main, twin: None }
}

/// Shows the progress of the act.
fn grows<P>(
    words: &Words,
    head: &HttpRequest,
    given: &[(&str, &str)],
    progress: impl Stream<Item = Result<P, Problem>> + 'static,
    item: impl Fn(P) -> Markup + 'static,
) -> HttpResponse {
    let main = html! {
        p.trail { a href="/messages" { "Messages" } " › " (words.name) }
        h1 { (words.doing) }
        p { "To leave this page stops it. " (words.stays) }
        form method="get" action="/messages" { button { "Stop" } }
        ol.card.progress aria-live="polite" { (page::growth()) }
        p { a href=(with_query("/messages", given.iter().copied())) { "The list" } }
    };
    let page = Page { title: words.doing.to_owned(), room: Some(Room::Messages), main, twin: None };
    let items = progress.map(move |progress| match progress {
        Ok(progress) => item(progress),
        Err(problem) => html! { li { b { "It ended before everything was done: " } (problem.detail()) "." } },
    });
    page.growing(head, items)
}
