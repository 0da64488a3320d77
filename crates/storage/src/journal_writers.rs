//! What this instance knows of its own part of the journal: its writers, and about how much is not projected.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use receiptd_domain::{JournalPosition, Writer};
use uuid::Uuid;

use crate::idle::Idle;

/// The writers of this instance. Each counts its batches, and only one unit of work at a time appends as this writer.
#[derive(Default)]
pub(super) struct JournalWriters {
    own: Mutex<HashSet<Writer>>,
    next: Idle<JournalPosition>,
}

impl JournalWriters {
    /// The position of the next batch.
    pub(super) fn take(&self) -> JournalPosition {
        self.next.take().unwrap_or_else(|| {
            let writer = Writer::new(Uuid::now_v7().into_bytes());
            self.own.lock().unwrap_or_else(PoisonError::into_inner).insert(writer);
            JournalPosition::first(writer)
        })
    }

    /// The batch at this position is committed.
    pub(super) fn committed(&self, position: JournalPosition) {
        self.next.give_back(position.next());
    }

    pub(super) fn is_own(&self, writer: Writer) -> bool {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).contains(&writer)
    }
}

/// About how many bytes of the journal are not projected. They are counted while this instance appends and projects. What
/// other instances do is not known, so the count begins again whenever the journal is found to be empty.
#[derive(Default)]
pub(super) struct BacklogBytes(AtomicU64);

impl BacklogBytes {
    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes that an earlier process has appended were never added.
    pub(super) fn remove(&self, bytes: usize) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| Some(all.saturating_sub(bytes as u64)));
    }

    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_process_left_does_not_hide_what_is_appended_later() {
        let bytes = BacklogBytes::default();
        bytes.remove(1_000);
        bytes.add(10);
        assert_eq!(bytes.get(), 10);
    }
}
