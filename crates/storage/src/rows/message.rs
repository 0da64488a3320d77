//! Rows of `messages`.

use receiptd_domain::{Address, Channel, CorrelationId, Dispatch, Failure, Message, Status, Timestamp};

use super::{
    full_message::FullMessageRow,
    place::{Place, transaction},
};
use crate::StorageError;

/// A message as lists and look-ups read it.
#[derive(sqlx::FromRow)]
pub(crate) struct MessageRow {
    #[sqlx(flatten)]
    row: FullMessageRow,
    other_recipients: i64,
    notification_count: i64,
}

impl MessageRow {
    pub(crate) fn message(self) -> Result<Message, StorageError> {
        let Self { row, other_recipients, notification_count } = self;
        let at = Place { table: "messages", row: &row.correlation_id };
        Ok(Message {
            transaction_id: at.read_opt("transaction_id", row.transaction_id.as_deref(), transaction)?,
            dispatch: at.read_opt("dispatch", row.dispatch.as_deref(), Dispatch::from_word)?,
            channel: row.channel.as_deref().map(Channel::from_name),
            sender: row.sender,
            recipient: row.recipient.as_deref().and_then(Address::new),
            other_recipients: other_recipients > 0,
            callback_data: row.callback_data,
            status: at.read("status", Status::from_word(&row.status))?,
            is_final: row.is_final != 0,
            failure: at.read_opt("failure", row.failure.as_deref(), Failure::from_word)?,
            code: row.code,
            reason: row.reason,
            segments: row.segments,
            status_at: (row.status_at != 0).then(|| Timestamp::from_micros(row.status_at)),
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
            notification_count,
            correlation_id: at.read("correlation_id", CorrelationId::new(&row.correlation_id).ok())?,
        })
    }
}
