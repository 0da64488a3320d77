//! `GET` and `POST /cancel`: cancels all messages of a filter, after a preview with the number and the risk. The answer grows
//! with the progress. To leave the page stops it.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use futures_util::StreamExt;
use maud::{Markup, html};
use url::form_urlencoded;

use super::{
    page::{self, Page, Room},
    show::{number, with_query},
};
use crate::{
    config::Scope,
    http::{
        extract::{
            auth::CanSend,
            caught_up::CaughtUp,
            filters::Filters,
            pairs::{Pairs, texts},
        },
        problem::Problem,
        routes::{
            bulk_cancel::{bulk_cancel, progress, record},
            session::read,
        },
        state::{App, Closing},
    },
    send::{BulkCancelPreview, BulkCancelProgress},
};

/// What a list has and a filter has not.
const OF_PAGES: [&str; 2] = ["limit", "cursor"];

/// The given pairs that are filters.
fn filters_of(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    texts(pairs).filter(|(name, value)| !value.is_empty() && !OF_PAGES.contains(name)).collect()
}

/// Shows what would be cancelled, and asks for the reason.
pub(super) async fn preview(
    caller: CaughtUp<CanSend>,
    pairs: Pairs,
    filters: Filters,
    app: Data<App>,
) -> Result<Page, Problem> {
    caller.must(Scope::Read)?;
    let (given, meant) = (filters_of(&pairs), filters_of(&filters));
    let preview = bulk_cancel(caller.actor(), &meant, &app)?.preview().await?;
    let list = with_query("/messages", given.iter().copied());
    let main = html! {
        p.trail { a href="/messages" { "Messages" } " › " a href=(list) { "The list" } " › Cancel" }
        section.card.verdict.warn aria-labelledby="verdict" {
            div {
                h1 #verdict { (question(&preview)) }
                p { (risk(&preview)) }
                @if preview.count > 0 {
                    form.again method="post" action=(with_query("/cancel", given.iter().copied())) {
                        label for="reason" { "Why? The audit log records it with your name." }
                        input #reason name="reason" maxlength="200" required autocomplete="off";
                        div.buttons { button.main-button { "Cancel them" } a href=(list) { "Keep them" } }
                    }
                } @else {
                    p { a href=(list) { "Back to the list" } }
                }
            }
        }
        h2 { "Which messages" }
        section.card {
            @let words: Vec<_> = meant.iter().map(|(name, value)| format!("{name} {value}")).collect();
            @if words.is_empty() { p { "All that wait here." } } @else { p { "Those that wait here, with " b { (words.join(", ")) } "." } }
        }
    };
    Ok(Page { title: "Cancel messages".to_owned(), room: Some(Room::Messages), main, twin: None })
}

fn count_words(preview: &BulkCancelPreview) -> String {
    let count = number(i64::try_from(preview.count).unwrap_or(i64::MAX));
    if preview.more { format!("more than {count}") } else { count }
}

fn question(preview: &BulkCancelPreview) -> String {
    match preview.count {
        0 => "No message of this filter waits here.".to_owned(),
        1 => "Cancel 1 message?".to_owned(),
        _ => format!("Cancel {} messages?", count_words(preview)),
    }
}

fn risk(preview: &BulkCancelPreview) -> String {
    match preview.tried {
        0 if preview.count == 0 => "There is nothing to cancel.".to_owned(),
        0 => "None of them has been tried yet, so none can arrive. It cannot be undone: send them as new messages."
            .to_owned(),
        tried => format!(
            "{tried} of them were tried before. Webex Connect may have some of these, and they may still arrive. It cannot be undone."
        ),
    }
}

/// Cancels them, and shows the progress.
pub(super) async fn run(
    caller: CaughtUp<CanSend>,
    head: HttpRequest,
    payload: Payload,
    pairs: Pairs,
    filters: Filters,
    app: Data<App>,
    closing: Data<Closing>,
) -> Result<HttpResponse, Problem> {
    let form = read(&head, payload).await?;
    let reason = form_urlencoded::parse(&form).find(|(name, _)| name == "reason").map(|(_, value)| value);
    let (given, meant) = (filters_of(&pairs), filters_of(&filters));
    let bulk = bulk_cancel(caller.actor(), &meant, &app)?;
    record(caller.actor(), &meant, reason.as_deref().unwrap_or_default(), &app).await?;
    let list = with_query("/messages", given.iter().copied());
    let main = html! {
        p.trail { a href="/messages" { "Messages" } " › Cancel" }
        h1 { "Cancelling" }
        p { "To leave this page stops it. What is cancelled stays cancelled." }
        form method="get" action="/messages" { button { "Stop" } }
        ol.card.progress aria-live="polite" { (page::growth()) }
        p { a href=(list) { "The list" } }
    };
    let page = Page { title: "Cancelling".to_owned(), room: Some(Room::Messages), main, twin: None };
    let items = progress(bulk, closing).map(|progress| match progress {
        Ok(progress) => item(progress),
        Err(problem) => html! { li { b { "It ended before everything was cancelled: " } (problem.detail()) "." } },
    });
    Ok(page.growing(&head, items))
}

fn item(progress: BulkCancelProgress) -> Markup {
    let count = |count: u64| number(i64::try_from(count).unwrap_or(i64::MAX));
    html! {
        li {
            @if progress.finished { b { "Done. " } }
            (count(progress.cancelled)) " cancelled"
            @if progress.too_late > 0 { ", " (count(progress.too_late)) " were sent before their turn came" }
        }
    }
}
