//! `GET /failures`: the messages of a period that did not arrive, by reason, channel, sender and time. It adds up two
//! answers of `/v1/stats`. The senders have their own answer, without the other properties: one answer by all of them would have
//! a row for each combination, and there can be thousands of senders. A message that arrives between the two answers is
//! counted in the second one only.

mod period;
mod tables;

use actix_web::web::Data;
use maud::{Markup, html};

use self::{
    period::{PartOf, Period, Step},
    tables::{Reason, Tally},
};
use super::{
    chart::{self, Bar},
    page::{Page, Room, Twin, quoted},
    saved_views,
    show::{
        self, Tone, capitalised, channel_name, channel_or_none, choice, code_link, linked, list_of, number, share,
        with_query,
    },
    why::{resend_words, side_words},
};
use crate::{
    domain::{Channel, Dimension, Origin, Status, ViewedList},
    http::{
        extract::{
            auth::CanRead,
            caught_up::CaughtUp,
            pairs::{Pairs, filled},
        },
        problem::Problem,
        state::App,
    },
    query::{CountRequest, StatsRowView, code_of},
};

/// With at most this many hours or days, the table below the chart is open.
const OPEN: usize = 14;
/// The properties by which to count for the table of senders.
const BY_SENDER: &str = "status,from";
/// More senders would hide the reasons below them.
const MOST_SENDERS: usize = 20;

/// Shows the failures.
pub(super) async fn page(caller: CaughtUp<CanRead>, pairs: Pairs, app: Data<App>) -> Result<Page, Problem> {
    let given = filled(&pairs);
    let now = app.clock.now();
    let default = period::first_of_days(now, 7);
    let since = (!given.iter().any(|(name, _)| *name == "since")).then_some(("since", default.as_str()));
    let asked: Vec<_> = given.iter().copied().chain(since).collect();
    let counted = |by| CountRequest::parse(counts_by(by, &asked)).map_err(Problem::faulty);
    let period = Period::of(&counted(Step::Day.by())?, now)?;
    let rows = app.query.stats(&counted(period.step.by())?).await?.items;
    let by_sender = app.query.stats(&counted(BY_SENDER)?).await?.items;
    let shown =
        Shown { asked: &asked, period: &period, rows: &rows, by_sender: &by_sender, total: tables::total(&rows) };
    let view = saved_views::Shown { list: ViewedList::Failures, given: &given, meant: &given };
    let saved_views = view.saved_views(caller.actor(), &app).await?;
    let main = html! {
        h1 { "Failures" }
        p.soft { "Messages that did not arrive: the network or the channel reported a failure, Webex Connect rejected them, or their time ran out here." }
        nav.periods aria-label="Period" {
            @for (words, since) in period::offered(now) {
                @let is_chosen = asked.contains(&("since", since.as_str())) && !given.iter().any(|(name, _)| *name == "until");
                a href=(shown.since(&since)) aria-current=[is_chosen.then_some("true")] { (words) }
            }
        }
        (form(&given))
        (saved_views)
        (shown.render())
    };
    let flags = asked.iter().map(|(name, value)| format!(" --{name} {}", quoted(value)));
    let twin = Twin {
        api: with_query("/v1/stats", counts_by(period.step.by(), &asked)),
        command: Some(format!("stats --by {}{}", period.step.by(), flags.collect::<String>())),
        export: None,
    };
    Ok(Page { title: "Failures".to_owned(), room: Some(Room::Failures), main, twin: Some(twin) })
}

/// The request for the counts by these properties.
fn counts_by<'a>(by: &'a str, asked: &[(&'a str, &'a str)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    [("by", by)].into_iter().chain(asked.iter().copied())
}

fn form(given: &[(&str, &str)]) -> Markup {
    let value = |name: &str| given.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
    let channels = Channel::known().map(|channel| (channel.to_string(), channel_name(channel.as_str())));
    html! {
        form.filters method="get" action="/failures" {
            (choice("Channel", "channel", value("channel"), channels))
            label { "Sender" input name="from" value=(value("from")); }
            label { "Code" input name="code" value=(value("code")) inputmode="numeric"; }
            label { "From (UTC)" input name="since" value=(value("since")) placeholder="2026-05-20"; }
            label { "Until (UTC)" input name="until" value=(value("until")) placeholder="2026-05-21"; }
            div.buttons { button.main-button { "Show" } @if !given.is_empty() { a href="/failures" { "Clear" } } }
        }
    }
}

/// The filter of the list for messages with this sender. Without one, another system sent them.
fn sender_filter(sender: Option<&str>) -> (&'static str, Option<&str>) {
    sender.map_or(("origin", Some(Origin::Observed.as_str())), |sender| ("from", Some(sender)))
}

/// What the page shows.
struct Shown<'a> {
    asked: &'a [(&'a str, &'a str)],
    period: &'a Period,
    rows: &'a [StatsRowView],
    by_sender: &'a [StatsRowView],
    total: Tally,
}

impl Shown<'_> {
    /// The same page from another time until now.
    fn since(&self, since: &str) -> String {
        let others = self.asked.iter().copied().filter(|(name, _)| !["since", "until"].contains(name));
        with_query("/failures", others.chain([("since", since)]))
    }

    /// The list of the counted messages with these properties, which take the place of what was asked for.
    fn list(&self, properties: &[(&str, Option<&str>)]) -> Option<String> {
        let is_free = |name: &str| !properties.iter().any(|(taken, _)| *taken == name);
        let asked = self.asked.iter().filter(|(name, _)| is_free(name)).map(|(name, value)| (*name, Some(*value)));
        list_of(asked.chain(properties.iter().copied()))
    }

    fn render(&self) -> Markup {
        html! {
            (self.figures())
            @if self.total.lost() == 0 {
                section.card { p.none { "No message of this period has failed." } }
            } @else {
                div.columns {
                    div { h2 { "Over time" } section.card { (self.over_time()) } }
                    div { h2 { "By channel" } (self.by_channel()) (self.by_sender()) }
                }
                h2 { "By reason" }
                (self.by_reason())
            }
            p.soft.window {
                "Messages that receiptd first knew of from " (show::time(&self.period.since.to_string())) " until "
                (show::time(&self.period.until.to_string())) ", exactly counted."
            }
        }
    }

    fn figures(&self) -> Markup {
        let all = self.total.all;
        let figure = |name: &str, count: i64, tone: &str, link: Option<String>, words: &str| {
            html! { li { a.card.(tone) href=[link] { small { (name) } b { (number(count)) } small { (words) } } } }
        };
        html! {
            ul.figures {
                (figure("Messages", all, "", self.list(&[]), "in this period"))
                @for (status, count) in self.total.by_status() {
                    @let word = status.as_str();
                    @let tone = if count > 0 { Tone::of(word).class() } else { "" };
                    (figure(&capitalised(word), count, tone, self.list(&[("status", Some(word))]), &share(count, all)))
                }
            }
        }
    }

    fn over_time(&self) -> Markup {
        let (steps, step) = (self.period.steps(), self.period.step);
        let tallies = tables::tallies(self.rows, step.dimension());
        let tally = |part: &PartOf| tallies.get(&Some(part.name.as_str())).cloned().unwrap_or_default();
        let bars: Vec<_> = steps.iter().map(|part| Bar { failed: tally(part).lost(), usual: None }).collect();
        let ends = [steps.first(), steps.last()].map(|part| part.map_or_else(Markup::default, PartOf::title));
        let label = format!("Failures by {}, as in the table below", step.word());
        html! {
            (chart::failed(&bars, &label, ends))
            details open[steps.len() <= OPEN] {
                summary { "The same as a table" }
                div.wide {
                    table {
                        (self.head(&capitalised(step.word())))
                        tbody { @for part in &steps { tr { td { (part.title()) } (self.cells(&tally(part), &part.bounds())) } } }
                    }
                }
            }
        }
    }

    fn by_channel(&self) -> Markup {
        html! {
            div.card.wide {
                table {
                    (self.head("Channel"))
                    tbody {
                        @for (channel, tally) in tables::ranked(self.rows, Dimension::Channel) {
                            tr { td { (channel_or_none(channel)) } (self.cells(&tally, &[("channel", channel)])) }
                        }
                    }
                }
            }
        }
    }

    /// The senders of messages that receiptd sent. Nothing, if it sent none of them.
    fn by_sender(&self) -> Markup {
        let senders = tables::ranked(self.by_sender, Dimension::From);
        let hidden = senders.len().saturating_sub(MOST_SENDERS);
        html! {
            @if senders.iter().any(|(sender, _)| sender.is_some()) {
                h2 { "By sender" }
                div.card.wide {
                    table {
                        (self.head("Sender"))
                        tbody {
                            @for (sender, tally) in senders.iter().take(MOST_SENDERS) {
                                tr {
                                    td { @if let Some(sender) = sender { (sender) } @else { span.none { "Sent by another system" } } }
                                    (self.cells(tally, &[sender_filter(*sender)]))
                                }
                            }
                        }
                    }
                }
                p.soft {
                    @if hidden > 0 { "The " (number(hidden)) " senders with fewer failures are not shown. " }
                    a href=(with_query("/v1/stats", counts_by(BY_SENDER, self.asked))) { "All senders as JSON" }
                }
            }
        }
    }

    /// Whether a table has a column for this status.
    fn has_column(&self, status: Status) -> bool {
        let occurs = self.total.by_status().any(|(other, count)| other == status && count > 0);
        status == Status::Failed || occurs
    }

    fn head(&self, first: &str) -> Markup {
        let words = Tally::default().by_status().map(|(status, _)| status).collect::<Vec<_>>();
        html! {
            thead {
                tr {
                    th { (first) }
                    th.number { "Messages" }
                    @for status in words.into_iter().filter(|status| self.has_column(*status)) {
                        th.number { (show::status(status.as_str(), None)) }
                    }
                    th.number { "Share" }
                }
            }
        }
    }

    /// The cells of a row about the messages with these properties.
    fn cells(&self, tally: &Tally, properties: &[(&str, Option<&str>)]) -> Markup {
        let cell = |count: i64, status: Option<Status>| {
            let status = status.map(|status| ("status", Some(status.as_str())));
            let link = self.list(&properties.iter().copied().chain(status).collect::<Vec<_>>());
            html! {
                td.number { @if count == 0 { span.none { "–" } } @else { (linked(link.as_deref(), &number(count))) } }
            }
        };
        html! {
            (cell(tally.all, None))
            @for (status, count) in tally.by_status().filter(|(status, _)| self.has_column(*status)) {
                (cell(count, Some(status)))
            }
            td.number { @if tally.all == 0 { span.none { "–" } } @else { (share(tally.lost(), tally.all)) } }
        }
    }

    fn by_reason(&self) -> Markup {
        html! {
            div.card.wide {
                table.stacked {
                    thead { tr { th { "Reason" } th { "What to do" } th.number { "Messages" } th.number { "Share of failures" } } }
                    tbody { @for (reason, count) in tables::reasons(self.rows) { (self.reason_row(&reason, count)) } }
                }
            }
        }
    }

    fn reason_row(&self, reason: &Reason<'_>, count: i64) -> Markup {
        let Reason { status, channel, code } = *reason;
        let link = self.list(&[("status", Some(status)), ("channel", channel), ("code", code)]);
        let known = code.and_then(|code| code_of(channel, code));
        let words = match (&known, code) {
            (Some(known), _) => known.sentence.as_str(),
            (None, Some(_)) => "Not in the list of codes",
            (None, None) if status == Status::Expired.as_str() => "Its time ran out before it was sent.",
            (None, None) => "No code was reported.",
        };
        html! {
            tr {
                td {
                    (linked(link.as_deref(), words)) br;
                    small {
                        @if let Some(code) = code { (code_link(code, channel)) } @else { "no code" }
                        " · " (channel_or_none(channel)) " · " (status)
                    }
                }
                td {
                    @if let Some(known) = &known {
                        (known.advice) br;
                        small {
                            @if let Some(side) = &known.side { "Whose side: " (side_words(side)) " · " }
                            "Sending again: " (resend_words(&known.resend))
                        }
                    } @else { span.none { "–" } }
                }
                td.number data-label="Messages" { (linked(link.as_deref(), &number(count))) }
                td.number data-label="Share of failures" { (share(count, self.total.lost())) }
            }
        }
    }
}
