//! Reads the status of many messages at once on SQLite.

use receiptd_domain::CorrelationId;

use super::{backend::Connection, json::json};
use crate::rows::MessageStatusRow;

/// The status columns of some messages.
pub(super) async fn message_statuses(
    connection: &mut Connection,
    ids: &[CorrelationId],
) -> Result<Vec<MessageStatusRow>, sqlx::Error> {
    let ids = json(ids.iter().map(CorrelationId::as_str));
    sql_as!(
        MessageStatusRow,
        "SELECT correlation_id, dispatch, transaction_id, status, precedence, is_final, failure, code, reason FROM messages \
         WHERE correlation_id IN (SELECT value FROM jsonb_each($1)) ORDER BY correlation_id",
        ids
    )
    .fetch_all(connection)
    .await
}
