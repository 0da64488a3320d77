//! The second pass, which searches the buckets that the first pass found to be wrong.

use std::collections::{BTreeMap, HashSet};

use super::digest::bucket;
use crate::{
    domain::{ChainedTable, ChangeKind, Fingerprint, Link, RowKey},
    storage::{ChainVisitor, ChainedRow},
};

/// The maximum number of buckets to search, so that memory is bounded if everything was altered.
const MOST: usize = 1024;

/// The detail of a row from which receiptd removed content that no link had added.
const OVERDRAWN: &str =
    "receiptd removed or replaced content that it had never recorded: the row was altered outside receiptd";

/// Collects the links and the rows of the suspicious buckets.
pub(super) struct Search {
    buckets: HashSet<usize>,
    rows: BTreeMap<(ChainedTable, RowKey), RowState>,
}

/// What links and the database contain about one row.
#[derive(Default)]
struct RowState {
    /// For each content, how often it was added minus how often it was removed.
    chained: BTreeMap<Fingerprint, i64>,
    recorded_occurrences: i64,
    stored: Option<Stored>,
}

struct Stored {
    name: String,
    digest: Fingerprint,
    occurrences: i64,
}

/// What is wrong with a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: &'static str,
    pub(super) table: ChainedTable,
    pub(super) key: RowKey,
    /// The key for a person, if the row still exists.
    pub(super) name: Option<String>,
    pub(super) detail: &'static str,
}

impl Search {
    pub(super) fn new(buckets: impl IntoIterator<Item = usize>) -> Self {
        Self { buckets: buckets.into_iter().take(MOST).collect(), rows: BTreeMap::new() }
    }

    fn row_state(&mut self, table: ChainedTable, key: RowKey) -> Option<&mut RowState> {
        self.buckets.contains(&bucket(&key)).then(|| self.rows.entry((table, key)).or_default())
    }

    /// Returns one row that does not match the links: the first in the order of tables and keys. Keys are hashes, so to
    /// a reader the choice is arbitrary.
    pub(super) fn first(self) -> Option<Wrong> {
        self.rows.into_iter().find_map(|((table, key), state)| {
            let (what, detail) = state.wrong()?;
            let name = state.stored.map(|stored| stored.name);
            Some(Wrong { what, table, key, name, detail })
        })
    }
}

impl RowState {
    fn wrong(&self) -> Option<(&'static str, &'static str)> {
        let expected = self.chained.iter().filter(|(_, balance)| **balance > 0).map(|(digest, _)| *digest).next();
        let is_overdrawn = self.chained.values().any(|balance| *balance < 0);
        match (&self.stored, expected) {
            _ if is_overdrawn => Some(("altered", OVERDRAWN)),
            (Some(_), None) => Some(("inserted", "no link records that it was added")),
            (None, Some(_)) => Some(("removed", "no link records that it was removed")),
            (Some(stored), Some(digest)) if stored.digest != digest => {
                Some(("altered", "its content is not the one that was committed"))
            }
            (Some(stored), Some(_)) if stored.occurrences != self.recorded_occurrences => {
                Some(("altered", "its number of occurrences differs from the recorded number"))
            }
            _ => None,
        }
    }
}

impl ChainVisitor for Search {
    fn link(&mut self, link: &Link) {
        for change in link.row_changes().unwrap_or_default() {
            if !change.table.is_summed() {
                continue;
            }
            let Some(state) = self.row_state(change.table, change.key) else { continue };
            let occurrences = i64::from(change.occurrences);
            let (rows, occurrences) = match change.kind {
                ChangeKind::Added => (1, occurrences),
                ChangeKind::Repeated => (0, occurrences),
                ChangeKind::Removed => (-1, -occurrences),
            };
            *state.chained.entry(change.digest).or_default() += rows;
            state.recorded_occurrences += occurrences;
        }
    }

    fn row(&mut self, row: &ChainedRow<'_>) {
        if let Some(state) = self.row_state(row.table, row.key) {
            state.stored = Some(Stored { name: (row.name)(), digest: row.digest, occurrences: row.occurrences });
        }
    }
}
