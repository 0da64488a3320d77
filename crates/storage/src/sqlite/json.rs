//! Rows as one JSON array: as a parameter of a statement, and as its result.

use serde::{Serialize, de::DeserializeOwned};

/// The rows of a batch. They contain only texts and numbers, which JSON can always represent.
pub(super) fn json<T: Serialize>(rows: impl Iterator<Item = T>) -> String {
    serde_json::to_string(&rows.collect::<Vec<_>>()).unwrap_or_default()
}

/// Rows that are returned as one JSON array.
pub(super) fn rows<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
