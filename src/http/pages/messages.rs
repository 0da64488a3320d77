//! `GET /messages`: the list of messages, with the same filters as the API.

use actix_web::web::Data;
use maud::{Markup, html};

use super::{
    live,
    page::{Page, Room, Twin, quoted},
    saved_views::Shown,
    show::{
        Tone, capitalised, channel_name, choice, code_link, extent, id, message_path, or_dash, pill, status, time,
        with_query,
    },
};
use crate::{
    config::Scope,
    domain::{Channel, Failure, ListRequest, Origin, Status, ViewedList},
    http::{
        extract::{
            auth::CanRead,
            caught_up::CaughtUp,
            filters::Filters,
            pairs::{Pairs, filled, filters_of, texts},
        },
        problem::Problem,
        state::App,
    },
    query::{ListView, MessageView},
};

/// Shows a page of the list.
pub(super) async fn page(
    caller: CaughtUp<CanRead>,
    pairs: Pairs,
    filters: Filters,
    app: Data<App>,
) -> Result<Page, Problem> {
    // In an address a view stands for filters that name a person. The links of the page keep it.
    let (given, meant) = (filled(&pairs), filled(&filters));
    let request = ListRequest::parse(meant.iter().copied(), &app.query.cutoffs()).map_err(Problem::faulty)?;
    let names: Vec<_> = ["messages"].into_iter().chain(filters.iter().map(|(name, _)| name.as_str())).collect();
    app.looked_at(caller.actor(), || names.join(" ")).await?;
    let position = live::position(&app).await?;
    let list = app.query.list(&request.filter, request.after.as_ref(), request.limit).await?;
    let [kept, meant] = [&given, &meant].map(|pairs| filters_of(pairs));
    let shown = Shown { list: ViewedList::Messages, given: &kept, meant: &meant };
    let saved_views = shown.saved_views(caller.actor(), &app).await?;
    let main = html! {
        h1 { "Messages" }
        p.soft {
            "Newest first, by the time at which receiptd first knew of them."
            @if let Some(words) = seen_through_a_view(&given, &filters) { " Only those " b { (words) } "." }
        }
        // An older page does not change when something is new.
        @if request.after.is_none() {
            (live::bar(position, kept.iter().copied(), &with_query("/messages", given.iter().copied())))
        }
        (form(&given))
        (saved_views)
        @if caller.may(Scope::Send) && kept.contains(&("status", Status::Queued.as_str())) {
            p { a.button href=(with_query("/cancel", kept.iter().copied())) { "Cancel all of these" } }
        }
        @if caller.may(Scope::Send) && app.sender.is_configured() && selects_ended(&kept) {
            p { a.button href=(with_query("/again", kept.iter().copied())) { "Send all of these again" } }
        }
        (rows(&list.items))
        (further(&list, &given))
    };
    Ok(Page { title: "Messages".to_owned(), room: Some(Room::Messages), main, twin: Some(twin(&given, &kept)) })
}

/// Whether the list shows messages that did not arrive, or may not have.
fn selects_ended(given: &[(&str, &str)]) -> bool {
    use Status::{Accepted, Cancelled, Expired, Failed, Rejected, Submitted, Unconfirmed, Unknown};
    let ended = [Accepted, Cancelled, Expired, Failed, Rejected, Submitted, Unconfirmed, Unknown];
    given.iter().any(|(name, value)| match *name {
        "failure" => true,
        "overdue" => *value == "true",
        "status" => Status::from_word(value).is_some_and(|status| ended.contains(&status)),
        _ => false,
    })
}

/// What a view in the address stands for.
fn seen_through_a_view(given: &[(&str, &str)], filters: &[(String, String)]) -> Option<String> {
    let hidden = texts(filters).filter(|pair| !given.contains(pair));
    let words: Vec<_> = hidden.map(|(name, value)| format!("{name} {value}")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn twin(given: &[(&str, &str)], filters: &[(&str, &str)]) -> Twin {
    let flag = |name: &str| {
        name.chars().fold(String::from("--"), |mut flag, letter| {
            if letter.is_ascii_uppercase() {
                flag.push('-');
            }
            flag.push(letter.to_ascii_lowercase());
            flag
        })
    };
    let flags = given.iter().map(|(name, value)| format!(" {} {}", flag(name), quoted(value)));
    let export = [("of", "messages"), ("format", "csv")].into_iter().chain(filters.iter().copied());
    // Views are for addresses; the command line has none.
    let has_command = !given.iter().any(|(name, _)| *name == "view");
    Twin {
        api: with_query("/v1/messages", given.iter().copied()),
        command: has_command.then(|| format!("messages{}", flags.collect::<String>())),
        export: Some(with_query("/v1/export", export)),
    }
}

/// The filters that contain no personal data, which must not stand in an address. The box finds persons.
fn form(given: &[(&str, &str)]) -> Markup {
    let value = |name: &str| given.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
    let statuses = Status::all().map(Status::as_str).map(|word| (word.to_owned(), capitalised(word)));
    let failures = Failure::ALL.map(|it| (it.as_str().to_owned(), capitalised(it.as_str())));
    let origins = [(Origin::Sent, "Sent by receiptd"), (Origin::Observed, "Sent by another system")];
    let channels = Channel::known().map(|channel| (channel.to_string(), channel_name(channel.as_str())));
    let yes_or_no = || [("true".to_owned(), "Yes".to_owned()), ("false".to_owned(), "No".to_owned())];
    html! {
        form.filters method="get" action="/messages" {
            (choice("Status", "status", value("status"), statuses))
            (choice("Failure", "failure", value("failure"), failures))
            (choice("Channel", "channel", value("channel"), channels))
            label { "Sender" input name="from" value=(value("from")); }
            label { "Code" input name="code" value=(value("code")) inputmode="numeric"; }
            (choice("Origin", "origin", value("origin"), origins.map(|(origin, words)| (origin.as_str().to_owned(), words.to_owned()))))
            (choice("Final", "final", value("final"), yes_or_no()))
            (choice("Overdue", "overdue", value("overdue"), yes_or_no()))
            label { "From (UTC)" input type="text" name="since" value=(value("since")) placeholder="2026-05-20"; }
            label { "Until (UTC)" input type="text" name="until" value=(value("until")) placeholder="2026-05-21"; }
            @let view = value("view");
            @if !view.is_empty() { input type="hidden" name="view" value=(view); }
            div.buttons {
                button.main-button { "Filter" }
                @if !given.is_empty() { a href="/messages" { "Clear" } }
            }
        }
    }
}

/// Renders messages as rows, each a link to its page.
pub(super) fn rows(messages: &[MessageView]) -> Markup {
    html! {
        @if messages.is_empty() {
            section.card {
                p { b { "No message matches." } }
                p { "Remove a filter, or look for what has no message: " a href="/quarantine" { "quarantine" } " and " a href="/inbound" { "inbound messages" } "." }
            }
        } @else {
            div.card.wide {
                table.stacked {
                    thead { tr { th { "First known" } th { "Message" } th { "To" } th { "Channel" } th { "Status" } th { "What it means" } } }
                    tbody { @for message in messages { (row(message)) } }
                }
            }
        }
    }
}

fn row(message: &MessageView) -> Markup {
    let others = message.recipient_count.filter(|count| *count > 1).map(|count| count - 1);
    html! {
        tr {
            td { (time(&message.created_at)) }
            td { a data-row href=(message_path("/messages", &message.correlation_id)) { (id(&message.correlation_id)) } }
            td { (or_dash(message.to.as_deref())) @if let Some(others) = others { " " small { "and " (others) " more" } } }
            td data-label="Channel" { (or_dash(message.channel.as_deref().map(channel_name).as_deref())) }
            td { (status(&message.status, message.failure.as_deref())) @if message.overdue { " " (pill(Tone::Warn, "Overdue")) } }
            td { (message.verdict.sentence) @if let Some(code) = &message.code { " " small { "Code " (code_link(code, message.channel.as_deref())) } } }
        }
    }
}

/// Renders the links to the next and to the first page.
fn further(list: &ListView<MessageView>, given: &[(&str, &str)]) -> Markup {
    let is_first = !given.iter().any(|(name, _)| *name == "cursor");
    let others = || given.iter().copied().filter(|(name, _)| *name != "cursor");
    html! {
        nav.pages aria-label="Pages of the list" {
            @if let Some(next) = &list.next_cursor {
                a.button rel="next" href=(with_query("/messages", others().chain([("cursor", next.as_str())]))) { "Older messages" }
            }
            @if !is_first { a href=(with_query("/messages", others())) { "Newest messages" } }
            (extent(list.items.len(), "message", "messages", list.next_cursor.is_none()))
        }
    }
}
