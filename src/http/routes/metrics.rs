//! `GET /metrics`: the metrics, for Prometheus.

use std::time::Duration;

use actix_web::{HttpResponse, web::Data};
use tokio::time::timeout;

use crate::{
    domain::Verification,
    http::{
        extract::auth::{Caller, CanReadMetrics},
        state::App,
    },
};

/// How long the store may take. If it does not answer, the other metrics are needed all the more.
const PATIENCE: Duration = Duration::from_secs(1);

/// Returns the metrics in the text format of Prometheus.
pub(super) async fn metrics(_: Caller<CanReadMetrics>, app: Data<App>) -> HttpResponse {
    if let Some(certificate) = &app.certificate {
        app.metrics.certified(certificate.good_until());
    }
    // Any instance, or the command line, may have verified the store.
    if let Ok(Ok(Some(last))) = timeout(PATIENCE, app.store.glance.last_verification()).await {
        let result = last.details.as_deref().and_then(Verification::parse);
        app.metrics.verified(last.at, matches!(result, Some(Verification::Sound { .. })));
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(app.metrics.render())
}
