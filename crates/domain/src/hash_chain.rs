//! The tamper-evident hash chain. Each commit adds one link, and each link contains the SHA-256 of the link before it.
//!
//! A link states, by digests, what a commit did to each row ([`ChangeKind`]). A row that is changed,
//! for example by an adoption or an erasure, is recorded as removed and added. So the stored rows must equal the sum of
//! all links, whatever receiptd changed, purged or erased. A change by anything else becomes visible.
//!
//! Each writer has its own chain, so that writers do not wait for each other. A chain begins with checkpoints, which
//! name the last link of each chain before it. A link with checkpoints vouches for the chains that they name, and for
//! those that these chains name.
//!
//! An instance with a key signs the hash of each of its links. The first link of its chain names the key. The first chain with
//! a key in a store also names the last link of every chain before it, since these are not signed.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{ChainedTable, ChangeKind, Fingerprint, RowChange};

/// The writer to whose chain a link belongs. Later writers have greater ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Writer([u8; 16]);

impl Writer {
    /// From the bytes of a UUID version 7, which begins with the time.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The SHA-256 of a link. It covers everything before the link too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkHash([u8; 32]);

impl LinkHash {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the output of `Display`: 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Identifies a public key in a chain: the first half of its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKeyId(Fingerprint);

impl PublicKeyId {
    pub fn of(key: &[u8]) -> Self {
        Self(Fingerprint::of_body(key))
    }

    pub(super) fn fingerprint(self) -> Fingerprint {
        self.0
    }
}

impl fmt::Display for PublicKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A signature of the hash of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSignature([u8; 64]);

impl Default for LinkSignature {
    /// A signature that is not valid.
    fn default() -> Self {
        Self([0; 64])
    }
}

impl LinkSignature {
    /// `None` for any other number of bytes than 64.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Signs links.
pub trait LinkSigner: Send + Sync {
    /// The key that verifies the signatures.
    fn id(&self) -> PublicKeyId;

    /// Signs a link with this hash.
    fn sign(&self, hash: &LinkHash) -> Option<LinkSignature>;
}

/// A link of a chain, identified by its number and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    pub writer: Writer,
    /// The number of the link.
    pub sequence: i64,
    pub hash: LinkHash,
}

impl Checkpoint {
    const SIZE: usize = 56;

    /// The checkpoint before the first link of a chain.
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
            signature: None,
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

/// The changes of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub writer: Writer,
    /// The number of the link in its chain, starting at 1.
    pub sequence: i64,
    /// The hash of the previous link and of everything in this one.
    pub hash: LinkHash,
    /// The row changes, encoded one after the other.
    pub changes: Vec<u8>,
    /// The checkpoints, encoded one after the other.
    pub checkpoints: Vec<u8>,
    /// The signature of the hash, if its writer has a key.
    pub signature: Option<LinkSignature>,
}

impl Link {
    /// This link as a checkpoint.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { writer: self.writer, sequence: self.sequence, hash: self.hash }
    }

    /// Whether this is the link that was committed directly after `before`.
    pub fn follows(&self, before: &Checkpoint) -> bool {
        self.writer == before.writer
            && self.sequence == before.sequence + 1
            && self.hash == self.hash_after(&before.hash)
    }

    /// The row changes. `None` if they cannot be decoded.
    pub fn row_changes(&self) -> Option<Vec<RowChange>> {
        let (records, rest) = self.changes.as_chunks();
        records.iter().map(RowChange::decode).collect::<Option<_>>().filter(|_| rest.is_empty())
    }

    /// The key that signs the chain, if this is its first link and there is one.
    pub fn signing_key(&self) -> Option<PublicKeyId> {
        self.key_change().map(|(_, key)| key)
    }

    /// Like `signing_key`, if the chains that this link names are not signed.
    pub fn introduced_key(&self) -> Option<PublicKeyId> {
        self.key_change().filter(|(kind, _)| *kind == ChangeKind::Repeated).map(|(_, key)| key)
    }

    fn key_change(&self) -> Option<(ChangeKind, PublicKeyId)> {
        let change = self.changes.first_chunk().filter(|_| self.sequence == 1).and_then(RowChange::decode)?;
        let key = Fingerprint::from_bytes(&change.key.bytes()).map(PublicKeyId)?;
        (change.table == ChainedTable::Links).then_some((change.kind, key))
    }

    /// The last links of other chains that this link names. `None` if they cannot be decoded.
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
        let change = prop_oneof![Just(ChangeKind::Added), Just(ChangeKind::Repeated), Just(ChangeKind::Removed)];
        let table = proptest::sample::select(ChainedTable::ALL.to_vec());
        (table, change, any::<[u8; 8]>(), any::<[u8; 8]>(), any::<[u8; 16]>(), any::<u32>()).prop_map(
            |(table, change, message, part, digest, times)| RowChange {
                table,
                kind: change,
                key: RowKey { message, part },
                digest: Fingerprint::from_bytes(&digest).unwrap(),
                occurrences: times,
            },
        )
    }

    proptest! {
        #[test]
        fn a_link_can_be_read_again_and_every_changed_bit_is_detected(
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
