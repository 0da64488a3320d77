//! `POST /v1/messages`: takes a message over for sending. `202` with the message; the same again: `200`.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::{Data, Payload},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    authority::{Caller, Send},
    body::{self, Unread},
    problem::{Code, Problem},
    server::App,
};
use crate::{
    domain::{CorrelationId, Draft},
    send::Sent,
};

/// Far more than the longest message.
const LIMIT: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes a message over. It is on disk before the answer.
pub(super) async fn send(
    _: Caller<Send>,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let draft = draft(&request, payload).await?;
    let (status, id) = match app.sender.accept(&draft).await? {
        Sent::New(id) => (StatusCode::ACCEPTED, id),
        Sent::Same(id) => (StatusCode::OK, id),
    };
    let message = app.query.message(&id).await?.ok_or_else(|| Problem::no_such_message(id.as_str()))?;
    Ok(HttpResponse::build(status).insert_header((LOCATION, location(&id))).json(message))
}

async fn draft(request: &HttpRequest, payload: Payload) -> Result<Draft, Problem> {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.is_empty() && !essence.eq_ignore_ascii_case("application/json") {
        let problem = Problem::new(Code::UnsupportedMediaType, "send one message as application/json");
        return Err(problem.closing(payload));
    }
    let body = body::read(request, payload, LIMIT, Instant::now() + PATIENCE, |unread| match unread {
        Unread::TooLarge => Problem::new(Code::BodyTooLarge, format!("a message has at most {LIMIT} bytes")),
        Unread::Broken => Problem::new(Code::NotJson, "the body broke off before its end"),
    })
    .await?;
    let value: Value = serde_json::from_slice(&body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::new(Code::NotJson, format!("{:?} error at {place}", error.classify()))
    })?;
    Draft::new(value).map_err(|fault| Problem::faulty(vec![fault]))
}

/// The path of a message: everything but letters, digits and `-._~` is percent-encoded.
fn location(id: &CorrelationId) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    format!("/v1/messages/{}", id.as_str().bytes().map(encode).collect::<String>())
}
