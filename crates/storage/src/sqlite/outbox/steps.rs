//! Dispatch steps on SQLite.

use receiptd_domain::Precedence;

use super::super::{
    backend::Connection,
    json::{json, rows},
    sql::statements::{insert_steps, move_messages},
};
use crate::rows::{
    EventRow,
    outbox::{HeldRow, StepRow},
};

/// The states of these messages: whether a notification shows that the platform has the message, and whether it was
/// cancelled.
pub(crate) async fn hold(connection: &mut Connection, ids: &[&str]) -> Result<Vec<HeldRow>, sqlx::Error> {
    sql_as!(
        HeldRow,
        "SELECT correlation_id, dispatch, precedence > $2 AS \"is_shown!: bool\" FROM messages \
         WHERE correlation_id IN (SELECT value FROM jsonb_each($1)) \
         AND (precedence > $2 OR dispatch IN ('cancelled', 'expired'))",
        json(ids.iter()),
        Precedence::DISPATCH_BYTES
    )
    .fetch_all(connection)
    .await
}

/// Sets the status of messages to the state of our dispatch.
pub(crate) async fn move_messages(connection: &mut Connection, steps: &[StepRow]) -> Result<(), sqlx::Error> {
    move_messages!(
        "SELECT value ->> 'correlation_id' AS correlation_id, value ->> 'at' AS at, value ->> 'dispatch' AS dispatch, \
         value ->> 'is_final' AS is_final, value ->> 'failure' AS failure, value ->> 'code' AS code, \
         value ->> 'reason' AS reason, value ->> 'transaction_id' AS transaction_id FROM jsonb_each($2)",
        Precedence::DISPATCH_BYTES,
        json(steps.iter())
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts steps, and returns them as they are stored.
pub(crate) async fn insert_steps(connection: &mut Connection, steps: &[StepRow]) -> Result<Vec<EventRow>, sqlx::Error> {
    let steps = json(steps.iter());
    insert_steps!(
        "SELECT value ->> 'correlation_id' AS correlation_id, value ->> 'salt' AS salt, value ->> 'at' AS at, \
         value ->> 'dispatch' AS dispatch, value ->> 'failure' AS failure, value ->> 'code' AS code, value ->> 'reason' AS reason, \
         value ->> 'transaction_id' AS transaction_id FROM jsonb_each($1)",
        "",
        steps
    )
    .execute(&mut *connection)
    .await?;
    let stored = sql!(
        "SELECT json_group_array(json_array(e.correlation_id, e.step, e.salt, e.at, e.dispatch, e.failure, e.code, e.reason, \
         e.transaction_id, e.attempts, e.settled, e.counted, e.due_at, e.lease_until)) AS \"rows!: String\" FROM jsonb_each($1) AS row \
         CROSS JOIN dispatch_events e WHERE e.correlation_id = row.value ->> 'correlation_id' \
         AND e.step = (SELECT MAX(last.step) FROM dispatch_events last WHERE last.correlation_id = e.correlation_id)",
        steps
    );
    rows(&stored.fetch_one(connection).await?.rows)
}

/// Closes submissions, so that they neither wait nor are leased.
pub(crate) async fn close_submissions(connection: &mut Connection, ids: &[String]) -> Result<(), sqlx::Error> {
    sql!(
        "UPDATE outbox SET due_at = NULL, lease_until = NULL \
         WHERE correlation_id IN (SELECT value FROM jsonb_each($1))",
        json(ids.iter())
    )
    .execute(connection)
    .await?;
    Ok(())
}
