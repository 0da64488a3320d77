//! `GET /v1/quarantine` and a single entry of it: authentic requests that could not be read. `POST
//! /v1/quarantine/retry` reads them again.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

use crate::{
    detached::detached,
    domain::Fingerprint,
    http::{
        extract::{
            auth::{CanAdminister, CanRead},
            caught_up::CaughtUp,
            paging::Paging,
        },
        problem::Problem,
        state::App,
    },
    maintenance,
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

/// Reads everything in quarantine again.
pub(super) async fn retry(caller: CaughtUp<CanAdminister>, app: Data<App>) -> Result<HttpResponse, Problem> {
    let (store, zone, actor, clock) = (app.store.clone(), app.intake.zone, caller.actor().clone(), app.clock.clone());
    let report = detached(async move { maintenance::retry(&store, zone, &actor, &clock).await }).await?;
    Ok(HttpResponse::Ok().json(report))
}
