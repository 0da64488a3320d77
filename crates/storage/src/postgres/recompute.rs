//! Reads the status of many messages at once on Postgres.

use receiptd_domain::CorrelationId;

use super::{arrays::texts, backend::Connection};
use crate::rows::MessageStatusRow;

/// The status columns of some messages.
pub(super) async fn message_statuses(
    connection: &mut Connection,
    ids: &[CorrelationId],
) -> Result<Vec<MessageStatusRow>, sqlx::Error> {
    sql_as!(
        MessageStatusRow,
        "SELECT correlation_id, dispatch, transaction_id, status, precedence, is_final, failure, code, reason FROM messages \
         WHERE correlation_id = ANY($1) ORDER BY correlation_id",
        &texts(ids)
    )
    .fetch_all(connection)
    .await
}
