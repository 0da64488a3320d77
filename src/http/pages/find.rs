//! `POST /find`: the box of every page. What is looked for is posted, so that no number stands in an address.

use actix_web::{
    Either, HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use maud::{Markup, html};

use super::{
    archive::{inbound_row, quarantine_row},
    login::see_other,
    messages,
    page::{Page, Room},
    show::{capitalised, channel_name, message_path, with_query},
    why::{resend_words, side_words},
};
use crate::{
    http::{
        extract::{auth::CanRead, caught_up::CaughtUp, form::Form},
        problem::Problem,
        routes::find::found,
        state::App,
    },
    query::{CodeView, FindView, FoundView},
};

/// Opens the message with this id, or shows everything else that the text can mean.
pub(super) async fn find(
    caller: CaughtUp<CanRead>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<Either<HttpResponse, Page>, Problem> {
    let form = Form::read(&head, payload).await?;
    let sought = form.field("q").unwrap_or_default();
    let sought = sought.trim();
    if sought.is_empty() {
        return Ok(Either::Left(see_other("/messages", None)));
    }
    let view = found(caller.actor(), sought, &app).await?;
    if let Some(id) = the_message(&view) {
        return Ok(Either::Left(see_other(&message_path("/messages", id), None)));
    }
    let title = if view.found.is_empty() { "Nothing found" } else { "Found" };
    let main = html! {
        h1 { (title) " for “" (sought) "”" }
        @if view.found.is_empty() { (advice(&view)) }
        @for found in &view.found { (section(found)) }
        @if !view.found.is_empty() { (advice(&view)) }
    };
    Ok(Either::Right(Page { title: title.to_owned(), room: Some(Room::Messages), main, twin: None }))
}

/// The message that an id names. A number is answered with everything about that person, even if it is one message.
fn the_message(view: &FindView) -> Option<&str> {
    let first =
        view.found.first().filter(|found| ["correlationId", "transactionId"].contains(&found.filter.as_str()))?;
    match &first.messages[..] {
        [only] => Some(&only.correlation_id),
        _ => None,
    }
}

/// What the text was taken for.
fn words(filter: &str) -> &str {
    match filter {
        "to" => "to",
        "correlationId" => "with the correlation id",
        "transactionId" => "of the transaction",
        "callbackData" => "with the callback data",
        "code" => "with the code",
        other => other,
    }
}

fn section(found: &FoundView) -> Markup {
    html! {
        @if !found.messages.is_empty() {
            h2 { "Messages " (words(&found.filter)) " " (found.value) ", newest first" }
            (messages::rows(&found.messages))
            @if let Some(view) = found.view.as_ref().filter(|_| found.has_more) {
                p { a.button href=(with_query("/messages", [("view", view.as_str())])) { "All of them" } }
            }
        }
        @if !found.codes.is_empty() {
            h2 { "What the code " (found.value) " means" }
            section.card { @for code in &found.codes { (meaning(code)) } }
        }
        @if !found.inbound.is_empty() {
            h2 { "What this customer sent" }
            section.card { @for one in &found.inbound { (inbound_row(one)) } }
        }
    }
}

fn meaning(code: &CodeView) -> Markup {
    let channels: Vec<_> = code.channels.iter().map(|channel| channel_name(channel)).collect();
    html! {
        details open {
            summary { b { (code.sentence) } " " small { (code.code) " · " @if channels.is_empty() { "every channel" } @else { (channels.join(", ")) } } }
            p { (code.advice) @if let Some(side) = &code.side { " Whose side: " (side_words(side)) "." } " Sending again: " (resend_words(&code.resend)) "." }
            p.soft { "Documented as “" (code.text) "”, read as " (code.class) @if let Some(condition) = &code.condition { ", if " (condition) } "." }
        }
    }
}

/// What was tried without success, and what to do.
fn advice(view: &FindView) -> Markup {
    html! {
        @if !view.quarantine.is_empty() {
            h2 { "In quarantine" }
            section.card { @for one in &view.quarantine { (quarantine_row(one)) } }
        }
        @if !view.advice.is_empty() {
            section.card.note {
                h2 { "What to do" }
                ul {
                    @for one in &view.advice {
                        li { (one.advice) @if let Some(look) = &one.look { " " a href=(look.trim_start_matches("/v1")) { "Look there" } } }
                    }
                }
            }
        }
        @if !view.tried.is_empty() {
            details {
                summary { "Also tried, without a result" }
                ul { @for one in &view.tried { li { (capitalised(words(&one.filter))) " " (one.value) } } }
            }
        }
    }
}
