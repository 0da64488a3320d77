//! The status columns of a message, to compare them with its notifications.

use receiptd_domain::{CorrelationId, Dispatch, Origin, Outcome, Precedence, Status, StoredNotification};

use super::place::{Place, transaction};
use crate::StorageError;

/// The columns of `messages` about the outcome.
pub(crate) struct MessageStatusRow {
    pub(crate) correlation_id: String,
    pub(crate) dispatch: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) status: String,
    pub(crate) precedence: Vec<u8>,
    pub(crate) is_final: i64,
    pub(crate) failure: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
}

impl MessageStatusRow {
    pub(crate) fn id(&self) -> Result<CorrelationId, StorageError> {
        self.place().read("correlation_id", CorrelationId::new(&self.correlation_id).ok())
    }

    pub(crate) fn status(&self) -> Result<Status, StorageError> {
        self.place().read("status", Status::from_word(&self.status))
    }

    /// Whether the deciding notification is among these, or our dispatch decided. If the deciding notification has been
    /// purged, the remaining ones do not show the standing of the message.
    pub(crate) fn was_decided_by_any(&self, kept: &[StoredNotification]) -> bool {
        if kept.is_empty() && self.dispatch.is_none() {
            return false;
        }
        self.precedence.len() <= Precedence::DISPATCH_BYTES.len()
            || kept.iter().any(|kept| self.precedence.ends_with(kept.fingerprint.as_bytes()))
    }

    pub(crate) fn origin(&self) -> Origin {
        if self.dispatch.is_some() { Origin::Sent } else { Origin::Observed }
    }

    /// Whether it was stored as a message with several recipients.
    pub(crate) fn is_shared(&self) -> bool {
        Outcome::is_shared(&self.precedence)
    }

    /// The status that follows from `outcome`, and whether the row is right.
    pub(crate) fn compare(&self, outcome: Option<&Outcome>) -> Result<(Status, bool), StorageError> {
        let dispatch = self.place().read_opt("dispatch", self.dispatch.as_deref(), Dispatch::from_word)?;
        let spoken = outcome.map(|outcome| (outcome, outcome.precedence()));
        match (spoken, dispatch) {
            (Some((outcome, precedence)), dispatch)
                if dispatch.is_none() || precedence.as_slice() > Precedence::DISPATCH_BYTES =>
            {
                Ok((outcome.standing.status, self.says(outcome, &precedence, dispatch.is_none())?))
            }
            (_, Some(dispatch)) => {
                let is_right = self.status == dispatch.as_str() && self.precedence == Precedence::DISPATCH_BYTES;
                Ok((dispatch.status(), is_right))
            }
            // An observed message without notifications, which receiptd never writes.
            (_, None) => Ok((self.status()?, true)),
        }
    }

    fn says(&self, outcome: &Outcome, precedence: &[u8], is_observed: bool) -> Result<bool, StorageError> {
        let standing = &outcome.standing;
        let id = self.place().read_opt("transaction_id", self.transaction_id.as_deref(), transaction)?;
        let keeps_its_id = !is_observed && standing.transaction_id.is_none();
        Ok(self.status == standing.status.as_str()
            && self.precedence == precedence
            && (self.is_final != 0) == outcome.is_final
            && self.failure.as_deref() == standing.failure.map(receiptd_domain::Failure::as_str)
            && self.code == standing.code
            && self.reason == standing.reason
            && (keeps_its_id || id == standing.transaction_id))
    }

    fn place(&self) -> Place<'_> {
        Place { table: "messages", row: &self.correlation_id }
    }
}
