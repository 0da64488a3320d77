//! Groups arrivals into the rows of each statement of an append.
//!
//! All rows are in the order of their keys, so that two instances that append at the same time lock rows in the same
//! order.

use std::collections::BTreeMap;

use receiptd_domain::{
    Archived, Arrival, CorrelationId, Fingerprint, Inbound, Outcome, Reference, Standing, StoredNotification,
    Timestamp, TransactionId, Unreadable, standings, worst_off,
};

use super::{NotificationRow, StandingRow};

/// The rows of some arrivals.
#[derive(Default)]
pub(crate) struct Batch<'a> {
    notifications: Vec<&'a StoredNotification>,
    pub(crate) inbound: Vec<&'a Archived<Inbound>>,
    pub(crate) quarantined: Vec<&'a Archived<Unreadable>>,
}

/// A notification with the message that it belongs to. A notification that occurs several times is one entry, with a
/// count.
pub(crate) struct Entry<'a> {
    pub(crate) correlation_id: CorrelationId,
    pub(crate) stored: &'a StoredNotification,
    pub(crate) occurrences: i64,
}

/// What a batch adds to one message.
pub(crate) struct Addition {
    pub(crate) correlation_id: CorrelationId,
    standing: Standing,
    /// The outcome if nothing else is known of the message, and another system sent it to several recipients.
    shared: Option<Outcome>,
    recipients: Vec<String>,
    /// When the first and the last of the notifications arrived.
    received_at: [Timestamp; 2],
}

impl Entry<'_> {
    pub(crate) fn row(&self) -> NotificationRow {
        NotificationRow::of(&self.correlation_id, self.stored, self.occurrences)
    }
}

impl Addition {
    /// Each recipient that the notifications name, with the id of the message.
    pub(crate) fn named_recipients(&self) -> impl Iterator<Item = (&str, &str)> {
        self.recipients.iter().map(|recipient| (self.correlation_id.as_str(), recipient.as_str()))
    }

    /// Like `named_recipients`, with the id alone if no recipient is named.
    pub(crate) fn mentions(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let id = self.correlation_id.as_str();
        let unnamed = self.recipients.is_empty().then_some((id, None));
        self.named_recipients().map(|(id, recipient)| (id, Some(recipient))).chain(unnamed)
    }

    /// The row to merge into the message. If several recipients are named, it contains only what does not depend on
    /// them.
    pub(crate) fn row(&self) -> StandingRow {
        self.shared.as_ref().map_or_else(|| self.row_of_one(), |shared| self.row_of(shared))
    }

    /// The row to merge into a message with one recipient, whatever ids are named.
    pub(crate) fn row_of_one(&self) -> StandingRow {
        self.row_of(&Outcome::of_one(self.standing.clone()))
    }

    fn row_of(&self, outcome: &Outcome) -> StandingRow {
        StandingRow::of(&self.correlation_id, outcome, self.recipients.first(), self.received_at)
    }

    pub(crate) fn names_several(&self) -> bool {
        self.shared.is_some()
    }
}

/// A change of the message that owns a transaction: the real correlation id has become known.
pub(crate) struct Adoption {
    pub(crate) transaction_id: TransactionId,
    pub(crate) from: CorrelationId,
    pub(crate) to: CorrelationId,
}

impl Adoption {
    /// Made from the row after the change. `None` if the transaction had no owner before.
    pub(crate) fn of(transaction_id: &str, owner: &str, formerly: Option<&str>) -> Option<Self> {
        Some(Self {
            transaction_id: TransactionId::new(transaction_id).ok()?,
            from: CorrelationId::new(formerly?).ok()?,
            to: CorrelationId::new(owner).ok()?,
        })
    }
}

impl Adoption {
    /// Both messages.
    pub(crate) fn ids(&self) -> [&str; 2] {
        [self.from.as_str(), self.to.as_str()]
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn of(arrivals: impl IntoIterator<Item = &'a Arrival>) -> Self {
        let mut batch = Self::default();
        for arrival in arrivals {
            match arrival {
                Arrival::Notification(stored) => batch.notifications.push(stored),
                Arrival::Inbound(kept) => batch.inbound.push(kept),
                Arrival::Quarantined(kept) => batch.quarantined.push(kept),
            }
        }
        batch
    }

    /// The owner of each transaction according to the batch. A real correlation id wins over `txn:…`. Of two real ones,
    /// the smaller wins, so that the order of arrival does not matter.
    pub(crate) fn claims(&self) -> BTreeMap<&'a str, CorrelationId> {
        let mut claims: BTreeMap<&str, CorrelationId> = BTreeMap::new();
        for stored in &self.notifications {
            let reference = &stored.notification.reference;
            let Some(transaction) = reference.transaction_id() else { continue };
            let id = reference.correlation_id();
            let own = CorrelationId::of_transaction(transaction);
            claims
                .entry(transaction.as_str())
                .and_modify(|best| {
                    if id != own && (*best == own || id < *best) {
                        *best = id.clone();
                    }
                })
                .or_insert(id);
        }
        claims
    }

    /// The transaction ids of notifications without a correlation id.
    pub(crate) fn uncorrelated(&self) -> Vec<String> {
        let transaction = |stored: &&StoredNotification| match &stored.notification.reference {
            Reference::Transaction(id) => Some(id.as_str().to_owned()),
            Reference::Correlated(..) => None,
        };
        self.notifications.iter().filter_map(transaction).collect()
    }

    /// The notifications with their messages. `owners` contains the owners of those without a correlation id.
    pub(crate) fn entries(&self, owners: &BTreeMap<String, CorrelationId>) -> Vec<Entry<'a>> {
        let mut entries: BTreeMap<(CorrelationId, Fingerprint), Entry<'a>> = BTreeMap::new();
        for stored in &self.notifications {
            let correlation_id = owner(stored, owners);
            entries
                .entry((correlation_id.clone(), stored.fingerprint))
                .and_modify(|entry| {
                    entry.occurrences += stored.occurrences;
                    // The same event with its correlation id contains more than without it.
                    let is_correlated =
                        |it: &StoredNotification| matches!(it.notification.reference, Reference::Correlated(..));
                    if is_correlated(stored) && !is_correlated(entry.stored) {
                        entry.stored = stored;
                    }
                })
                .or_insert(Entry { correlation_id, stored, occurrences: stored.occurrences });
        }
        entries.into_values().collect()
    }
}

/// The message that a notification belongs to. `owners` contains the owners of those without a correlation id.
pub(crate) fn owner(stored: &StoredNotification, owners: &BTreeMap<String, CorrelationId>) -> CorrelationId {
    let reference = &stored.notification.reference;
    let owner = match reference {
        Reference::Transaction(id) => owners.get(id.as_str()).cloned(),
        Reference::Correlated(..) => None,
    };
    owner.unwrap_or_else(|| reference.correlation_id())
}

/// What the entries add to each message. The entries are in the order of the ids.
pub(crate) fn additions(entries: &[Entry<'_>]) -> Vec<Addition> {
    entries.chunk_by(|one, next| one.correlation_id == next.correlation_id).filter_map(addition).collect()
}

/// What the entries of one message add to it.
fn addition(entries: &[Entry<'_>]) -> Option<Addition> {
    let stored = || entries.iter().map(|entry| entry.stored);
    let named = stored().filter_map(|stored| stored.notification.recipient.as_ref());
    let mut recipients: Vec<String> = named.map(|recipient| recipient.as_str().to_owned()).collect();
    recipients.sort_unstable();
    recipients.dedup();
    Some(Addition {
        correlation_id: entries.first()?.correlation_id.clone(),
        standing: stored().map(StoredNotification::standing).reduce(Standing::merge)?,
        shared: if recipients.len() > 1 { worst_off(&standings(stored())) } else { None },
        recipients,
        received_at: [
            stored().map(|stored| stored.received_at).min()?,
            stored().map(|stored| stored.received_at).max()?,
        ],
    })
}
