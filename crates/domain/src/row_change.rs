//! What a link of the chain says of one row.

use sha2::{Digest, Sha256};

use super::Fingerprint;

/// A table whose rows are chained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChainedTable {
    /// The notifications.
    Notifications,
    /// The steps of our dispatch.
    DispatchEvents,
}

impl ChainedTable {
    /// The name of the table.
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
    /// The same came again, and was counted.
    Repeated,
    /// The row is gone.
    Removed,
}

/// The key of a row, as digests: of the message's id, and of the row within the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// The first 8 bytes of the SHA-256 of the correlation id.
    pub message: [u8; 8],
    /// The first 8 bytes of a notification's fingerprint; the number of a step.
    pub part: [u8; 8],
}

impl RowKey {
    /// The row `part` of the message `correlation_id`.
    pub fn new(correlation_id: &str, part: [u8; 8]) -> Self {
        Self { message: Self::message(correlation_id), part }
    }

    /// What stands for a message's id.
    pub fn message(correlation_id: &str) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&Sha256::digest(correlation_id.as_bytes())[..8]);
        bytes
    }
}

/// What a commit did to one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: ChainedTable,
    /// What was done.
    pub kind: ChangeKind,
    /// The row.
    pub key: RowKey,
    /// Of all that does not change in the row by itself. Of a repetition: of what came again.
    pub digest: Fingerprint,
    /// How often it came, as far as this record counts.
    pub occurrences: u32,
}

impl RowChange {
    /// How many bytes it takes in a link.
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
        let fate = [ChangeKind::Added, ChangeKind::Repeated, ChangeKind::Removed]
            .into_iter()
            .find(|fate| *fate as u8 == kind & !4)?;
        Some(Self {
            table,
            kind: fate,
            key: RowKey { message: *message, part: *part },
            digest: Fingerprint::from_bytes(digest)?,
            occurrences: u32::from_be_bytes(times.try_into().ok()?),
        })
    }
}
