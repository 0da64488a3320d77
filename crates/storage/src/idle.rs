//! The ends of sequences that only one unit of work at a time may continue.

use std::sync::{Mutex, PoisonError};

/// The ends that no unit of work is using: of this instance's hash chains, or of what its writers have appended.
///
/// A unit of work takes one or begins a new sequence, and returns the new end after its commit. So units of work that run
/// at the same time do not wait for each other. If it is not known whether a commit succeeded, the sequence is never
/// continued.
pub(super) struct Idle<T>(Mutex<Vec<T>>);

impl<T> Default for Idle<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Idle<T> {
    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(super) fn give_back(&self, end: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(end);
    }
}
