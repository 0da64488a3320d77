//! Short functions for the data of tests.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use receiptd::{
    domain::{
        Actor, Address, Arrival, AuditAction, AuditEntry, Channel, CorrelationId, Draft, Event, EventIdentity,
        Notification, Reference, Source, StoredNotification, Submission, Timestamp, TransactionId,
    },
    storage::{Claim, EnqueueResult, OutboxEntry, Settlement, Store},
};
use serde_json::json;

pub(crate) fn id(name: &str) -> CorrelationId {
    CorrelationId::new(name).unwrap()
}

pub(crate) fn transaction(name: &str) -> TransactionId {
    TransactionId::new(name).unwrap()
}

pub(crate) fn number(text: &str) -> Address {
    Address::new(text).unwrap()
}

/// An entry of the audit log that the test does not examine.
pub(crate) fn audited(action: AuditAction) -> AuditEntry {
    let id = uuid::Uuid::new_v4().into_bytes();
    AuditEntry { id, at: time(1), actor: Actor::server(), action, count: 0, details: None }
}

pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// The prefix of the ids of one case of a property, since all cases share a store.
pub(crate) fn fresh() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("case{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A notification that is being built.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    notification: Notification,
    received_at: i64,
    body: Option<Vec<u8>>,
}

/// A notification with the correlation id `name`. Unless changed, it reports `delivered` without a time.
pub(crate) fn about(name: &str) -> Heard {
    heard(Reference::Correlated(id(name), None))
}

/// A notification without a correlation id.
pub(crate) fn about_transaction(name: &str) -> Heard {
    heard(Reference::Transaction(transaction(name)))
}

fn heard(reference: Reference) -> Heard {
    let notification = Notification {
        reference,
        channel: Some(Channel::Sms),
        recipient: None,
        event: Event::Delivered,
        status_text: String::new(),
        code: None,
        reason: None,
        detail: None,
        at: None,
        segments: None,
        callback_data: None,
    };
    Heard { notification, received_at: 1_000, body: None }.says(Event::Delivered)
}

impl Heard {
    /// Adds this transaction id to the correlation id.
    pub(crate) fn of(mut self, name: &str) -> Self {
        if let Reference::Correlated(_, id) = &mut self.notification.reference {
            *id = Some(transaction(name));
        }
        self
    }

    /// The same notification about another message.
    pub(crate) fn of_message(mut self, name: &str) -> Self {
        if let Reference::Correlated(of, _) = &mut self.notification.reference {
            *of = id(name);
        }
        self
    }

    pub(crate) fn says(mut self, event: Event) -> Self {
        self.notification.event = event;
        // One text for each event, as in the wire format.
        self.notification.status_text = format!("{event:?}");
        self
    }

    pub(crate) fn to(mut self, recipient: &str) -> Self {
        self.notification.recipient = Some(number(recipient));
        self
    }

    pub(crate) fn on(mut self, channel: Channel) -> Self {
        self.notification.channel = Some(channel);
        self
    }

    pub(crate) fn at(mut self, micros: i64) -> Self {
        self.notification.at = Some(time(micros));
        self
    }

    pub(crate) fn received(mut self, micros: i64) -> Self {
        self.received_at = micros;
        self
    }

    /// Any other change.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Notification)) -> Self {
        change(&mut self.notification);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) fn recorded(self) -> StoredNotification {
        let body = self.body.unwrap_or_else(|| json!({"says": self.notification.status_text}).to_string().into_bytes());
        let posted = &self.notification;
        let identity = EventIdentity {
            transaction_id: posted.reference.transaction_id(),
            recipient: posted.recipient.as_ref(),
            status_text: &posted.status_text,
            code: posted.code.as_deref(),
            at: posted.at,
            description: posted.reason.as_deref(),
            detail: posted.detail.as_deref().filter(|_| posted.at.is_none()),
        };
        let fingerprint = identity.fingerprint();
        StoredNotification::first_arrival(self.notification, fingerprint, body, Source::Notify, time(self.received_at))
    }
}

impl From<Heard> for Arrival {
    fn from(heard: Heard) -> Self {
        Self::Notification(heard.recorded())
    }
}

/// A message to send.
pub(crate) fn submission(name: &str) -> Submission {
    submission_with(&json!({"correlationId": name}))
}

/// A message to send with other or more members.
pub(crate) fn submission_with(members: &serde_json::Value) -> Submission {
    let mut message = json!({"channel": "sms", "from": "ACME", "to": "+447700900123", "text": "Hello"});
    for (name, value) in members.as_object().unwrap() {
        message[name] = value.clone();
    }
    Draft::new(message).unwrap().check(|| id("fresh")).unwrap()
}

/// The duration of a lease in these tests.
pub(crate) const LEASE: Duration = Duration::from_micros(100);

/// Accepts a message at `micros`, due at once.
pub(crate) async fn enqueue(store: &Store, submission: &Submission, micros: i64) -> EnqueueResult {
    let entry = OutboxEntry::new(submission.clone(), time(micros));
    let outcomes = store.outbox.enqueue(&[entry], time(micros), &Actor::server()).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes[0].clone()
}

/// Accepts a message and leases it, both at `micros`.
pub(crate) async fn leased(store: &Store, name: &str, micros: i64) -> Claim {
    enqueue(store, &submission(name), micros).await;
    let mut claims = claimed(store, micros).await;
    assert_eq!(claims.len(), 1);
    claims.remove(0)
}

/// Leases everything that is due, on any channel.
pub(crate) async fn claimed(store: &Store, micros: i64) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (channel, _) in store.outbox.next_due().await.unwrap() {
        claims.extend(store.outbox.claim(&channel, 100, time(micros), time(micros).plus(LEASE)).await.unwrap());
    }
    claims
}

/// Stores the outcome of one dispatch.
pub(crate) async fn settle(store: &Store, claim: &Claim, settlement: &Settlement) {
    store.outbox.settle(&[(claim.clone(), settlement.clone())]).await.unwrap();
}

/// The earliest due time.
pub(crate) async fn next_due(store: &Store) -> Option<i64> {
    let next = store.outbox.next_due().await.unwrap();
    next.into_iter().map(|(_, due)| due.as_micros()).min()
}
