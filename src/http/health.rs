//! `/health/live`, `/health/ready` and `/metrics`.

use actix_web::{HttpResponse, web::Data};
use serde_json::json;

use super::{
    authority::{Caller, Read},
    problem::Problem,
    server::App,
};

/// The process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// The store can commit: something is committed to find out.
pub(super) async fn ready(app: Data<App>) -> Result<HttpResponse, Problem> {
    app.health.beat(app.clock.now()).await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}

/// The metrics, in the text format of Prometheus.
pub(super) async fn metrics(_: Caller<Read>, app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(app.metrics.render())
}
