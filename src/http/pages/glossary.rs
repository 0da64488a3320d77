//! `GET /statuses` and `GET /codes`: what statuses and codes mean, in words for everybody.

use maud::{Markup, html};

use super::{
    page::{Page, Twin},
    show::{Tone, capitalised, channel_name, pill, with_query},
    why::{resend_words, side_words},
};
use crate::{
    domain::Channel,
    http::{
        extract::{
            auth::{Caller, CanRead},
            pairs::{Pairs, filled},
        },
        problem::Problem,
    },
    query::{self, CodeRequest, CodeView, StatusView},
};

/// Shows every status.
pub(super) async fn statuses(_: Caller<CanRead>) -> Page {
    let main = html! {
        h1 { "Statuses" }
        p.soft { "receiptd sets a status while it sends a message, and Webex Connect by its reports. " a href="/codes" { "Codes" } " say why a message has its status." }
        div.card.wide {
            table.stacked {
                thead { tr { th { "Status" } th { "What it means" } th { "What can follow" } th { "Set by" } th { "Final" } } }
                tbody { @for entry in query::statuses().items { (status_row(&entry)) } }
            }
        }
    };
    let twin = Twin { api: "/v1/statuses".to_owned(), command: None, export: None };
    Page { title: "Statuses".to_owned(), room: None, main, twin: Some(twin) }
}

fn status_row(entry: &StatusView) -> Markup {
    html! {
        tr id=(entry.status) {
            td { (pill(Tone::of(&entry.status), &capitalised(&entry.status))) }
            td { (entry.meaning) br; small { a href=(with_query("/messages", [("status", entry.status.as_str())])) { "Messages that are " (entry.status) } } }
            td data-label="What can follow" { (capitalised(&entry.next)) }
            td data-label="Set by" { (entry.set_by) }
            td data-label="Final" { @if entry.is_final { "Yes" } @else { "No" } }
        }
    }
}

/// Shows codes: all, or those of a channel, or one.
pub(super) async fn codes(_: Caller<CanRead>, pairs: Pairs) -> Result<Page, Problem> {
    let given = filled(&pairs);
    let request = CodeRequest::parse(given.iter().copied()).map_err(Problem::faulty)?;
    let value = |name: &str| given.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let (channel, code) = (value("channel"), value("code"));
    let items = query::codes(&request).items;
    let title = match (code, channel.map(channel_name)) {
        (Some(code), Some(channel)) => format!("Code {code} on {channel}"),
        (Some(code), None) => format!("Code {code}"),
        (None, Some(channel)) => format!("Codes on {channel}"),
        (None, None) => "Codes".to_owned(),
    };
    let main = html! {
        h1 { (title) }
        p.soft { "What the codes of Webex Connect mean, and what to do. The class is receiptd’s interpretation: the platform lists codes and does not group them. " a href="/statuses" { "Statuses" } " are explained too." }
        nav.periods.wrapped aria-label="Channels" {
            @for (name, words) in channels() {
                @let others = [("code", code), ("channel", name.as_deref())];
                a href=(with_query("/codes", others.into_iter().filter_map(|(name, value)| Some((name, value?))))) aria-current=[(name.as_deref() == channel).then_some("true")] { (words) }
            }
        }
        @if let Some(code) = code {
            p { a href=(with_query("/codes", channel.map(|channel| ("channel", channel)))) { "All codes" } " · " (messages_with(code, channel)) }
        }
        @if items.is_empty() {
            section.card { p.none { "The documentation of Webex Connect does not list this code." } }
        } @else {
            div.card.wide {
                table.stacked {
                    thead { tr { th { "Code" } th { "What it means" } th { "What to do" } th { "Class" } th { "Channels" } } }
                    tbody { @for entry in &items { (code_row(entry, channel, code.is_none())) } }
                }
            }
        }
    };
    let twin = Twin { api: with_query("/v1/codes", given.iter().copied()), command: None, export: None };
    Ok(Page { title, room: None, main, twin: Some(twin) })
}

/// Every channel and all of them together, with their names.
fn channels() -> impl Iterator<Item = (Option<String>, String)> {
    let known = Channel::known().map(|channel| (Some(channel.to_string()), channel_name(channel.as_str())));
    [(None, "All channels".to_owned())].into_iter().chain(known)
}

fn messages_with(code: &str, channel: Option<&str>) -> Markup {
    let channel = channel.map(|channel| ("channel", channel));
    html! { a href=(with_query("/messages", [("code", code)].into_iter().chain(channel))) { "Messages with this code" } }
}

fn code_row(entry: &CodeView, channel: Option<&str>, leads_to_messages: bool) -> Markup {
    let channels: Vec<_> = entry.channels.iter().map(|channel| channel_name(channel)).collect();
    html! {
        tr {
            td { b { code { (entry.code) } } br; small { (entry.text) } }
            td {
                (entry.sentence)
                @if let Some(condition) = &entry.condition { br; small { "If " (condition) } }
                @if leads_to_messages { br; small { (messages_with(&entry.code, channel)) } }
            }
            td {
                (entry.advice) br;
                small {
                    @if let Some(side) = &entry.side { "Whose side: " (side_words(side)) " · " }
                    "Sending again: " (resend_words(&entry.resend))
                }
            }
            td data-label="Class" { (capitalised(&entry.class)) }
            td data-label="Channels" { @if channels.is_empty() { "Every channel" } @else { (channels.join(", ")) } }
        }
    }
}
