//! `POST /v1/find`: finds whatever a person has at hand. The text is in the body, since it may name a person.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde::Deserialize;

use crate::{
    domain::Actor,
    http::{
        extract::{auth::CanRead, body, caught_up::CaughtUp},
        problem::Problem,
        state::App,
    },
    query::FindView,
};

/// More than most notifications have.
const LIMIT: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// The request: the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Find {
    text: String,
}

/// Finds everything that a text can mean.
pub(super) async fn find(
    caller: CaughtUp<CanRead>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let request = body::json_value(&head, payload, LIMIT, PATIENCE).await?;
    let Find { text } = body::object(request, "send {\"text\": \"+447700900123\"} as JSON")?;
    if text.is_empty() {
        return Err(Problem::faulty_field("/text", "must not be empty"));
    }
    Ok(HttpResponse::Ok().json(found(caller.actor(), &text, &app).await?))
}

/// Finds everything that a text can mean, with a view of each list of messages.
pub(crate) async fn found(actor: &Actor, text: &str, app: &App) -> Result<FindView, Problem> {
    app.looked_at(actor, || "find".to_owned()).await?;
    let mut view = app.query.find_any(text).await?;
    for found in view.found.iter_mut().filter(|found| !found.messages.is_empty()) {
        let (sealed, _) = app.sealed_filters.seal(vec![(found.filter.clone(), found.value.clone())]).await?;
        found.view = Some(sealed);
    }
    Ok(view)
}
