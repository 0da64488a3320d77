//! How the installation is.

use chrono::{DateTime, TimeDelta};
use maud::{Markup, html};

use crate::{
    domain::AuditAction,
    http::{
        pages::show::{Tone, between, linked, time, with_query},
        routes::overview::Glance,
    },
    query::VerificationView,
};

/// A certificate that ends sooner than this needs attention.
const CERTIFICATE_DAYS: i64 = 21;
/// A message that is due for longer needs attention.
const LONG_WAIT_SECONDS: i64 = 60;
/// A proof that is older needs to be repeated.
const PROOF_DAYS: i64 = 31;

/// Renders what there is to know. Silence is the worst fault of a receiver, so it is first. Who may see the audit log gets a
/// link to the entry of the last verification.
pub(super) fn render(glance: &Glance, sees_audit_log: bool, now: &str) -> Markup {
    let installation = &glance.installation;
    let item = |tone: Tone, words: Markup| {
        html! { li.(tone.class()) { span aria-hidden="true" { (tone.sign()) } div { (words) } } }
    };
    html! {
        ul.card.health aria-label="Installation" {
            @match &glance.overview.last_arrival_at {
                Some(at) => { (item(Tone::Good, html! { "Last arrival " (time(at)) @if let Some(ago) = between(at, now) { ", " (ago) " ago" } })) }
                None => { (item(Tone::Warn, html! { "Nothing has arrived yet" })) }
            }
            @match installation.behind_seconds {
                0 => { (item(Tone::Good, html! { "Everything acknowledged is shown" })) }
                behind => { (item(Tone::Warn, html! { (behind) " s behind" })) }
            }
            @match (&installation.sending_stopped, installation.can_send) {
                (Some(stopped), _) => { (item(Tone::Bad, html! { "Nothing is sent since " (time(&stopped.since)) ": " (stopped.reason) ". " (stopped.advice) })) }
                (None, true) => { (item(Tone::Good, html! { "Messages are sent" })) }
                (None, false) => { (item(Tone::Plain, html! { "Sending is not set up" })) }
            }
            @if let Some(since) = &installation.unsent_since {
                @let waits = html! { a href="/messages?status=queued" { "Oldest unsent" } ": due since " (time(since)) @if let Some(wait) = between(since, now) { ", " (wait) } };
                (item(if waits_long(now, since) { Tone::Warn } else { Tone::Good }, waits))
            } @else if installation.can_send {
                (item(Tone::Good, html! { "No message waits to be sent" }))
            }
            @if let Some(end) = &installation.certificate_ends_at {
                @let soon = ends_soon(now, end);
                (item(if soon { Tone::Warn } else { Tone::Good }, html! { "Certificate ends " (time(end)) }))
            }
            @match &glance.overview.last_verification {
                Some(last) => { (item(proof_tone(last, now), proof(last, sees_audit_log, now))) }
                None => { (item(Tone::Warn, html! { "It was never proved that nothing stored was altered: " code { "receiptd audit verify" } " proves it" })) }
            }
        }
    }
}

/// The time between two instants, negative if the second comes first. `None` if one of them cannot be read.
fn passed(from: &str, to: &str) -> Option<TimeDelta> {
    let parse = |at| DateTime::parse_from_rfc3339(at).ok();
    Some(parse(to)? - parse(from)?)
}

/// Whether a message is due for longer than a few attempts take.
fn waits_long(now: &str, since: &str) -> bool {
    passed(since, now).is_none_or(|wait| wait.num_seconds() > LONG_WAIT_SECONDS)
}

fn ends_soon(now: &str, end: &str) -> bool {
    passed(now, end).is_none_or(|left| left.num_days() < CERTIFICATE_DAYS)
}

/// What the last verification proved, or what it found. What it found can be an alteration, and also a head of another
/// store.
fn proof(last: &VerificationView, sees_audit_log: bool, now: &str) -> Markup {
    let entry = with_query("/audit", [("action", AuditAction::Verified.as_str()), ("since", last.at.as_str())]);
    let words = match &last.finding {
        None => "What is stored matches its hash chain",
        Some(_) => "The last verification found a fault",
    };
    html! {
        (linked(sees_audit_log.then_some(entry.as_str()), words))
        @match &last.finding {
            None if last.earlier => { ", and everything up to an earlier head is still there: proved " }
            None => { "; whether the newest records were removed was not checked (" code { "--head" } "): proved " }
            Some(finding) => { ": " (finding) ". Found " }
        }
        (time(&last.at))
        @if let Some(ago) = between(&last.at, now) { ", " (ago) " ago" }
        @if matches!(proof_tone(last, now), Tone::Bad | Tone::Warn) { ". " code { "receiptd audit verify" } " proves it again" }
    }
}

fn proof_tone(last: &VerificationView, now: &str) -> Tone {
    match passed(&last.at, now).map(|age| age.num_days()) {
        _ if !last.sound => Tone::Bad,
        Some(..=PROOF_DAYS) if last.earlier => Tone::Good,
        Some(..=PROOF_DAYS) => Tone::Plain,
        _ => Tone::Warn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-05-20T13:15:00.000Z";
    const TODAY: &str = "2026-05-20T13:00:00.000Z";
    const LONG_AGO: &str = "2026-04-01T13:00:00.000Z";

    fn sound(at: &str, earlier: bool) -> VerificationView {
        VerificationView { at: at.to_owned(), sound: true, earlier, finding: None }
    }

    fn unsound(finding: &str) -> VerificationView {
        VerificationView { sound: false, finding: Some(finding.to_owned()), ..sound(TODAY, false) }
    }

    #[test]
    fn an_old_proof_needs_attention_and_a_failed_one_always_does() {
        let tone = |last: &VerificationView| proof_tone(last, NOW);
        assert_eq!(tone(&sound(TODAY, true)), Tone::Good);
        assert_eq!(tone(&sound(LONG_AGO, true)), Tone::Warn);
        assert_eq!(tone(&sound(LONG_AGO, false)), Tone::Warn);
        assert_eq!(tone(&unsound("a row was altered")), Tone::Bad);
    }

    #[test]
    fn a_proof_without_an_earlier_head_does_not_say_that_nothing_was_removed() {
        let said = |last: &VerificationView| proof(last, false, NOW).into_string();
        let (with, without) = (said(&sound(TODAY, true)), said(&sound(TODAY, false)));
        assert!(with.contains("everything up to an earlier head is still there"), "{with}");
        assert!(without.contains("whether the newest records were removed was not checked"), "{without}");
        assert!(!without.contains("still there"), "{without}");
        assert_eq!(proof_tone(&sound(TODAY, false), NOW), Tone::Plain);
        // The finding can be about the head that was given, so it stands for itself.
        let found = said(&unsound("the head belongs to another store"));
        assert!(found.contains("The last verification found a fault: the head belongs to another store"), "{found}");
    }
}
