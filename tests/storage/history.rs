//! Random histories of messages, and their expected results.

use std::collections::BTreeMap;

use harness::notifications_of;
use proptest::{collection::vec, prelude::*, sample::Index};
use receiptd::{
    domain::{
        Channel, CorrelationId, Event, Failure, Message, Origin, Reference, Status, StoredNotification, Timestamp,
        TransactionId, by_recipient, outcome, timeline,
    },
    storage::{Recomputed, Store},
};

use crate::make::{Heard, about, about_transaction, fresh, number, time};

/// The messages that may share a transaction id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transactions {
    /// None: as the platform assigns them.
    OfOneMessage,
    /// All: two correlation ids may claim one transaction. This should not happen, but must have a unique result.
    Disputed,
}

/// One notification, made from small numbers, so that equal times, recipients and duplicates are frequent.
#[derive(Clone, Debug)]
struct Told {
    message: u8,
    transaction: u8,
    recipient: u8,
    event: Event,
    at: Option<u8>,
    /// Decides the members that the fingerprint does not cover. It is stored in the code, which the fingerprint covers.
    kind: u8,
}

/// Notifications of some messages with their repetitions, in the order and in the batches in which they arrive.
#[derive(Clone, Debug)]
pub(crate) struct History {
    transactions: Transactions,
    channels: Vec<u8>,
    told: Vec<Told>,
    cuts: Vec<bool>,
}

pub(crate) fn a_history(messages: u8, transactions: Transactions) -> impl Strategy<Value = History> {
    let told = (0..messages, 0..2u8, 0..4u8, an_event(), proptest::option::of(0..3u8), 0..6u8).prop_map(
        |(message, transaction, recipient, event, at, kind)| Told { message, transaction, recipient, event, at, kind },
    );
    let told = (vec(told, 1..6 * usize::from(messages)), vec(any::<Index>(), 0..4)).prop_map(|(mut told, again)| {
        let repeated: Vec<_> = again.iter().map(|index| index.get(&told).clone()).collect();
        told.extend(repeated);
        told
    });
    (vec(0..5u8, usize::from(messages)), told.prop_shuffle(), vec(any::<bool>(), 24))
        .prop_map(move |(channels, told, cuts)| History { transactions, channels, told, cuts })
}

fn an_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Unknown),
        Just(Event::Progress),
        Just(Event::Submitted),
        Just(Event::Failed(Failure::Permanent)),
        Just(Event::Failed(Failure::Transient)),
        Just(Event::Failed(Failure::Unclear)),
        Just(Event::Delivered),
        Just(Event::Read),
        Just(Event::Clicked),
        Just(Event::Complained),
    ]
}

impl History {
    /// The batches, with ids that no other case has.
    pub(crate) fn batches(&self) -> Vec<Vec<StoredNotification>> {
        self.named_batches().1
    }

    /// The batches and the prefix of their ids: the messages are `{case}-m0` and so on.
    pub(crate) fn named_batches(&self) -> (String, Vec<Vec<StoredNotification>>) {
        let case = fresh();
        let mut batches = vec![Vec::new()];
        for (told, cut) in self.told.iter().zip(self.cuts.iter().cycle()) {
            if *cut {
                batches.push(Vec::new());
            }
            batches.last_mut().unwrap().push(self.heard(told, &case).recorded());
        }
        (case, batches)
    }

    fn heard(&self, told: &Told, case: &str) -> Heard {
        let message = format!("{case}-m{}", told.message);
        let transaction = match self.transactions {
            Transactions::OfOneMessage => format!("{case}-t{}.{}", told.message, told.transaction),
            Transactions::Disputed => format!("{case}-t{}", told.transaction),
        };
        let (segments, callback_data) = match told.kind {
            1 => (Some(2), Some("b")),
            3 => (Some(3), None),
            4 => (None, Some("c")),
            5 => (Some(1), Some("a")),
            _ => (None, None),
        };
        let heard = match told.kind {
            2 | 3 => about_transaction(&transaction),
            4 => about(&message),
            _ => about(&message).of(&transaction),
        };
        let channel = match self.channels[usize::from(told.message)] {
            0 => Some(Channel::Email),
            1 => Some(Channel::Apple),
            2 => None,
            3 => Some(Channel::Push),
            _ => Some(Channel::Voice),
        };
        let recipient = (told.recipient < 3).then(|| number(&format!("44770090000{}", told.recipient)));
        heard.says(told.event).with(|notification| {
            notification.recipient = recipient;
            notification.channel = channel.filter(|_| told.kind != 5);
            notification.at = told.at.map(|at| time(at.into()));
            notification.code = Some(format!("{}{}", told.kind, told.message));
            notification.segments = segments;
            notification.callback_data = callback_data.map(str::to_owned);
        })
    }
}

/// The notifications of each message in the end, by the rules of the domain alone.
pub(crate) fn belongings(batches: &[Vec<StoredNotification>]) -> BTreeMap<CorrelationId, Vec<StoredNotification>> {
    let mut owners: BTreeMap<&TransactionId, &CorrelationId> = BTreeMap::new();
    for recorded in batches.iter().flatten() {
        if let Reference::Correlated(id, Some(transaction)) = &recorded.notification.reference {
            owners.entry(transaction).and_modify(|owner| *owner = id.min(owner)).or_insert(id);
        }
    }
    let mut messages: BTreeMap<CorrelationId, Vec<StoredNotification>> = BTreeMap::new();
    for recorded in batches.iter().flatten() {
        let id = match &recorded.notification.reference {
            Reference::Transaction(transaction) => owners.get(transaction).map(|owner| (*owner).clone()),
            Reference::Correlated(..) => None,
        };
        let notifications =
            messages.entry(id.unwrap_or_else(|| recorded.notification.reference.correlation_id())).or_default();
        match notifications.iter_mut().find(|known| known.fingerprint == recorded.fingerprint) {
            Some(known) => known.occurrences += 1,
            None => notifications.push(recorded.clone()),
        }
    }
    for notifications in messages.values_mut() {
        notifications.sort_unstable_by_key(|recorded| recorded.fingerprint);
    }
    messages
}

/// The result of the notifications of a message, without their times of arrival.
#[derive(Debug, PartialEq)]
pub(crate) struct Expected {
    status: Status,
    is_final: bool,
    failure: Option<Failure>,
    code: Option<String>,
    reason: Option<String>,
    channel: Option<Channel>,
    transaction_id: Option<TransactionId>,
    segments: Option<i64>,
    callback_data: Option<String>,
    status_at: Option<Timestamp>,
}

impl Expected {
    /// The merged standing of the domain, for a message that another system sent.
    pub(crate) fn of(notifications: &[StoredNotification]) -> Self {
        let receiptd::domain::Outcome { standing, is_final, .. } = outcome(Origin::Observed, notifications).unwrap();
        Self {
            is_final,
            status: standing.status,
            failure: standing.failure,
            code: standing.code,
            reason: standing.reason,
            channel: standing.channel,
            transaction_id: standing.transaction_id,
            segments: standing.segments,
            callback_data: standing.callback_data,
            status_at: Some(standing.precedence.at).filter(|at| *at != Timestamp::default()),
        }
    }
}

impl From<&Message> for Expected {
    fn from(message: &Message) -> Self {
        let message = message.clone();
        Self {
            status: message.status,
            is_final: message.is_final,
            failure: message.failure,
            code: message.code,
            reason: message.reason,
            channel: message.channel,
            transaction_id: message.transaction_id,
            segments: message.segments,
            callback_data: message.callback_data,
            status_at: message.status_at,
        }
    }
}

/// The changes of a rebuild: none, if each notification is still parsed as it was stored.
async fn found_anew(store: &Store, id: &CorrelationId) -> Vec<Recomputed> {
    store.repair.preview_recompute(std::slice::from_ref(id), &|_| None).await.unwrap()
}

/// Compares the stored data with the expected result of the notifications of all batches.
pub(crate) async fn assert_stored(store: &Store, batches: &[Vec<StoredNotification>]) {
    let expected = belongings(batches);
    for (id, notifications) in &expected {
        let message = store.messages.find(id).await.unwrap().unwrap_or_else(|| panic!("{id} is missing"));
        let mut stored = notifications_of(store, id).await.unwrap();
        stored.sort_unstable_by_key(|recorded| recorded.fingerprint);
        assert_eq!(&stored, notifications, "the notifications of {id}");
        assert_eq!(timeline(&stored, &[]), timeline(notifications, &[]));
        assert_eq!(message.notification_count, i64::try_from(notifications.len()).unwrap());
        assert_eq!(Expected::from(&message), Expected::of(notifications), "the standing of {id}");
        assert_eq!(found_anew(store, id).await, []);
        assert_eq!(message.other_recipients, by_recipient(notifications).is_some(), "the recipients of {id}");
    }
    for recorded in batches.iter().flatten() {
        let Some(transaction) = recorded.notification.reference.transaction_id() else { continue };
        let owner = store.messages.owner(transaction).await.unwrap().unwrap();
        assert!(expected.contains_key(&owner), "{transaction} belongs to {owner}");
        let stand_in = CorrelationId::of_transaction(transaction);
        if owner != stand_in {
            assert_eq!(store.messages.find(&stand_in).await.unwrap(), None, "the stand-in is left");
        }
    }
}
