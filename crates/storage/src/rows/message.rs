//! Rows of `messages`.

use receiptd_domain::{Address, Channel, CorrelationId, Dispatch, Failure, Message, Status, Timestamp};

use super::place::{Place, transaction};
use crate::StorageError;

/// The values that are read from `messages`.
#[derive(sqlx::FromRow)]
pub(crate) struct MessageRow {
    pub(crate) correlation_id: String,
    pub(crate) dispatch: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) sender: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) status: String,
    pub(crate) status_at: i64,
    pub(crate) is_final: i64,
    pub(crate) failure: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) segments: Option<i64>,
    pub(crate) callback_data: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) other_recipients: i64,
    pub(crate) notification_count: i64,
}

impl MessageRow {
    pub(crate) fn message(self) -> Result<Message, StorageError> {
        let at = Place { table: "messages", row: &self.correlation_id };
        Ok(Message {
            transaction_id: at.read_opt("transaction_id", self.transaction_id.as_deref(), transaction)?,
            dispatch: at.read_opt("dispatch", self.dispatch.as_deref(), Dispatch::from_word)?,
            channel: self.channel.as_deref().map(Channel::from_name),
            sender: self.sender,
            recipient: self.recipient.as_deref().and_then(Address::new),
            other_recipients: self.other_recipients > 0,
            callback_data: self.callback_data,
            status: at.read("status", Status::from_word(&self.status))?,
            is_final: self.is_final != 0,
            failure: at.read_opt("failure", self.failure.as_deref(), Failure::from_word)?,
            code: self.code,
            reason: self.reason,
            segments: self.segments,
            status_at: (self.status_at != 0).then(|| Timestamp::from_micros(self.status_at)),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            notification_count: self.notification_count,
            correlation_id: at.read("correlation_id", CorrelationId::new(&self.correlation_id).ok())?,
        })
    }
}
