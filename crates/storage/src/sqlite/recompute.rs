//! Reads the status of many messages at once on SQLite.

use receiptd_domain::CorrelationId;

use super::{backend::Connection, json::json};
use crate::rows::{MessageStatusRow, NamedRecipientRow};

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

/// The recipients of those messages that follow from stored rows, that is, which are not attested. Each has at least one row,
/// without a recipient if the message has none.
pub(super) async fn recipients_of(
    connection: &mut Connection,
    ids: &[CorrelationId],
) -> Result<Vec<NamedRecipientRow>, sqlx::Error> {
    let ids = json(ids.iter().map(CorrelationId::as_str));
    sql_as!(
        NamedRecipientRow,
        "SELECT m.correlation_id AS \"correlation_id!\", m.recipient FROM messages m WHERE m.correlation_id IN (SELECT value FROM jsonb_each($1)) \
         AND NOT EXISTS (SELECT 1 FROM attestations a \
             WHERE a.correlation_id = m.correlation_id AND a.transaction_id = '') \
         UNION ALL \
         SELECT r.correlation_id, r.recipient FROM recipients r WHERE r.correlation_id IN (SELECT value FROM jsonb_each($1)) \
         AND NOT EXISTS (SELECT 1 FROM attestations a \
             WHERE a.correlation_id = r.correlation_id AND a.transaction_id = '')",
        ids
    )
    .fetch_all(connection)
    .await
}
