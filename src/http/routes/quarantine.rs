//! `GET /v1/quarantine` and a single entry of it: authentic requests that could not be read. `POST
//! /v1/quarantine/retry` reads them again.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use serde::Deserialize;

use crate::{
    detached::detached,
    domain::{Actor, Fingerprint},
    http::{
        extract::{
            auth::{CanAdminister, CanRead},
            body,
            caught_up::CaughtUp,
            paging::Paging,
            reason,
        },
        problem::{Code, Problem},
        state::App,
    },
    maintenance::{self, RetryReport},
};

/// Lists the authentic requests that could not be read, newest first.
pub(super) async fn list(caller: CaughtUp<CanRead>, page: Paging, app: Data<App>) -> Result<HttpResponse, Problem> {
    app.looked_at(caller.actor(), || "quarantine".to_owned()).await?;
    Ok(HttpResponse::Ok().json(app.query.quarantine(page.after.as_ref(), page.limit).await?))
}

/// Returns one of the requests that could not be read.
pub(super) async fn one(
    caller: CaughtUp<CanRead>,
    fingerprint: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let not_found = || Problem::no_such_record(&fingerprint);
    let found = app.query.quarantine_of(Fingerprint::from_hex(&fingerprint).ok_or_else(not_found)?).await?;
    let found = found.ok_or_else(not_found)?;
    app.looked_at(caller.actor(), || format!("quarantine {fingerprint}")).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// What a retry may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

/// Reads everything in quarantine again. A body, which is optional, says why.
pub(super) async fn retry(
    caller: CaughtUp<CanAdminister>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let text = body::small(&head, payload).await?;
    let why = if text.is_empty() {
        None
    } else if body::media_type(&head) == "application/json" {
        let why: Why = body::object(body::json(&text)?, "send {\"reason\": \"…\"} as JSON, or no body")?;
        Some(reason::reason(&why.reason)?)
    } else {
        let detail = "send the reason as Content-Type: application/json, or no body";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    };
    Ok(HttpResponse::Ok().json(retried(caller.actor(), why, &app).await?))
}

/// Reads everything in quarantine again.
pub(crate) async fn retried(actor: &Actor, reason: Option<String>, app: &App) -> Result<RetryReport, Problem> {
    let (store, zone, actor, clock) = (app.store.clone(), app.intake.zone, actor.clone(), app.clock.clone());
    let retry = async move { maintenance::retry(&store, zone, &actor, reason.as_deref(), &clock).await };
    Ok(detached(retry).await?)
}
