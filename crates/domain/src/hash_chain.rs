//! The tamper-evident chain: a link a commit, each with the SHA-256 of the link before it.
//!
//! A link says of rows, by digests, what a commit did to them: their [`Fate`](super::Fate). A
//! row that is changed (as an adoption does, or an erasure) is removed and added. So what the store holds must be what
//! all links together come to, whatever was changed, purged or erased by us; and what was changed otherwise shows.
//!
//! Each writer has a chain of its own, so that writers do not wait for each other. A chain begins with checkpoints: where
//! the chains before it stood. A link with checkpoints vouches for all that they name, and for all that those name.

use std::fmt;

use sha2::{Digest, Sha256};

use super::RowChange;

/// Whose chain a link belongs to. Later writers have greater ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Writer([u8; 16]);

impl Writer {
    /// From the bytes of a UUID that begins with the time.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The SHA-256 of a link, and so of everything before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkHash([u8; 32]);

impl LinkHash {
    /// From the stored bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads what `Display` writes: 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A place in a chain, and what it looked like there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The chain.
    pub writer: Writer,
    /// The number of the link.
    pub sequence: i64,
    /// Its hash.
    pub hash: LinkHash,
}

impl Checkpoint {
    const SIZE: usize = 56;

    /// Where a chain begins.
    pub fn origin(writer: Writer) -> Self {
        Self { writer, sequence: 0, hash: LinkHash::default() }
    }

    /// The next link of this chain.
    pub fn next(&self, records: &[RowChange], checkpoints: &[Self]) -> Link {
        let mut link = Link {
            writer: self.writer,
            sequence: self.sequence + 1,
            hash: LinkHash::default(),
            changes: Vec::with_capacity(records.len() * RowChange::SIZE),
            checkpoints: Vec::with_capacity(checkpoints.len() * Self::SIZE),
        };
        for record in records {
            record.encode(&mut link.changes);
        }
        for checkpoint in checkpoints {
            link.checkpoints.extend(checkpoint.writer.as_bytes());
            link.checkpoints.extend(checkpoint.sequence.to_be_bytes());
            link.checkpoints.extend(checkpoint.hash.as_bytes());
        }
        link.hash = link.hash_after(&self.hash);
        link
    }
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The chain.
    pub writer: Writer,
    /// Its number in the chain, from 1.
    pub sequence: i64,
    /// Of the link before and all that is here.
    pub hash: LinkHash,
    /// The records, one after the other.
    pub changes: Vec<u8>,
    /// The checkpoints, one after the other.
    pub checkpoints: Vec<u8>,
}

impl Link {
    /// Where it stands.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { writer: self.writer, sequence: self.sequence, hash: self.hash }
    }

    /// Whether it is the link that was committed after `before`.
    pub fn follows(&self, before: &Checkpoint) -> bool {
        self.writer == before.writer
            && self.sequence == before.sequence + 1
            && self.hash == self.hash_after(&before.hash)
    }

    /// What it says of rows; `None` if that cannot be read.
    pub fn row_changes(&self) -> Option<Vec<RowChange>> {
        let (records, rest) = self.changes.as_chunks();
        records.iter().map(RowChange::decode).collect::<Option<_>>().filter(|_| rest.is_empty())
    }

    /// Where it says that other chains stood; `None` if that cannot be read.
    pub fn checkpoints(&self) -> Option<Vec<Checkpoint>> {
        let (checkpoints, rest) = self.checkpoints.as_chunks::<{ Checkpoint::SIZE }>();
        let decode = |bytes: &[u8; Checkpoint::SIZE]| {
            let (writer, bytes) = bytes.split_first_chunk()?;
            let (sequence, hash) = bytes.split_first_chunk()?;
            Some(Checkpoint {
                writer: Writer(*writer),
                sequence: i64::from_be_bytes(*sequence),
                hash: LinkHash(hash.try_into().ok()?),
            })
        };
        checkpoints.iter().map(decode).collect::<Option<_>>().filter(|_| rest.is_empty())
    }

    fn hash_after(&self, before: &LinkHash) -> LinkHash {
        let mut hash = Sha256::new();
        hash.update(before.0);
        hash.update(self.writer.0);
        hash.update(self.sequence.to_be_bytes());
        hash.update((self.changes.len() as u64).to_be_bytes());
        hash.update(&self.changes);
        hash.update(&self.checkpoints);
        LinkHash(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ChainedTable, ChangeKind, Fingerprint, RowKey};

    fn a_record() -> impl Strategy<Value = RowChange> {
        let fate = prop_oneof![Just(ChangeKind::Added), Just(ChangeKind::Repeated), Just(ChangeKind::Removed)];
        let table = prop_oneof![Just(ChainedTable::Notifications), Just(ChainedTable::DispatchEvents)];
        (table, fate, any::<[u8; 8]>(), any::<[u8; 8]>(), any::<[u8; 16]>(), any::<u32>()).prop_map(
            |(table, fate, message, part, digest, times)| RowChange {
                table,
                kind: fate,
                key: RowKey { message, part },
                digest: Fingerprint::from_bytes(&digest).unwrap(),
                occurrences: times,
            },
        )
    }

    proptest! {
        #[test]
        fn a_link_reads_back_and_no_bit_of_it_can_be_turned(
            records in proptest::collection::vec(a_record(), 1..4),
            place in any::<prop::sample::Index>(),
        ) {
            let before = Checkpoint { sequence: 6, ..Checkpoint::origin(Writer([7; 16])) };
            let link = before.next(&records, &[before]);
            prop_assert!(link.follows(&before));
            prop_assert_eq!(link.row_changes(), Some(records));
            prop_assert_eq!(link.checkpoints(), Some(vec![before]));
            prop_assert_eq!(LinkHash::parse(&link.hash.to_string()), Some(link.hash));
            let mut turned = link.clone();
            let bits = turned.changes.len() * 8;
            turned.changes[place.index(bits) / 8] ^= 1 << (place.index(bits) % 8);
            prop_assert!(!turned.follows(&before));
            let elsewhere = [Checkpoint { sequence: 5, ..before }, Checkpoint { hash: link.hash, ..before }];
            prop_assert!(!elsewhere.iter().any(|before| link.follows(before)));
        }
    }
}
