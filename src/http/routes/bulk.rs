//! What acts on all messages of a filter have in common: the filter, the entry in the audit log, and an answer that grows with
//! the progress. An act stops when the client closes the connection.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Payload},
};
use futures_util::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;

use crate::{
    domain::{Actor, AuditAction, FieldError, Filter, ListRequest, PAGING},
    http::{
        extract::{body, reason},
        problem::{Code, Problem},
        state::{App, Closing},
    },
    maintenance::recorded_filters,
    send::{BulkAct, BulkProgress},
};

const LIMIT: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the request of an act.
pub(super) async fn request<T: DeserializeOwned>(
    head: &HttpRequest,
    payload: Payload,
    advice: &str,
) -> Result<T, Problem> {
    body::object(body::json_value(head, payload, LIMIT, PATIENCE).await?, advice)
}

/// Reads the filter of an act.
pub(super) fn filter(pairs: &[(&str, &str)], app: &App) -> Result<Filter, Problem> {
    let of_pages = pairs.iter().filter(|(name, _)| PAGING.contains(name));
    let of_pages = of_pages.map(|(name, _)| FieldError {
        pointer: format!("/{name}"),
        detail: "is for lists: the act takes everything that the filter admits".to_owned(),
    });
    let errors: Vec<_> = of_pages.collect();
    if !errors.is_empty() {
        return Err(Problem::faulty(errors));
    }
    Ok(ListRequest::parse(pairs.iter().copied(), &app.query.cutoffs()).map_err(Problem::faulty)?.filter)
}

/// Records who does what to which messages, and why. The commits that change messages add their entries, which count them.
pub(super) async fn record(
    actor: &Actor,
    action: AuditAction,
    what: &str,
    pairs: &[(&str, &str)],
    reason: &str,
    app: &App,
) -> Result<(), Problem> {
    let reason = reason::reason(reason)?;
    let filters = recorded_filters(pairs.iter().copied());
    let filters = if filters.is_empty() { "all".to_owned() } else { filters.join(" ") };
    let details = format!("{what}{filters}; reason: {reason}");
    Ok(app.audit.record(actor, action, 0, Some(&details)).await?)
}

/// Acts step by step. Nothing more is done when the stream is dropped.
pub(crate) fn progress<A>(act: A, closing: Data<Closing>) -> impl Stream<Item = Result<A::Progress, Problem>>
where
    A: BulkAct,
    A::Error: Into<Problem>,
{
    stream::unfold(Some(act), move |act| {
        let closing = closing.clone();
        async move {
            let mut act = act?;
            if closing.has_begun() {
                let detail = "the server is stopping, and the act is not complete; ask again";
                return Some((Err(Problem::new(Code::Unavailable, detail)), None));
            }
            match act.step().await {
                Ok(progress) => {
                    let next = (!progress.is_finished()).then_some(act);
                    Some((Ok(progress), next))
                }
                Err(error) => Some((Err(error.into()), None)),
            }
        }
    })
}

/// Answers with a line for each step.
pub(super) fn lines<P: BulkProgress>(progress: impl Stream<Item = Result<P, Problem>> + 'static) -> HttpResponse {
    let lines = progress.map(|progress| {
        let mut line = match progress {
            Ok(progress) => serde_json::to_vec(&progress),
            Err(problem) => serde_json::to_vec(&problem.document()),
        }
        .unwrap_or_default();
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    });
    HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines)
}
