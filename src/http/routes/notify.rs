//! `POST /notify`, `POST /notify/{token}`: receives what the platform posts, and answers `200 {}` after the commit.
//!
//! `POST /notify-check` does the same but stores nothing, and answers how the body is understood.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{AUTHORIZATION, HeaderName},
    web::{Bytes, Data, Payload},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    http::{
        extract::{
            allowed_address::AllowedAddress,
            auth::throttle,
            body::{self, Bounds, LargeBodyLimit, Unread},
        },
        problem::{Code, Problem},
        state::App,
    },
    notify::{Credentials, NotStored, Refusal},
    observe::NotifyOutcome,
    webex::{Posted, signature},
};

/// Stores a notification, or a customer's message, and acknowledges it.
pub(super) async fn take(
    _: AllowedAddress,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    // Reading and storing share the time that the platform allows.
    let deadline = Instant::now() + app.answer_within;
    let body = read(&request, payload, &app, deadline).await?;
    let taken = app.intake.take(&credentials(&request), &body, deadline).await;
    delay_if_denied(&request, &app, taken).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body("{}"))
}

/// Answers the check that the platform makes when a webhook is saved. It fails with a wrong token in the path, so that
/// a URL cannot be saved if its notifications would be refused.
pub(super) async fn probe(_: AllowedAddress, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let checked = app.intake.authentication.check_path(credentials(&request).path_token).map_err(Refusal::from);
    if checked.is_err() {
        app.metrics.notified(NotifyOutcome::Unauthorized);
    }
    delay_if_denied(&request, &app, checked).await?;
    Ok(HttpResponse::Ok().finish())
}

/// Authenticates and reads, stores nothing, and returns what it read.
pub(super) async fn check(
    _: AllowedAddress,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let body = read(&request, payload, &app, Instant::now() + app.answer_within).await?;
    let read = app.intake.read(&credentials(&request), &body);
    if let Err(Refusal::Denied(_)) = &read {
        app.metrics.notified(NotifyOutcome::Unauthorized);
    }
    let read = delay_if_denied(&request, &app, read).await?;
    let answer = match read.as_slice() {
        [(posted, _)] => reading(posted),
        parts => {
            let readings: Vec<_> = parts.iter().take(MOST_ELEMENTS).map(|(posted, _)| reading(posted)).collect();
            json!({ "kind": "array", "count": parts.len(), "elements": readings })
        }
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// The maximum number of elements of an array that are reported individually.
const MOST_ELEMENTS: usize = 100;

fn reading(posted: &Posted) -> Value {
    match posted {
        Posted::Notification(notification, _) => {
            json!({ "kind": "notification", "status": notification.event.status().as_str() })
        }
        Posted::Inbound(inbound) => json!({ "kind": "inbound", "event": inbound.event }),
        Posted::Unreadable(why) => json!({ "kind": "quarantine", "reason": why.0 }),
        Posted::Foreign => json!({ "kind": "foreign" }),
    }
}

/// Returns the same result, but delayed if a secret was missing or wrong. Only the log and the metrics show which one
/// it was.
async fn delay_if_denied<T>(request: &HttpRequest, app: &App, result: Result<T, Refusal>) -> Result<T, Refusal> {
    if let Err(Refusal::Denied(denied)) = &result {
        app.metrics.denied(denied.0);
        tracing::debug!(method = ?denied.0, "a request to the notify URL was rejected: this method of authentication is missing or wrong");
        throttle::delay_failed_auth(request).await;
    }
    result
}

/// Reads the body of a request, after checking every secret that does not need the body. So unauthenticated clients do
/// not use up the limit for large bodies.
async fn read(request: &HttpRequest, payload: Payload, app: &App, deadline: Instant) -> Result<Bytes, Problem> {
    let checked = app.intake.authentication.check_head(&credentials(request)).map_err(Refusal::from);
    if checked.is_err() {
        app.metrics.notified(NotifyOutcome::Unauthorized);
    }
    if let Err(refusal) = delay_if_denied(request, app, checked).await {
        return Err(Problem::from(refusal).closing(payload));
    }
    let limit = app.body_limit;
    let large_bodies = request.app_data::<Data<LargeBodyLimit>>().map(Data::get_ref);
    body::read(request, payload, Bounds { limit, deadline, large_bodies }, |unread| match unread {
        Unread::TooLarge => {
            app.metrics.notified(NotifyOutcome::TooLarge);
            Problem::new(Code::BodyTooLarge, format!("the maximum is {limit} bytes (notify.body_limit_bytes)"))
        }
        // Not 400 or 408, since the platform would not try again.
        Unread::Broken => Problem::new(Code::Unavailable, "the body is incomplete; send it again"),
    })
    .await
}

fn credentials(request: &HttpRequest) -> Credentials<'_> {
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    Credentials {
        path_token: request.match_info().get("token"),
        authorization: header(AUTHORIZATION),
        signature: header(HeaderName::from_static(signature::HEADER)),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Denied(_) => Code::Unauthorized,
            Refusal::Foreign => Code::ForeignNotification,
            Refusal::NotStored(NotStored::Busy | NotStored::Unavailable) | Refusal::Late => Code::Unavailable,
        };
        Self::new(code, refusal.to_string())
    }
}
