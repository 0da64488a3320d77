//! Cancels a message.

use receiptd_domain::{CorrelationId, Dispatch, Precedence, Status, Timestamp};

use super::{super::dialect::Connection, steps};
use crate::{
    Cancellation, Settlement, StorageError,
    rows::{Place, changes::RowChanges, outbox::StepRow},
};

/// Cancels a message if it waits. The caller must commit only if the result is `Cancelled`.
pub(super) async fn cancel(
    connection: &mut Connection,
    id: &CorrelationId,
    now: Timestamp,
    changes: &mut RowChanges,
) -> Result<Cancellation, StorageError> {
    // This locks the row: a claim of another instance happens completely before or after it.
    let cancelled =
        sql!("UPDATE outbox SET due_at = NULL WHERE correlation_id = $1 AND due_at IS NOT NULL", id.as_str());
    let waited = cancelled.execute(&mut *connection).await?.rows_affected() == 1;
    // This locks the message, for the same reason.
    let message = sql!(
        "UPDATE messages SET updated_at = updated_at WHERE correlation_id = $1 \
         RETURNING dispatch, status, precedence > $2 AS \"is_shown!: bool\"",
        id.as_str(),
        Precedence::DISPATCH_BYTES
    );
    let Some(message) = message.fetch_optional(&mut *connection).await? else { return Ok(Cancellation::Absent) };
    let at = Place { table: "messages", row: id.as_str() };
    let Some(dispatch) = message.dispatch else { return Ok(Cancellation::Observed) };
    let dispatch = at.read("dispatch", Dispatch::from_word(&dispatch))?;
    let status = at.read("status", Status::from_word(&message.status))?;
    Ok(match dispatch {
        _ if message.is_shown => Cancellation::TooLate(status),
        _ if waited => {
            let step = StepRow::of(id.to_string(), &Settlement::new(Dispatch::Cancelled, now));
            steps::take(connection, &[step], changes).await?;
            Cancellation::Cancelled
        }
        Dispatch::Cancelled => Cancellation::Already,
        _ => Cancellation::TooLate(status),
    })
}
