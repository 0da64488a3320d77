//! What only the links can show about messages: times of repetitions, rebuilds and adoptions, and transactions whose owner
//! was purged.

use std::collections::{BTreeMap, HashMap};

use super::Finding;
use crate::{
    domain::{ChainedTable, ChangeKind, Link, RowKey},
    storage::{ChainVisitor, TimesClaim},
};

/// What links have to show. A claim is removed when a link shows it.
#[derive(Default)]
pub(super) struct Claims {
    times: HashMap<[u8; 8], TimesClaim>,
    /// Transactions without an owner, by their digests.
    transactions: BTreeMap<[u8; 8], String>,
}

impl Claims {
    pub(super) fn add(&mut self, times: Vec<TimesClaim>) {
        self.times.extend(times.into_iter().map(|claim| (claim.message(), claim)));
    }

    pub(super) fn add_transactions(&mut self, transactions: Vec<String>) {
        self.transactions.extend(transactions.into_iter().map(|id| (RowKey::short(id.as_bytes()), id)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty() && self.transactions.is_empty()
    }

    /// The first claim that no link has shown.
    pub(super) fn first(self) -> Option<Finding> {
        let first = self.times.into_values().min_by(|one, other| one.correlation_id.cmp(&other.correlation_id));
        let times = first.map(|claim| {
            let column = if claim.created_at.is_some() { "created_at" } else { "updated_at" };
            let detail =
                format!("its {column} is no time at which one of its notifications or dispatch steps was stored");
            Finding::new("altered", "messages", claim.correlation_id, detail)
        });
        times.or_else(|| {
            let (_, id) = self.transactions.into_iter().next()?;
            let detail = "a notification or a dispatch step names this transaction, but no message owns it";
            Some(Finding::new("removed", "transactions", id, detail))
        })
    }
}

impl ChainVisitor for Claims {
    fn link(&mut self, link: &Link) {
        for change in link.row_changes().unwrap_or_default() {
            if change.table == ChainedTable::Attestations && change.kind == ChangeKind::Repeated {
                self.transactions.remove(&change.key.part);
            }
            let Some(times) = change.times() else { continue };
            let Some(claim) = self.times.get_mut(&change.key.message) else { continue };
            if claim.allow(times) {
                self.times.remove(&change.key.message);
            }
        }
    }
}
