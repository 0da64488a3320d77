//! `GET` and `POST /cancel`: cancels all messages of a filter.

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
            bulk_cancel::{bulk_cancel, record},
        },
        state::{App, Closing},
    },
    send::{BulkCancelPreview, BulkCancelProgress},
};

const WORDS: Words = Words {
    path: "/cancel",
    name: "Cancel",
    title: "Cancel messages",
    doing: "Cancelling",
    stays: "What is cancelled stays cancelled.",
    button: "Cancel them",
    leave: "Keep them",
};

/// Shows what would be cancelled, and asks for the reason.
pub(in crate::http::pages) async fn preview(
    caller: CaughtUp<CanSend>,
    pairs: Pairs,
    filters: Filters,
    app: Data<App>,
) -> Result<Page, Problem> {
    caller.must(Scope::Read)?;
    let (given, meant) = (filters_of(&filled(&pairs)), filters_of(&filled(&filters)));
    let preview = bulk_cancel(caller.actor(), &meant, &app)?.preview().await?;
    let asked = Preview {
        question: question(&preview),
        facts: html! { p { (risk(&preview)) } },
        fields: (preview.count > 0).then(|| html! {}),
        which: "that wait here",
    };
    Ok(asks(&WORDS, &given, &meant, &asked))
}

fn question(preview: &BulkCancelPreview) -> String {
    match preview.count {
        0 => "No message of this filter waits here.".to_owned(),
        1 => "Cancel 1 message?".to_owned(),
        count if preview.more => format!("Cancel more than {} messages?", number(count)),
        count => format!("Cancel {} messages?", number(count)),
    }
}

fn risk(preview: &BulkCancelPreview) -> String {
    match preview.tried {
        0 if preview.count == 0 => "There is nothing to cancel.".to_owned(),
        0 => "None of them has been tried yet, so none can arrive. It cannot be undone: send them as new messages."
            .to_owned(),
        tried => format!(
            "{tried} of them were tried before. Webex Connect may have some of these, and they may still arrive. It cannot be undone."
        ),
    }
}

/// Cancels them, and shows the progress.
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
    let bulk = bulk_cancel(caller.actor(), &meant, &app)?;
    record(caller.actor(), &meant, &form.field("reason").unwrap_or_default(), &app).await?;
    Ok(grows(&WORDS, &head, &given, progress(bulk, closing), item))
}

fn item(progress: BulkCancelProgress) -> Markup {
    html! {
        li {
            @if progress.finished { b { "Done. " } }
            (number(progress.cancelled)) " cancelled"
            @if progress.too_late > 0 { ", " (number(progress.too_late)) " were sent before their turn came" }
        }
    }
}
