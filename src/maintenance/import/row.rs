//! A row of a file, and why a file could not be read.

use std::io;

use super::bounded::LONGEST;
use crate::{
    domain::{Source, Timestamp},
    storage::StorageError,
};

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Counted from 1.
    pub number: u64,
    /// The body, or the reason why there is none.
    pub body: Result<Vec<u8>, String>,
    /// How and when it arrived, if the file is an export of receiptd itself.
    pub origin: Option<Origin>,
}

/// How and when a body arrived, according to the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// When it first arrived.
    pub received_at: Timestamp,
    /// How it arrived.
    pub source: Source,
    /// How often it arrived.
    pub occurrences: i64,
    /// Whether it was in quarantine.
    pub was_in_quarantine: bool,
}

/// The reason why a file could not be imported completely.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file does not have the expected layout.
    #[error("row {row} cannot be read: {why}")]
    Layout {
        /// The number of the row.
        row: u64,
        /// The reason.
        why: String,
    },
    /// It is compressed, or in the format of another program.
    #[error("the file is not readable text: it is {0}")]
    NoText(&'static str),
    /// It is an export of something that cannot be imported.
    #[error("the file is an export of {0}")]
    NoBodies(&'static str),
    /// No column has the header of the payload.
    #[error("there is no column {0:?} in the header; name the column of the notification with columns payload=HEADER")]
    NoPayload(String),
    /// None of its rows was understood.
    #[error("nothing in the file could be understood: {0}; its bodies are in quarantine")]
    NothingUnderstood(String),
    /// It ended too early, or could not be read.
    #[error("the file could not be read")]
    Read(#[from] io::Error),
    /// The reader stopped.
    #[error("the reader of the file stopped")]
    Broken,
    /// The store returned an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Returns the error of a row that is longer than the limit.
pub(super) fn too_long(row: u64) -> ImportError {
    ImportError::Layout { row, why: format!("it is longer than {LONGEST} bytes") }
}
