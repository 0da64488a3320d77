//! Rows, and their conversion into types of the domain.

mod archived;
mod message_status;
mod recipient;
mod status_event;

use serde::Serialize;

pub(super) use archived::{InboundRow, QuarantineRow};
pub(super) use message_status::{KeyRow, MessageStatusRow};
pub(super) use recipient::{RecipientRow, SharedRow};
pub(super) use status_event::StatusEventRow;

use receiptd_domain::{
    Address, Channel, CorrelationId, Dispatch, DispatchEvent, Event, Failure, Fingerprint, Message, Notification,
    Outcome, Reference, Source, Status, StoredNotification, Timestamp, TransactionId,
};

use super::StorageError;

/// Converts a stored value into its type. On failure, the error names the table, the column and the row.
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a str,
}

impl Place<'_> {
    pub(super) fn read<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StorageError> {
        value.ok_or_else(|| StorageError::Corrupt { table: self.table, column, row: self.row.to_owned() })
    }

    fn read_opt<T>(
        &self,
        column: &'static str,
        text: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StorageError> {
        text.map(|text| self.read(column, parse(text))).transpose()
    }
}

fn transaction(text: &str) -> Option<TransactionId> {
    TransactionId::new(text).ok()
}

/// The values that a batch writes to `messages`.
#[derive(Serialize)]
pub(super) struct StandingRow {
    pub(super) correlation_id: String,
    pub(super) channel: Option<String>,
    pub(super) recipient: Option<String>,
    pub(super) transaction_id: Option<String>,
    pub(super) status: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub(super) precedence: Vec<u8>,
    pub(super) status_at: i64,
    pub(super) is_final: i64,
    pub(super) failure: Option<String>,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) segments: Option<i64>,
    pub(super) callback_data: Option<String>,
    pub(super) at: i64,
}

impl StandingRow {
    pub(super) fn of(id: &CorrelationId, outcome: &Outcome, recipient: Option<&String>, at: Timestamp) -> Self {
        let standing = &outcome.standing;
        Self {
            correlation_id: id.as_str().to_owned(),
            channel: standing.channel.as_ref().map(Channel::to_string),
            recipient: recipient.cloned(),
            transaction_id: standing.transaction_id.as_ref().map(TransactionId::to_string),
            status: standing.status.to_string(),
            precedence: outcome.precedence(),
            status_at: standing.precedence.at.as_micros(),
            is_final: i64::from(outcome.is_final),
            failure: standing.failure.map(|failure| failure.as_str().to_owned()),
            code: standing.code.clone(),
            reason: standing.reason.clone(),
            segments: standing.segments,
            callback_data: standing.callback_data.clone(),
            at: at.as_micros(),
        }
    }
}

/// The values that are read from `messages`.
#[derive(sqlx::FromRow)]
pub(super) struct MessageRow {
    pub(super) correlation_id: String,
    pub(super) dispatch: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) sender: Option<String>,
    pub(super) recipient: Option<String>,
    pub(super) transaction_id: Option<String>,
    pub(super) status: String,
    pub(super) status_at: i64,
    pub(super) is_final: i64,
    pub(super) failure: Option<String>,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) segments: Option<i64>,
    pub(super) callback_data: Option<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) other_recipients: i64,
    pub(super) notification_count: i64,
}

impl MessageRow {
    pub(super) fn message(self) -> Result<Message, StorageError> {
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

#[derive(Clone, PartialEq, Eq, Serialize)]
pub(super) struct NotificationRow {
    pub(super) correlation_id: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub(super) fingerprint: Vec<u8>,
    pub(super) received_at: i64,
    pub(super) source: String,
    pub(super) occurrences: i64,
    pub(super) uncorrelated: i64,
    pub(super) transaction_id: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) recipient: Option<String>,
    pub(super) event: String,
    pub(super) failure: Option<String>,
    pub(super) status_text: String,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) event_at: Option<i64>,
    pub(super) segments: Option<i64>,
    pub(super) callback_data: Option<String>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub(super) body: Vec<u8>,
}

impl NotificationRow {
    /// The row of a notification that belongs to the message `id`.
    pub(super) fn of(id: &CorrelationId, stored: &StoredNotification, occurrences: i64) -> Self {
        let notification = &stored.notification;
        let failure = notification.event.failure();
        Self {
            correlation_id: id.as_str().to_owned(),
            fingerprint: stored.fingerprint.as_bytes().to_vec(),
            received_at: stored.received_at.as_micros(),
            source: stored.source.as_str().to_owned(),
            occurrences,
            uncorrelated: i64::from(matches!(notification.reference, Reference::Transaction(_))),
            transaction_id: notification.reference.transaction_id().map(TransactionId::to_string),
            channel: notification.channel.as_ref().map(Channel::to_string),
            recipient: notification.recipient.as_ref().map(Address::to_string),
            event: notification.event.as_str().to_owned(),
            failure: failure.map(|failure| failure.as_str().to_owned()),
            status_text: notification.status_text.clone(),
            code: notification.code.clone(),
            reason: notification.reason.clone(),
            detail: notification.detail.clone(),
            event_at: notification.at.map(Timestamp::as_micros),
            segments: notification.segments,
            callback_data: notification.callback_data.clone(),
            body: stored.body.clone(),
        }
    }

    /// The notification with the id of its message.
    pub(super) fn with_message(self) -> Result<(CorrelationId, StoredNotification), StorageError> {
        let at = Place { table: "notifications", row: &self.correlation_id };
        let id = at.read("correlation_id", CorrelationId::new(&self.correlation_id).ok())?;
        Ok((id, self.stored()?))
    }

    pub(super) fn stored(self) -> Result<StoredNotification, StorageError> {
        let at = Place { table: "notifications", row: &self.correlation_id };
        let transaction_id = at.read_opt("transaction_id", self.transaction_id.as_deref(), transaction)?;
        let reference = if self.uncorrelated == 0 {
            let id = at.read("correlation_id", CorrelationId::new(&self.correlation_id).ok())?;
            Reference::Correlated(id, transaction_id)
        } else {
            Reference::Transaction(at.read("transaction_id", transaction_id)?)
        };
        let failure = at.read_opt("failure", self.failure.as_deref(), Failure::from_word)?;
        Ok(StoredNotification {
            notification: Notification {
                reference,
                channel: self.channel.as_deref().map(Channel::from_name),
                recipient: self.recipient.as_deref().and_then(Address::new),
                event: at.read("event", Event::from_word(&self.event, failure))?,
                status_text: self.status_text,
                code: self.code,
                reason: self.reason,
                detail: self.detail,
                at: self.event_at.map(Timestamp::from_micros),
                segments: self.segments,
                callback_data: self.callback_data,
            },
            fingerprint: at.read("fingerprint", Fingerprint::from_bytes(&self.fingerprint))?,
            received_at: Timestamp::from_micros(self.received_at),
            source: at.read("source", Source::from_word(&self.source))?,
            occurrences: self.occurrences,
            body: self.body,
        })
    }
}

pub(super) struct DispatchRow {
    pub(super) correlation_id: String,
    pub(super) at: i64,
    pub(super) dispatch: String,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) transaction_id: Option<String>,
}

impl DispatchRow {
    pub(super) fn event(self) -> Result<DispatchEvent, StorageError> {
        let at = Place { table: "dispatch_events", row: &self.correlation_id };
        Ok(DispatchEvent {
            at: Timestamp::from_micros(self.at),
            dispatch: at.read("dispatch", Dispatch::from_word(&self.dispatch))?,
            code: self.code,
            reason: self.reason,
            transaction_id: at.read_opt("transaction_id", self.transaction_id.as_deref(), transaction)?,
        })
    }
}
