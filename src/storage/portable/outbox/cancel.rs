//! Calls a message back.

use super::{Connection, dispatch, steps};
use crate::{
    domain::{CorrelationId, Dispatch, Timestamp},
    storage::{Cancellation, Settlement, StorageError, chain::Records, outgoing::StepRow},
};

/// Calls a message back, if it waits. To be committed only if it is `Cancelled`.
pub(super) async fn cancel(
    connection: &mut Connection,
    id: &CorrelationId,
    at: Timestamp,
    records: &mut Records,
) -> Result<Cancellation, StorageError> {
    // This also locks the row: a claim of another instance comes wholly before or after it.
    let called_back =
        sql!("UPDATE outbox SET due_at = NULL WHERE correlation_id = $1 AND due_at IS NOT NULL", id.as_str());
    let waited = called_back.execute(&mut *connection).await?.rows_affected() == 1;
    let Some(message) = dispatch::hold(connection, &[id.as_str()]).await?.pop() else {
        return Ok(Cancellation::Absent);
    };
    let Some(dispatch) = message.dispatch() else { return Ok(Cancellation::Observed) };
    if message.is_shown {
        return Ok(Cancellation::TooLate(message.status()?));
    }
    if waited {
        let step = StepRow::of(message.correlation_id, &Settlement::new(Dispatch::Cancelled, at));
        steps::take(connection, &[step], records).await?;
        return Ok(Cancellation::Cancelled);
    }
    Ok(match dispatch {
        Dispatch::Cancelled => Cancellation::Already,
        _ => Cancellation::TooLate(message.status()?),
    })
}
