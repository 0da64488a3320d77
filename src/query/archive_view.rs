//! What came to the notify URL and is no notification, as the API and the command line show it.

use serde::{Deserialize, Serialize};

use crate::domain::{Address, Archived, Channel, Inbound, Unreadable};

/// A customer's own message or event.
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
    /// As text; bytes that are not UTF-8 are replaced, and `bodyBase64` has them.
    pub body: String,
    pub body_base64: Option<String>,
}

impl InboundView {
    pub(super) fn of(kept: &Archived<Inbound>) -> Self {
        Self {
            fingerprint: kept.fingerprint.to_string(),
            received_at: kept.received_at.to_string(),
            source: kept.source.as_str().to_owned(),
            times: kept.occurrences,
            channel: kept.what.channel.as_ref().map(Channel::to_string),
            event: kept.what.event.clone(),
            from: kept.what.sender.as_ref().map(Address::to_string),
            transaction_id: kept.what.transaction_id.clone(),
            body: String::from_utf8_lossy(&kept.body).into_owned(),
        }
    }
}

impl QuarantineView {
    pub(super) fn of(kept: &Archived<Unreadable>) -> Self {
        let base64 = || base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &kept.body);
        Self {
            fingerprint: kept.fingerprint.to_string(),
            received_at: kept.received_at.to_string(),
            source: kept.source.as_str().to_owned(),
            times: kept.occurrences,
            reason: kept.what.0.clone(),
            body: String::from_utf8_lossy(&kept.body).into_owned(),
            body_base64: str::from_utf8(&kept.body).is_err().then(base64),
        }
    }
}
