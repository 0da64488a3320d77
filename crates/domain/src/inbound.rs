//! What comes to the notify URL and is no delivery notification.

use super::{Address, Channel, Fingerprint, Source, Timestamp};

/// A customer's own message or event, which the platform may post to the same URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The channel it names.
    pub channel: Option<Channel>,
    /// What it is: `MO` for a message, else as the platform calls it.
    pub event: String,
    /// The customer.
    pub sender: Option<Address>,
    /// The platform's id of the transaction (`tid`).
    pub transaction_id: Option<String>,
}

/// Something that is kept whole beside the notifications, once however often it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived<T> {
    /// What is known about it.
    pub what: T,
    /// Of the body.
    pub fingerprint: Fingerprint,
    /// When it first came, by our clock.
    pub received_at: Timestamp,
    /// How it came.
    pub source: Source,
    /// How often it came.
    pub occurrences: i64,
    /// As it was posted.
    pub body: Vec<u8>,
}

impl<T> Archived<T> {
    /// Something that has just come for the first time.
    pub fn now(what: T, body: Vec<u8>, source: Source, received_at: Timestamp) -> Self {
        Self { what, fingerprint: Fingerprint::of_body(&body), received_at, source, occurrences: 1, body }
    }
}

/// Why nobody could understand an authentic request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);
