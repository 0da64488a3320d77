//! Verifies the store against its hash chain.

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

/// Verifies the store.
#[derive(Clone)]
pub struct Proof {
    chain: Arc<dyn HashChain>,
    repair: Arc<dyn Repair>,
}

/// The result of a verification.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Everything that is verified matches the chain.
    pub sound: bool,
    /// The number of chains: each writer begins a new one whenever it is started.
    pub chains: usize,
    /// The number of links.
    pub links: u64,
    /// The number of chained rows: notifications and dispatch steps.
    pub rows: u64,
    /// The number of messages whose status follows from these rows.
    pub messages: u64,
    /// The number of messages whose status cannot be recomputed, since the deciding notification was removed.
    pub unverifiable: u64,
    /// The head, which vouches for all links: if a later verification finds it, no verified row was lost or altered.
    pub head: Option<String>,
    /// The first error that was found.
    pub finding: Option<Finding>,
}

/// Something that does not match the chain, or does not follow from what the chain contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `altered`, `removed` or `inserted`.
    pub what: String,
    /// The table.
    pub table: String,
    /// The row: correlation id and the first half of the fingerprint, or the number of the step; writer and number of a
    /// link; correlation id of a message. If the message is gone too, the first 8 bytes of the SHA-256 of its
    /// correlation id.
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
        // The rules may have changed since then.
        let detail = format!("{wrong}; if an earlier version of receiptd decided this, run `receiptd rebuild`");
        Self::new("altered", "messages", correlation_id.to_string(), detail)
    }

    /// Makes a finding of a value that receiptd never writes. Other errors are returned.
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

/// The number of messages that were checked.
#[derive(Default)]
struct Counts {
    messages: u64,
    unverifiable: u64,
}

/// Finds out which notifications receiptd removed itself, for example by a purge.
struct Removals {
    missing: BTreeSet<RowKey>,
}

impl ChainVisitor for Removals {
    fn link(&mut self, link: &Link) {
        for change in link.row_changes().unwrap_or_default() {
            if change.table == ChainedTable::Notifications && change.kind == ChangeKind::Removed {
                self.missing.remove(&change.key);
            }
        }
    }
}

impl Proof {
    /// Creates a proof for `store`.
    pub fn new(store: &Store) -> Self {
        Self { chain: store.hash_chain.clone(), repair: store.repair.clone() }
    }

    /// Verifies every link and every chained row; then, that every message has the status that follows from those rows,
    /// and that the counters match the messages. With `head`, everything that it vouched for must still exist. If all
    /// is sound, a new link vouches for the links, and its hash is the new head. Nothing else is verified: not the
    /// audit log, inbound, quarantine or the outbox, and not the channel, sender, recipient, segments, callback data
    /// and times of messages.
    pub async fn verify(&self, head: Option<LinkHash>) -> Result<Verdict, StorageError> {
        let mut digest = StoreDigest::new(rand::random(), head);
        match self.chain.visit_all(&mut digest).await {
            Ok(()) => digest.conclude(),
            Err(error) => digest.found(Finding::of_error(error)?),
        }
        let unequal = digest.unequal();
        let mut finding = match digest.finding.take() {
            None if !unequal.is_empty() => self.search(unequal).await?,
            finding => finding,
        };
        let mut counts = Counts::default();
        if finding.is_none() {
            finding = match self.check_messages(&mut counts).await {
                Ok(found) => found,
                Err(error) => Some(Finding::of_error(error)?),
            };
        }
        let head = match &finding {
            None => Some(self.chain.seal(&digest.heads()).await?.to_string()),
            Some(_) => None,
        };
        Ok(Verdict {
            sound: finding.is_none(),
            chains: digest.chains(),
            links: digest.links,
            rows: digest.rows,
            messages: counts.messages,
            unverifiable: counts.unverifiable,
            head,
            finding,
        })
    }

    /// Checks the messages and the counters against the rows that were just verified.
    async fn check_messages(&self, counts: &mut Counts) -> Result<Option<Finding>, StorageError> {
        if let Some(Inconsistency { what, table, key, detail }) = self.chain.find_inconsistency().await? {
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
                return self.check_removals(missing).await;
            }
            last = ids.into_iter().next_back();
        }
    }

    /// Checks that for each of these notifications, a link records that it was removed.
    async fn check_removals(&self, missing: BTreeSet<RowKey>) -> Result<Option<Finding>, StorageError> {
        if missing.is_empty() {
            return Ok(None);
        }
        let mut removals = Removals { missing };
        self.chain.visit_links(&mut removals).await?;
        let Some(key) = removals.missing.first() else { return Ok(None) };
        let Some(id) = self.chain.find_message_id(key.message).await? else {
            // The message was purged meanwhile.
            return Ok(None);
        };
        let detail = "it names a deciding notification that was never stored";
        Ok(Some(Finding::new("altered", "messages", id.to_string(), detail)))
    }

    async fn search(&self, buckets: Vec<usize>) -> Result<Option<Finding>, StorageError> {
        let mut search = Search::new(buckets);
        self.chain.visit_all(&mut search).await?;
        let Some(Wrong { what, table, key, correlation_id, detail }) = search.first() else {
            // It was corrected between the two passes.
            return Ok(None);
        };
        let known = match correlation_id {
            Some(id) => Some(id),
            None => self.chain.find_message_id(key.message).await?.map(|id| id.to_string()),
        };
        let message = known.unwrap_or_else(|| format!("sha256:{}", hex::encode(key.message)));
        let part = match table {
            ChainedTable::Notifications => hex::encode(key.part),
            ChainedTable::DispatchEvents => u64::from_be_bytes(key.part).to_string(),
        };
        Ok(Some(Finding::new(what, table.as_str(), format!("{message} {part}"), detail)))
    }
}
