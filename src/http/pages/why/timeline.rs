//! The timeline of a message: each entry with what it changed, and by which rule.

use std::time::Duration;

use maud::{Markup, html};

use crate::{
    domain::{Effect, Source, Status},
    http::pages::show::{Tone, between, capitalised, channel_name, code_link, duration, id, time, timeline_time},
    query::{EntryView, MessageView, StepView},
};

/// A step that takes less is not said to be slow.
const NOTICEABLE_SECONDS: f64 = 1.0;

/// Renders the entries in their order.
pub(super) fn render(message: &MessageView) -> Markup {
    let entries = message.timeline.as_deref().unwrap_or_default();
    let steps = message.pace.as_ref().map(|pace| pace.steps.as_slice()).unwrap_or_default();
    let decides = entries.iter().rposition(|entry| is(entry, Effect::Applied));
    html! {
        ol.timeline {
            @for (at, entry) in entries.iter().enumerate() {
                @let above = at.checked_sub(1).map(|above| &entries[above]);
                @let step = steps.iter().find(|step| step.entry == at);
                (one(message, entry, above, step, decides == Some(at)))
            }
        }
        (usual_of(message))
    }
}

/// Which messages the usual times are those of.
fn usual_of(message: &MessageView) -> Markup {
    let pace = message.pace.as_ref().filter(|pace| pace.steps.iter().any(|step| step.usual.is_some()));
    let sample = pace.and_then(|pace| pace.sample.as_ref()).zip(message.channel.as_deref());
    html! {
        @if let Some((sample, channel)) = sample {
            p.soft {
                "Usual times are the median and the 95th percentile of a sample: " (sample.messages) " messages on "
                (channel_name(channel)) " that receiptd first knew of from " (time(&sample.since)) " until " (time(&sample.until)) "."
            }
        }
    }
}

/// How long a step took, and how long it usually takes.
fn pace(step: &StepView) -> Markup {
    let words = |seconds: f64| duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    let is_slow = |p95: f64| step.seconds > p95 && step.seconds >= NOTICEABLE_SECONDS;
    html! {
        (words(step.seconds)) " from " (step.from) " to " (step.to)
        @if let Some(usual) = &step.usual {
            "; usual " (words(usual.median_seconds)) ", at most " (words(usual.p95_seconds)) " in 95 of 100"
            @if is_slow(usual.p95_seconds) { ". " b { "Longer than usual" } }
        }
    }
}

/// When it happened; if that is not known, when receiptd knew of it.
fn moment(entry: &EntryView) -> &str {
    entry.at.as_deref().unwrap_or(&entry.received_at)
}

fn is(entry: &EntryView, effect: Effect) -> bool {
    entry.effect == effect.as_str()
}

fn one(
    message: &MessageView,
    entry: &EntryView,
    above: Option<&EntryView>,
    step: Option<&StepView>,
    decides: bool,
) -> Markup {
    let counts = is(entry, Effect::Applied);
    let class = match (decides, counts) {
        (true, _) => "decides",
        (false, true) => "counts",
        (false, false) => "idle",
    };
    let is_ours = entry.source.is_none();
    // Our own steps are known when they happen.
    let later = entry.at.as_deref().filter(|_| !is_ours).and_then(|at| between(at, &entry.received_at));
    let gap = above.and_then(|above| between(moment(above), moment(entry)));
    html! {
        li.(class).(Tone::of(&entry.status).class()) {
            (timeline_time(moment(entry), above.map(moment)))
            span.dot aria-hidden="true" {}
            div.entry {
                div.what {
                    (title(entry, is_ours))
                    @if let Some(code) = &entry.code { " " (code_link(code, message.channel.as_deref())) }
                }
                div.because {
                    @if decides { b { "This decides. " } }
                    @else if !counts { "Changed nothing: " }
                    (if counts { capitalised(&entry.why) } else { entry.why.clone() }) "."
                    @if let Some(failure) = &entry.failure { " The failure is " (failure) "." }
                }
                @if let Some(detail) = &entry.detail { div.more { "Details: " (detail) } }
                @if let Some(to) = other(entry.to.as_ref(), message.to.as_ref()) { div.more { "To " (to) } }
                @if let Some(transaction) = other(entry.transaction_id.as_ref(), message.transaction_id.as_ref()) {
                    div.more { "Transaction " (id(transaction)) }
                }
                div.gap {
                    @if let Some(step) = step { (pace(step)) }
                    @else if let Some(gap) = &gap { (gap) " after the entry above" }
                    @if let Some(later) = later {
                        @if step.is_some() || gap.is_some() { " · " }
                        "heard " time datetime=(entry.received_at) { (later) " later" }
                    }
                }
            }
            div.from {
                (entry.status) " · " (entry.effect) br;
                @if is_ours { "dispatch" } @else {
                    (entry.kind) @if let Some(source) = &entry.source { ", " (way(source)) }
                    @if let Some(times) = entry.times.filter(|times| *times > 1) { br; "received " (times) " times" }
                }
            }
        }
    }
}

/// What an entry says if the message as a whole says something else.
fn other<'a>(entry: Option<&'a String>, message: Option<&String>) -> Option<&'a String> {
    entry.filter(|entry| Some(*entry) != message)
}

/// The way of an arrival.
fn way(source: &str) -> &'static str {
    match Source::from_word(source) {
        Some(Source::Import) => "by import",
        _ => "by the notify URL",
    }
}

/// What an entry says, for people.
fn title(entry: &EntryView, is_ours: bool) -> String {
    let words = match (Status::from_word(&entry.status), is_ours) {
        (_, false) if is(entry, Effect::Informational) => "A step of the call",
        (Some(Status::Queued), true) => "Accepted for sending",
        (Some(Status::Sending), true) => "Being sent to Webex Connect",
        (Some(Status::Unconfirmed), true) => "No answer from Webex Connect",
        (Some(Status::Accepted), true) => "Taken by Webex Connect",
        (Some(Status::Rejected), true) => "Refused by Webex Connect",
        (Some(Status::Cancelled), _) => "Cancelled here",
        (Some(Status::Expired), true) => "Expired before it was sent",
        (Some(Status::Submitted), _) => "Passed on by Webex Connect",
        (Some(Status::Delivered), _) => "Delivered",
        (Some(Status::Read), _) => "Read by the recipient",
        (Some(Status::Clicked), _) => "A link in it was followed",
        (Some(Status::Complained), _) => "The recipient complained",
        (Some(Status::Failed), _) => "Failed",
        _ => "Not understood",
    };
    match &entry.reason {
        Some(reason) if !reason.eq_ignore_ascii_case(words) => format!("{words}: {reason}"),
        _ => words.to_owned(),
    }
}
