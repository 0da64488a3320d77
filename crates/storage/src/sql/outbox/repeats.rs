//! Whether a request was made before.

use receiptd_domain::Submission;

use crate::EnqueueResult;

/// An observed message has no request, so no submission is equal to it. An earlier version may have stored an equal
/// request in another form, for example a number with its plus.
pub(super) fn compared(standing: Option<&str>, request: &str) -> EnqueueResult {
    let is_same = |standing: &str| standing == request || in_words_of_now(standing).is_some_and(|now| now == request);
    if standing.is_some_and(is_same) { EnqueueResult::Same } else { EnqueueResult::Conflict }
}

fn in_words_of_now(request: &str) -> Option<String> {
    let json = serde_json::from_str(request).ok()?;
    Some(Submission::from_json(json).ok()?.to_json().to_string())
}
