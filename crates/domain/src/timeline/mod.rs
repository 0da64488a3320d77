//! Everything that happened to a message, in order, and the reason for its status.
//!
//! The timeline is ordered by the time of the events, not by their arrival, and the effect of each entry is computed
//! along this order. So it is a pure function of the stored rows, and does not depend on how they arrived.

use std::collections::BTreeMap;

use super::{
    Address, DispatchEvent, Event, Failure, Precedence, Rank, RecipientKey, Source, Status, StoredNotification,
    Timestamp, TransactionId, recipients::is_shared_out,
};

/// What an entry did to the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It set the status.
    Applied,
    /// A stronger entry was known already.
    Superseded,
    /// It describes a step and does not change the outcome.
    Informational,
    /// Its meaning is not known.
    Unknown,
}

impl Effect {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Superseded => "superseded",
            Self::Informational => "informational",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A delivery notification, with its source and its number of occurrences.
    Notification(Source, i64),
    Dispatch,
}

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened, by the clock of the system that reported it.
    pub at: Option<Timestamp>,
    /// When receiptd knew of it.
    pub received_at: Timestamp,
    pub kind: EntryKind,
    /// The status that it reports.
    pub status: Status,
    /// For a failure, whether it may be temporary.
    pub failure: Option<Failure>,
    pub code: Option<String>,
    pub reason: Option<String>,
    /// The answer of the provider behind the platform.
    pub detail: Option<String>,
    /// What it did to the status.
    pub effect: Effect,
    /// The rule that decided the effect.
    pub why: String,
    pub transaction_id: Option<TransactionId>,
    /// The recipient, as the platform names it.
    pub recipient: Option<Address>,
}

/// Computes the timeline of a message from everything that is stored about it.
pub fn timeline(notifications: &[StoredNotification], dispatch: &[DispatchEvent]) -> Vec<Entry> {
    let mut happenings: Vec<_> = notifications.iter().map(Happening::Notification).chain(steps(dispatch)).collect();
    // A stable sort, so that dispatch steps of one instant keep the order in which they were taken.
    happenings.sort_by_cached_key(Happening::order);
    // An entry outranks another only if both are about one recipient. A message that receiptd sent has one recipient.
    let is_shared = dispatch.is_empty() && is_shared_out(notifications);
    let mut known: BTreeMap<Option<RecipientKey>, Known> = BTreeMap::new();
    happenings
        .into_iter()
        .map(|happening| match happening {
            Happening::Notification(stored) => {
                let key = is_shared.then(|| RecipientKey::of(&stored.notification));
                let concerned = key.as_ref().map(in_words);
                let entry = known.entry(key).or_default().hear(stored);
                let why = concerned.map_or_else(|| entry.why.clone(), |who| format!("{who}: {}", entry.why));
                Entry { why, ..entry }
            }
            Happening::Dispatch(event, _) => known.entry(None).or_default().dispatch(event),
        })
        .collect()
}

/// The recipient whose status an entry is about, if there are several.
fn in_words(key: &RecipientKey) -> String {
    match key {
        RecipientKey::Unnamed => "no recipient named".to_owned(),
        RecipientKey::Devices => "devices".to_owned(),
        RecipientKey::Named(address) => format!("to {address}"),
    }
}

enum Happening<'a> {
    Notification(&'a StoredNotification),
    /// With its position in the order.
    Dispatch(&'a DispatchEvent, Timestamp),
}

/// The order in which steps were taken is known. Our clock may have been set back between two of them, so each step is
/// dated no later than the one after it.
fn steps(dispatch: &[DispatchEvent]) -> impl Iterator<Item = Happening<'_>> {
    let mut next = Timestamp::from_micros(i64::MAX);
    let mut steps: Vec<_> = dispatch
        .iter()
        .rev()
        .map(|step| {
            next = next.min(step.at);
            Happening::Dispatch(step, next)
        })
        .collect();
    steps.reverse();
    steps.into_iter()
}

impl Happening<'_> {
    /// By the time of the event. At one instant our dispatch comes first, since every notification outranks it.
    fn order(&self) -> (Timestamp, Rank, Precedence) {
        match self {
            Self::Notification(stored) => {
                let (at, precedence) = stored.place();
                (at, precedence.rank, precedence)
            }
            Self::Dispatch(_, place) => (*place, Status::DISPATCH, Precedence::default()),
        }
    }
}

/// What is known at one point of the timeline.
#[derive(Default)]
struct Known {
    notified: Option<(Precedence, Status)>,
    dispatched: Option<Status>,
}

impl Known {
    fn hear(&mut self, stored: &StoredNotification) -> Entry {
        let notification = &stored.notification;
        let (precedence, status) = (notification.precedence(stored.fingerprint), notification.event.status());
        let (effect, why) = match (notification.event, self.notified) {
            (Event::Unknown, _) => {
                let why = "neither its status text nor its code is known: stored, without effect on the status";
                (Effect::Unknown, why.to_owned())
            }
            (event, Some((strongest, standing))) if precedence <= strongest => match event {
                Event::Progress => (Effect::Informational, format!("a step of the call; {standing} is the outcome")),
                _ => (Effect::Superseded, format!("{standing} outranks {status}")),
            },
            (_, Some((strongest, standing))) if precedence.rank == strongest.rank => {
                (Effect::Applied, prevails(precedence, status, strongest, standing))
            }
            (_, Some((_, standing))) => (Effect::Applied, format!("{status} outranks {standing}")),
            (_, None) => match self.dispatched {
                Some(dispatched) => (Effect::Applied, format!("{status} outranks {dispatched}")),
                None => (Effect::Applied, "the first report about this message".to_owned()),
            },
        };
        if effect == Effect::Applied {
            self.notified = Some((precedence, status));
        }
        Entry {
            at: notification.at,
            received_at: stored.received_at,
            kind: EntryKind::Notification(stored.source, stored.occurrences),
            status,
            failure: notification.event.failure(),
            code: notification.code.clone(),
            reason: notification.reason.clone(),
            detail: notification.detail.clone(),
            effect,
            why,
            transaction_id: notification.reference.transaction_id().cloned(),
            recipient: notification.recipient.clone(),
        }
    }

    fn dispatch(&mut self, event: &DispatchEvent) -> Entry {
        let status = event.dispatch.status();
        let (effect, why) = match (self.notified, self.dispatched) {
            (Some((_, standing)), _) => {
                (Effect::Superseded, format!("{standing} was reported, which outranks {status}"))
            }
            (None, Some(before)) if before == status => (Effect::Applied, format!("still {status}")),
            (None, Some(before)) => (Effect::Applied, format!("from {before} to {status}{}", status.outlook())),
            (None, None) => (Effect::Applied, "accepted for sending".to_owned()),
        };
        self.dispatched = Some(status);
        Entry {
            at: Some(event.at),
            received_at: event.at,
            kind: EntryKind::Dispatch,
            status,
            failure: None,
            code: event.code.clone(),
            reason: event.reason.clone(),
            detail: None,
            effect,
            why,
            transaction_id: event.transaction_id.clone(),
            recipient: None,
        }
    }
}

/// Why one of two notifications of equal rank decides.
fn prevails(stronger: Precedence, status: Status, weaker: Precedence, other: Status) -> String {
    if stronger.at != weaker.at {
        format!("the latest {status} replaces the earlier {other}")
    } else if stronger.gravity != weaker.gravity {
        format!("at the same instant, the more severe {status} replaces the other {other}")
    } else {
        format!("of two {status} at the same instant, the one with the greater fingerprint decides")
    }
}

#[cfg(test)]
mod tests;
