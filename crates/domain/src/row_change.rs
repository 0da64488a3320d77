//! The part of a link of the hash chain that describes one row.

use sha2::{Digest, Sha256};

use super::{Fingerprint, PublicKeyId, Timestamp};

/// A table whose rows are covered by the hash chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChainedTable {
    Notifications,
    DispatchEvents,
    Inbound,
    Quarantine,
    AuditLog,
    /// The requests to send. What changes in the outbox is part of the dispatch steps.
    Outbox,
    IdempotencyKeys,
    /// Messages, recipients and transactions that do not follow from stored notifications any more.
    Attestations,
    /// Batches of the journal. They are described in their own way: [`RowChange::of_batch`].
    Journal,
    /// Times of messages that do not follow from stored rows: [`RowChange::of_times`].
    Messages,
    /// The number up to which status events have been trimmed.
    StatusEventsBegin,
    /// Successive status events, under the numbers before and at their end.
    StatusEvents,
    /// The key that signs a chain: [`RowChange::of_key`].
    Links,
    Keys,
}

impl ChainedTable {
    /// In the order of their numbers in a link.
    pub const ALL: [Self; 14] = [
        Self::Notifications,
        Self::DispatchEvents,
        Self::Inbound,
        Self::Quarantine,
        Self::AuditLog,
        Self::Outbox,
        Self::IdempotencyKeys,
        Self::Attestations,
        Self::Journal,
        Self::Messages,
        Self::StatusEventsBegin,
        Self::StatusEvents,
        Self::Links,
        Self::Keys,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::DispatchEvents => "dispatch_events",
            Self::Inbound => "inbound",
            Self::Quarantine => "quarantine",
            Self::AuditLog => "audit_log",
            Self::Outbox => "outbox",
            Self::IdempotencyKeys => "idempotency_keys",
            Self::Attestations => "attestations",
            Self::Journal => "journal",
            Self::Messages => "messages",
            Self::StatusEventsBegin => "status_events_begin",
            Self::StatusEvents => "status_events",
            Self::Links => "links",
            Self::Keys => "keys",
        }
    }

    /// Its number in a link.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Whether the stored rows must equal the sum of all changes.
    pub fn is_summed(self) -> bool {
        !matches!(self, Self::Journal | Self::Messages | Self::Links)
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

impl ChangeKind {
    const ALL: [Self; 3] = [Self::Added, Self::Repeated, Self::Removed];
}

/// The key of a row as digests: for rows of a message, those of its id and of the row within the message.
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

    /// The key of a row that belongs to no message.
    pub fn of_fingerprint(fingerprint: Fingerprint) -> Self {
        let [mut message, mut part] = [[0; 8]; 2];
        message.copy_from_slice(&fingerprint.as_bytes()[..8]);
        part.copy_from_slice(&fingerprint.as_bytes()[8..]);
        Self { message, part }
    }

    /// The 16 bytes of the key.
    pub fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.message);
        bytes[8..].copy_from_slice(&self.part);
        bytes
    }

    /// The digest of a message's id.
    pub fn message(correlation_id: &str) -> [u8; 8] {
        Self::short(correlation_id.as_bytes())
    }

    /// The first 8 bytes of a SHA-256.
    pub fn short(bytes: &[u8]) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&Sha256::digest(bytes)[..8]);
        short
    }
}

/// What a commit did to one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowChange {
    pub table: ChainedTable,
    pub kind: ChangeKind,
    pub key: RowKey,
    /// The digest of everything in the row that does not change. For a repetition, the time at which it arrived:
    /// [`RowChange::times`].
    pub digest: Fingerprint,
    /// The number of occurrences that this change adds.
    pub occurrences: u32,
}

impl RowChange {
    /// The encoded size in bytes.
    pub const SIZE: usize = 37;

    /// A batch of the journal was projected up to its record `to`, and removed if this is the last one.
    pub fn of_batch(key: RowKey, to: usize, is_whole: bool) -> Self {
        let kind = if is_whole { ChangeKind::Removed } else { ChangeKind::Repeated };
        let occurrences = u32::try_from(to).unwrap_or(u32::MAX);
        Self { table: ChainedTable::Journal, kind, key, digest: Fingerprint::default(), occurrences }
    }

    /// A batch of the journal is stored, and is not projected yet.
    pub fn of_waiting(key: RowKey, digest: Fingerprint) -> Self {
        Self { table: ChainedTable::Journal, kind: ChangeKind::Added, key, digest, occurrences: 0 }
    }

    /// The chain that begins with this change is signed with `key`. The first key of a store is introduced: earlier chains
    /// are not signed.
    pub fn of_key(key: PublicKeyId, is_introduced: bool) -> Self {
        let kind = if is_introduced { ChangeKind::Repeated } else { ChangeKind::Added };
        let key = RowKey::of_fingerprint(key.fingerprint());
        Self { table: ChainedTable::Links, kind, key, digest: Fingerprint::default(), occurrences: 0 }
    }

    /// The message `correlation_id` has times that do not follow from its rows.
    pub fn of_times(correlation_id: &str, created_at: Timestamp, updated_at: Timestamp) -> Self {
        let (key, digest) = (RowKey::new(correlation_id, [0; 8]), Self::encode_times(created_at, updated_at));
        Self { table: ChainedTable::Messages, kind: ChangeKind::Repeated, key, digest, occurrences: 0 }
    }

    /// Two times in place of a digest.
    pub fn encode_times(created_at: Timestamp, updated_at: Timestamp) -> Fingerprint {
        let [created_at, updated_at] = [created_at, updated_at].map(|at| at.as_micros().to_be_bytes());
        Fingerprint::from_bytes(&[created_at, updated_at].concat()).unwrap_or_default()
    }

    /// The times of a message that this change allows: of a repetition or of [`RowChange::of_times`].
    pub fn times(&self) -> Option<[Timestamp; 2]> {
        let tells = matches!(self.table, ChainedTable::Notifications | ChainedTable::Messages);
        let (created_at, updated_at) = self.digest.as_bytes().split_at(8);
        let time = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_be_bytes).map(Timestamp::from_micros);
        let is_told = tells && self.kind == ChangeKind::Repeated;
        is_told.then_some(())?;
        Some([time(created_at)?, time(updated_at)?])
    }

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.push((self.table.number() << 2) + self.kind as u8);
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
        Some(Self {
            table: *ChainedTable::ALL.get(usize::from(kind >> 2))?,
            kind: *ChangeKind::ALL.get(usize::from(kind & 3))?,
            key: RowKey { message: *message, part: *part },
            digest: Fingerprint::from_bytes(digest)?,
            occurrences: u32::from_be_bytes(times.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_listed_in_the_order_of_their_numbers() {
        for (number, table) in (0..).zip(ChainedTable::ALL) {
            assert_eq!(table.number(), number);
        }
    }

    #[test]
    fn times_can_be_read_again() {
        let [one, other] = [-7, i64::MAX].map(Timestamp::from_micros);
        assert_eq!(RowChange::of_times("a", one, other).times(), Some([one, other]));
    }
}
