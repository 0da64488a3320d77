//! The columns of each kind of row: their names, which are those of the API, and their values.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::domain::{
    Address, Archived, AuditEntry, Channel, CorrelationId, Failure, Inbound, Message, StoredNotification, Timestamp,
    TransactionId, Unreadable,
};

/// A column of rows of the type `T`.
pub(super) type Column<T> = (&'static str, fn(&T) -> Value);

/// A notification with its message.
pub(super) type NotificationRow = (CorrelationId, StoredNotification);

pub(super) const MESSAGES: &[Column<Message>] = &[
    ("correlationId", |message| message.correlation_id.as_str().into()),
    ("transactionId", |message| message.transaction_id.as_ref().map(TransactionId::as_str).into()),
    ("origin", |message| message.origin().as_str().into()),
    ("channel", |message| message.channel.as_ref().map(Channel::as_str).into()),
    ("from", |message| message.sender.as_deref().into()),
    ("to", |message| message.recipient.as_ref().map(Address::as_str).into()),
    ("callbackData", |message| message.callback_data.as_deref().into()),
    ("status", |message| message.status.as_str().into()),
    ("final", |message| message.is_final.into()),
    ("failure", |message| message.failure.map(Failure::as_str).into()),
    ("code", |message| message.code.as_deref().into()),
    ("reason", |message| message.reason.as_deref().into()),
    ("segments", |message| message.segments.into()),
    ("createdAt", |message| message.created_at.to_string().into()),
    ("updatedAt", |message| message.updated_at.to_string().into()),
    ("statusAt", |message| time(message.status_at)),
    ("notificationCount", |message| message.notification_count.into()),
];

pub(super) const NOTIFICATIONS: &[Column<NotificationRow>] = &[
    ("correlationId", |(id, _)| id.as_str().into()),
    ("at", |(_, recorded)| time(recorded.notification.at)),
    ("receivedAt", |(_, recorded)| recorded.received_at.to_string().into()),
    ("status", |(_, recorded)| recorded.notification.event.status().as_str().into()),
    ("statusText", |(_, recorded)| recorded.notification.status_text.as_str().into()),
    ("failure", |(_, recorded)| recorded.notification.event.failure().map(Failure::as_str).into()),
    ("code", |(_, recorded)| recorded.notification.code.as_deref().into()),
    ("reason", |(_, recorded)| recorded.notification.reason.as_deref().into()),
    ("detail", |(_, recorded)| recorded.notification.detail.as_deref().into()),
    ("channel", |(_, recorded)| recorded.notification.channel.as_ref().map(Channel::as_str).into()),
    ("to", |(_, recorded)| recorded.notification.recipient.as_ref().map(Address::as_str).into()),
    ("transactionId", |(_, recorded)| {
        recorded.notification.reference.transaction_id().map(TransactionId::as_str).into()
    }),
    ("segments", |(_, recorded)| recorded.notification.segments.into()),
    ("callbackData", |(_, recorded)| recorded.notification.callback_data.as_deref().into()),
    ("source", |(_, recorded)| recorded.source.as_str().into()),
    ("times", |(_, recorded)| recorded.occurrences.into()),
    ("fingerprint", |(_, recorded)| recorded.fingerprint.to_string().into()),
    // The body was read as JSON, so it is text.
    ("body", |(_, recorded)| String::from_utf8_lossy(&recorded.body).into()),
];

pub(super) const INBOUND: &[Column<Archived<Inbound>>] = &[
    ("fingerprint", |archived| archived.fingerprint.to_string().into()),
    ("receivedAt", |archived| archived.received_at.to_string().into()),
    ("source", |archived| archived.source.as_str().into()),
    ("times", |archived| archived.occurrences.into()),
    ("channel", |archived| archived.what.channel.as_ref().map(Channel::as_str).into()),
    ("event", |archived| archived.what.event.as_str().into()),
    ("from", |archived| archived.what.sender.as_ref().map(Address::as_str).into()),
    ("transactionId", |archived| archived.what.transaction_id.as_deref().into()),
    ("body", |archived| String::from_utf8_lossy(&archived.body).into()),
];

pub(super) const QUARANTINE: &[Column<Archived<Unreadable>>] = &[
    ("fingerprint", |archived| archived.fingerprint.to_string().into()),
    ("receivedAt", |archived| archived.received_at.to_string().into()),
    ("source", |archived| archived.source.as_str().into()),
    ("times", |archived| archived.occurrences.into()),
    ("reason", |archived| archived.what.0.as_str().into()),
    ("body", |archived| String::from_utf8_lossy(&archived.body).into()),
    ("bodyBase64", |archived| {
        str::from_utf8(&archived.body).is_err().then(|| BASE64_STANDARD.encode(&archived.body)).into()
    }),
];

pub(super) const AUDIT: &[Column<AuditEntry>] = &[
    ("at", |entry| entry.at.to_string().into()),
    ("actor", |entry| entry.actor.as_str().into()),
    ("osUser", |entry| entry.actor.os_user().into()),
    ("action", |entry| entry.action.as_str().into()),
    ("count", |entry| entry.count.into()),
    ("details", |entry| entry.details.as_deref().into()),
];

fn time(at: Option<Timestamp>) -> Value {
    at.map(|at| at.to_string()).into()
}
