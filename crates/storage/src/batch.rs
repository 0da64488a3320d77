//! Arrivals, sorted out into what each statement of an append needs.
//!
//! All of it is in key order, so that two instances that append at the same time lock rows in the same order.

use std::collections::BTreeMap;

use receiptd_domain::{
    Archived, Arrival, CorrelationId, Fingerprint, Inbound, Outcome, Reference, Standing, StoredNotification,
    Timestamp, TransactionId, Unreadable, standings, worst_off,
};

use super::rows::{NotificationRow, StandingRow};

/// What some arrivals put on record.
#[derive(Default)]
pub(super) struct Batch<'a> {
    notifications: Vec<&'a StoredNotification>,
    pub(super) inbound: Vec<&'a Archived<Inbound>>,
    pub(super) quarantined: Vec<&'a Archived<Unreadable>>,
}

/// A notification with the message it belongs to. The same one several times is one, counted.
pub(super) struct Entry<'a> {
    pub(super) correlation_id: CorrelationId,
    pub(super) recorded: &'a StoredNotification,
    pub(super) occurrences: i64,
}

/// What a batch adds to one message.
pub(super) struct Addition {
    pub(super) correlation_id: CorrelationId,
    standing: Standing,
    /// Where the message stands if this is all that is known of it, and another system sent it to several recipients.
    shared: Option<Outcome>,
    recipients: Vec<String>,
    received_at: Timestamp,
}

impl Entry<'_> {
    pub(super) fn row(&self) -> NotificationRow {
        NotificationRow::of(&self.correlation_id, self.recorded, self.occurrences)
    }
}

impl Addition {
    /// Each recipient that the notifications name, with the id of the message.
    pub(super) fn named_recipients(&self) -> impl Iterator<Item = (&str, &str)> {
        self.recipients.iter().map(|recipient| (self.correlation_id.as_str(), recipient.as_str()))
    }

    /// The same, or the id alone if no recipient is named.
    pub(super) fn mentions(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let id = self.correlation_id.as_str();
        let unnamed = self.recipients.is_empty().then_some((id, None));
        self.named_recipients().map(|(id, recipient)| (id, Some(recipient))).chain(unnamed)
    }

    /// As it is merged into the message; where several recipients are named, only as far as it does not depend on these.
    pub(super) fn row(&self) -> StandingRow {
        self.shared.as_ref().map_or_else(|| self.row_of_one(), |shared| self.row_of(shared))
    }

    /// As it is merged into a message that has one recipient, whatever ids are named.
    pub(super) fn row_of_one(&self) -> StandingRow {
        self.row_of(&Outcome::of_one(self.standing.clone()))
    }

    fn row_of(&self, outcome: &Outcome) -> StandingRow {
        StandingRow::of(&self.correlation_id, outcome, self.recipients.first(), self.received_at)
    }

    pub(super) fn names_several(&self) -> bool {
        self.shared.is_some()
    }
}

/// A transaction that a real correlation id has taken over.
pub(super) struct Adoption {
    pub(super) transaction_id: TransactionId,
    pub(super) from: CorrelationId,
    pub(super) to: CorrelationId,
}

impl Adoption {
    /// From the row after the take-over; `None` if nobody had the transaction before.
    pub(super) fn of(transaction_id: &str, owner: &str, formerly: Option<&str>) -> Option<Self> {
        Some(Self {
            transaction_id: TransactionId::new(transaction_id).ok()?,
            from: CorrelationId::new(formerly?).ok()?,
            to: CorrelationId::new(owner).ok()?,
        })
    }
}

impl<'a> Batch<'a> {
    pub(super) fn of(arrivals: impl IntoIterator<Item = &'a Arrival>) -> Self {
        let mut batch = Self::default();
        for arrival in arrivals {
            match arrival {
                Arrival::Notification(recorded) => batch.notifications.push(recorded),
                Arrival::Inbound(kept) => batch.inbound.push(kept),
                Arrival::Quarantined(kept) => batch.quarantined.push(kept),
            }
        }
        batch
    }

    /// For each transaction id, the message that the batch says it belongs to. A real correlation id goes before
    /// `txn:…`, and of two real ones the smaller, so that the order of arrival does not matter.
    pub(super) fn claims(&self) -> BTreeMap<&'a str, CorrelationId> {
        let mut claims: BTreeMap<&str, CorrelationId> = BTreeMap::new();
        for recorded in &self.notifications {
            let reference = &recorded.notification.reference;
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

    /// The transaction ids of notifications that came without correlation id.
    pub(super) fn uncorrelated(&self) -> Vec<String> {
        let transaction = |recorded: &&StoredNotification| match &recorded.notification.reference {
            Reference::Transaction(id) => Some(id.as_str().to_owned()),
            Reference::Correlated(..) => None,
        };
        self.notifications.iter().filter_map(transaction).collect()
    }

    /// The notifications with their messages; `owners` tells to whom the uncorrelated ones belong.
    pub(super) fn entries(&self, owners: &BTreeMap<String, CorrelationId>) -> Vec<Entry<'a>> {
        let mut entries: BTreeMap<(CorrelationId, Fingerprint), Entry<'a>> = BTreeMap::new();
        for recorded in &self.notifications {
            let correlation_id = owner(recorded, owners);
            entries
                .entry((correlation_id.clone(), recorded.fingerprint))
                .and_modify(|entry| {
                    entry.occurrences += recorded.occurrences;
                    // The same event with its correlation id tells more than without it.
                    let is_correlated =
                        |it: &StoredNotification| matches!(it.notification.reference, Reference::Correlated(..));
                    if is_correlated(recorded) && !is_correlated(entry.recorded) {
                        entry.recorded = recorded;
                    }
                })
                .or_insert(Entry { correlation_id, recorded, occurrences: recorded.occurrences });
        }
        entries.into_values().collect()
    }
}

/// The message that a notification belongs to; `owners` tells to whom the uncorrelated ones belong.
pub(super) fn owner(recorded: &StoredNotification, owners: &BTreeMap<String, CorrelationId>) -> CorrelationId {
    let reference = &recorded.notification.reference;
    let owner = match reference {
        Reference::Transaction(id) => owners.get(id.as_str()).cloned(),
        Reference::Correlated(..) => None,
    };
    owner.unwrap_or_else(|| reference.correlation_id())
}

/// What the entries, which are in the order of their ids, add to each message.
pub(super) fn additions(entries: &[Entry<'_>]) -> Vec<Addition> {
    entries.chunk_by(|one, next| one.correlation_id == next.correlation_id).filter_map(addition).collect()
}

/// What entries of one message add to it.
fn addition(entries: &[Entry<'_>]) -> Option<Addition> {
    let recorded = || entries.iter().map(|entry| entry.recorded);
    let named = recorded().filter_map(|recorded| recorded.notification.recipient.as_ref());
    let mut recipients: Vec<String> = named.map(|recipient| recipient.as_str().to_owned()).collect();
    recipients.sort_unstable();
    recipients.dedup();
    Some(Addition {
        correlation_id: entries.first()?.correlation_id.clone(),
        standing: recorded().map(StoredNotification::standing).reduce(Standing::merge)?,
        shared: if recipients.len() > 1 { worst_off(&standings(recorded())) } else { None },
        recipients,
        received_at: recorded().map(|recorded| recorded.received_at).min()?,
    })
}
