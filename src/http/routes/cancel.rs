//! `POST /v1/messages/{correlationId}/cancel`: cancels a message that is not yet being dispatched.

use actix_web::{HttpResponse, web::Data};

use crate::{
    domain::{Actor, CorrelationId},
    http::{
        extract::{auth::CanSend, caught_up::CaughtUp, message_id::MessageId},
        problem::{Code, Problem},
        state::App,
    },
    query::MessageView,
    storage::Cancellation,
};

/// Cancels the message. To cancel it again has the same result.
pub(super) async fn cancel(
    caller: CaughtUp<CanSend>,
    MessageId(id): MessageId,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(cancelled(caller.actor(), &id, &app).await?))
}

/// Cancels the message, and returns it.
pub(crate) async fn cancelled(actor: &Actor, id: &CorrelationId, app: &App) -> Result<MessageView, Problem> {
    // It is looked up before it is cancelled, so that the answer does not depend on a look-up afterwards.
    let before = app.query.message(id).await?.ok_or_else(|| Problem::no_such_message(id.as_str()))?;
    match app.sender.cancel(actor, id).await? {
        Cancellation::Cancelled | Cancellation::Already => {}
        Cancellation::TooLate(status) => {
            let detail = format!("the message is {status}; only one that is still queued here can be cancelled");
            return Err(Problem::new(Code::TooLate, detail));
        }
        Cancellation::Observed => {
            let detail = "another system sent the message; cancel it there";
            return Err(Problem::new(Code::NotOurs, detail));
        }
        Cancellation::Absent => return Err(Problem::no_such_message(id.as_str())),
    }
    let message = match app.query.message(id).await {
        Ok(message) => message,
        Err(error) => {
            tracing::warn!(error = crate::observe::causes(&error), "a cancelled message could not be looked up");
            None
        }
    };
    Ok(message.unwrap_or_else(|| before.cancelled(app.clock.now())))
}
