//! `GET /v1/overview`: what happens at the moment, and what needs attention.

use actix_web::{HttpResponse, web::Data};
use serde::Serialize;

use crate::{
    domain::{FieldError, ListRequest},
    http::{
        extract::{
            auth::CanRead,
            caught_up::CaughtUp,
            pairs::{Pairs, texts},
        },
        problem::Problem,
        state::App,
    },
    query::{OverviewHours, OverviewView},
    send::DispatchHealth,
};

/// The overview of the messages, and how the installation is.
#[derive(Serialize)]
pub(crate) struct Glance {
    #[serde(flatten)]
    pub(crate) overview: OverviewView,
    pub(crate) installation: Installation,
}

/// How the installation is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Installation {
    /// By how many seconds the answers lack what was acknowledged.
    pub(crate) behind_seconds: u64,
    /// Why nothing is sent; `None` while messages are sent, or if there is no platform to send to.
    pub(crate) sending_stopped: Option<Stopped>,
    /// Whether there is a platform to send to.
    pub(crate) can_send: bool,
    /// Since when the message is due that has waited longest to be sent; `None` if none waits.
    pub(crate) unsent_since: Option<String>,
    /// When the certificate of the server ends; `None` without one.
    pub(crate) certificate_ends_at: Option<String>,
}

/// Why nothing is sent.
#[derive(Serialize)]
pub(crate) struct Stopped {
    pub(crate) since: String,
    pub(crate) reason: String,
    /// What to do.
    pub(crate) advice: &'static str,
}

/// Returns the overview.
pub(super) async fn overview(caller: CaughtUp<CanRead>, pairs: Pairs, app: Data<App>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(glance(&caller, hours(texts(&pairs))?, &app).await?))
}

/// Reads the period from the parameters.
pub(crate) fn hours<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<OverviewHours, Problem> {
    let (mut hours, mut errors) = (OverviewHours::default(), Vec::new());
    for (name, value) in pairs {
        let read = match name {
            "hours" => OverviewHours::read(value).map(|read| hours = read),
            _ => Err("is not a parameter; the only parameter is hours".to_owned()),
        };
        errors.extend(read.err().map(|detail| FieldError { pointer: format!("/{name}"), detail }));
    }
    if errors.is_empty() { Ok(hours) } else { Err(Problem::faulty(errors)) }
}

/// Looks at everything.
pub(crate) async fn glance(caller: &CaughtUp<CanRead>, hours: OverviewHours, app: &App) -> Result<Glance, Problem> {
    let overdue = ListRequest::parse([("overdue", "true")], &app.query.cutoffs()).map_err(Problem::faulty)?;
    let now = app.clock.now();
    let due = app.store.outbox.next_due().await?.into_iter().map(|(_, due)| due).filter(|due| *due <= now).min();
    let health = app.dispatch_health.as_ref().map(|health| health.borrow().clone());
    let installation = Installation {
        behind_seconds: caller.behind().map_or(0, |behind| behind.as_secs().max(1)),
        can_send: health.is_some(),
        sending_stopped: health.and_then(|health| match health {
            DispatchHealth::Working => None,
            DispatchHealth::Stopped { trouble, reason, since } => {
                Some(Stopped { since: since.to_string(), reason, advice: trouble.advice() })
            }
        }),
        unsent_since: due.map(|due| due.to_string()),
        certificate_ends_at: app.certificate.as_ref().map(|certificate| certificate.good_until().to_string()),
    };
    Ok(Glance { overview: app.overview.look(hours, overdue.filter).await?, installation })
}
