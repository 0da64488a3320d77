//! Batch statements of the outbox on SQLite. There is one writer, so no row needs to be locked.

use std::collections::BTreeSet;

use receiptd_domain::{Channel, Dispatch, Precedence, Timestamp};
use serde::de::DeserializeOwned;

use super::{
    Connection,
    append::json,
    sql::{insert_messages, insert_steps, move_messages},
};
use crate::rows::{
    EventRow,
    outbox::{EndRow, HeldRow, LeasedRow, QueuedRow, StepRow},
};

/// Rows that are returned as one JSON array.
fn rows<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Inserts new messages, and returns which ones are new.
pub(super) async fn insert_messages(
    connection: &mut Connection,
    rows: &[&QueuedRow],
    at: Timestamp,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let ids = rows.iter().map(|row| row.correlation_id.as_str());
    let known = sql!(
        "SELECT correlation_id FROM messages WHERE correlation_id IN (SELECT value FROM jsonb_each($1))",
        json(ids)
    );
    let known = known.fetch_all(&mut *connection).await?;
    insert_messages!(
        "SELECT value ->> 'correlation_id', $2, value ->> 'channel', value ->> 'sender', value ->> 'recipient', $2, \
         $3, $4, 0, value ->> 'callback_data', $4, $4 FROM jsonb_each($1) WHERE true",
        "",
        json(rows.iter()),
        Dispatch::Queued.as_str(),
        Precedence::DISPATCH_BYTES,
        at.as_micros()
    )
    .execute(connection)
    .await?;
    let mut new: BTreeSet<String> = rows.iter().map(|row| row.correlation_id.clone()).collect();
    for row in known {
        new.remove(&row.correlation_id);
    }
    Ok(new)
}

/// Inserts new messages into the outbox.
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

/// The earlier requests with these ids, by id.
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
    let due = sql!(
        "SELECT json_group_array(json_array(correlation_id, request, attempts + 1, counted, expire_at)) AS \"rows!: String\" \
         FROM (SELECT correlation_id, request, attempts, counted, expire_at FROM outbox WHERE channel = $1 AND due_at <= $2 \
             ORDER BY due_at LIMIT $3)",
        channel.as_str(),
        now.as_micros(),
        limit
    );
    let due: Vec<LeasedRow> = rows(&due.fetch_one(&mut *connection).await?.rows)?;
    if !due.is_empty() {
        sql!(
            "UPDATE outbox SET due_at = NULL, lease_until = $1, attempts = attempts + 1 \
             WHERE correlation_id IN (SELECT value FROM jsonb_each($2))",
            lease_until.as_micros(),
            json(due.iter().map(|row| row.correlation_id.as_str()))
        )
        .execute(connection)
        .await?;
    }
    Ok(due)
}

/// Ends attempts, and returns which ones no longer existed.
pub(super) async fn end_attempts(
    connection: &mut Connection,
    rows: &[EndRow],
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = json(rows.iter());
    let missing = sql!(
        "SELECT attempt.value ->> 'correlation_id' AS \"correlation_id!: String\", \
         attempt.value ->> 'attempt' AS \"attempt!: i64\" FROM jsonb_each($1) AS attempt \
         LEFT JOIN outbox ON outbox.correlation_id = attempt.value ->> 'correlation_id' \
         WHERE outbox.attempts IS NOT attempt.value ->> 'attempt'",
        rows
    );
    let missing = missing.fetch_all(&mut *connection).await?;
    sql!(
        "UPDATE outbox SET due_at = attempt.value ->> 'retry_at', lease_until = NULL, \
         counted = counted + (attempt.value ->> 'counts') FROM jsonb_each($1) AS attempt \
         WHERE outbox.correlation_id = attempt.value ->> 'correlation_id' \
         AND outbox.attempts = attempt.value ->> 'attempt'",
        rows
    )
    .execute(connection)
    .await?;
    Ok(missing.into_iter().map(|row| (row.correlation_id, row.attempt)).collect())
}

/// Ends up to `limit` leases that are over. Messages that are queued again are due at `due_at`.
pub(super) async fn end_leases(
    connection: &mut Connection,
    now: Timestamp,
    due_at: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET lease_until = NULL, due_at = $1, counted = counted + 1 WHERE correlation_id IN (SELECT correlation_id FROM outbox \
             WHERE lease_until <= $2 ORDER BY lease_until LIMIT $3) \
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
        "UPDATE outbox SET due_at = NULL WHERE correlation_id IN (SELECT correlation_id FROM outbox \
             WHERE due_at IS NOT NULL AND expire_at <= $1 ORDER BY expire_at LIMIT $2) \
         RETURNING correlation_id",
        now.as_micros(),
        limit
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}

/// Closes submissions, so that they neither wait nor are leased.
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

/// The states of these messages: whether a notification shows that the platform has the message, and whether it was
/// cancelled.
pub(super) async fn hold(connection: &mut Connection, ids: &[&str]) -> Result<Vec<HeldRow>, sqlx::Error> {
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
pub(super) async fn move_messages(connection: &mut Connection, steps: &[StepRow]) -> Result<(), sqlx::Error> {
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
pub(super) async fn insert_steps(connection: &mut Connection, steps: &[StepRow]) -> Result<Vec<EventRow>, sqlx::Error> {
    let steps = json(steps.iter());
    insert_steps!(
        "SELECT value ->> 'correlation_id' AS correlation_id, value ->> 'at' AS at, value ->> 'dispatch' AS dispatch, \
         value ->> 'failure' AS failure, value ->> 'code' AS code, value ->> 'reason' AS reason, \
         value ->> 'transaction_id' AS transaction_id FROM jsonb_each($1)",
        "",
        steps
    )
    .execute(&mut *connection)
    .await?;
    let stored = sql!(
        "SELECT json_group_array(json_array(e.correlation_id, e.step, e.at, e.dispatch, e.failure, e.code, e.reason, \
         e.transaction_id)) AS \"rows!: String\" FROM jsonb_each($1) AS row \
         CROSS JOIN dispatch_events e WHERE e.correlation_id = row.value ->> 'correlation_id' \
         AND e.step = (SELECT MAX(last.step) FROM dispatch_events last WHERE last.correlation_id = e.correlation_id)",
        steps
    );
    rows(&stored.fetch_one(connection).await?.rows)
}
