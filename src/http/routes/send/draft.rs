//! What a single send and a bulk send share: a draft from bytes, and the answers to messages that are not accepted or
//! cannot be shown.

use crate::{
    domain::{CorrelationId, Draft},
    http::{
        extract::body,
        problem::{Code, Problem},
    },
    send::SendError,
    storage::StorageError,
};

/// Larger than the longest message: a mail has at most 500 KB of HTML, which JSON may have to escape.
pub(super) const LIMIT: usize = 1024 * 1024;

/// Reads the message from its bytes.
pub(super) fn draft_of(bytes: &[u8]) -> Result<Draft, Problem> {
    Draft::new(body::json(bytes)?).map_err(|error| Problem::faulty(vec![error]))
}

/// For a message that was accepted before, and that cannot be looked up now.
pub(super) fn not_shown(id: &CorrelationId, error: &StorageError) -> Problem {
    tracing::error!(error = crate::observe::causes(error), "the status of a repeated message could not be read");
    let detail = format!(
        "the message {:?} was accepted before, and is not sent again; its status cannot be read at the moment",
        id.as_str()
    );
    Problem::new(Code::Unavailable, detail).about(id)
}

pub(super) fn too_long() -> Problem {
    Problem::new(Code::BodyTooLarge, format!("a message has at most {LIMIT} bytes"))
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Faulty(errors) => Self::faulty(errors),
            SendError::Conflict(id) => Self::new(
                Code::Conflict,
                format!("another message has the correlation id {:?}; nothing was sent; use another id", id.as_str()),
            ),
            SendError::KeyTaken(id) => {
                let detail = format!(
                    "another message was sent with this Idempotency-Key, {:?}; nothing was sent now; use another key",
                    id.as_str()
                );
                Self::new(Code::IdempotencyConflict, detail).about(&id)
            }
            SendError::NotConfigured => Self::new(Code::SendingNotConfigured, error.to_string()),
            // The error of the store is in the log already.
            SendError::NotConfirmed { ref id, .. } => {
                let detail = format!(
                    "the store did not confirm the message {:?}: it may or may not be accepted. Send it again with the same \
                     Idempotency-Key if it had one, otherwise with this correlationId: it is sent only once",
                    id.as_str()
                );
                Self::new(Code::Unavailable, detail).about(id)
            }
        }
    }
}
