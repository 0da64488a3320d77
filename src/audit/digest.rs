//! The first pass over the chain and the rows, with a fixed amount of memory for any number of rows.
//!
//! Sums show whether the rows match the links: each change in a link and each row counts as a number, which is its hash
//! with a secret key of this run. No rows can have been prepared for that key, so equal sums mean equal rows. There is
//! one sum for each bucket of messages, so that a difference also shows where to search.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{Expected, Finding, journal::JournalProof, platform::PlatformSignatures, signatures::Signatures};
use crate::{
    domain::{BodySignature, ChainedTable, ChangeKind, Checkpoint, Fingerprint, Link, LinkHash, RowKey, Writer},
    storage::{ChainVisitor, ChainedRow, WaitingBatch},
};

/// The number of buckets. With ten million rows, each has some hundred and fifty.
const BUCKETS: usize = 1 << 16;

/// Sums up the links and the rows.
pub(super) struct StoreDigest {
    secret: [u8; 32],
    buckets: Vec<u128>,
    /// The positions and hashes that links name in other chains, and those of them that were found.
    named: HashMap<(Writer, i64), LinkHash>,
    seen: HashMap<(Writer, i64), LinkHash>,
    heads: Vec<Checkpoint>,
    current: Option<Checkpoint>,
    wanted: Option<LinkHash>,
    journal: JournalProof,
    pub(super) signatures: Signatures,
    pub(super) bodies: PlatformSignatures,
    pub(super) finding: Option<Finding>,
    pub(super) links: u64,
    pub(super) rows: u64,
}

/// Returns the bucket of a row.
pub(super) fn bucket(key: &RowKey) -> usize {
    usize::from(u16::from_be_bytes([key.message[0], key.message[1]]))
}

impl StoreDigest {
    /// `secret` must be new for each run.
    pub(super) fn new(secret: [u8; 32], expected: &Expected) -> Self {
        Self {
            secret,
            buckets: vec![0; BUCKETS],
            named: HashMap::new(),
            seen: HashMap::new(),
            heads: Vec::new(),
            current: None,
            wanted: expected.head,
            signatures: Signatures::by(&expected.keys),
            bodies: PlatformSignatures::by(&expected.hub_secrets),
            journal: JournalProof::default(),
            finding: None,
            links: 0,
            rows: 0,
        }
    }

    /// Called after all links and rows. Finds what is missing among the links.
    pub(super) fn conclude(&mut self) {
        self.heads.extend(self.current.take());
        let mut missing: Vec<_> = self.named.keys().filter(|position| !self.seen.contains_key(position)).collect();
        missing.sort_unstable();
        if let Some((writer, sequence)) = missing.first() {
            self.found(Finding::link("removed", *writer, *sequence, "a later link names it, but it is missing"));
        }
        if let Some(wanted) = self.wanted {
            let detail = "no link has the hash of this head: links were removed, or the head belongs to another store";
            self.found(Finding::new("removed", "links", wanted.to_string(), detail));
        }
        if let Some(finding) = self.signatures.finding() {
            self.found(finding);
        }
        if let Some(finding) = std::mem::take(&mut self.journal).conclude() {
            self.found(finding);
        }
    }

    /// Returns the buckets whose rows do not match the links.
    pub(super) fn unequal(&self) -> Vec<usize> {
        self.buckets.iter().enumerate().filter(|(_, sum)| **sum != 0).map(|(bucket, _)| bucket).collect()
    }

    /// Returns the ends of all chains that no link names.
    pub(super) fn heads(&self) -> Vec<Checkpoint> {
        let is_named = |head: &&Checkpoint| self.named.contains_key(&(head.writer, head.sequence));
        self.heads.iter().filter(|head| !is_named(head)).copied().collect()
    }

    /// The number of chains.
    pub(super) fn chains(&self) -> usize {
        self.heads.len()
    }

    pub(super) fn found(&mut self, finding: Finding) {
        self.finding.get_or_insert(finding);
    }

    fn hash(&self, what: u8, table: ChainedTable, key: &RowKey, digest: &[u8]) -> u128 {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update([what, table.number()]);
        hash.update(key.message);
        hash.update(key.part);
        hash.update(digest);
        let mut number = [0; 16];
        number.copy_from_slice(&hash.finalize()[..16]);
        u128::from_be_bytes(number)
    }

    /// Adds the hash of the content, multiplied by `rows`, and the hash of the key, multiplied by `occurrences`. Both
    /// factors may be negative.
    fn add(&mut self, table: ChainedTable, key: &RowKey, digest: Fingerprint, rows: i64, occurrences: i64) {
        let product = |number: u128, by: i64| number.wrapping_mul(i128::from(by).cast_unsigned());
        let content = product(self.hash(0, table, key, digest.as_bytes()), rows);
        let counted = product(self.hash(1, table, key, &[]), occurrences);
        let sum = &mut self.buckets[bucket(key)];
        *sum = sum.wrapping_add(content).wrapping_add(counted);
    }

    /// Checks that the link is the next one of its chain, or the first of another chain.
    fn check_position(&mut self, link: &Link) {
        let before = match self.current {
            Some(current) if current.writer == link.writer => current,
            _ => {
                self.heads.extend(self.current.take());
                Checkpoint::origin(link.writer)
            }
        };
        if link.sequence != before.sequence + 1 {
            let detail = "the number of this link is missing in its chain";
            self.found(Finding::link("removed", link.writer, before.sequence + 1, detail));
        } else if !link.follows(&before) {
            let detail = "its hash does not match its content and the previous link";
            self.found(Finding::link("altered", link.writer, link.sequence, detail));
        }
        self.current = Some(link.checkpoint());
    }
}

impl ChainVisitor for StoreDigest {
    fn checkpoint(&mut self, link: &Link) {
        self.signatures.checkpoint(link);
        for checkpoint in link.checkpoints().unwrap_or_default() {
            let known = self.named.insert((checkpoint.writer, checkpoint.sequence), checkpoint.hash);
            if known.is_some_and(|known| known != checkpoint.hash) {
                let detail = "two links name it with different hashes";
                self.found(Finding::link("altered", checkpoint.writer, checkpoint.sequence, detail));
            }
        }
    }

    fn link(&mut self, link: &Link) {
        self.links += 1;
        self.signatures.link(link);
        self.check_position(link);
        let position = (link.writer, link.sequence);
        if let Some(named) = self.named.get(&position) {
            if *named != link.hash {
                let detail = "another link names it with another hash";
                self.found(Finding::link("altered", link.writer, link.sequence, detail));
            }
            self.seen.insert(position, link.hash);
        }
        self.wanted = self.wanted.filter(|wanted| *wanted != link.hash);
        let Some(changes) = link.row_changes() else {
            return self.found(Finding::link(
                "altered",
                link.writer,
                link.sequence,
                "its row changes cannot be decoded",
            ));
        };
        for change in changes {
            self.journal.change(&change);
            if !change.table.is_summed() {
                continue;
            }
            let occurrences = i64::from(change.occurrences);
            let (rows, occurrences) = match change.kind {
                ChangeKind::Added => (1, occurrences),
                ChangeKind::Repeated => (0, occurrences),
                ChangeKind::Removed => (-1, -occurrences),
            };
            self.add(change.table, &change.key, change.digest, rows, occurrences);
        }
    }

    fn row(&mut self, row: &ChainedRow<'_>) {
        let vouches = [ChainedTable::Attestations, ChainedTable::StatusEvents, ChainedTable::StatusEventsBegin]
            .contains(&row.table);
        self.rows += u64::from(!vouches);
        self.add(row.table, &row.key, row.digest, -1, row.occurrences.wrapping_neg());
    }

    fn signed_body(&mut self, body: &[u8], signature: &BodySignature) {
        self.bodies.body(body, signature);
    }

    fn batch(&mut self, batch: &WaitingBatch) {
        self.journal.batch(batch);
    }
}
