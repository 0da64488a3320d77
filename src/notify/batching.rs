//! What the committer decides, as pure functions.

use crate::storage::StorageError;

/// What became of the attempt to commit a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It is on disk.
    Committed,
    /// It is not committed, or the outcome is unknown; a retry may succeed.
    Unavailable,
    /// The database refuses something in it.
    Refused,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Tell all callers that theirs is stored.
    Acknowledge,
    /// Tell all callers to try again.
    TurnAway,
    /// Try the halves, each for itself: so one bad row does not fail its neighbours.
    Halve,
    /// The bad row is found: keep its body whole where nothing in it matters.
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

/// What to do after an attempt with `rows` rows; `quarantined` if they are in quarantine already.
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
