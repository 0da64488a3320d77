//! The first look at what is chained: in constant memory for each row, however many there are.
//!
//! Whether the rows are what the links come to is found out by sums: each record and each row counts as a number that a
//! hash with a secret key of this run gives it. No rows can have been prepared for that key, so equal sums mean equal
//! rows. The sums are kept in buckets by message, so that a difference also tells where to look.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::Finding;
use crate::{
    domain::{ChainedTable, ChangeKind, Checkpoint, Fingerprint, Link, LinkHash, RowKey, Writer},
    storage::{ChainVisitor, ChainedRow},
};

/// How many buckets: with ten million rows, some hundred and fifty rows each.
const BUCKETS: usize = 1 << 16;

/// Adds up what links and rows say.
pub(super) struct StoreDigest {
    secret: [u8; 32],
    buckets: Vec<u128>,
    /// Where links say that other chains stood, and whether that was found.
    named: HashMap<(Writer, i64), LinkHash>,
    seen: HashMap<(Writer, i64), LinkHash>,
    heads: Vec<Checkpoint>,
    current: Option<Checkpoint>,
    wanted: Option<LinkHash>,
    pub(super) finding: Option<Finding>,
    pub(super) links: u64,
    pub(super) rows: u64,
}

/// The bucket of a row.
pub(super) fn bucket(key: &RowKey) -> usize {
    usize::from(u16::from_be_bytes([key.message[0], key.message[1]]))
}

impl StoreDigest {
    /// With a secret of its own; `wanted` is a head that was printed before.
    pub(super) fn new(secret: [u8; 32], wanted: Option<LinkHash>) -> Self {
        Self {
            secret,
            buckets: vec![0; BUCKETS],
            named: HashMap::new(),
            seen: HashMap::new(),
            heads: Vec::new(),
            current: None,
            wanted,
            finding: None,
            links: 0,
            rows: 0,
        }
    }

    /// After everything was shown: the first thing that is wrong with the links.
    pub(super) fn conclude(&mut self) {
        self.heads.extend(self.current.take());
        let mut missing: Vec<_> = self.named.keys().filter(|place| !self.seen.contains_key(place)).collect();
        missing.sort_unstable();
        if let Some((writer, sequence)) = missing.first() {
            self.found(Finding::link("removed", *writer, *sequence, "a later link names it, but it is missing"));
        }
        if let Some(wanted) = self.wanted {
            let detail = "no link has the hash of this head: links were removed, or the head belongs to another store";
            self.found(Finding::new("removed", "links", wanted.to_string(), detail));
        }
    }

    /// The buckets whose rows are not what the links come to.
    pub(super) fn unequal(&self) -> Vec<usize> {
        self.buckets.iter().enumerate().filter(|(_, sum)| **sum != 0).map(|(bucket, _)| bucket).collect()
    }

    /// The ends of all chains, but for those that a link names.
    pub(super) fn heads(&self) -> Vec<Checkpoint> {
        let is_named = |head: &&Checkpoint| self.named.contains_key(&(head.writer, head.sequence));
        self.heads.iter().filter(|head| !is_named(head)).copied().collect()
    }

    /// How many chains there are.
    pub(super) fn chains(&self) -> usize {
        self.heads.len()
    }

    pub(super) fn found(&mut self, finding: Finding) {
        self.finding.get_or_insert(finding);
    }

    fn hash(&self, what: u8, table: ChainedTable, key: &RowKey, digest: &[u8]) -> u128 {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update([what, u8::from(table == ChainedTable::DispatchEvents)]);
        hash.update(key.message);
        hash.update(key.part);
        hash.update(digest);
        let mut number = [0; 16];
        number.copy_from_slice(&hash.finalize()[..16]);
        u128::from_be_bytes(number)
    }

    /// Adds `rows` times the content and `times` times the key; both may be negative.
    fn add(&mut self, table: ChainedTable, key: &RowKey, digest: Fingerprint, rows: i64, times: i64) {
        let product = |number: u128, by: i64| number.wrapping_mul(i128::from(by).cast_unsigned());
        let content = product(self.hash(0, table, key, digest.as_bytes()), rows);
        let counted = product(self.hash(1, table, key, &[]), times);
        let sum = &mut self.buckets[bucket(key)];
        *sum = sum.wrapping_add(content).wrapping_add(counted);
    }

    /// The link is the next one of its chain, or the first of another.
    fn check_place(&mut self, link: &Link) {
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
        self.check_place(link);
        let place = (link.writer, link.sequence);
        if let Some(named) = self.named.get(&place) {
            if *named != link.hash {
                let detail = "another link names it with another hash";
                self.found(Finding::link("altered", link.writer, link.sequence, detail));
            }
            self.seen.insert(place, link.hash);
        }
        self.wanted = self.wanted.filter(|wanted| *wanted != link.hash);
        let Some(records) = link.row_changes() else {
            return self.found(Finding::link(
                "altered",
                link.writer,
                link.sequence,
                "its row changes cannot be decoded",
            ));
        };
        for record in records {
            let times = i64::from(record.occurrences);
            let (rows, times) = match record.kind {
                ChangeKind::Added => (1, times),
                ChangeKind::Repeated => (0, times),
                ChangeKind::Removed => (-1, -times),
            };
            self.add(record.table, &record.key, record.digest, rows, times);
        }
    }

    fn row(&mut self, row: &ChainedRow<'_>) {
        self.rows += 1;
        self.add(row.table, &row.key, row.digest, -1, row.occurrences.wrapping_neg());
    }
}
