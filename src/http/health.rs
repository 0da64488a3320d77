//! `/health/live`, `/health/ready` and `/metrics`.

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::{
    authority::{Caller, Metrics},
    problem::{Code, Problem},
    server::App,
};
use crate::send::Condition;

/// What is to be ready.
#[derive(Deserialize)]
pub(super) struct Readiness {
    of: Option<Part>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Part {
    /// Taking notifications: the store alone. For what stands in front of the notify URL, which is not to be cut off
    /// because something is wrong with sending.
    Notify,
}

/// The process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// The store can commit, in the time that a notification has: something is committed to find out, which may need less
/// room than a notification, so the last of those counts too. And, unless it is asked for notifications alone, the
/// platform does not refuse our credentials.
pub(super) async fn ready(
    app: Data<App>,
    readiness: Result<Query<Readiness>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let Ok(readiness) = readiness else {
        return Err(Problem::new(Code::InvalidRequest, "of: notify is the only part that can be asked for"));
    };
    if app.intake.committer.is_failing() {
        return Err(Problem::new(Code::Unavailable, "the last notifications could not be stored"));
    }
    let beat = timeout(app.answer_within, app.store.health.beat(app.clock.now())).await;
    beat.map_err(|_| Problem::new(Code::Unavailable, "the store did not commit in time"))??;
    let condition = app.sending.as_ref().map(|sending| *sending.borrow());
    if readiness.of.is_none() && condition == Some(Condition::CredentialsRefused) {
        return Err(Problem::new(
            Code::CredentialsRefused,
            "nothing is sent until that ends; renew the credentials of section webex, or have them unlocked at the \
             platform: it is tried again now and then. Notifications are taken as ever: see /health/ready?of=notify",
        ));
    }
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}

/// The metrics, in the text format of Prometheus.
pub(super) async fn metrics(_: Caller<Metrics>, app: Data<App>) -> HttpResponse {
    if let Some(certificate) = &app.certificate {
        app.metrics.certified(certificate.good_until());
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(app.metrics.render())
}
