//! Requests to the notify URL that are not delivery notifications.

use super::{Address, BodySignature, Channel, Fingerprint, Source, Timestamp};

/// A message or event that an end user sent to the tenant. The platform may post it to the same URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    pub channel: Option<Channel>,
    /// The kind of event: `MO` for a message, otherwise the platform's name for it.
    pub event: String,
    pub sender: Option<Address>,
    /// The platform's id of the transaction (`tid`).
    pub transaction_id: Option<String>,
}

/// A body that is stored whole beside the notifications. A body that arrives again is stored once and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived<T> {
    /// What is known about the body.
    pub what: T,
    /// The fingerprint of the body.
    pub fingerprint: Fingerprint,
    /// When it first arrived, by the clock of receiptd.
    pub received_at: Timestamp,
    /// How it arrived.
    pub source: Source,
    /// How often it arrived.
    pub occurrences: i64,
    /// The body as it was posted.
    pub body: Vec<u8>,
    /// The platform's signature of the body, if it came with one.
    pub signature: Option<BodySignature>,
}

impl<T> Archived<T> {
    /// The body as it is stored at its first arrival.
    pub fn first_arrival(what: T, body: Vec<u8>, source: Source, received_at: Timestamp) -> Self {
        Self {
            what,
            fingerprint: Fingerprint::of_body(&body),
            received_at,
            source,
            occurrences: 1,
            body,
            signature: None,
        }
    }
}

/// Why an authenticated request could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);
