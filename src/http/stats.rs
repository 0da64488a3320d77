//! `GET /v1/stats`: how many messages there are of each kind.

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};

use super::{
    authority::{Caller, Read},
    problem::Problem,
    server::App,
};
use crate::domain::TallyRequest;

/// Counts by any of channel, status, code, day and hour, over a time range.
pub(super) async fn stats(
    _: Caller<Read>,
    pairs: Query<Vec<(String, String)>>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = TallyRequest::parse(pairs).map_err(Problem::faulty)?;
    Ok(HttpResponse::Ok().json(app.query.tally(&request).await?))
}
