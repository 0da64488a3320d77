//! `GET` and `POST /messages/{correlationId}/again`: sends what a message said as a new message, after a warning. The request
//! is that of `POST /v1/messages`, with the members of the first message.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use maud::{Markup, html};
use serde_json::Value;

use super::{resend_words, sent};
use crate::{
    config::Scope,
    domain::{CorrelationId, Draft, Origin, Submission},
    http::{
        extract::{auth::CanSend, caught_up::CaughtUp, form::Form, message_id::MessageId},
        pages::{
            login::see_other,
            page::{Page, Room},
            show::{id as shown_id, message_path, status},
        },
        problem::{Code, Problem},
        state::App,
    },
    query::MessageView,
    send,
    webex::codes::Resend,
};

/// Shows what would be sent, and the risk.
pub(in crate::http::pages) async fn page(
    caller: CaughtUp<CanSend>,
    MessageId(id): MessageId,
    app: Data<App>,
) -> Result<Page, Problem> {
    let (message, submission) = first(&caller, &id, &app).await?;
    app.looked_at(caller.actor(), || format!("message {}", message.correlation_id)).await?;
    // The id is drawn now, so the form can be sent twice without sending two messages.
    let new_id = send::fresh_id();
    let request = send::request_again(&submission, &new_id);
    let title = format!("Send {} again", message.correlation_id);
    Ok(Page { title, room: Some(Room::Messages), main: main(&message, &request, &new_id), twin: None })
}

/// Sends it, and opens the new message.
pub(in crate::http::pages) async fn send(
    caller: CaughtUp<CanSend>,
    MessageId(id): MessageId,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let form = Form::read(&head, payload).await?;
    let (message, submission) = first(&caller, &id, &app).await?;
    if may_arrive_twice(&message) && form.field("sure").is_none() {
        return Err(Problem::faulty_field("/sure", "tick the box if it may arrive twice"));
    }
    let new_id = form.field("id").ok_or_else(|| Problem::faulty_field("/id", "is missing; open the page again"))?;
    let new_id = CorrelationId::new(&new_id).map_err(|error| Problem::faulty_field("/id", error.to_string()))?;
    let draft = Draft::new(send::request_again(&submission, &new_id)).map_err(|error| Problem::faulty(vec![error]))?;
    let sent = app.sender.accept(caller.actor(), &draft, None).await?;
    Ok(see_other(&message_path("/messages", sent.id().as_str()), None))
}

/// The first message, and what receiptd was asked to send.
async fn first(
    caller: &CaughtUp<CanSend>,
    id: &CorrelationId,
    app: &App,
) -> Result<(MessageView, Submission), Problem> {
    for scope in [Scope::Read, Scope::Content] {
        caller.must(scope)?;
    }
    let mut message = app.query.message(id).await?.ok_or_else(|| Problem::no_such_message(id.as_str()))?;
    if message.origin != Origin::Sent.as_str() {
        return Err(Problem::new(Code::NotOurs, "another system sent the message; send it again there"));
    }
    let known = CorrelationId::new(&message.correlation_id).ok();
    let submission = match known {
        Some(known) => app.store.submissions.submission(&known).await?,
        None => None,
    };
    let submission = submission.ok_or_else(|| {
        Problem::new(Code::NotFound, "what the message said was erased or purged; write it as a new message")
    })?;
    app.query.add_content(&mut message).await?;
    Ok((message, submission))
}

/// Whether the recipient may get both messages.
fn may_arrive_twice(message: &MessageView) -> bool {
    let mut known = Resend::ALL.into_iter();
    known.any(|resend| resend.may_arrive_twice() && resend.as_str() == message.verdict.resend)
}

fn risk(message: &MessageView) -> &'static str {
    match message.verdict.resend.as_str() {
        "unneeded" if message.is_final => "The first message has arrived. The recipient would get it twice.",
        "unneeded" => "receiptd still sends the first message. The recipient would get it twice.",
        "risky" => "The first message may have arrived, or may still arrive. The recipient could get it twice.",
        "useless" => "It would fail again, for the same reason.",
        "corrected" => "It fails again, unless the cause was corrected in the meantime.",
        _ => "The first message did not arrive, and will not. It may succeed this time.",
    }
}

fn main(message: &MessageView, request: &Value, new_id: &CorrelationId) -> Markup {
    let first = message_path("/messages", &message.correlation_id);
    let tone = if may_arrive_twice(message) { "warn" } else { "plain" };
    html! {
        p.trail { a href="/messages" { "Messages" } " › " a href=(first) { (shown_id(&message.correlation_id)) } " › Send again" }
        section.card.verdict.(tone) aria-labelledby="verdict" {
            div {
                (status(&message.status, message.failure.as_deref()))
                h1 #verdict { "Send this again?" }
                p { (risk(message)) }
                p.side { (message.verdict.sentence) " Sending again: " b { (resend_words(&message.verdict.resend)) } "." }
                form.again method="post" action={ (first) "/again" } {
                    input type="hidden" name="id" value=(new_id.as_str());
                    @if may_arrive_twice(message) {
                        label { input type="checkbox" name="sure" value="yes" required; " It may arrive twice" }
                    }
                    div.buttons { button.main-button { "Send as a new message" } a href=(first) { "Do not send" } }
                }
            }
        }
        h2 { "What will be sent" }
        section.card {
            @if let Some(submission) = &message.submission { (sent::render(submission)) }
            p { "To " b { (message.to.as_deref().unwrap_or("–")) } " as a new message with an id of its own. Times of the first message are left out." }
            details {
                summary { "The request, as for " code { "POST /v1/messages" } }
                div { pre { (serde_json::to_string_pretty(request).unwrap_or_default()) } copy-button {} }
            }
        }
    }
}
