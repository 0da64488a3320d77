//! Whether a request was made before.

use crate::EnqueueResult;

/// An observed message has no request, so no submission is equal to it.
pub(super) fn compared(standing: Option<&str>, request: &str) -> EnqueueResult {
    if standing == Some(request) { EnqueueResult::Same } else { EnqueueResult::Conflict }
}
