//! The traits of the journal and of its projection, and the writers of this instance.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use receiptd_domain::{Arrival, JournalBatch, JournalPosition, JournalSpan, Timestamp, Writer};
use uuid::Uuid;

use super::{StorageError, idle::Idle};

/// Appends what arrives.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends all `arrivals` as one batch, or nothing. When this returns, the batch survives `kill -9` and power loss.
    /// `zone` is the time zone in which their bodies are read.
    async fn append(&self, arrivals: &[Arrival], zone: &str) -> Result<JournalPosition, StorageError>;

    /// About how many bytes of the journal are not projected, as far as this instance knows.
    fn backlog_bytes(&self) -> u64;
}

/// Shows what is not projected yet, and stores it in the tables that are queried.
#[async_trait]
pub trait Projection: Send + Sync {
    /// The last batch of each writer that has batches which are not projected.
    async fn heads(&self) -> Result<Vec<JournalHead>, StorageError>;

    /// Whether all batches of a writer up to this one are projected.
    async fn is_projected(&self, up_to: JournalPosition) -> Result<bool, StorageError>;

    /// The next batches of a writer that are not projected, in the order of the journal, with about as many `records`:
    /// more if the last batch has more, fewer if the bodies are large. None only if there are none.
    async fn unprojected(&self, writer: Writer, records: usize) -> Result<Vec<JournalBatch>, StorageError>;

    /// When the oldest batch was appended that is not projected. Its cost grows with the number of batches.
    async fn oldest_unprojected(&self) -> Result<Option<Timestamp>, StorageError>;

    /// Stores `arrivals`, the contents of `spans`, and the new status of each message, and removes the spans from the
    /// journal, all in one commit. Returns how long this took, without the wait for its turn. Returns `None` and changes
    /// nothing if another instance was quicker.
    async fn project(&self, spans: &[JournalSpan], arrivals: &[Arrival]) -> Result<Option<Duration>, StorageError>;

    /// Tries whether the database accepts `arrivals`, and changes nothing.
    async fn rehearse(&self, arrivals: &[Arrival]) -> Result<(), StorageError>;
}

/// The last batch of a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalHead {
    pub position: JournalPosition,
    /// Whether this instance has appended it.
    pub is_own: bool,
}

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
