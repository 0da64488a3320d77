//! Accepts submissions on SQLite.

use std::collections::BTreeSet;

use receiptd_domain::{Dispatch, Precedence, Timestamp};

use super::super::{backend::Connection, json::json, sql::statements::insert_messages};
use crate::rows::outbox::QueuedRow;

/// Inserts new messages, and returns which ones are new.
pub(crate) async fn insert_messages(
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
pub(crate) async fn insert_outbox(connection: &mut Connection, rows: &[&QueuedRow]) -> Result<(), sqlx::Error> {
    sql!(
        "INSERT INTO outbox (correlation_id, salt, channel, request, attempts, settled, counted, due_at, expire_at) \
         SELECT value ->> 'correlation_id', value ->> 'salt', value ->> 'channel', value ->> 'request', 0, 0, 0, value ->> 'due_at', \
         value ->> 'expire_at' FROM jsonb_each($1)",
        json(rows.iter())
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The earlier requests with these ids, by id.
pub(crate) async fn requests(connection: &mut Connection, ids: &[&str]) -> Result<Vec<(String, String)>, sqlx::Error> {
    let stored = sql!(
        "SELECT correlation_id, request FROM outbox WHERE correlation_id IN (SELECT value FROM jsonb_each($1))",
        json(ids.iter())
    );
    Ok(stored.fetch_all(connection).await?.into_iter().map(|row| (row.correlation_id, row.request)).collect())
}
