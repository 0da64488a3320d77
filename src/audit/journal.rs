//! Whether the journal is complete: each batch of a writer is stored, or links record that it was projected.

use std::collections::{BTreeMap, HashMap};

use super::Finding;
use crate::{
    domain::{ChainedTable, ChangeKind, Fingerprint, JournalPosition, RowChange, RowKey},
    storage::WaitingBatch,
};

/// What links and the database contain about the journal.
#[derive(Default)]
pub(super) struct JournalProof {
    /// The batches of each writer that were projected completely or are stored.
    known: HashMap<[u8; 8], Ranges>,
    /// The last number of each writer that a link names.
    named: HashMap<[u8; 8], i64>,
    /// How many records of a batch were projected, if not all.
    parts: HashMap<RowKey, i64>,
    /// The digests of batches that waited during an earlier verification.
    waited: HashMap<RowKey, Fingerprint>,
    finding: Option<Finding>,
}

/// Numbers as successive ranges: the first and the last number of each.
#[derive(Default)]
struct Ranges(BTreeMap<i64, i64>);

impl Ranges {
    /// Adds a number. Returns whether it is new.
    fn add(&mut self, number: i64) -> bool {
        let before = self.0.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= number) {
            return false;
        }
        let first = before.filter(|(_, last)| *last + 1 == number).map_or(number, |(first, _)| first);
        let last = self.0.remove(&(number + 1)).unwrap_or(number);
        self.0.insert(first, last);
        true
    }

    /// The first number from 1 to `last` that is missing.
    fn missing(&self, last: i64) -> Option<i64> {
        let end = self.0.first_key_value().filter(|(first, _)| **first == 1).map_or(0, |(_, last)| *last);
        let last = self.0.last_key_value().map_or(last, |(_, own)| last.max(*own));
        (end < last).then_some(end + 1)
    }
}

impl JournalProof {
    /// Adds a change that a link records.
    pub(super) fn change(&mut self, change: &RowChange) {
        if change.table != ChainedTable::Journal {
            return;
        }
        let RowKey { message: writer, part } = change.key;
        let sequence = i64::from_be_bytes(part);
        match change.kind {
            ChangeKind::Removed => {
                self.known.entry(writer).or_default().add(sequence);
            }
            ChangeKind::Repeated => {
                let projected = self.parts.entry(change.key).or_default();
                *projected = (*projected).max(i64::from(change.occurrences));
            }
            ChangeKind::Added => {
                self.waited.insert(change.key, change.digest);
            }
        }
        let named = self.named.entry(writer).or_default();
        *named = sequence.max(*named);
    }

    /// Adds a batch that is stored. All links must have been added before.
    pub(super) fn batch(&mut self, batch: &WaitingBatch) {
        let (position, key) = (batch.position, batch.position.key());
        if !batch.is_intact || self.waited.get(&key).is_some_and(|digest| *digest != batch.digest) {
            return self.found("altered", position, "its content is not the one that was acknowledged");
        }
        if !self.known.entry(key.message).or_default().add(position.sequence) {
            return self.found("inserted", position, "a link records that it was projected and removed");
        }
        if self.parts.get(&key).copied().unwrap_or_default() != batch.projected {
            self.found("altered", position, "the number of its projected records is not the one that links record");
        }
    }

    /// The first thing that is wrong, after all links and all batches.
    pub(super) fn conclude(mut self) -> Option<Finding> {
        let hole = |(writer, known): (&[u8; 8], &Ranges)| {
            let named = self.named.get(writer).copied().unwrap_or_default();
            known.missing(named).map(|sequence| (*writer, sequence))
        };
        let unknown = Ranges::default();
        let all = self.named.keys().map(|writer| (writer, self.known.get(writer).unwrap_or(&unknown)));
        let missing = all.chain(self.known.iter()).filter_map(hole).min();
        self.finding.take().or_else(|| {
            let (writer, sequence) = missing?;
            let detail = "this batch was acknowledged, but it is not stored, and no link records that it was projected";
            Some(Finding::new("removed", "journal", format!("sha256:{} {sequence}", hex::encode(writer)), detail))
        })
    }

    fn found(&mut self, what: &str, position: JournalPosition, detail: &str) {
        let key = format!("{} {}", position.writer, position.sequence);
        self.finding.get_or_insert_with(|| Finding::new(what, "journal", key, detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_missing_number_is_found_in_any_order() {
        let mut ranges = Ranges::default();
        assert_eq!((ranges.missing(0), ranges.missing(2)), (None, Some(1)));
        for number in [4, 2, 1, 6] {
            assert!(ranges.add(number));
        }
        assert!(!ranges.add(2));
        assert_eq!(ranges.missing(0), Some(3));
        assert!(ranges.add(3) && ranges.add(5));
        assert_eq!((ranges.missing(6), ranges.missing(7)), (None, Some(7)));
    }
}
