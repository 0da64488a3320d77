//! One message, as `application/json`.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::Payload,
};
use tokio::time::Instant;

use super::draft::{LIMIT, draft_of, not_shown, too_long};
use crate::{
    domain::{Actor, CorrelationId, IdempotencyKey},
    http::{
        extract::body::{self, Bounds, Unread},
        problem::{Code, Problem},
        state::App,
    },
    send::Sent,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Accepts a message. The answer is `202` with the message, or `200` if the same message was accepted before.
pub(super) async fn send(
    actor: &Actor,
    key: Option<IdempotencyKey>,
    request: &HttpRequest,
    payload: Payload,
    app: &App,
) -> Result<HttpResponse, Problem> {
    let bounds = Bounds { limit: LIMIT, deadline: Instant::now() + PATIENCE, large_bodies: None };
    let body = body::read(request, payload, bounds, |unread| match unread {
        Unread::TooLarge => too_long(),
        Unread::Broken => Problem::new(Code::NotJson, "the body is incomplete"),
    });
    let draft = draft_of(&body.await?)?;
    let sent = app.sender.accept(actor, &draft, key).await?;
    let (status, message) = match &sent {
        // A new message need not be looked up, and a committed one is never answered with an error.
        Sent::New(message) => (StatusCode::ACCEPTED, app.query.new_message(message)),
        Sent::Same(id) => {
            let message = app.query.message(id).await.map_err(|error| not_shown(id, &error))?;
            (StatusCode::OK, message.ok_or_else(|| Problem::no_such_message(id.as_str()))?)
        }
    };
    Ok(HttpResponse::build(status).insert_header((LOCATION, location(sent.id()))).json(message))
}

/// Returns the path of a message: everything but letters, digits and `-._~` is percent-encoded.
fn location(id: &CorrelationId) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    format!("/v1/messages/{}", id.as_str().bytes().map(encode).collect::<String>())
}
