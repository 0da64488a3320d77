//! Batch statements of the outbox on Postgres. Several instances work on one outbox. They lock rows of `outbox` first,
//! then those of `transactions`, then those of `messages`, each in the order of the keys, as an append does. Rows that
//! another instance is about to take are skipped if any other row will do. An `ARRAY(…)` is evaluated once, and the
//! planner assumes that it is short, so its rows are looked up by key.

use std::collections::BTreeSet;

use receiptd_domain::{Channel, Dispatch, Precedence, Timestamp};

use super::{
    Connection,
    sql::{insert_messages, insert_steps, move_messages},
};
use crate::rows::{
    EventRow,
    outbox::{EndRow, HeldRow, LeasedRow, QueuedRow, StepRow},
};

/// Inserts new messages, and returns which ones are new.
pub(super) async fn insert_messages(
    connection: &mut Connection,
    rows: &[&QueuedRow],
    at: Timestamp,
) -> Result<BTreeSet<String>, sqlx::Error> {
    columns!(rows: correlation_id, channel, sender, recipient, callback_data);
    let inserted = insert_messages!(
        "SELECT q.correlation_id, $6::text, q.channel, q.sender, q.recipient, $6::text, $7::bytea, $8::bigint, 0, \
         q.callback_data, $8::bigint, $8::bigint \
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) \
             AS q (correlation_id, channel, sender, recipient, callback_data)",
        " RETURNING correlation_id",
        &correlation_id as _,
        &channel as _,
        &sender as _,
        &recipient as _,
        &callback_data as _,
        Dispatch::Queued.as_str(),
        Precedence::DISPATCH_BYTES,
        at.as_micros()
    );
    Ok(inserted.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Inserts new messages into the outbox.
pub(super) async fn insert_outbox(connection: &mut Connection, rows: &[&QueuedRow]) -> Result<(), sqlx::Error> {
    columns!(rows: correlation_id, channel, request, due_at, expire_at);
    sql!(
        "INSERT INTO outbox (correlation_id, channel, request, attempts, due_at, expire_at) \
         SELECT q.correlation_id, q.channel, q.request, 0, q.due_at, q.expire_at \
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) \
             AS q (correlation_id, channel, request, due_at, expire_at)",
        &correlation_id as _,
        &channel as _,
        &request as _,
        &due_at as _,
        &expire_at as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The earlier requests with these ids, by id.
pub(super) async fn requests(connection: &mut Connection, ids: &[&str]) -> Result<Vec<(String, String)>, sqlx::Error> {
    let stored = sql!("SELECT correlation_id, request FROM outbox WHERE correlation_id = ANY($1)", ids as _);
    Ok(stored.fetch_all(connection).await?.into_iter().map(|row| (row.correlation_id, row.request)).collect())
}

/// Leases submissions that are due.
pub(super) async fn lease(
    connection: &mut Connection,
    channel: &Channel,
    limit: i64,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<LeasedRow>, sqlx::Error> {
    sql_as!(
        LeasedRow,
        "UPDATE outbox SET due_at = NULL, lease_until = $1, attempts = attempts + 1 \
         WHERE correlation_id = ANY(ARRAY(SELECT correlation_id FROM outbox WHERE channel = $2 AND due_at <= $3 \
             ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)) \
         RETURNING correlation_id, request, attempts, counted, expire_at",
        lease_until.as_micros(),
        channel.as_str(),
        now.as_micros(),
        limit
    )
    .fetch_all(connection)
    .await
}

/// Ends attempts, and returns which ones no longer existed.
pub(super) async fn end_attempts(
    connection: &mut Connection,
    rows: &[EndRow],
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    columns!(rows: correlation_id, attempt, counts, retry_at);
    let ended = sql!(
        "WITH ended AS (SELECT o.correlation_id, attempt.counts, attempt.retry_at FROM outbox o \
             JOIN UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) \
             AS attempt (correlation_id, attempt, counts, retry_at) \
             ON o.correlation_id = attempt.correlation_id AND o.attempts = attempt.attempt \
             ORDER BY o.correlation_id FOR UPDATE OF o) \
         UPDATE outbox SET due_at = ended.retry_at, lease_until = NULL, counted = counted + ended.counts FROM ended \
         WHERE outbox.correlation_id = ended.correlation_id \
         RETURNING outbox.correlation_id, outbox.attempts",
        &correlation_id as _,
        &attempt as _,
        &counts as _,
        &retry_at as _
    );
    let ended = ended.fetch_all(connection).await?.into_iter();
    let ended: BTreeSet<(String, i64)> = ended.map(|row| (row.correlation_id, row.attempts)).collect();
    let wanted = rows.iter().map(|row| (row.correlation_id.clone(), row.attempt));
    Ok(wanted.filter(|attempt| !ended.contains(attempt)).collect())
}

/// Ends up to `limit` leases that are over. Messages that are queued again are due at `due_at`.
pub(super) async fn end_leases(
    connection: &mut Connection,
    now: Timestamp,
    due_at: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET lease_until = NULL, due_at = $1, counted = counted + 1 \
         WHERE correlation_id = ANY(ARRAY(SELECT correlation_id FROM outbox WHERE lease_until <= $2 \
             ORDER BY lease_until LIMIT $3 FOR UPDATE SKIP LOCKED)) \
         RETURNING correlation_id",
        due_at.map(Timestamp::as_micros),
        now.as_micros(),
        limit
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Ends up to `limit` waiting submissions that have expired.
pub(super) async fn end_waiting(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET due_at = NULL \
         WHERE correlation_id = ANY(ARRAY(SELECT correlation_id FROM outbox WHERE due_at IS NOT NULL \
             AND expire_at <= $1 ORDER BY expire_at LIMIT $2 FOR UPDATE SKIP LOCKED)) \
         RETURNING correlation_id",
        now.as_micros(),
        limit
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Closes submissions, so that they neither wait nor are leased. Their rows are locked already.
pub(super) async fn close(connection: &mut Connection, ids: &[String]) -> Result<(), sqlx::Error> {
    sql!("UPDATE outbox SET due_at = NULL, lease_until = NULL WHERE correlation_id = ANY($1)", ids)
        .execute(connection)
        .await?;
    Ok(())
}

/// The states of these messages: whether a notification shows that the platform has the message, and whether it was
/// cancelled. Locks the messages until the end of the transaction.
pub(super) async fn hold(connection: &mut Connection, ids: &[&str]) -> Result<Vec<HeldRow>, sqlx::Error> {
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
pub(super) async fn move_messages(connection: &mut Connection, steps: &[StepRow]) -> Result<(), sqlx::Error> {
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
pub(super) async fn insert_steps(connection: &mut Connection, steps: &[StepRow]) -> Result<Vec<EventRow>, sqlx::Error> {
    columns!(steps: correlation_id, at, dispatch, failure, code, reason, transaction_id);
    let stored = insert_steps!(
        "SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) \
         AS s (correlation_id, at, dispatch, failure, code, reason, transaction_id)",
        " RETURNING correlation_id, step, at, dispatch, failure, code, reason, transaction_id",
        &correlation_id as _,
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
            at: row.at,
            dispatch: row.dispatch,
            failure: row.failure,
            code: row.code,
            reason: row.reason,
            transaction_id: row.transaction_id,
        })
        .collect())
}
