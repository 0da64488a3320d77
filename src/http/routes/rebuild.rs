//! `POST /v1/rebuild`: recomputes every status from the stored notifications; with `?dryRun=true`, it only reports what
//! would change.

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use serde::Deserialize;

use crate::{
    detached::detached,
    http::{
        extract::{auth::CanAdminister, caught_up::CaughtUp},
        problem::Problem,
        state::App,
    },
    maintenance::Rebuild,
};

/// The parameters of a rebuild.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Options {
    #[serde(default)]
    dry_run: bool,
}

/// Answers when the rebuild is complete. It also completes if the client disconnects before.
pub(super) async fn rebuild(
    caller: CaughtUp<CanAdminister>,
    options: Result<Query<Options>, actix_web::Error>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let options =
        options.map_err(|_| Problem::faulty_field("/dryRun", "the only parameter is dryRun, true or false"))?;
    let rebuild = Rebuild::new(&app.store, app.intake.zone, app.clock.clone());
    let actor = caller.actor().clone();
    let report = detached(async move { rebuild.run(&actor, options.dry_run, |_| {}).await }).await?;
    Ok(HttpResponse::Ok().json(report))
}
