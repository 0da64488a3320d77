//! `/health/live`, `/health/ready` and `/metrics`.

use actix_web::{HttpResponse, web::Data};
use serde_json::json;
use tokio::time::timeout;

use super::{
    authority::{Caller, Read},
    problem::{Code, Problem},
    server::App,
};

/// The process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// The store can commit, in the time that a notification has: something is committed to find out.
pub(super) async fn ready(app: Data<App>) -> Result<HttpResponse, Problem> {
    let beat = timeout(app.answer_within, app.health.beat(app.clock.now())).await;
    beat.map_err(|_| Problem::new(Code::Unavailable, "the store did not commit in time"))??;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}

/// The metrics, in the text format of Prometheus.
pub(super) async fn metrics(_: Caller<Read>, app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(app.metrics.render())
}
