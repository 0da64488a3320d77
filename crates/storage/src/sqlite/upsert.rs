//! Inserts notifications on SQLite.
//!
//! sqlx passes every row of a result from another thread, which costs more than storing the row. So the usual case
//! returns nothing. There is only one writer, so unusual rows are read before they are changed.

use receiptd_domain::ERASED_BODY;

use super::{backend::Connection, json::json, sql::statements::insert_notifications};
use crate::rows::{NotificationRow, RepeatedRow};

/// Inserts notifications. A notification that exists already is counted. Returns these as they were before.
pub(super) async fn insert_notifications(
    connection: &mut Connection,
    rows: &[NotificationRow],
) -> Result<Vec<RepeatedRow>, sqlx::Error> {
    // Only the keys: with the bodies, the array would take long to parse.
    let keys = json(rows.iter().map(|row| (&row.correlation_id, hex::encode(&row.fingerprint))));
    let known = sql_as!(
        RepeatedRow,
        "SELECT n.correlation_id, n.fingerprint, n.uncorrelated, n.body = $2 AS \"is_erased!: bool\" \
         FROM jsonb_each($1) AS row CROSS JOIN notifications n \
         WHERE n.correlation_id = row.value ->> 0 AND n.fingerprint = unhex(row.value ->> 1)",
        keys,
        ERASED_BODY
    );
    let known = known.fetch_all(&mut *connection).await?;
    let rows = json(rows.iter());
    insert_notifications!(
        "",
        "SELECT value ->> 'correlation_id', unhex(value ->> 'fingerprint'), value ->> 'received_at', value ->> 'source', \
         value ->> 'occurrences', value ->> 'uncorrelated', value ->> 'transaction_id', value ->> 'channel', \
         value ->> 'recipient', value ->> 'event', value ->> 'failure', value ->> 'status_text', value ->> 'code', \
         value ->> 'reason', value ->> 'detail', value ->> 'event_at', value ->> 'segments', value ->> 'callback_data', \
         unhex(value ->> 'body') FROM jsonb_each($1) WHERE true",
        "",
        rows
    )
    .execute(connection)
    .await?;
    Ok(known)
}
