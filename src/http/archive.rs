//! `GET /v1/inbound` and `GET /v1/quarantine`, and one of either: what came to the notify URL and is no notification.
//! `POST /v1/quarantine/retry` reads what is in quarantine once more.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

use super::{
    auth::{Caller, CanAdminister, CanRead},
    pairs::{Pairs, texts},
    problem::Problem,
    server::App,
};
use crate::{
    detached::detached,
    domain::{Cutoffs, FieldError, Filter, Fingerprint, ListRequest},
    maintenance,
};

/// Customers' own messages and events, newest first.
pub(super) async fn inbound(caller: Caller<CanRead>, pairs: Pairs, app: Data<App>) -> Result<HttpResponse, Problem> {
    let place = place(&pairs)?;
    app.looked_at(caller.actor(), || "inbound".to_owned()).await?;
    Ok(HttpResponse::Ok().json(app.query.inbound(place.after.as_ref(), place.limit).await?))
}

/// Authentic requests that nobody could understand, newest first.
pub(super) async fn quarantine(caller: Caller<CanRead>, pairs: Pairs, app: Data<App>) -> Result<HttpResponse, Problem> {
    let place = place(&pairs)?;
    app.looked_at(caller.actor(), || "quarantine".to_owned()).await?;
    Ok(HttpResponse::Ok().json(app.query.quarantine(place.after.as_ref(), place.limit).await?))
}

/// One of the customers' messages and events.
pub(super) async fn one_inbound(
    caller: Caller<CanRead>,
    fingerprint: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let nothing = || Problem::no_such_record(&fingerprint);
    let found = app.query.inbound_of(Fingerprint::from_hex(&fingerprint).ok_or_else(nothing)?).await?;
    let found = found.ok_or_else(nothing)?;
    app.looked_at(caller.actor(), || format!("inbound {fingerprint}")).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// One of the requests that nobody could understand.
pub(super) async fn one_quarantined(
    caller: Caller<CanRead>,
    fingerprint: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let nothing = || Problem::no_such_record(&fingerprint);
    let found = app.query.quarantine_of(Fingerprint::from_hex(&fingerprint).ok_or_else(nothing)?).await?;
    let found = found.ok_or_else(nothing)?;
    app.looked_at(caller.actor(), || format!("quarantine {fingerprint}")).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Reads everything in quarantine once more.
pub(super) async fn retry(caller: Caller<CanAdminister>, app: Data<App>) -> Result<HttpResponse, Problem> {
    let (store, zone, actor, clock) = (app.store.clone(), app.intake.zone, caller.actor().clone(), app.clock.clone());
    let report = detached(async move { maintenance::retry(&store, zone, &actor, &clock).await }).await?;
    Ok(HttpResponse::Ok().json(report))
}

/// These lists have pages, but no filters.
pub(super) fn place(pairs: &[(String, String)]) -> Result<ListRequest, Problem> {
    let request = ListRequest::parse(texts(pairs), &Cutoffs::default()).map_err(Problem::faulty)?;
    if request.filter == Filter::default() {
        return Ok(request);
    }
    let detail = "this list takes limit and cursor only".to_owned();
    Err(Problem::faulty(vec![FieldError { pointer: String::new(), detail }]))
}
