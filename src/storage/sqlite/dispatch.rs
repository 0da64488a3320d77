//! Batches of the outbox as SQLite takes them. There is one writer, so nothing needs to be locked.

use std::collections::BTreeSet;

use super::{
    Connection,
    append::json,
    portable::{insert_messages, insert_steps, move_messages},
};
use crate::{
    domain::{Channel, Dispatch, Precedence, Timestamp},
    storage::{
        chain::EventRow,
        outgoing::{EndRow, HeldRow, LeasedRow, QueuedRow, StepRow},
    },
};

/// Takes messages over that are new, and returns which ones those are.
pub(super) async fn insert_messages(
    connection: &mut Connection,
    rows: &[&QueuedRow],
    at: Timestamp,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let inserted = insert_messages!(
        "SELECT value ->> 'correlation_id', $2, value ->> 'channel', value ->> 'sender', value ->> 'recipient', $2, \
         $3, $4, 0, value ->> 'callback_data', $4, $4 FROM jsonb_each($1) WHERE true",
        json(rows.iter()),
        Dispatch::Queued.as_str(),
        Precedence::DISPATCH,
        at.as_micros()
    );
    Ok(inserted.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Puts new messages into the outbox.
pub(super) async fn insert_outbox(connection: &mut Connection, rows: &[&QueuedRow]) -> Result<(), sqlx::Error> {
    sql!(
        "INSERT INTO outbox (correlation_id, channel, request, attempts, due_at, expire_at) \
         SELECT value ->> 'correlation_id', value ->> 'channel', value ->> 'request', 0, value ->> 'due_at', \
         value ->> 'expire_at' FROM jsonb_each($1)",
        json(rows.iter())
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What was asked for under these ids before, by id.
pub(super) async fn requests(connection: &mut Connection, ids: &[&str]) -> Result<Vec<(String, String)>, sqlx::Error> {
    let stored = sql!(
        "SELECT correlation_id, request FROM outbox WHERE correlation_id IN (SELECT value FROM jsonb_each($1))",
        json(ids.iter())
    );
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
         WHERE correlation_id IN (SELECT correlation_id FROM outbox WHERE channel = $2 AND due_at <= $3 \
             ORDER BY due_at LIMIT $4) \
         RETURNING correlation_id, request, attempts, expire_at",
        lease_until.as_micros(),
        channel.as_str(),
        now.as_micros(),
        limit
    )
    .fetch_all(connection)
    .await
}

/// Ends attempts, and returns which ones were there to be ended.
pub(super) async fn end_attempts(
    connection: &mut Connection,
    rows: &[EndRow],
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET due_at = attempt.value ->> 'retry_at', lease_until = NULL FROM jsonb_each($1) AS attempt \
         WHERE outbox.correlation_id = attempt.value ->> 'correlation_id' \
         AND outbox.attempts = attempt.value ->> 'attempt' \
         RETURNING outbox.correlation_id AS \"correlation_id!\", outbox.attempts AS \"attempts!\"",
        json(rows.iter())
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| (row.correlation_id, row.attempts)).collect())
}

/// Ends up to `limit` leases that are over; what was leased is due again at `due_at`, if at all.
pub(super) async fn end_leases(
    connection: &mut Connection,
    now: Timestamp,
    due_at: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET lease_until = NULL, due_at = $1 WHERE correlation_id IN (SELECT correlation_id FROM outbox \
             WHERE lease_until <= $2 ORDER BY lease_until LIMIT $3) \
         RETURNING correlation_id",
        due_at.map(Timestamp::as_micros),
        now.as_micros(),
        limit
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Ends the waiting of up to `limit` submissions whose time ran out.
pub(super) async fn end_waiting(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET due_at = NULL WHERE correlation_id IN (SELECT correlation_id FROM outbox \
             WHERE due_at IS NOT NULL AND expire_at <= $1 ORDER BY expire_at LIMIT $2) \
         RETURNING correlation_id",
        now.as_micros(),
        limit
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Takes submissions out of the outbox's hands: neither waiting nor leased.
pub(super) async fn close(connection: &mut Connection, ids: &[String]) -> Result<(), sqlx::Error> {
    sql!(
        "UPDATE outbox SET due_at = NULL, lease_until = NULL \
         WHERE correlation_id IN (SELECT value FROM jsonb_each($1))",
        json(ids.iter())
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is known of these messages.
pub(super) async fn hold(connection: &mut Connection, ids: &[&str]) -> Result<Vec<HeldRow>, sqlx::Error> {
    sql_as!(
        HeldRow,
        "SELECT correlation_id, dispatch, status, precedence > $2 AS \"is_shown!: bool\" FROM messages \
         WHERE correlation_id IN (SELECT value FROM jsonb_each($1))",
        json(ids.iter()),
        Precedence::DISPATCH
    )
    .fetch_all(connection)
    .await
}

/// Moves messages to where our dispatch stands.
pub(super) async fn move_messages(connection: &mut Connection, steps: &[StepRow]) -> Result<(), sqlx::Error> {
    move_messages!(
        "SELECT value ->> 'correlation_id' AS correlation_id, value ->> 'at' AS at, value ->> 'dispatch' AS dispatch, \
         value ->> 'is_final' AS is_final, value ->> 'failure' AS failure, value ->> 'code' AS code, \
         value ->> 'reason' AS reason, value ->> 'transaction_id' AS transaction_id FROM jsonb_each($2)",
        Precedence::DISPATCH,
        json(steps.iter())
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes steps down, and returns them as they are stored.
pub(super) async fn insert_steps(connection: &mut Connection, steps: &[StepRow]) -> Result<Vec<EventRow>, sqlx::Error> {
    insert_steps!(
        "SELECT value ->> 'correlation_id' AS correlation_id, value ->> 'at' AS at, value ->> 'dispatch' AS dispatch, \
         value ->> 'failure' AS failure, value ->> 'code' AS code, value ->> 'reason' AS reason, \
         value ->> 'transaction_id' AS transaction_id FROM jsonb_each($1)",
        json(steps.iter())
    )
    .fetch_all(connection)
    .await
}
