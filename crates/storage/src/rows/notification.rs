//! Rows of `notifications`.

use receiptd_domain::{
    Address, BodySignature, Channel, CorrelationId, Event, Failure, Fingerprint, Notification, Reference, Source,
    StoredNotification, Timestamp, TransactionId,
};

use super::{
    block::{Record, Slot},
    place::{Place, transaction},
    salt::Salt,
};
use crate::StorageError;

/// A row of `notifications` with its content.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NotificationRow {
    pub(crate) correlation_id: String,
    pub(crate) fingerprint: Vec<u8>,
    /// Where the content is stored.
    pub(crate) slot: Slot,
    pub(crate) salt: Salt,
    pub(crate) received_at: i64,
    pub(crate) source: String,
    pub(crate) occurrences: i64,
    pub(crate) uncorrelated: i64,
    pub(crate) transaction_id: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) event: String,
    pub(crate) failure: Option<String>,
    pub(crate) status_text: String,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) event_at: Option<i64>,
    pub(crate) segments: Option<i64>,
    pub(crate) callback_data: Option<String>,
    pub(crate) body: Vec<u8>,
    /// Empty if the body came without a signature.
    pub(crate) signature: Vec<u8>,
}

/// What was parsed of a notification, as the block contains it: source, channel, recipient, event, failure, status text, code,
/// reason, detail, time of the event, segments, and callback data.
type Parsed = (
    String,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

impl NotificationRow {
    /// The row without its content.
    pub(crate) fn slot_row(&self) -> SlotRow {
        SlotRow {
            correlation_id: self.correlation_id.clone(),
            fingerprint: self.fingerprint.clone(),
            occurrences: self.occurrences,
            uncorrelated: self.uncorrelated,
            transaction_id: self.transaction_id.clone(),
            block: self.slot.block,
            position: self.slot.position,
        }
    }

    /// The content, as it is stored.
    pub(crate) fn record(&self) -> Record {
        let parsed = (
            &self.source,
            &self.channel,
            &self.recipient,
            &self.event,
            &self.failure,
            &self.status_text,
            &self.code,
            &self.reason,
            &self.detail,
            self.event_at,
            self.segments,
            &self.callback_data,
        );
        // Texts and numbers can always be written as JSON.
        let parsed = serde_json::to_vec(&parsed).unwrap_or_default();
        let (salt, received_at) = (self.salt, self.received_at);
        Record { salt, received_at, parsed, body: self.body.clone(), signature: self.signature.clone() }
    }

    /// The row with its content. `None` if receiptd never wrote this content.
    pub(crate) fn of_record(row: SlotRow, record: &Record, with_body: bool) -> Option<Self> {
        let parsed: Parsed = serde_json::from_slice(&record.parsed).ok()?;
        let (source, channel, recipient, event, failure, status_text, ..) = parsed;
        let (.., code, reason, detail, event_at, segments, callback_data) = parsed;
        Some(Self {
            slot: row.slot(),
            correlation_id: row.correlation_id,
            fingerprint: row.fingerprint,
            salt: record.salt,
            received_at: record.received_at,
            source,
            occurrences: row.occurrences,
            uncorrelated: row.uncorrelated,
            transaction_id: row.transaction_id,
            channel,
            recipient,
            event,
            failure,
            status_text,
            code,
            reason,
            detail,
            event_at,
            segments,
            callback_data,
            body: if with_body { record.body.clone() } else { Vec::new() },
            signature: if with_body { record.signature.clone() } else { Vec::new() },
        })
    }

    pub(crate) fn key(&self) -> (&str, &[u8]) {
        (&self.correlation_id, &self.fingerprint)
    }

    /// The row of a notification that belongs to the message `id`.
    pub(crate) fn of(id: &CorrelationId, stored: &StoredNotification, occurrences: i64) -> Self {
        let notification = &stored.notification;
        let failure = notification.event.failure();
        Self {
            correlation_id: id.as_str().to_owned(),
            fingerprint: stored.fingerprint.as_bytes().to_vec(),
            slot: Slot::default(),
            salt: rand::random(),
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
            signature: stored.signature.as_ref().map(|it| it.as_bytes().to_vec()).unwrap_or_default(),
        }
    }

    /// The notification with the id of its message.
    pub(crate) fn with_message(self) -> Result<(CorrelationId, StoredNotification), StorageError> {
        let at = Place { table: "notifications", row: &self.correlation_id };
        let id = at.read("correlation_id", CorrelationId::new(&self.correlation_id).ok())?;
        Ok((id, self.stored()?))
    }

    pub(crate) fn stored(self) -> Result<StoredNotification, StorageError> {
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
            signature: BodySignature::from_bytes(&self.signature),
        })
    }
}

/// A row of `notifications`.
#[derive(Clone)]
pub(crate) struct SlotRow {
    pub(crate) correlation_id: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) occurrences: i64,
    pub(crate) uncorrelated: i64,
    pub(crate) transaction_id: Option<String>,
    pub(crate) block: i64,
    pub(crate) position: i64,
}

impl SlotRow {
    pub(crate) fn key(&self) -> (&str, &[u8]) {
        (&self.correlation_id, &self.fingerprint)
    }

    pub(crate) fn slot(&self) -> Slot {
        Slot { block: self.block, position: self.position }
    }
}
