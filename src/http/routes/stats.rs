//! `GET /v1/stats`: the number of messages of each kind.

use actix_web::{HttpResponse, web::Data};

use crate::{
    domain::StatsRequest,
    http::{
        extract::{
            auth::CanRead,
            caught_up::CaughtUp,
            pairs::{Pairs, texts},
        },
        problem::Problem,
        state::App,
    },
};

/// Counts by any of channel, status, code, day and hour, over a time range.
pub(super) async fn stats(_: CaughtUp<CanRead>, pairs: Pairs, app: Data<App>) -> Result<HttpResponse, Problem> {
    let request = StatsRequest::parse(texts(&pairs)).map_err(Problem::faulty)?;
    Ok(HttpResponse::Ok().json(app.query.stats(&request).await?))
}
