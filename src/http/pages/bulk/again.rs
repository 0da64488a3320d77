//! `GET` and `POST /again`: sends again what all messages of a filter said, each as a new message.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use maud::{Markup, html};

use super::{Form, Preview, Words, asks, count_words, done_words, filters_of, grows};
use crate::{
    config::Scope,
    http::{
        extract::{auth::CanSend, caught_up::CaughtUp, filters::Filters, pairs::Pairs},
        pages::page::Page,
        problem::Problem,
        routes::{
            bulk::progress,
            bulk_again::{bulk_again, planned, record},
        },
        state::{App, Closing},
    },
    send::{Act, BulkAgainPreview, BulkAgainProgress},
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
    let (given, meant) = (filters_of(&pairs), filters_of(&filters));
    let act = Act::plan(app.clock.now());
    let preview = bulk_again(caller.actor(), &meant, act, false, &app)?.preview().await?;
    let asked = Preview {
        question: question(&preview),
        facts: facts(&preview),
        fields: (preview.count > 0).then(|| fields(&preview)),
        which: "that can be sent again",
    };
    Ok(asks(&WORDS, &given, &meant, &asked))
}

fn question(preview: &BulkAgainPreview) -> String {
    match preview.count {
        0 => "No message of this filter can be sent again.".to_owned(),
        1 => "Send 1 message again?".to_owned(),
        count => format!("Send {} messages again?", count_words(count, preview.more)),
    }
}

/// The risk, and what is left out.
fn facts(preview: &BulkAgainPreview) -> Markup {
    let left_out = [
        (
            preview.useless,
            "for which it cannot help: they would fail for the same reason, or the recipient has complained",
        ),
        (preview.under_way, "that receiptd still sends by itself"),
        (preview.gone, "whose text was erased or purged"),
        (preview.expired, "whose own time has passed"),
        (preview.not_ours, "of other systems"),
    ];
    html! {
        @if preview.count > 0 {
            p { "Each becomes a new message with an id of its own, without the times of the first one. It cannot be undone." }
            @match preview.may_arrive_twice {
                0 => { p { "None of them has arrived or can still arrive, so nobody gets one twice." } }
                twice => {
                    p {
                        b { (count_words(twice, false)) " of them" } " may arrive twice: the first one has arrived, or may still arrive. "
                        "They are sent only if you tick the box."
                    }
                }
            }
            @if preview.would_fail_again > 0 {
                p { b { (count_words(preview.would_fail_again, false)) " of them" } " would fail again, unless the cause was corrected in the meantime." }
            }
        }
        @if left_out.iter().any(|(count, _)| *count > 0) {
            p { "Not among them:" }
            ul { @for (count, why) in left_out { @if count > 0 { li { (count_words(count, false)) " " (why) } } } }
        }
    }
}

/// The act is planned now, so the form can be sent twice without sending anything twice.
fn fields(preview: &BulkAgainPreview) -> Markup {
    html! {
        input type="hidden" name="act" value=(preview.act);
        @if preview.may_arrive_twice > 0 {
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
    let (given, meant) = (filters_of(&pairs), filters_of(&filters));
    let act = planned(&form.field("act"))?;
    let bulk = bulk_again(caller.actor(), &meant, act, form.field("evenTwice") == "yes", &app)?;
    record(caller.actor(), &meant, act, &form.field("reason"), &app).await?;
    Ok(grows(&WORDS, &head, &given, progress(bulk, closing), item))
}

fn item(progress: BulkAgainProgress) -> Markup {
    html! {
        li {
            @if progress.finished { b { "Done. " } }
            (done_words(progress.sent)) " sent as new messages"
            @if progress.already > 0 { ", " (done_words(progress.already)) " were sent again before" }
            @if progress.left_out > 0 { ", " (done_words(progress.left_out)) " left out" }
            @if progress.refused > 0 { ", " (done_words(progress.refused)) " refused: they are not valid any more" }
        }
    }
}
