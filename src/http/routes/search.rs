//! `POST /v1/messages/search`: the list, with its filters in the body, so that no address contains personal data.

use std::{iter, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{FieldError, ListRequest, PAGING},
    http::{
        extract::{auth::CanRead, body, caught_up::CaughtUp, pairs::texts},
        problem::Problem,
        state::App,
    },
    query::{ListView, MessageView},
};

/// A view of the largest request still fits into the head of a request.
const LIMIT: usize = 4 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// The answer: a page of the list, and a view of its filter.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    #[serde(flatten)]
    page: ListView<MessageView>,
    view: String,
    view_ends_at: String,
}

/// Lists messages, and returns a view with which the list can be read again.
pub(super) async fn search(
    caller: CaughtUp<CanRead>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let mut pairs = filters(&body::json_value(&head, payload, LIMIT, PATIENCE).await?)?;
    let request = ListRequest::parse(texts(&pairs), &app.query.cutoffs()).map_err(Problem::faulty)?;
    let names = || pairs.iter().map(|(name, _)| name.as_str());
    app.looked_at(caller.actor(), || iter::once("messages").chain(names()).collect::<Vec<_>>().join(" ")).await?;
    let page = app.query.list(&request.filter, request.after.as_ref(), request.limit).await?;
    pairs.retain(|(name, _)| !PAGING.contains(&name.as_str()));
    let (view, ends_at) = app.sealed_filters.seal(pairs).await?;
    Ok(HttpResponse::Ok().json(Found { page, view, view_ends_at: ends_at.to_string() }))
}

/// The names and values of the filters in a body.
pub(super) fn filters(body: &Value) -> Result<Vec<(String, String)>, Problem> {
    let Value::Object(members) = body else {
        let detail = "send the filters as a JSON object, as in {\"to\": \"+447700900123\", \"final\": true}";
        return Err(Problem::faulty_field("", detail));
    };
    let (mut filters, mut errors) = (Vec::new(), Vec::new());
    for (name, value) in members {
        match text(name, value) {
            Ok(text) => filters.push((name.clone(), text)),
            Err(kind) => {
                errors.push(FieldError { pointer: format!("/{name}"), detail: format!("must be {kind}") });
            }
        }
    }
    if errors.is_empty() { Ok(filters) } else { Err(Problem::faulty(errors)) }
}

/// A value as the parameter of the same name has it, or else what it must be.
fn text(name: &str, value: &Value) -> Result<String, &'static str> {
    match (name, value) {
        ("final" | "overdue", Value::Bool(is)) => Ok(is.to_string()),
        ("final" | "overdue", _) => Err("true or false"),
        // In JSON Schema, 2.0 is an integer too.
        ("limit", Value::Number(number)) => match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 => Ok(format!("{whole:.0}")),
            _ => Err("an integer"),
        },
        ("limit", _) => Err("an integer"),
        (_, Value::String(text)) => Ok(text.clone()),
        _ => Err("a text"),
    }
}
