//! The projection of the journal.

use std::time::Duration;

use async_trait::async_trait;
use receiptd_domain::{Arrival, JournalBatch, JournalPosition, JournalSpan, Timestamp, Writer};

use crate::StorageError;

/// Shows what is not projected yet, and stores it in the tables that are queried.
#[async_trait]
pub trait Projection: Send + Sync {
    /// The last batch of each writer that has batches which are not projected.
    async fn heads(&self) -> Result<Vec<JournalHead>, StorageError>;

    /// Whether all batches of a writer up to this one are projected.
    async fn is_projected(&self, up_to: JournalPosition) -> Result<bool, StorageError>;

    /// The next batches of a writer that are not projected, in the order of the journal, as many as are read with little
    /// memory. None only if there are none.
    async fn unprojected(&self, writer: Writer) -> Result<Vec<JournalBatch>, StorageError>;

    /// When the oldest batch was appended that is not projected. Its cost grows with the number of batches.
    async fn oldest_unprojected(&self) -> Result<Option<Timestamp>, StorageError>;

    /// Stores `arrivals`, the contents of `spans`, and the new status of each message, and removes the spans from the
    /// journal, all in one commit. Returns how long the statements took, without the waits for its turn and for the
    /// disk. Returns `None` and changes nothing if another instance was quicker.
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
