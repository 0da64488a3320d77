//! `/health/live` and `/health/ready`.

mod probe;

pub(crate) use probe::Probe;

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use serde::Deserialize;
use serde_json::json;

use probe::Finding;

use crate::{
    http::{
        problem::{Code, Problem},
        state::App,
    },
    send::{DispatchHealth, Trouble},
};

/// The part that has to be ready.
#[derive(Deserialize)]
pub(super) struct Readiness {
    of: Option<Part>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Part {
    /// The intake of notifications, which needs only the store. This is for a load balancer in front of the notify URL,
    /// which must not close it because sending does not work.
    Notify,
}

/// Shows that the process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// Checks that the store can commit within the time that a notification has. Either recent notifications have shown it,
/// or something is committed to find out. That commit may need less disk space than a notification, so a failure of the
/// last notifications counts in any case. Unless only notifications are asked for, also checks that messages can be
/// sent.
pub(super) async fn ready(
    app: Data<App>,
    probe: Data<Probe>,
    readiness: Result<Query<Readiness>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let Ok(readiness) = readiness else {
        return Err(Problem::new(Code::InvalidRequest, "of: the only allowed value is notify"));
    };
    app.store.health.check_files()?;
    if app.intake.committer.is_failing() {
        return Err(Problem::new(Code::Unavailable, "the last notifications could not be stored"));
    }
    match probe.into_inner().ask().await {
        Finding::Ready => {}
        Finding::Failing => return Err(Problem::new(Code::Unavailable, "the store cannot commit; see the log")),
        Finding::Late => return Err(Problem::new(Code::Unavailable, "the store did not commit in time")),
    }
    if readiness.of.is_none()
        && let Some(problem) = app.dispatch_health.as_ref().and_then(|health| stopped(&health.borrow()))
    {
        return Err(problem);
    }
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}

/// Returns why nothing is sent; `None` while messages are sent.
fn stopped(health: &DispatchHealth) -> Option<Problem> {
    let DispatchHealth::Stopped { trouble, reason, since } = health else { return None };
    let code = match trouble {
        Trouble::CredentialsRejected => Code::CredentialsRefused,
        Trouble::Unreachable => Code::PlatformUnreachable,
        Trouble::UnexpectedAnswers => Code::UnexpectedAnswers,
    };
    let advice = trouble.advice();
    Some(Problem::new(
        code,
        format!(
            "Nothing has been sent since {since} ({reason}). {advice} One message at a time is tried. Notifications are \
             still accepted: see /health/ready?of=notify."
        ),
    ))
}
