//! `GET /v1/messages`, `GET /v1/messages/{correlationId}` and its notifications.

use std::{iter, time::Duration};

use actix_web::{HttpResponse, web::Data};

use crate::{
    config::Scope,
    domain::{FieldError, ListRequest},
    http::{
        extract::{
            auth::CanRead,
            caught_up::CaughtUp,
            filters::Filters,
            message_id::MessageId,
            paging::Paging,
            pairs::{Pairs, texts},
        },
        problem::Problem,
        state::{App, Closing},
    },
};

/// The longest time that a caller may wait, in seconds. Proxies usually give up after a minute.
const LONGEST_WAIT: u64 = 60;

/// Lists messages, newest first.
pub(super) async fn list(caller: CaughtUp<CanRead>, pairs: Filters, app: Data<App>) -> Result<HttpResponse, Problem> {
    let request = ListRequest::parse(texts(&pairs), &app.query.cutoffs()).map_err(Problem::faulty)?;
    let names = || pairs.iter().map(|(name, _)| name.as_str());
    app.looked_at(caller.actor(), || iter::once("messages").chain(names()).collect::<Vec<_>>().join(" ")).await?;
    let page = app.query.list(&request.filter, request.after.as_ref(), request.limit).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Returns a message with its timeline; with `?wait=final`, as soon as its status is final or the timeout has passed.
pub(super) async fn one(
    caller: CaughtUp<CanRead>,
    MessageId(id): MessageId,
    pairs: Pairs,
    app: Data<App>,
    closing: Data<Closing>,
) -> Result<HttpResponse, Problem> {
    let message = match patience(&pairs)? {
        None => app.query.message(&id).await?,
        Some(patience) => tokio::select! {
            message = app.query.final_message(&id, patience) => message?,
            () = closing.begun() => app.query.message(&id).await?,
        },
    };
    let mut message = message.ok_or_else(|| Problem::no_such_message(id.as_str()))?;
    app.looked_at(caller.actor(), || format!("message {}", message.correlation_id)).await?;
    if caller.may(Scope::Content) {
        app.query.add_content(&mut message).await?;
    }
    app.query.add_pace(&mut message).await;
    Ok(HttpResponse::Ok().json(message))
}

/// Returns a page of the notifications of a message, each with its parsed fields and its body.
pub(super) async fn notifications(
    caller: CaughtUp<CanRead>,
    MessageId(id): MessageId,
    page: Paging,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let page = app.query.notifications(&id, page.after.as_ref(), page.limit).await?;
    let page = page.ok_or_else(|| Problem::no_such_message(id.as_str()))?;
    app.looked_at(caller.actor(), || format!("notifications of {id}")).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Returns how long to wait; `None` if not at all.
fn patience(pairs: &Pairs) -> Result<Option<Duration>, Problem> {
    let mut wait = false;
    let mut seconds = 30;
    let mut errors = Vec::new();
    for (name, value) in pairs.iter() {
        let detail = match (name.as_str(), value.as_str()) {
            ("wait", "final") => {
                wait = true;
                continue;
            }
            ("wait", _) => "must be final".to_owned(),
            ("timeout", value) => match value.parse() {
                Ok(number) if number <= LONGEST_WAIT => {
                    seconds = number;
                    continue;
                }
                _ => format!("must be a number of seconds from 0 to {LONGEST_WAIT}"),
            },
            _ => "is not a parameter; the parameters are wait and timeout".to_owned(),
        };
        errors.push(FieldError { pointer: format!("/{name}"), detail });
    }
    if errors.is_empty() { Ok(wait.then(|| Duration::from_secs(seconds))) } else { Err(Problem::faulty(errors)) }
}
