//! Small parts of pages: times, statuses, facts, links.

use std::time::Duration;

use chrono::DateTime;
use maud::{Markup, html};
use url::form_urlencoded;

pub(super) use crate::query::capitalised;

use crate::domain::{Dimension, Status, Timestamp};

/// How much a reader has to care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Warn,
    Plain,
}

impl Tone {
    /// The tone of a status.
    pub(super) fn of(status: &str) -> Self {
        match Status::from_word(status) {
            Some(Status::Delivered | Status::Read | Status::Clicked) => Self::Good,
            Some(Status::Failed | Status::Rejected | Status::Complained) => Self::Bad,
            Some(Status::Unconfirmed | Status::Expired) => Self::Warn,
            _ => Self::Plain,
        }
    }

    /// The class of the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Plain => "plain",
        }
    }

    /// A sign, for those who do not see the colour.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Bad => "✕",
            Self::Warn => "!",
            Self::Plain => "○",
        }
    }
}

/// Renders a word with its tone.
pub(super) fn pill(tone: Tone, words: &str) -> Markup {
    html! { span class={ "pill " (tone.class()) } { span aria-hidden="true" { (tone.sign()) } (words) } }
}

/// Renders a status and, if it is a failure, of which kind. It leads to what the status means.
pub(super) fn status(status: &str, failure: Option<&str>) -> Markup {
    let words = failure.map_or_else(|| capitalised(status), |failure| format!("{} · {failure}", capitalised(status)));
    let tone = Tone::of(status);
    html! {
        a class={ "pill " (tone.class()) } href={ "/statuses#" (status) } { span aria-hidden="true" { (tone.sign()) } (words) }
    }
}

/// Renders a code, which leads to what it means on this channel.
pub(super) fn code_link(code: &str, channel: Option<&str>) -> Markup {
    let pairs = [("code", Some(code)), ("channel", channel)];
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    html! { a href=(with_query("/codes", pairs)) { code { (code) } } }
}

/// Renders a time to the second. The text is in UTC; the script shows it in the zone of the reader.
pub(super) fn time(at: &str) -> Markup {
    instant(at, "", 0)
}

/// Renders a time to the millisecond.
pub(super) fn exact_time(at: &str) -> Markup {
    instant(at, "", 3)
}

/// Renders a time for the column of a timeline. The day is left out if it is that of the time above.
pub(super) fn timeline_time(at: &str, above: Option<&str>) -> Markup {
    let day = |at: &str| at.get(..10).map(str::to_owned);
    let is_same = above.is_some_and(|above| day(above) == day(at));
    instant(at, if is_same { "when again" } else { "when" }, 3)
}

fn instant(at: &str, class: &str, digits: u8) -> Markup {
    let Ok(parsed) = DateTime::parse_from_rfc3339(at) else { return html! { time datetime=(at) { (at) } } };
    let clock = parsed.format(if digits == 3 { "%H:%M:%S%.3f" } else { "%H:%M:%S" });
    html! {
        time class=[(!class.is_empty()).then_some(class)] datetime=(at) data-digits=(digits) {
            span.day { (parsed.format("%-d %b %Y")) } " " span.clock { (clock) } span.zone { " UTC" }
        }
    }
}

/// The time between two instants, in words: `222 ms`, `2.4 s`, `12 min`.
pub(super) fn between(earlier: &str, later: &str) -> Option<String> {
    let (earlier, later) = (Timestamp::parse_rfc3339(earlier)?, Timestamp::parse_rfc3339(later)?);
    Some(duration(later.since(earlier)))
}

/// A time in words: `222 ms`, `2.4 s`, `12 min`.
pub(super) fn duration(time: Duration) -> String {
    let milliseconds = time.as_millis();
    let (seconds, minutes) = (milliseconds / 1000, milliseconds / 60_000);
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..10_000 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        10_000..100_000 => format!("{seconds} s"),
        100_000..7_200_000 => format!("{minutes} min"),
        7_200_000..172_800_000 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 1440),
    }
}

/// Renders the facts that are known.
pub(super) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, Option<Markup>)>) -> Markup {
    html! {
        dl.facts {
            @for (name, fact) in facts {
                @if let Some(fact) = fact { div { dt { (name) } dd { (fact) } } }
            }
        }
    }
}

/// The name of a channel, as people write it.
pub(super) fn channel_name(channel: &str) -> String {
    match channel {
        "sms" | "mms" | "rcs" => channel.to_uppercase(),
        "whatsapp" => "WhatsApp".to_owned(),
        "apple" => "Apple Messages".to_owned(),
        other => capitalised(other),
    }
}

/// The name of a channel, or that there is none.
pub(super) fn channel_or_none(channel: Option<&str>) -> String {
    channel.map_or_else(|| "No channel".to_owned(), channel_name)
}

/// The list of the messages with all of these properties. `None` if it has no filter for one of them: for messages without
/// a code or a channel, and for codes and senders that the counters shorten.
pub(super) fn list_of<'a>(properties: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Option<String> {
    let whole = |(name, value): (&'a str, Option<&'a str>)| {
        Some((name, value.filter(|value| Dimension::distinguishes(name, value))?))
    };
    let pairs = properties.into_iter().map(whole);
    Some(with_query("/messages", pairs.collect::<Option<Vec<_>>>()?))
}

/// Renders words as a link, if there is an address.
pub(super) fn linked(address: Option<&str>, words: &str) -> Markup {
    html! { @if let Some(address) = address { a href=(address) { (words) } } @else { (words) } }
}

/// Renders a choice of a form.
pub(super) fn choice(
    label: &str,
    name: &str,
    chosen: &str,
    options: impl IntoIterator<Item = (String, String)>,
) -> Markup {
    html! {
        label {
            (label)
            select name=(name) {
                option value="" { "Any" }
                @for (value, words) in options { option value=(value) selected[value == chosen] { (words) } }
            }
        }
    }
}

/// A share in percent.
pub(super) fn share(count: i64, total: i64) -> String {
    // In tenths of a percent, rounded.
    match (count * 1000 + total / 2).checked_div(total) {
        Some(share) => format!("{}.{} %", share / 10, share % 10),
        None => "none".to_owned(),
    }
}

/// Says how much a page of a list has, and whether it is the last one.
pub(super) fn extent(count: usize, one: &str, several: &str, is_last: bool) -> Markup {
    let what = if count == 1 { one } else { several };
    html! { small { (count) " " (what) " on this page" @if is_last { ", the last one" } } }
}

/// A number with its thousands apart.
pub(super) fn number(number: impl TryInto<i64>) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Ids up to this length stay on one line.
const SHORT: usize = 24;

/// Renders an id.
pub(super) fn id(id: &str) -> Markup {
    let is_short = id.len() <= SHORT;
    html! { span.id.short[is_short] { (id) } }
}

/// Renders a text, or a dash if there is none.
pub(super) fn or_dash(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { (text) } @else { span.none { "–" } } }
}

/// The path of a message below `root`.
pub(super) fn message_path(root: &str, id: &str) -> String {
    // In a path, a plus sign is not a space.
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("{root}/{}", id.replace('+', "%20"))
}

/// A path with parameters.
pub(super) fn with_query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_two_steps_is_said_as_a_person_would() {
        let after = |later: &str| between("2026-05-20T13:15:00.000Z", later).unwrap();
        assert_eq!(after("2026-05-20T13:15:00.222Z"), "222 ms");
        assert_eq!(after("2026-05-20T13:15:02.449Z"), "2.4 s");
        assert_eq!(after("2026-05-20T13:16:09.000Z"), "69 s");
        assert_eq!(after("2026-05-20T13:57:00.000Z"), "42 min");
        assert_eq!(after("2026-05-20T17:20:00.000Z"), "4 h 5 min");
        assert_eq!(after("2026-05-24T13:15:00.000Z"), "4 days");
        assert_eq!(between("soon", "2026-05-24T13:15:00.000Z"), None);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            [0, 999, 1000, 18_402, 1_234_567, -5000].map(number),
            ["0", "999", "1,000", "18,402", "1,234,567", "-5,000"]
        );
    }

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        assert_eq!(message_path("/messages", "a/b c+d?e#f%é"), "/messages/a%2Fb%20c%2Bd%3Fe%23f%25%C3%A9");
    }

    #[test]
    fn a_number_leads_to_a_list_only_if_the_list_has_a_filter_for_it() {
        let of_code = |code| list_of([("status", Some("failed")), ("code", code)]);
        assert_eq!(of_code(Some("7203")).as_deref(), Some("/messages?status=failed&code=7203"));
        assert_eq!(of_code(None), None);
        assert_eq!(of_code(Some(&"7".repeat(64))), None);
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(or_dash(Some("<script>&\"")).into_string(), "&lt;script&gt;&amp;&quot;");
    }
}
