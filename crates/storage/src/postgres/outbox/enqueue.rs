//! Accepts submissions on Postgres.

use std::collections::BTreeSet;

use receiptd_domain::{Dispatch, Precedence, Timestamp};

use super::super::{arrays::columns, backend::Connection, sql::statements::insert_messages};
use crate::rows::outbox::QueuedRow;

/// Inserts new messages, and returns which ones are new.
pub(crate) async fn insert_messages(
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
pub(crate) async fn insert_outbox(connection: &mut Connection, rows: &[&QueuedRow]) -> Result<(), sqlx::Error> {
    columns!(rows: correlation_id, salt, channel, request, due_at, expire_at);
    sql!(
        "INSERT INTO outbox (correlation_id, salt, channel, request, attempts, settled, counted, due_at, expire_at) \
         SELECT q.correlation_id, q.salt, q.channel, q.request, 0, 0, 0, q.due_at, q.expire_at \
         FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) \
             AS q (correlation_id, salt, channel, request, due_at, expire_at)",
        &correlation_id as _,
        &salt as _,
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
pub(crate) async fn requests(connection: &mut Connection, ids: &[&str]) -> Result<Vec<(String, String)>, sqlx::Error> {
    let stored = sql!("SELECT correlation_id, request FROM outbox WHERE correlation_id = ANY($1)", ids as _);
    Ok(stored.fetch_all(connection).await?.into_iter().map(|row| (row.correlation_id, row.request)).collect())
}
