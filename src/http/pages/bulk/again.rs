//! `GET` and `POST /again`: sends again what all messages of a filter said, each as a new message.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use maud::{Markup, html};

use super::{Preview, Words, asks, grows};
use crate::{
    config::Scope,
    http::{
        extract::{
            auth::CanSend,
            caught_up::CaughtUp,
            filters::Filters,
            form::Form,
            pairs::{Pairs, filled, filters_of},
        },
        pages::{page::Page, show::number},
        problem::Problem,
        routes::{
            bulk::progress,
            bulk_again::{bulk_again, planned, record},
        },
        state::{App, Closing},
    },
    send::{Act, BulkAgainPreview, BulkAgainProgress, COUNTED},
};

const WORDS: Words = Words {
    path: "/again",
    name: "Send again",
    title: "Send messages again",
    doing: "Sending again",
    stays: "What is sent stays sent.",
    button: "Send them as new messages",
    leave: "Do not send",
};

/// Shows what would be sent again, and asks for the reason.
pub(in crate::http::pages) async fn preview(
    caller: CaughtUp<CanSend>,
    pairs: Pairs,
    filters: Filters,
    app: Data<App>,
) -> Result<Page, Problem> {
    caller.must(Scope::Read)?;
    let (given, meant) = (filters_of(&filled(&pairs)), filters_of(&filled(&filters)));
    let act = Act::plan(app.clock.now());
    let preview = bulk_again(caller.actor(), &meant, act, false, &app)?.preview().await?;
    let asked = Preview {
        question: question(&preview),
        facts: facts(&preview),
        fields: may_send(&preview).then(|| fields(&preview)),
        which: "that can be sent again",
    };
    Ok(asks(&WORDS, &given, &meant, &asked))
}

/// Whether there is something to send, or may be among the messages at which the preview did not look.
fn may_send(preview: &BulkAgainPreview) -> bool {
    preview.count > 0 || preview.more
}

fn question(preview: &BulkAgainPreview) -> String {
    match (preview.count, preview.more) {
        (0, false) => "No message of this filter can be sent again.".to_owned(),
        (0, true) => format!(
            "None of the newest {} messages of this filter can be sent again. Go on with the older ones?",
            number(COUNTED)
        ),
        (1, false) => "Send 1 message again?".to_owned(),
        (count, more) => format!("Send {} messages again?", at_least(count, more)),
    }
}

/// A count in words. There may be more of the kind among the messages at which the preview did not look.
fn at_least(count: usize, more: bool) -> String {
    let count = number(count);
    if more { format!("at least {count}") } else { count }
}

/// The risk, and what is left out.
fn facts(preview: &BulkAgainPreview) -> Markup {
    let more = preview.more;
    let left_out = [
        (
            preview.useless,
            more,
            "for which it cannot help: they would fail for the same reason, or the recipient has complained",
        ),
        (preview.under_way, more, "that receiptd still sends by itself"),
        (preview.gone, more, "whose text was erased or purged"),
        (preview.expired, more, "whose own time has passed"),
        (preview.cancelled, more, "cancelled before: choose the status cancelled to send such messages again"),
        (preview.not_ours, preview.not_ours >= COUNTED, "of other systems"),
    ];
    html! {
        @if may_send(preview) {
            p { "Each becomes a new message with an id of its own, without the " code { "sendAt" } " of the first one. It cannot be undone." }
            p {
                "Messages that were already sent again in this way are not sent once more. "
                "Those that were sent again from their own pages are: receiptd does not notice these."
            }
            @match (preview.may_arrive_twice, more) {
                (0, false) => { p { "None of them has arrived or can still arrive." } }
                (0, true) => {}
                (twice, more) => {
                    p {
                        b { (at_least(twice, more)) " of them" } " may arrive twice: the first one has arrived, or may still arrive. "
                        "They are sent only if you tick the box."
                    }
                }
            }
            @if more {
                p {
                    "Only the newest " (number(COUNTED)) " were looked at; others may arrive twice. "
                    "Those are sent only if you tick the box."
                }
            }
            @if preview.would_fail_again > 0 {
                p { b { (at_least(preview.would_fail_again, more)) " of them" } " would fail again, unless the cause was corrected in the meantime." }
            }
        }
        @if left_out.iter().any(|(count, ..)| *count > 0) {
            p { "Not among them:" }
            ul { @for (count, more, why) in left_out { @if count > 0 { li { (at_least(count, more)) " " (why) } } } }
        }
    }
}

/// The act is planned now, so the form can be sent twice without sending anything twice.
fn fields(preview: &BulkAgainPreview) -> Markup {
    html! {
        input type="hidden" name="act" value=(preview.act);
        @if preview.may_arrive_twice > 0 || preview.more {
            label { input type="checkbox" name="evenTwice" value="yes"; " Also send those that may arrive twice" }
        }
    }
}

/// Sends them again, and shows the progress.
pub(in crate::http::pages) async fn run(
    caller: CaughtUp<CanSend>,
    head: HttpRequest,
    payload: Payload,
    pairs: Pairs,
    filters: Filters,
    app: Data<App>,
    closing: Data<Closing>,
) -> Result<HttpResponse, Problem> {
    let form = Form::read(&head, payload).await?;
    let (given, meant) = (filters_of(&filled(&pairs)), filters_of(&filled(&filters)));
    let act = planned(&form.field("act").unwrap_or_default())?;
    let bulk = bulk_again(caller.actor(), &meant, act, form.field("evenTwice").as_deref() == Some("yes"), &app)?;
    record(caller.actor(), &meant, act, &form.field("reason").unwrap_or_default(), &app).await?;
    Ok(grows(&WORDS, &head, &given, progress(bulk, closing), item))
}

fn item(progress: BulkAgainProgress) -> Markup {
    html! {
        li {
            @if progress.finished { b { "Done. " } }
            (number(progress.sent)) " sent as new messages"
            @if progress.already > 0 { ", " (number(progress.already)) " were sent again before" }
            @if progress.left_out > 0 { ", " (number(progress.left_out)) " left out" }
            @if progress.refused > 0 { ", " (number(progress.refused)) " refused: they are not valid any more" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_that_did_not_look_at_everything_says_so() {
        let of = |count, more| BulkAgainPreview { count, more, useless: 7, ..BulkAgainPreview::default() };
        assert_eq!(question(&of(0, false)), "No message of this filter can be sent again.");
        assert!(question(&of(0, true)).ends_with("Go on with the older ones?"));
        assert_eq!(question(&of(1, false)), "Send 1 message again?");
        assert_eq!(question(&of(1, true)), "Send at least 1 messages again?");
        let promise = "None of them has arrived or can still arrive.";
        let (whole, part) = (facts(&of(3, false)).into_string(), facts(&of(3, true)).into_string());
        assert!(whole.contains(promise) && whole.contains("<li>7 for which"), "{whole}");
        assert!(!part.contains(promise) && part.contains("Only the newest 10,000 were looked at"), "{part}");
        assert!(part.contains("<li>at least 7 for which"), "{part}");
        assert!(!fields(&of(3, false)).into_string().contains("evenTwice"));
        assert!(fields(&of(3, true)).into_string().contains("evenTwice"));
    }
}
