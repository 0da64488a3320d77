//! Inserts notifications on SQLite.
//!
//! sqlx passes every row of a result from another thread, which costs more than storing the row. So the usual case
//! returns nothing. There is only one writer, so unusual rows are read before they are changed.

use super::{
    backend::Connection,
    json::json,
    sql::statements::{insert_notifications, slot_rows},
};
use crate::rows::{NotificationRow, SlotRow};

/// Those of these notifications that are stored already.
pub(super) async fn known_notifications(
    connection: &mut Connection,
    keys: impl Iterator<Item = (&str, &[u8])>,
) -> Result<Vec<SlotRow>, sqlx::Error> {
    let keys = json(keys.map(|(id, fingerprint)| (id, hex::encode(fingerprint))));
    slot_rows!(
        "SELECT ",
        " FROM jsonb_each($1) AS wanted CROSS JOIN notifications \
         WHERE correlation_id = wanted.value ->> 0 AND fingerprint = unhex(wanted.value ->> 1)",
        keys
    )
    .fetch_all(connection)
    .await
}

/// Inserts notifications. A notification that exists already is counted. Returns these: `known`.
pub(super) async fn insert_notifications(
    connection: &mut Connection,
    rows: &[NotificationRow],
    known: Vec<SlotRow>,
) -> Result<Vec<SlotRow>, sqlx::Error> {
    let rows = json(rows.iter().map(|row| {
        let (id, fingerprint, slot) = (&row.correlation_id, hex::encode(&row.fingerprint), row.slot);
        (id, fingerprint, row.occurrences, row.uncorrelated, &row.transaction_id, slot.block, slot.position)
    }));
    insert_notifications!(
        "",
        "SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
         FROM jsonb_each($1) WHERE true",
        "",
        rows
    )
    .execute(connection)
    .await?;
    Ok(known)
}
