//! Proves the store against its chain.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    digest::StoreDigest,
    search::{Search, Wrong},
};
use crate::{
    domain::{ChainedTable, ChangeKind, CorrelationId, Link, LinkHash, PageLimit, RowKey, Writer},
    storage::{ChainVisitor, HashChain, Inconsistency, Recomputed, Repair, StatusCheck, StorageError, Store},
};

/// How many messages are checked together.
const BATCH: u16 = 100;

/// Proves the store.
#[derive(Clone)]
pub struct Proof {
    ledger: Arc<dyn HashChain>,
    repair: Arc<dyn Repair>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Everything that is looked at is as the chain says.
    pub sound: bool,
    /// How many chains there are: one for each writer, and one more for each time that one was started.
    pub chains: usize,
    /// How many links.
    pub links: u64,
    /// How many rows are chained: notifications and steps of dispatch.
    pub rows: u64,
    /// How many messages have the status that these rows come to.
    pub messages: u64,
    /// How many messages have a status that cannot be recomputed, since the notification that decided is no longer kept.
    pub unverifiable: u64,
    /// Vouches for all links: as long as a later proof finds it, no row that was proved is lost or altered.
    pub head: Option<String>,
    /// The first thing that is wrong.
    pub finding: Option<Finding>,
}

/// Something that is not as the chain says, or does not follow from what the chain holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `altered`, `removed` or `inserted`.
    pub what: String,
    /// The table.
    pub table: String,
    /// The row: correlation id and the first half of the fingerprint, or the number of the step; writer and number of a
    /// link; correlation id of a message. Where the message is gone too, the first 8 bytes of the SHA-256 of its correlation id.
    pub key: String,
    /// What is wrong.
    pub detail: String,
}

impl Finding {
    pub(super) fn new(what: &str, table: &str, key: String, detail: impl Into<String>) -> Self {
        Self { what: what.to_owned(), table: table.to_owned(), key, detail: detail.into() }
    }

    pub(super) fn link(what: &str, writer: Writer, sequence: i64, detail: &str) -> Self {
        Self::new(what, "links", format!("{writer} {sequence}"), detail)
    }

    fn of_message(Recomputed { correlation_id, from, to }: &Recomputed) -> Self {
        let wrong = if from == to {
            "its final, failure, code, reason or transaction id is not that of the notification that decided".to_owned()
        } else {
            format!("its status is {from}, but its notifications and its dispatch result in {to}")
        };
        // Rules may have changed since.
        let detail = format!("{wrong}; if an earlier version of receiptd decided this, run `receiptd rebuild`");
        Self::new("altered", "messages", correlation_id.to_string(), detail)
    }

    /// What is not even of the form that receiptd writes. Any other error stays one.
    fn of_error(error: StorageError) -> Result<Self, StorageError> {
        match error {
            StorageError::Corrupt { table, column, row } => {
                Ok(Self::new("altered", table, row, format!("its {column} has a value that receiptd never writes")))
            }
            error => Err(error),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} was {}: {}", self.table, self.key, self.what, self.detail)
    }
}

/// How many messages were looked at.
#[derive(Default)]
struct Counts {
    messages: u64,
    unverifiable: u64,
}

/// Finds out which notifications were removed by us, as a purge does.
struct Removals {
    missing: BTreeSet<RowKey>,
}

impl ChainVisitor for Removals {
    fn link(&mut self, link: &Link) {
        for record in link.row_changes().unwrap_or_default() {
            if record.table == ChainedTable::Notifications && record.kind == ChangeKind::Removed {
                self.missing.remove(&record.key);
            }
        }
    }
}

impl Proof {
    /// Of `store`.
    pub fn new(store: &Store) -> Self {
        Self { ledger: store.hash_chain.clone(), repair: store.repair.clone() }
    }

    /// Looks at every link and every chained row; then, whether every message has the status that those rows come to, and
    /// whether the counters count the messages. With `head`, what that vouched for must still be there. If all is sound, a
    /// new link vouches for the links, and its hash is the new head. Nothing else is looked at: not the audit log, inbound,
    /// quarantine or the outbox, and of messages neither channel, sender, recipient, segments, callback data nor times.
    pub async fn verify(&self, head: Option<LinkHash>) -> Result<Verdict, StorageError> {
        let mut sums = StoreDigest::new(rand::random(), head);
        match self.ledger.visit_all(&mut sums).await {
            Ok(()) => sums.conclude(),
            Err(error) => sums.found(Finding::of_error(error)?),
        }
        let unequal = sums.unequal();
        let mut finding = match sums.finding.take() {
            None if !unequal.is_empty() => self.search(unequal).await?,
            finding => finding,
        };
        let mut counts = Counts::default();
        if finding.is_none() {
            finding = match self.look_at_messages(&mut counts).await {
                Ok(found) => found,
                Err(error) => Some(Finding::of_error(error)?),
            };
        }
        let head = match &finding {
            None => Some(self.ledger.seal(&sums.heads()).await?.to_string()),
            Some(_) => None,
        };
        Ok(Verdict {
            sound: finding.is_none(),
            chains: sums.chains(),
            links: sums.links,
            rows: sums.rows,
            messages: counts.messages,
            unverifiable: counts.unverifiable,
            head,
            finding,
        })
    }

    /// Whether messages and counters are as the rows say that were just proved.
    async fn look_at_messages(&self, counts: &mut Counts) -> Result<Option<Finding>, StorageError> {
        if let Some(Inconsistency { what, table, key, detail }) = self.ledger.find_inconsistency().await? {
            return Ok(Some(Finding::new(what, table, key, detail)));
        }
        let limit = PageLimit::new(BATCH).unwrap_or_default();
        let mut last: Option<CorrelationId> = None;
        let mut missing = BTreeSet::new();
        loop {
            let ids = self.repair.ids(last.as_ref(), limit).await?;
            let StatusCheck { wrong, right, unverifiable, deciders } = self.repair.check_statuses(&ids).await?;
            if let Some(first) = wrong.first() {
                return Ok(Some(Finding::of_message(first)));
            }
            counts.messages += right;
            counts.unverifiable += unverifiable;
            missing.extend(deciders);
            if ids.len() < limit.get() {
                return self.look_for_removals(missing).await;
            }
            last = ids.into_iter().next_back();
        }
    }

    /// Whether links say of each of these notifications that it was removed.
    async fn look_for_removals(&self, missing: BTreeSet<RowKey>) -> Result<Option<Finding>, StorageError> {
        if missing.is_empty() {
            return Ok(None);
        }
        let mut removals = Removals { missing };
        self.ledger.visit_links(&mut removals).await?;
        let Some(key) = removals.missing.first() else { return Ok(None) };
        let Some(id) = self.ledger.find_message_id(key.message).await? else {
            // Purged since.
            return Ok(None);
        };
        let detail = "it names a deciding notification that was never stored";
        Ok(Some(Finding::new("altered", "messages", id.to_string(), detail)))
    }

    async fn search(&self, buckets: Vec<usize>) -> Result<Option<Finding>, StorageError> {
        let mut search = Search::new(buckets);
        self.ledger.visit_all(&mut search).await?;
        let Some(Wrong { what, table, key, correlation_id, detail }) = search.first() else {
            // Somebody put it right between the two looks.
            return Ok(None);
        };
        let known = match correlation_id {
            Some(id) => Some(id),
            None => self.ledger.find_message_id(key.message).await?.map(|id| id.to_string()),
        };
        let message = known.unwrap_or_else(|| format!("sha256:{}", hex::encode(key.message)));
        let part = match table {
            ChainedTable::Notifications => hex::encode(key.part),
            ChainedTable::DispatchEvents => u64::from_be_bytes(key.part).to_string(),
        };
        Ok(Some(Finding::new(what, table.as_str(), format!("{message} {part}"), detail)))
    }
}
