//! What a message says, and what its notifications come to, side by side.

use super::{NotificationRow, Place, transaction};
use crate::{
    domain::{CorrelationId, Dispatch, Precedence, Standing, Status},
    storage::StorageError,
};

/// The key of a notification.
pub(in crate::storage) struct KeyRow {
    pub(in crate::storage) correlation_id: String,
    pub(in crate::storage) fingerprint: Vec<u8>,
}

/// What `messages` says of the outcome.
pub(in crate::storage) struct FoldRow {
    pub(in crate::storage) correlation_id: String,
    pub(in crate::storage) dispatch: Option<String>,
    pub(in crate::storage) transaction_id: Option<String>,
    pub(in crate::storage) status: String,
    pub(in crate::storage) precedence: Vec<u8>,
    pub(in crate::storage) is_final: i64,
    pub(in crate::storage) failure: Option<String>,
    pub(in crate::storage) code: Option<String>,
    pub(in crate::storage) reason: Option<String>,
}

impl FoldRow {
    pub(in crate::storage) fn id(&self) -> Result<CorrelationId, StorageError> {
        self.place().read("correlation_id", CorrelationId::new(&self.correlation_id).ok())
    }

    pub(in crate::storage) fn status(&self) -> Result<Status, StorageError> {
        self.place().read("status", Status::from_word(&self.status))
    }

    /// Whether the notification that decided is among `rows`, or none did: where it is kept no longer, what is left of
    /// the others does not tell where the message stands.
    pub(in crate::storage) fn was_decided_by_any(&self, rows: &[NotificationRow]) -> bool {
        self.precedence.len() <= Precedence::DISPATCH.len()
            || rows.iter().any(|row| self.precedence.ends_with(&row.fingerprint))
    }

    /// Which status is right where the notifications come to `standing`, and whether the row is as it has to be.
    pub(in crate::storage) fn compare(&self, standing: Option<&Standing>) -> Result<(Status, bool), StorageError> {
        let dispatch = self.place().read_opt("dispatch", self.dispatch.as_deref(), Dispatch::from_word)?;
        let spoken = standing.map(|standing| (standing, standing.precedence.to_bytes()));
        match (spoken, dispatch) {
            (Some((standing, precedence)), dispatch)
                if dispatch.is_none() || precedence.as_slice() > Precedence::DISPATCH =>
            {
                Ok((standing.status, self.says(standing, &precedence, dispatch.is_none())?))
            }
            (_, Some(dispatch)) => {
                let is_right = self.status == dispatch.as_str() && self.precedence == Precedence::DISPATCH;
                Ok((dispatch.status(), is_right))
            }
            // Observed and never notified: nothing that receiptd writes.
            (_, None) => Ok((self.status()?, true)),
        }
    }

    fn says(&self, standing: &Standing, precedence: &[u8], is_observed: bool) -> Result<bool, StorageError> {
        let id = self.place().read_opt("transaction_id", self.transaction_id.as_deref(), transaction)?;
        let keeps_its_id = !is_observed && standing.transaction_id.is_none();
        Ok(self.status == standing.status.as_str()
            && self.precedence == precedence
            && (self.is_final != 0) == standing.is_final()
            && self.failure.as_deref() == standing.failure.map(crate::domain::Failure::as_str)
            && self.code == standing.code
            && self.reason == standing.reason
            && (keeps_its_id || id == standing.transaction_id))
    }

    fn place(&self) -> Place<'_> {
        Place { table: "messages", row: &self.correlation_id }
    }
}
