//! `GET /v1/stats`: the number of messages of each kind.

use actix_web::{HttpResponse, web::Data};

use crate::{
    http::{
        extract::{auth::CanRead, caught_up::CaughtUp, filters::Filters, pairs::texts},
        problem::Problem,
        state::App,
    },
    query::CountRequest,
};

/// Counts by any of channel, status, code, sender, day and hour, over a time range.
pub(super) async fn stats(_: CaughtUp<CanRead>, pairs: Filters, app: Data<App>) -> Result<HttpResponse, Problem> {
    let request = CountRequest::parse(texts(&pairs)).map_err(Problem::faulty)?;
    Ok(HttpResponse::Ok().json(app.query.stats(&request).await?))
}
