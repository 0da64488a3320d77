//! `POST /v1/messages/cancel`: cancels all messages that a filter admits.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    bulk::{filter, lines, progress, request},
    search::filters,
};
use crate::{
    config::Scope,
    domain::{Actor, AuditAction},
    http::{
        extract::{auth::CanSend, caught_up::CaughtUp, pairs::texts},
        problem::Problem,
        state::{App, Closing},
    },
    send::BulkCancel,
};

const ADVICE: &str = "send {\"filter\": {\"channel\": \"sms\"}, \"reason\": \"…\", \"dryRun\": false} as JSON";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    filter: Value,
    reason: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// Cancels the messages, or says what that would do.
pub(super) async fn cancel(
    caller: CaughtUp<CanSend>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
    closing: Data<Closing>,
) -> Result<HttpResponse, Problem> {
    let request: Request = request(&head, payload, ADVICE).await?;
    let pairs = filters(&request.filter).map_err(|problem| problem.below("/filter"))?;
    let pairs: Vec<_> = texts(&pairs).collect();
    let bulk = bulk_cancel(caller.actor(), &pairs, &app).map_err(|problem| problem.below("/filter"))?;
    if request.dry_run {
        // Otherwise a token that only sends could learn who gets which messages, and leave no trace.
        caller.must(Scope::Read)?;
        return Ok(HttpResponse::Ok().json(bulk.preview().await?));
    }
    record(caller.actor(), &pairs, request.reason.as_deref().unwrap_or_default(), &app).await?;
    Ok(lines(progress(bulk, closing)))
}

/// Reads the filter.
pub(crate) fn bulk_cancel(actor: &Actor, pairs: &[(&str, &str)], app: &App) -> Result<BulkCancel, Problem> {
    let (messages, sender) = (app.store.messages.clone(), app.sender.clone());
    BulkCancel::new(messages, sender, actor.clone(), filter(pairs, app)?, app.clock.now())
        .map_err(|error| Problem::faulty(vec![error]))
}

/// Records who cancels which messages, and why.
pub(crate) async fn record(actor: &Actor, pairs: &[(&str, &str)], reason: &str, app: &App) -> Result<(), Problem> {
    super::bulk::record(actor, AuditAction::Cancelled, "", pairs, reason, app).await
}
