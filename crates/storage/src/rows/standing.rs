//! What a batch writes to `messages`.

use receiptd_domain::{Channel, CorrelationId, Outcome, Timestamp, TransactionId};
use serde::Serialize;

/// The values that a batch writes to `messages`.
#[derive(Serialize)]
pub(crate) struct StandingRow {
    pub(crate) correlation_id: String,
    pub(crate) channel: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) status: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub(crate) precedence: Vec<u8>,
    pub(crate) status_at: i64,
    pub(crate) is_final: i64,
    pub(crate) failure: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) segments: Option<i64>,
    pub(crate) callback_data: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl StandingRow {
    pub(crate) fn of(id: &CorrelationId, outcome: &Outcome, recipient: Option<&String>, at: [Timestamp; 2]) -> Self {
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
            created_at: at[0].as_micros(),
            updated_at: at[1].as_micros(),
        }
    }
}
