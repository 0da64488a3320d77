//! `GET` and `POST /quarantine/retry`: reads the quarantine again, after a preview.

use actix_web::{
    HttpRequest,
    web::{Data, Payload},
};
use maud::html;

use super::{
    page::{Page, Room},
    show::{facts, number},
};
use crate::http::{
    extract::{auth::CanAdminister, caught_up::CaughtUp, form::Form, reason::reason},
    problem::Problem,
    routes::quarantine::retried,
    state::App,
};

/// How far the preview counts.
const COUNTED: u32 = 10_000;

/// Shows how much would be read again, and asks for the reason.
pub(super) async fn preview(_: CaughtUp<CanAdminister>, app: Data<App>) -> Result<Page, Problem> {
    let count = app.store.glance.quarantined(COUNTED + 1).await?;
    let main = html! {
        p.trail { a href="/quarantine" { "Quarantine" } " › Read again" }
        section.card.verdict.warn aria-labelledby="verdict" {
            div {
                h1 #verdict {
                    @match count {
                        0 => "Nothing is in quarantine.",
                        1 => "Read 1 body again?",
                        _ if count > i64::from(COUNTED) => { "Read more than " (number(COUNTED)) " bodies again?" },
                        _ => { "Read " (number(count)) " bodies again?" },
                    }
                }
                p { "What is understood now leaves the quarantine, and may change the status of messages. The rest stays. This helps after an upgrade or another time zone in the settings." }
                @if count > 0 {
                    form.again method="post" action="/quarantine/retry" {
                        label for="reason" { "Why? The audit log records it with your name." }
                        input #reason name="reason" maxlength="200" required autocomplete="off";
                        div.buttons { button.main-button { "Read them again" } a href="/quarantine" { "Leave them" } }
                    }
                }
            }
        }
    };
    Ok(Page { title: "Read the quarantine again".to_owned(), room: Some(Room::Quarantine), main, twin: None })
}

/// Reads it again, and shows the result.
pub(super) async fn run(
    caller: CaughtUp<CanAdminister>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<Page, Problem> {
    let form = Form::read(&head, payload).await?;
    let reason = reason(&form.field("reason").unwrap_or_default())?;
    let report = retried(caller.actor(), Some(reason), &app).await?;
    let count = |count: u64| Some(html! { (number(count)) });
    let main = html! {
        p.trail { a href="/quarantine" { "Quarantine" } " › Read again" }
        h1 { "The quarantine was read again" }
        section.card {
            (facts([
                ("Understood as notifications", count(report.notifications)),
                ("Understood as inbound", count(report.inbound)),
                ("Left in quarantine", count(report.left)),
            ]))
        }
        p { a href="/quarantine" { "Quarantine" } }
    };
    Ok(Page { title: "The quarantine was read again".to_owned(), room: Some(Room::Quarantine), main, twin: None })
}
