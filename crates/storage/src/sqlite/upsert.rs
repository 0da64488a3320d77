//! Inserts notifications on SQLite.
//!
//! sqlx passes every row of a result from another thread, which costs more than storing the row. So the usual case
//! returns nothing. There is only one writer, so unusual rows are read before they are changed.

use receiptd_domain::ERASED_BODY;

use serde::Serialize;

use super::{backend::Connection, json::json, sql::statements::insert_notifications};
use crate::rows::{NotificationRow, RepeatedRow};

/// A row with the place of its body among all bodies. They are passed as one blob, since JSON would need them as text.
#[derive(Serialize)]
struct RowWithBody<'a> {
    #[serde(flatten)]
    row: &'a NotificationRow,
    /// Starts at 1.
    body_from: usize,
    body_length: usize,
}

/// Inserts notifications. A notification that exists already is counted. Returns these as they were before.
pub(super) async fn insert_notifications(
    connection: &mut Connection,
    rows: &[NotificationRow],
) -> Result<Vec<RepeatedRow>, sqlx::Error> {
    // Only the keys: with the bodies, the array would take long to parse.
    let keys = json(rows.iter().map(|row| (&row.correlation_id, hex::encode(&row.fingerprint))));
    let known = sql_as!(
        RepeatedRow,
        "SELECT n.correlation_id, n.fingerprint, n.uncorrelated, n.segments, n.callback_data, n.body = $2 AS \"is_erased!: bool\" \
         FROM jsonb_each($1) AS row CROSS JOIN notifications n \
         WHERE n.correlation_id = row.value ->> 0 AND n.fingerprint = unhex(row.value ->> 1)",
        keys,
        ERASED_BODY
    );
    let known = known.fetch_all(&mut *connection).await?;
    let bodies = rows.iter().map(|row| row.body.as_slice()).collect::<Vec<_>>().concat();
    let mut body_from = 1;
    let rows = json(rows.iter().map(|row| {
        let (from, body_length) = (body_from, row.body.len());
        body_from += body_length;
        RowWithBody { row, body_from: from, body_length }
    }));
    insert_notifications!(
        "",
        "SELECT value ->> 'correlation_id', unhex(value ->> 'fingerprint'), value ->> 'received_at', value ->> 'source', \
         value ->> 'occurrences', value ->> 'uncorrelated', value ->> 'transaction_id', value ->> 'channel', \
         value ->> 'recipient', value ->> 'event', value ->> 'failure', value ->> 'status_text', value ->> 'code', \
         value ->> 'reason', value ->> 'detail', value ->> 'event_at', value ->> 'segments', value ->> 'callback_data', \
         COALESCE(substr($2, value ->> 'body_from', value ->> 'body_length'), x'') FROM jsonb_each($1) WHERE true",
        "",
        rows,
        bodies
    )
    .execute(connection)
    .await?;
    Ok(known)
}
