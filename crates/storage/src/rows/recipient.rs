//! Rows of `recipient_standings`.

use receiptd_domain::{Channel, CorrelationId, Failure, Precedence, RecipientKey, Standing, Status, TransactionId};
use serde::Serialize;

use super::place::transaction;

/// The standing of a message for one of its recipients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RecipientRow {
    pub(crate) correlation_id: String,
    pub(crate) recipient: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub(crate) severity: Vec<u8>,
    pub(crate) is_open: i64,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub(crate) precedence: Vec<u8>,
    pub(crate) status: String,
    pub(crate) failure: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) transaction_id: Option<String>,
}

impl RecipientRow {
    pub(crate) fn of(id: &CorrelationId, key: &RecipientKey, standing: &Standing) -> Self {
        Self {
            correlation_id: id.to_string(),
            recipient: key.as_str().to_owned(),
            severity: key.severity(standing),
            is_open: i64::from(key.keeps_open(standing)),
            precedence: standing.precedence.to_bytes(),
            status: standing.status.to_string(),
            failure: standing.failure.map(|failure| failure.as_str().to_owned()),
            code: standing.code.clone(),
            reason: standing.reason.clone(),
            channel: standing.channel.as_ref().map(Channel::to_string),
            transaction_id: standing.transaction_id.as_ref().map(TransactionId::to_string),
        }
    }

    pub(crate) fn key(&self) -> RecipientKey {
        RecipientKey::from_stored(&self.recipient)
    }

    /// The standing. `None` if no notification has decided it.
    pub(crate) fn standing(&self) -> Option<Standing> {
        Some(Standing {
            precedence: Precedence::from_bytes(&self.precedence)?,
            status: Status::from_word(&self.status)?,
            failure: self.failure.as_deref().and_then(Failure::from_word),
            code: self.code.clone(),
            reason: self.reason.clone(),
            channel: self.channel.as_deref().map(Channel::from_name),
            transaction_id: self.transaction_id.as_deref().and_then(transaction),
            // These values belong to the message.
            segments: None,
            callback_data: None,
        })
    }
}

/// A message whose notifications name several recipients.
pub(crate) struct SharedRow {
    pub(crate) correlation_id: String,
    pub(crate) is_sent: bool,
    /// Whether the standing of each recipient is stored.
    pub(crate) has_standings: bool,
}

/// A message with one of its recipients, or without any.
pub(crate) struct NamedRecipientRow {
    pub(crate) correlation_id: String,
    pub(crate) recipient: Option<String>,
}
