//! `GET /inbound` and `GET /quarantine`: what came to the notify URL and is no notification.

use actix_web::web::Data;
use maud::{Markup, html};

use super::{
    page::{Page, Room, Twin, quoted},
    show::{exact_time, extent, facts, id, with_query},
};
use crate::{
    config::Scope,
    domain::Cursor,
    http::{
        extract::{auth::CanRead, caught_up::CaughtUp, paging::Paging},
        problem::Problem,
        state::App,
    },
    query::{InboundView, ListView, QuarantineView},
};

/// Shows the messages and events of customers, newest first.
pub(super) async fn inbound(caller: CaughtUp<CanRead>, page: Paging, app: Data<App>) -> Result<Page, Problem> {
    app.looked_at(caller.actor(), || "inbound".to_owned()).await?;
    let list = app.query.inbound(page.after.as_ref(), page.limit).await?;
    let main = html! {
        h1 { "Inbound" }
        p.soft { "Messages and events that customers sent, newest first." }
        (rows("/inbound", &list, "No customer has sent anything.", inbound_row))
    };
    Ok(Page { title: "Inbound".to_owned(), room: Some(Room::Inbound), main, twin: Some(twin("inbound", &page)) })
}

/// Shows the authentic requests that could not be read, newest first.
pub(super) async fn quarantine(caller: CaughtUp<CanRead>, page: Paging, app: Data<App>) -> Result<Page, Problem> {
    app.looked_at(caller.actor(), || "quarantine".to_owned()).await?;
    let list = app.query.quarantine(page.after.as_ref(), page.limit).await?;
    let main = html! {
        h1 { "Quarantine" }
        p.soft { "Authentic requests that could not be understood, newest first. They are kept as they came, and can be read again after an upgrade." }
        @if caller.may(Scope::Admin) && !list.items.is_empty() { p { a.button href="/quarantine/retry" { "Read everything again" } } }
        (rows("/quarantine", &list, "Nothing is in quarantine: everything that arrived was understood.", quarantine_row))
    };
    Ok(Page {
        title: "Quarantine".to_owned(),
        room: Some(Room::Quarantine),
        main,
        twin: Some(twin("quarantine", &page)),
    })
}

fn twin(of: &str, page: &Paging) -> Twin {
    let cursor = page.after.as_ref().map(Cursor::encode);
    let flag = cursor.as_ref().map(|cursor| format!(" --cursor {}", quoted(cursor))).unwrap_or_default();
    Twin {
        api: with_query(&format!("/v1/{of}"), cursor.iter().map(|cursor| ("cursor", cursor.as_str()))),
        command: Some(format!("{of}{flag}")),
        export: Some(with_query("/v1/export", [("of", of), ("format", "csv")])),
    }
}

fn rows<T>(path: &str, list: &ListView<T>, none: &str, row: impl Fn(&T) -> Markup) -> Markup {
    html! {
        section.card {
            @if list.items.is_empty() { p.none { (none) } }
            @for item in &list.items { (row(item)) }
        }
        nav.pages aria-label="Pages of the list" {
            @if let Some(next) = &list.next_cursor { a.button rel="next" href=(with_query(path, [("cursor", next.as_str())])) { "Older" } }
            (extent(list.items.len(), "entry", "entries", list.next_cursor.is_none()))
        }
    }
}

pub(super) fn inbound_row(one: &InboundView) -> Markup {
    let text = |text: &Option<String>| text.as_ref().map(|text| html! { (text) });
    html! {
        details {
            summary data-row {
                (exact_time(&one.received_at)) " · " b { (one.event) }
                @if let Some(from) = &one.from { " from " (from) }
                @if let Some(channel) = &one.channel { " by " (channel) }
                @if one.times > 1 { " · " (one.times) " times" }
            }
            (facts([
                ("Event", Some(html! { (one.event) })),
                ("From", text(&one.from)),
                ("Channel", text(&one.channel)),
                ("Transaction id", one.transaction_id.as_deref().map(id)),
                ("Came by", Some(html! { (one.source) })),
                ("Received, times", Some(html! { (one.times) })),
                ("Fingerprint", Some(id(&one.fingerprint))),
            ]))
            div { pre { (one.body) } copy-button {} }
        }
    }
}

pub(super) fn quarantine_row(one: &QuarantineView) -> Markup {
    html! {
        details {
            summary data-row {
                (exact_time(&one.received_at)) " · " b { (one.reason) }
                @if one.times > 1 { " · " (one.times) " times" }
            }
            (facts([
                ("Why it is here", Some(html! { (one.reason) })),
                ("Came by", Some(html! { (one.source) })),
                ("Received, times", Some(html! { (one.times) })),
                ("Fingerprint", Some(id(&one.fingerprint))),
                ("Original bytes, as Base64", one.body_base64.as_deref().map(id)),
            ]))
            div { pre { (one.body) } copy-button {} }
        }
    }
}
