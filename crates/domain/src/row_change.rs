//! The part of a link of the hash chain that describes one row.

use sha2::{Digest, Sha256};

use super::Fingerprint;

/// A table whose rows are covered by the hash chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChainedTable {
    Notifications,
    DispatchEvents,
}

impl ChainedTable {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::DispatchEvents => "dispatch_events",
        }
    }
}

/// What a commit did to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The row is new.
    Added,
    /// The row arrived again and was counted.
    Repeated,
    /// The row was removed.
    Removed,
}

/// The key of a row as digests of the message's id and of the row within the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// The first 8 bytes of the SHA-256 of the correlation id.
    pub message: [u8; 8],
    /// The first 8 bytes of a notification's fingerprint, or the number of a dispatch step.
    pub part: [u8; 8],
}

impl RowKey {
    /// The row `part` of the message `correlation_id`.
    pub fn new(correlation_id: &str, part: [u8; 8]) -> Self {
        Self { message: Self::message(correlation_id), part }
    }

    /// The digest of a message's id.
    pub fn message(correlation_id: &str) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&Sha256::digest(correlation_id.as_bytes())[..8]);
        bytes
    }
}

/// What a commit did to one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowChange {
    pub table: ChainedTable,
    pub kind: ChangeKind,
    pub key: RowKey,
    /// The digest of everything in the row that does not change. For a repetition, the digest of what arrived again.
    pub digest: Fingerprint,
    /// The number of occurrences that this change adds.
    pub occurrences: u32,
}

impl RowChange {
    /// The encoded size in bytes.
    pub const SIZE: usize = 37;

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        let table = match self.table {
            ChainedTable::Notifications => 0,
            ChainedTable::DispatchEvents => 4,
        };
        bytes.push(table + self.kind as u8);
        bytes.extend(self.key.message);
        bytes.extend(self.key.part);
        bytes.extend(self.digest.as_bytes());
        bytes.extend(self.occurrences.to_be_bytes());
    }

    pub(super) fn decode(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (message, rest) = rest.split_first_chunk()?;
        let (part, rest) = rest.split_first_chunk()?;
        let (digest, times) = rest.split_at(16);
        let table = if kind & 4 == 0 { ChainedTable::Notifications } else { ChainedTable::DispatchEvents };
        let change = [ChangeKind::Added, ChangeKind::Repeated, ChangeKind::Removed]
            .into_iter()
            .find(|change| *change as u8 == kind & !4)?;
        Some(Self {
            table,
            kind: change,
            key: RowKey { message: *message, part: *part },
            digest: Fingerprint::from_bytes(digest)?,
            occurrences: u32::from_be_bytes(times.try_into().ok()?),
        })
    }
}
