//! `POST /v1/messages`: takes a message over for sending. `202` with the message; the same again: `200`.
//! As `application/x-ndjson` many of them: `send_many`.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::{Data, Payload},
};
use tokio::time::Instant;

use super::{
    auth::{Caller, CanSend},
    body::{self, Bounds, Unread},
    problem::{Code, Problem},
    send_many,
    server::{App, Closing},
};
use crate::{
    domain::{CorrelationId, Draft, FieldError, IdempotencyKey},
    send::Sent,
    storage::StorageError,
};

/// More than the longest message: a mail has 500 KB of HTML at the most, which JSON may need to escape.
pub(super) const LIMIT: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes a message over, or many. What is answered for is on disk.
pub(super) async fn send(
    caller: Caller<CanSend>,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
    closing: Data<Closing>,
) -> Result<HttpResponse, Problem> {
    let key = match idempotency_key(&request) {
        Ok(key) => key,
        Err(problem) => return Err(problem.closing(payload)),
    };
    match body::media_type(&request).as_str() {
        "application/json" => {}
        "application/x-ndjson" if key.is_some() => {
            let detail = "is for one message; of many, give each line a correlationId, which does the same";
            return Err(wrong_key(detail).closing(payload));
        }
        "application/x-ndjson" => return send_many::send(&caller, payload, app, closing),
        _ => {
            let detail = "send one message as Content-Type: application/json, or one a line as application/x-ndjson";
            return Err(Problem::new(Code::UnsupportedMediaType, detail).closing(payload));
        }
    }
    let bounds = Bounds { limit: LIMIT, deadline: Instant::now() + PATIENCE, large_bodies: None };
    let body = body::read(&request, payload, bounds, |unread| match unread {
        Unread::TooLarge => too_long(),
        Unread::Broken => Problem::new(Code::NotJson, "the body broke off before its end"),
    });
    let draft = draft_of(&body.await?)?;
    let sent = app.sender.accept(caller.actor(), &draft, key).await?;
    let (status, message) = match &sent {
        // What is new needs not be looked up, and what was committed is never answered with an error.
        Sent::New(message) => (StatusCode::ACCEPTED, app.query.new_message(message)),
        Sent::Same(id) => {
            let message = app.query.message(id).await.map_err(|error| not_shown(id, &error))?;
            (StatusCode::OK, message.ok_or_else(|| Problem::no_such_message(id.as_str()))?)
        }
    };
    Ok(HttpResponse::build(status).insert_header((LOCATION, location(sent.id()))).json(message))
}

/// By which the caller may repeat the request, as with the same correlation id.
fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let mut given = request.headers().get_all("idempotency-key");
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(wrong_key("is given twice"));
    }
    let key = value.to_str().ok().and_then(IdempotencyKey::new);
    let detail = || format!("must be 1 to {} visible ASCII characters", IdempotencyKey::MAX);
    key.map(Some).ok_or_else(|| wrong_key(detail()))
}

fn wrong_key(detail: impl Into<String>) -> Problem {
    Problem::faulty(vec![FieldError { pointer: "/Idempotency-Key".to_owned(), detail: detail.into() }])
}

/// The message that these bytes are.
pub(super) fn draft_of(bytes: &[u8]) -> Result<Draft, Problem> {
    Draft::new(body::json(bytes)?).map_err(|fault| Problem::faulty(vec![fault]))
}

/// For a message that was taken over before, and that cannot be looked up now.
pub(super) fn not_shown(id: &CorrelationId, error: &StorageError) -> Problem {
    tracing::error!(error = crate::observe::causes(error), "a message that was sent again could not be looked up");
    let detail = format!(
        "the message {:?} was taken over before, and is not sent again; where it stands cannot be looked up at the moment",
        id.as_str()
    );
    Problem::new(Code::Unavailable, detail).about(id)
}

pub(super) fn too_long() -> Problem {
    Problem::new(Code::BodyTooLarge, format!("a message has at most {LIMIT} bytes"))
}

/// The path of a message: everything but letters, digits and `-._~` is percent-encoded.
fn location(id: &CorrelationId) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    format!("/v1/messages/{}", id.as_str().bytes().map(encode).collect::<String>())
}
