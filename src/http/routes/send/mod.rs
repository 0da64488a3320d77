//! `POST /v1/messages`: accepts a message for sending, or, as `application/x-ndjson`, many of them.

mod bulk;
mod draft;
mod single;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};

use crate::{
    domain::IdempotencyKey,
    http::{
        extract::{auth::CanSend, body, caught_up::CaughtUp},
        problem::{Code, Problem},
        state::{App, Closing},
    },
};

/// Accepts one message or many. Each message that the answer confirms is on disk.
pub(super) async fn send(
    caller: CaughtUp<CanSend>,
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
        "application/json" => single::send(caller.actor(), key, &request, payload, &app).await,
        "application/x-ndjson" if key.is_some() => {
            let detail =
                "is for one message; for several messages, give each line a correlationId, which has the same effect";
            Err(wrong_key(detail).closing(payload))
        }
        "application/x-ndjson" => bulk::send(caller.actor().clone(), payload, app, closing),
        _ => {
            let detail =
                "send one message as Content-Type: application/json, or several as application/x-ndjson, one per line";
            Err(Problem::new(Code::UnsupportedMediaType, detail).closing(payload))
        }
    }
}

/// Returns the key with which the caller can repeat the request, as with the same correlation id.
fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let mut given = request.headers().get_all("idempotency-key");
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(wrong_key("is given more than once"));
    }
    let key = value.to_str().ok().and_then(IdempotencyKey::new);
    let detail = || format!("must be 1 to {} visible ASCII characters", IdempotencyKey::MAX);
    key.map(Some).ok_or_else(|| wrong_key(detail()))
}

fn wrong_key(detail: impl Into<String>) -> Problem {
    Problem::faulty_field("/Idempotency-Key", detail)
}
