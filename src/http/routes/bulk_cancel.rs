//! `POST /v1/messages/cancel`: cancels all messages that a filter admits. The answer grows with the progress. It stops when the
//! client closes the connection.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Payload},
};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

use super::search::filters;
use crate::{
    domain::{Actor, AuditAction, FieldError, ListRequest},
    http::{
        extract::{auth::CanSend, body, caught_up::CaughtUp, pairs::texts, reason},
        problem::{Code, Problem},
        state::{App, Closing},
    },
    maintenance::recorded_filters,
    send::{BulkCancel, BulkCancelProgress},
};

const LIMIT: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

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
    let request = body::json_value(&head, payload, LIMIT, PATIENCE).await?;
    let advice = "send {\"filter\": {\"channel\": \"sms\"}, \"reason\": \"…\", \"dryRun\": false} as JSON";
    let request: Request = body::object(request, advice)?;
    let pairs = filters(&request.filter).map_err(|problem| problem.below("/filter"))?;
    let pairs: Vec<_> = texts(&pairs).collect();
    let bulk = bulk_cancel(caller.actor(), &pairs, &app).map_err(|problem| problem.below("/filter"))?;
    if request.dry_run {
        return Ok(HttpResponse::Ok().json(bulk.preview().await?));
    }
    record(caller.actor(), &pairs, request.reason.as_deref().unwrap_or_default(), &app).await?;
    let lines = progress(bulk, closing).map(|progress| {
        let mut line = match progress {
            Ok(progress) => serde_json::to_vec(&progress),
            Err(problem) => serde_json::to_vec(&problem.document()),
        }
        .unwrap_or_default();
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    });
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines))
}

/// Reads the filter.
pub(crate) fn bulk_cancel(actor: &Actor, pairs: &[(&str, &str)], app: &App) -> Result<BulkCancel, Problem> {
    let of_pages = pairs.iter().filter(|(name, _)| ["limit", "cursor"].contains(name));
    let of_pages = of_pages.map(|(name, _)| FieldError {
        pointer: format!("/{name}"),
        detail: "is for lists: everything that the filter admits is cancelled".to_owned(),
    });
    let errors: Vec<_> = of_pages.collect();
    if !errors.is_empty() {
        return Err(Problem::faulty(errors));
    }
    let request = ListRequest::parse(pairs.iter().copied(), &app.query.cutoffs()).map_err(Problem::faulty)?;
    let (messages, sender) = (app.store.messages.clone(), app.sender.clone());
    BulkCancel::new(messages, sender, actor.clone(), request.filter, app.clock.now())
        .map_err(|error| Problem::faulty(vec![error]))
}

/// Records who cancels what, and why. The commits that cancel messages add their entries, which count them.
pub(crate) async fn record(actor: &Actor, pairs: &[(&str, &str)], reason: &str, app: &App) -> Result<(), Problem> {
    let reason = reason::reason(reason)?;
    let filters = recorded_filters(pairs.iter().copied());
    let filters = if filters.is_empty() { "all".to_owned() } else { filters.join(" ") };
    let details = format!("{filters}; reason: {reason}");
    Ok(app.audit.record(actor, AuditAction::Cancelled, 0, Some(&details)).await?)
}

/// Cancels step by step. Nothing more is cancelled when the stream is dropped.
pub(crate) fn progress(
    bulk: BulkCancel,
    closing: Data<Closing>,
) -> impl Stream<Item = Result<BulkCancelProgress, Problem>> {
    stream::unfold(Some(bulk), move |bulk| {
        let closing = closing.clone();
        async move {
            let mut bulk = bulk?;
            if closing.has_begun() {
                let detail = "the server is stopping; what was not cancelled yet waits; ask again";
                return Some((Err(Problem::new(Code::Unavailable, detail)), None));
            }
            match bulk.step().await {
                Ok(progress) => Some((Ok(progress), (!progress.finished).then_some(bulk))),
                Err(error) => Some((Err(error.into()), None)),
            }
        }
    })
}
