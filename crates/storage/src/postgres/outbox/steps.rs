//! Dispatch steps on Postgres.

use receiptd_domain::Precedence;

use super::super::{
    arrays::columns,
    backend::Connection,
    sql::statements::{insert_steps, move_messages},
};
use crate::rows::{
    EventRow,
    outbox::{HeldRow, StepRow},
};

/// The states of these messages: whether a notification shows that the platform has the message, and whether it was
/// cancelled. Locks the messages until the end of the transaction.
pub(crate) async fn hold(connection: &mut Connection, ids: &[&str]) -> Result<Vec<HeldRow>, sqlx::Error> {
    sql_as!(
        HeldRow,
        "WITH held AS (SELECT correlation_id, dispatch, precedence > $2 AS is_shown FROM messages \
             WHERE correlation_id = ANY($1) ORDER BY correlation_id FOR UPDATE) \
         SELECT correlation_id, dispatch, is_shown AS \"is_shown!\" FROM held \
         WHERE is_shown OR dispatch IN ('cancelled', 'expired')",
        ids as _,
        Precedence::DISPATCH_BYTES
    )
    .fetch_all(connection)
    .await
}

/// Sets the status of messages to the state of our dispatch. Their rows are locked already.
pub(crate) async fn move_messages(connection: &mut Connection, steps: &[StepRow]) -> Result<(), sqlx::Error> {
    columns!(steps: correlation_id, at, dispatch, is_final, failure, code, reason, transaction_id);
    move_messages!(
        "SELECT * FROM UNNEST($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], \
         $9::text[]) AS s (correlation_id, at, dispatch, is_final, failure, code, reason, transaction_id)",
        Precedence::DISPATCH_BYTES,
        &correlation_id as _,
        &at as _,
        &dispatch as _,
        &is_final as _,
        &failure as _,
        &code as _,
        &reason as _,
        &transaction_id as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts steps, and returns them as they are stored.
pub(crate) async fn insert_steps(connection: &mut Connection, steps: &[StepRow]) -> Result<Vec<EventRow>, sqlx::Error> {
    columns!(steps: correlation_id, salt, at, dispatch, failure, code, reason, transaction_id);
    let stored = insert_steps!(
        "SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], \
         $8::text[]) AS s (correlation_id, salt, at, dispatch, failure, code, reason, transaction_id)",
        " RETURNING correlation_id, step, salt, at, dispatch, failure, code, reason, transaction_id, attempts, settled, counted, \
         due_at, lease_until",
        &correlation_id as _,
        &salt as _,
        &at as _,
        &dispatch as _,
        &failure as _,
        &code as _,
        &reason as _,
        &transaction_id as _
    );
    let stored = stored.fetch_all(connection).await?.into_iter();
    Ok(stored
        .map(|row| EventRow {
            correlation_id: row.correlation_id,
            step: row.step,
            salt: row.salt,
            at: row.at,
            dispatch: row.dispatch,
            failure: row.failure,
            code: row.code,
            reason: row.reason,
            transaction_id: row.transaction_id,
            attempts: row.attempts,
            settled: row.settled,
            counted: row.counted,
            due_at: row.due_at,
            lease_until: row.lease_until,
        })
        .collect())
}

/// Closes submissions, so that they neither wait nor are leased. Their rows are locked already.
pub(crate) async fn close_submissions(connection: &mut Connection, ids: &[String]) -> Result<(), sqlx::Error> {
    sql!("UPDATE outbox SET due_at = NULL, lease_until = NULL WHERE correlation_id = ANY($1)", ids)
        .execute(connection)
        .await?;
    Ok(())
}
