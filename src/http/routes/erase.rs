//! `POST /v1/erase`: erases the data of a person.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde::Deserialize;

use crate::{
    detached::detached,
    domain::Person,
    http::{
        extract::{auth::CanAdminister, body, caught_up::CaughtUp},
        problem::Problem,
        state::App,
    },
};

/// More than the longest address.
const LIMIT: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// The request: the person to erase.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Erase {
    to: String,
    #[serde(default)]
    dry_run: bool,
}

/// Erases the data of a person everywhere.
pub(super) async fn erase(
    caller: CaughtUp<CanAdminister>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let request = body::json_value(&head, payload, LIMIT, PATIENCE).await?;
    let request: Erase = body::object(request, "send {\"to\": \"+447700900123\", \"dryRun\": false} as JSON")?;
    let person = Person::new(&request.to).map_err(|error| Problem::faulty_field("/to", error.to_string()))?;
    if request.dry_run {
        app.looked_at(caller.actor(), || "what an erasure would remove".to_owned()).await?;
    }
    let (eraser, actor) = (app.eraser.clone(), caller.actor().clone());
    // The erasure completes even if the client disconnects.
    let view = detached(async move { eraser.erase(&person, &actor, request.dry_run).await }).await?;
    Ok(HttpResponse::Ok().json(view))
}
