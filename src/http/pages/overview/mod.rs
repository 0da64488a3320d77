//! `GET /`: what happens at the moment, and what needs attention. Every number leads to its rows.

mod health;
mod hourly;

use actix_web::web::Data;
use maud::{Markup, html};

use super::{
    live,
    page::{Page, Room, Twin},
    show::{Tone, capitalised, channel_or_none, code_link, linked, list_of, number, share, status, time, with_query},
};
use crate::{
    config::Scope,
    domain::Status,
    http::{
        extract::{
            auth::CanRead,
            caught_up::CaughtUp,
            pairs::{Pairs, texts},
        },
        problem::Problem,
        routes::overview::{glance, hours},
        state::App,
    },
    query::{BoundedView, ChannelView, FailureView, LevelView, OverviewView},
};

/// The periods that the page offers, in hours.
const PERIODS: [(&str, &str); 3] = [("6", "6 hours"), ("24", "24 hours"), ("168", "7 days")];

/// Shows the overview.
pub(super) async fn page(caller: CaughtUp<CanRead>, pairs: Pairs, app: Data<App>) -> Result<Page, Problem> {
    let hours = hours(texts(&pairs))?;
    let position = live::position(&app).await?;
    let glance = glance(&caller, hours, &app).await?;
    let (overview, chosen) = (&glance.overview, hours.get().to_string());
    let now = app.clock.now().to_string();
    let main = html! {
        h1 { "Overview" }
        (live::bar(position, [], &with_query("/", texts(&pairs))))
        (health::render(&glance, caller.may(Scope::Admin), &now))
        nav.periods aria-label="Period" {
            @for (hours, words) in PERIODS {
                a href={ "/?hours=" (hours) } aria-current=[(hours == chosen).then_some("true")] { (words) }
            }
        }
        (figures(overview))
        div.columns {
            div {
                h2 { "Failed messages an hour" }
                section.card { (hourly::render(overview)) }
            }
            div {
                h2 { "Why messages failed" }
                (failures(overview))
            }
        }
        h2 { "By channel" }
        (channels(overview))
        p.soft.window {
            "Messages that receiptd first knew of from " (time(&overview.since)) " until the end of this hour, " (time(&overview.until)) ", exactly counted. "
            @if overview.messages.usual.is_some() { "“Usual” is the mean of the same hours in the last four weeks." }
            @else { "There are no messages in the last four weeks to compare with." }
        }
    };
    let twin = Twin { api: with_query("/v1/overview", texts(&pairs)), command: None, export: None };
    Ok(Page { title: "Overview".to_owned(), room: Some(Room::Overview), main, twin: Some(twin) })
}

fn figures(overview: &OverviewView) -> Markup {
    let level = |status: Status| overview.statuses.get(status.as_str()).copied().unwrap_or_default();
    let total = overview.messages.count;
    let of_status = |status: Status, name: &str, tone: Tone| {
        let level = level(status);
        figure(
            name,
            level.count,
            &rows(overview, [("status", status.as_str())]),
            if level.count > 0 { tone } else { Tone::Plain },
            &compared(level, total),
        )
    };
    let bounded = |name: &str, bounded: BoundedView, link: &str, words: &str| {
        let count = if bounded.more { format!("over {}", number(bounded.count)) } else { number(bounded.count) };
        html! { li { a.card.(if bounded.count > 0 { "warn" } else { "" }) href=(link) { small { (name) } b { (count) } small { (words) } } } }
    };
    html! {
        ul.figures {
            (figure("Messages", total, &rows(overview, []), Tone::Plain, &usual(overview.messages)))
            (of_status(Status::Delivered, "Delivered", Tone::Good))
            (of_status(Status::Read, "Read", Tone::Good))
            (of_status(Status::Failed, "Failed", Tone::Bad))
            (bounded("Overdue", overview.overdue, "/messages?overdue=true", "all, past deadline"))
            (bounded("Unconfirmed", BoundedView { count: overview.unconfirmed, more: false }, "/messages?status=unconfirmed", "all, perhaps sent"))
            (bounded("Quarantine", overview.quarantine, "/quarantine", "all, not understood"))
        }
    }
}

fn figure(name: &str, count: i64, link: &str, tone: Tone, words: &str) -> Markup {
    let tone = if tone == Tone::Plain { "" } else { tone.class() };
    html! { li { a.card.(tone) href=(link) { small { (name) } b { (number(count)) } small { (words) } } } }
}

/// The rows of the period that a number counts.
fn rows<'a>(overview: &'a OverviewView, filters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    with_query("/messages", filters.into_iter().chain([("since", overview.since.as_str())]))
}

fn usual(level: LevelView) -> String {
    level.usual.map_or_else(|| "in this period".to_owned(), |usual| format!("usual {usual}"))
}

/// The share of a count, and the usual count.
fn compared(level: LevelView, total: i64) -> String {
    let usual = level.usual.map(|usual| format!(", usual {usual}")).unwrap_or_default();
    format!("{}{usual}", share(level.count, total))
}

fn failures(overview: &OverviewView) -> Markup {
    html! {
        @if overview.failures.is_empty() {
            section.card { p.none { "No message of this period has failed." } }
        } @else {
            div.card.wide {
                table {
                    thead { tr { th { "Reason" } th.number { "Messages" } th.number { "Usual" } } }
                    tbody { @for failure in &overview.failures { (failure_row(overview, failure)) } }
                }
            }
        }
    }
}

fn failure_row(overview: &OverviewView, failure: &FailureView) -> Markup {
    let (code, channel) = (failure.code.as_deref(), failure.channel.as_deref());
    let link = list_of([
        ("status", Some("failed")),
        ("code", code),
        ("channel", channel),
        ("since", Some(overview.since.as_str())),
    ]);
    let words = failure.meaning.as_deref().map_or_else(|| "Not in the list of codes".to_owned(), capitalised);
    let is_unusual = failure.usual.is_some_and(|usual| is_above(failure.count, usual));
    html! {
        tr {
            td {
                (linked(link.as_deref(), &words)) br;
                small { @if let Some(code) = code { (code_link(code, channel)) } @else { "no code" } " · " (channel_or_none(channel)) }
            }
            td.number { (number(failure.count)) }
            td.number { (level_words(failure.usual)) @if is_unusual { br; small.bad.above { "above usual" } } }
        }
    }
}

/// Whether a count is clearly above the usual one.
fn is_above(count: i64, usual: f64) -> bool {
    let usual = usual.max(1.0);
    i32::try_from(count).map_or(true, |count| f64::from(count) >= 10.0 && f64::from(count) > 2.0 * usual)
}

fn level_words(usual: Option<f64>) -> String {
    usual.map_or_else(|| "–".to_owned(), |usual| usual.to_string())
}

fn channels(overview: &OverviewView) -> Markup {
    let used: Vec<_> = Status::all()
        .map(Status::as_str)
        .filter(|status| overview.statuses.get(*status).is_some_and(|level| level.count > 0))
        .collect();
    html! {
        @if overview.channels.is_empty() {
            section.card { p.none { "No message in this period." } }
        } @else {
            div.card.wide {
                table {
                    thead { tr { th { "Channel" } th.number { "All" } @for word in &used { th.number { (status(word, None)) } } th.number { "Usually failed" } } }
                    tbody { @for channel in &overview.channels { (channel_row(overview, channel, &used)) } }
                }
            }
        }
    }
}

fn channel_row(overview: &OverviewView, channel: &ChannelView, used: &[&str]) -> Markup {
    let name = channel.channel.as_deref();
    let of_channel = [("channel", name), ("since", Some(overview.since.as_str()))];
    html! {
        tr {
            td { (channel_or_none(name)) }
            td.number { (linked(list_of(of_channel).as_deref(), &number(channel.count))) }
            @for word in used {
                td.number {
                    @match channel.statuses.get(*word) {
                        Some(count) => {
                            (linked(list_of(of_channel.into_iter().chain([("status", Some(*word))])).as_deref(), &number(*count)))
                        }
                        None => { span.none { "–" } }
                    }
                }
            }
            td.number { (level_words(channel.failed.usual)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_a_tenth_of_a_percent() {
        let level = |count, usual| LevelView { count, usual };
        assert_eq!(compared(level(611, Some(448.5)), 18_402), "3.3 %, usual 448.5");
        assert_eq!(compared(level(3, None), 3), "100.0 %");
        assert_eq!(compared(level(0, None), 0), "none");
    }

    #[test]
    fn a_few_more_than_usual_are_not_unusual() {
        assert!(is_above(402, 44.0) && is_above(10, 0.0));
        assert!(!is_above(9, 0.0) && !is_above(80, 44.0));
    }
}
