//! `POST /v1/messages/again`: sends again what all messages of a filter said, each as a new message.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    bulk::{filter, lines, progress, request},
    search::filters,
};
use crate::{
    config::Scope,
    domain::{Actor, AuditAction, Message},
    http::{
        extract::{auth::CanSend, caught_up::CaughtUp, pairs::texts},
        problem::Problem,
        state::{App, Closing},
    },
    send::{Act, BulkAgain, BulkAgainError, BulkAgainParts, SendError},
};

const ADVICE: &str =
    "send {\"filter\": {\"status\": \"failed\"}, \"dryRun\": true} as JSON, and then its act with a reason";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    filter: Value,
    act: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    even_twice: bool,
    #[serde(default)]
    dry_run: bool,
}

/// Sends the messages again, or says what that would do.
pub(super) async fn again(
    caller: CaughtUp<CanSend>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
    closing: Data<Closing>,
) -> Result<HttpResponse, Problem> {
    let request: Request = request(&head, payload, ADVICE).await?;
    let pairs = filters(&request.filter).map_err(|problem| problem.below("/filter"))?;
    let pairs: Vec<_> = texts(&pairs).collect();
    let act = match (&request.act, request.dry_run) {
        (None, true) => Act::plan(app.clock.now()),
        (act, _) => planned(act.as_deref().unwrap_or_default())?,
    };
    let bulk = bulk_again(caller.actor(), &pairs, act, request.even_twice, &app);
    let bulk = bulk.map_err(|problem| problem.below("/filter"))?;
    if request.dry_run {
        // Otherwise a token that only sends could learn who gets which messages, and leave no trace.
        caller.must(Scope::Read)?;
        return Ok(HttpResponse::Ok().json(bulk.preview().await?));
    }
    record(caller.actor(), &pairs, act, request.reason.as_deref().unwrap_or_default(), &app).await?;
    Ok(lines(progress(bulk, closing)))
}

/// Reads the act that a preview has planned.
pub(crate) fn planned(text: &str) -> Result<Act, Problem> {
    Act::parse(text).ok_or_else(|| Problem::faulty_field("/act", "must be the act of a preview: ask for one first"))
}

/// Reads the filter.
pub(crate) fn bulk_again(
    actor: &Actor,
    pairs: &[(&str, &str)],
    act: Act,
    even_twice: bool,
    app: &App,
) -> Result<BulkAgain, Problem> {
    let query = app.query.clone();
    let parts = BulkAgainParts {
        messages: app.store.messages.clone(),
        submissions: app.store.submissions.clone(),
        sender: app.sender.clone(),
        actor: actor.clone(),
        judge: Box::new(move |message: &Message| query.resend(message)),
    };
    BulkAgain::new(parts, filter(pairs, app)?, act, even_twice, app.clock.now())
        .map_err(|error| Problem::faulty(vec![error]))
}

/// Records who sends which messages again, and why. Nothing begins without a platform to send to, nor if the act would be about
/// the messages that it sends itself.
pub(crate) async fn record(
    actor: &Actor,
    pairs: &[(&str, &str)],
    act: Act,
    reason: &str,
    app: &App,
) -> Result<(), Problem> {
    if !app.sender.is_configured() {
        return Err(SendError::NotConfigured.into());
    }
    if act.is_ahead_of(app.clock.now()) {
        return Err(Problem::faulty_field("/act", "was planned in the future: ask for a preview again"));
    }
    super::bulk::record(actor, AuditAction::Sent, &format!("again, act {act}: "), pairs, reason, app).await
}

impl From<BulkAgainError> for Problem {
    fn from(error: BulkAgainError) -> Self {
        match error {
            BulkAgainError::Store(error) => error.into(),
            BulkAgainError::Send(error) => error.into(),
        }
    }
}
