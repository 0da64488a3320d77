//! The decisions of the committer, as pure functions.

use crate::storage::StorageError;

/// The result of an attempt to commit a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It is on disk.
    Committed,
    /// It is not committed, or the outcome is unknown; a retry may succeed.
    Unavailable,
    /// The database refuses a row of it.
    Refused,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Answer all callers that their arrivals are stored.
    Acknowledge,
    /// Answer all callers that they should try again.
    TurnAway,
    /// Try each half separately, so that one bad row does not make its neighbours fail.
    Halve,
    /// The bad row is found: store its raw body in quarantine, where its content does not matter.
    Quarantine,
}

impl From<&Result<(), StorageError>> for Attempt {
    fn from(result: &Result<(), StorageError>) -> Self {
        match result {
            Ok(()) => Self::Committed,
            Err(StorageError::Refused(_)) => Self::Refused,
            Err(StorageError::Unavailable(_) | StorageError::Lost(_) | StorageError::Corrupt { .. }) => {
                Self::Unavailable
            }
        }
    }
}

/// Returns what to do after an attempt with `rows` rows. `quarantined` means that they are for the quarantine already.
pub(super) fn next(attempt: Attempt, rows: usize, quarantined: bool) -> Next {
    match attempt {
        Attempt::Committed => Next::Acknowledge,
        Attempt::Unavailable => Next::TurnAway,
        Attempt::Refused if rows > 1 => Next::Halve,
        Attempt::Refused if quarantined => Next::TurnAway,
        Attempt::Refused => Next::Quarantine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_commit_is_acknowledged() {
        for rows in [1, 2, 500] {
            assert_eq!(next(Attempt::Committed, rows, false), Next::Acknowledge);
            assert_eq!(next(Attempt::Unavailable, rows, false), Next::TurnAway);
        }
    }

    #[test]
    fn a_bad_row_is_narrowed_down_then_quarantined_then_given_up() {
        assert_eq!(next(Attempt::Refused, 9, false), Next::Halve);
        assert_eq!(next(Attempt::Refused, 2, true), Next::Halve);
        assert_eq!(next(Attempt::Refused, 1, false), Next::Quarantine);
        assert_eq!(next(Attempt::Refused, 1, true), Next::TurnAway);
    }
}
