//! `GET /metrics`: the metrics, for Prometheus.

use actix_web::{HttpResponse, web::Data};

use crate::http::{
    extract::auth::{Caller, CanReadMetrics},
    state::App,
};

/// Returns the metrics in the text format of Prometheus.
pub(super) async fn metrics(_: Caller<CanReadMetrics>, app: Data<App>) -> HttpResponse {
    if let Some(certificate) = &app.certificate {
        app.metrics.certified(certificate.good_until());
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(app.metrics.render())
}
