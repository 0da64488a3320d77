//! Requests to the notify URL that are not notifications, as the API and the command line show them.

use serde::{Deserialize, Serialize};

use crate::domain::{Address, Archived, Channel, Inbound, Unreadable};

/// A message or an event of a customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundView {
    pub fingerprint: String,
    pub received_at: String,
    pub source: String,
    pub times: i64,
    pub channel: Option<String>,
    pub event: String,
    pub from: Option<String>,
    pub transaction_id: Option<String>,
    pub body: String,
}

/// An authentic request that could not be understood.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineView {
    pub fingerprint: String,
    pub received_at: String,
    pub source: String,
    pub times: i64,
    pub reason: String,
    /// The body as text. If bytes that are not UTF-8 were replaced, `bodyBase64` contains the original.
    pub body: String,
    pub body_base64: Option<String>,
}

impl InboundView {
    pub(super) fn of(archived: &Archived<Inbound>) -> Self {
        Self {
            fingerprint: archived.fingerprint.to_string(),
            received_at: archived.received_at.to_string(),
            source: archived.source.as_str().to_owned(),
            times: archived.occurrences,
            channel: archived.what.channel.as_ref().map(Channel::to_string),
            event: archived.what.event.clone(),
            from: archived.what.sender.as_ref().map(Address::to_string),
            transaction_id: archived.what.transaction_id.clone(),
            body: String::from_utf8_lossy(&archived.body).into_owned(),
        }
    }
}

impl QuarantineView {
    pub(super) fn of(archived: &Archived<Unreadable>) -> Self {
        let base64 = || base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &archived.body);
        Self {
            fingerprint: archived.fingerprint.to_string(),
            received_at: archived.received_at.to_string(),
            source: archived.source.as_str().to_owned(),
            times: archived.occurrences,
            reason: archived.what.0.clone(),
            body: String::from_utf8_lossy(&archived.body).into_owned(),
            body_base64: str::from_utf8(&archived.body).is_err().then(base64),
        }
    }
}
