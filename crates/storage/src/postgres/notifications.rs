//! Reads the notifications of many messages at once on Postgres.

use receiptd_domain::{CorrelationId, Fingerprint};

use super::{arrays::texts, backend::Connection, sql::statements::slot_rows};
use crate::rows::{SlotRow, StoredBlockRow};

/// The notifications of some messages, by key.
pub(super) async fn slots_of(
    connection: &mut Connection,
    ids: &[CorrelationId],
    after: Option<&(CorrelationId, Fingerprint)>,
    most: i64,
) -> Result<Vec<SlotRow>, sqlx::Error> {
    let (id, fingerprint) = after.map_or(("", [].as_slice()), |(id, last)| (id.as_str(), last.as_bytes()));
    slot_rows!(
        "SELECT ",
        " FROM notifications WHERE correlation_id = ANY($1) \
         AND (correlation_id, fingerprint) > ($2, $3) ORDER BY correlation_id, fingerprint LIMIT $4",
        &texts(ids),
        id,
        fingerprint,
        most
    )
    .fetch_all(connection)
    .await
}

/// The latest block, locked. None if another transaction holds it.
pub(super) async fn latest_block(connection: &mut Connection) -> Result<Option<StoredBlockRow>, sqlx::Error> {
    sql_as!(
        StoredBlockRow,
        "SELECT id, size, payload FROM notification_blocks \
         WHERE id = (SELECT MAX(latest.id) FROM notification_blocks latest) FOR UPDATE SKIP LOCKED"
    )
    .fetch_optional(connection)
    .await
}

/// The blocks with these ids.
pub(super) async fn blocks(connection: &mut Connection, ids: &[i64]) -> Result<Vec<StoredBlockRow>, sqlx::Error> {
    sql_as!(StoredBlockRow, "SELECT id, size, payload FROM notification_blocks WHERE id = ANY($1)", ids)
        .fetch_all(connection)
        .await
}
