//! `GET /v1/inbound` and `GET /v1/quarantine`: what came to the notify URL and is no notification.

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};

use super::{
    authority::{Caller, Read},
    problem::Problem,
    server::App,
};
use crate::domain::{Cutoffs, Fault, Filter, ListRequest};

/// Customers' own messages and events, newest first.
pub(super) async fn inbound(
    _: Caller<Read>,
    pairs: Query<Vec<(String, String)>>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let place = place(&pairs)?;
    Ok(HttpResponse::Ok().json(app.query.inbound(place.after.as_ref(), place.limit).await?))
}

/// Authentic requests that nobody could understand, newest first.
pub(super) async fn quarantine(
    _: Caller<Read>,
    pairs: Query<Vec<(String, String)>>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let place = place(&pairs)?;
    Ok(HttpResponse::Ok().json(app.query.quarantine(place.after.as_ref(), place.limit).await?))
}

/// These lists have pages, but no filters.
fn place(pairs: &[(String, String)]) -> Result<ListRequest, Problem> {
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = ListRequest::parse(pairs, &Cutoffs::default()).map_err(Problem::faulty)?;
    if request.filter == Filter::default() {
        return Ok(request);
    }
    let detail = "this list takes limit and cursor only".to_owned();
    Err(Problem::faulty(vec![Fault { pointer: String::new(), detail }]))
}
