//! Everything that happened to a message, in order, and why it stands where it stands.
//!
//! The timeline is ordered by the time of the events, not by their arrival, and each entry's effect is computed
//! along that order. So it is a pure function of what is stored, and reads the same whichever way it came in.

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
    /// Something stronger was known already.
    Superseded,
    /// It tells of the course of things and has no say in the outcome.
    Informational,
    /// Nobody knows what it says.
    Unknown,
}

impl Effect {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Superseded => "superseded",
            Self::Informational => "informational",
            Self::Unknown => "unknown",
        }
    }
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A delivery notification, how it came and how often.
    Notification(Source, i64),
    /// A step of our own dispatch.
    Dispatch,
}

/// One thing that happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened, by the clock of whoever reported it.
    pub at: Option<Timestamp>,
    /// When we heard of it.
    pub received_at: Timestamp,
    /// What it is.
    pub kind: EntryKind,
    /// The status that it speaks for.
    pub status: Status,
    /// If it is a failure, whether that may pass.
    pub failure: Option<Failure>,
    /// The platform's code.
    pub code: Option<String>,
    /// The words that came with it.
    pub reason: Option<String>,
    /// What the provider behind the platform said.
    pub detail: Option<String>,
    /// What it did to the status.
    pub effect: Effect,
    /// By which rule.
    pub why: String,
    /// The platform's transaction id.
    pub transaction_id: Option<TransactionId>,
    /// Who the message went to.
    pub recipient: Option<Address>,
}

/// The timeline of a message from everything that is stored about it.
pub fn timeline(notifications: &[StoredNotification], dispatch: &[DispatchEvent]) -> Vec<Entry> {
    let mut happenings: Vec<_> = notifications.iter().map(Happening::Notification).chain(steps(dispatch)).collect();
    // Stable, so that dispatch steps of one instant keep the order in which they were taken.
    happenings.sort_by_cached_key(Happening::order);
    // One outranks another only where both are about one recipient. What we sent has one.
    let is_shared = dispatch.is_empty() && is_shared_out(notifications);
    let mut known: BTreeMap<Option<RecipientKey>, Known> = BTreeMap::new();
    happenings
        .into_iter()
        .map(|happening| match happening {
            Happening::Notification(recorded) => {
                let key = is_shared.then(|| RecipientKey::of(&recorded.notification));
                let concerned = key.as_ref().map(in_words);
                let entry = known.entry(key).or_default().hear(recorded);
                let why = concerned.map_or_else(|| entry.why.clone(), |who| format!("{who}: {}", entry.why));
                Entry { why, ..entry }
            }
            Happening::Dispatch(event, _) => known.entry(None).or_default().dispatch(event),
        })
        .collect()
}

/// Whose status an entry set or did not set, where there are several.
fn in_words(key: &RecipientKey) -> String {
    match key {
        RecipientKey::Unnamed => "no recipient named".to_owned(),
        RecipientKey::Devices => "devices".to_owned(),
        RecipientKey::Named(address) => format!("to {address}"),
    }
}

enum Happening<'a> {
    Notification(&'a StoredNotification),
    /// With its place in the order.
    Dispatch(&'a DispatchEvent, Timestamp),
}

/// The order in which steps were taken is known, and our clock may have been set back between two of them: so each stands
/// no later than the one after it.
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
    /// By the time of the event; at one instant our dispatch comes first, since every notification outranks it.
    fn order(&self) -> (Timestamp, Rank, Precedence) {
        match self {
            Self::Notification(recorded) => {
                let (at, precedence) = recorded.place();
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
    fn hear(&mut self, recorded: &StoredNotification) -> Entry {
        let notification = &recorded.notification;
        let (precedence, status) = (notification.precedence(recorded.fingerprint), notification.event.status());
        let (effect, why) = match (notification.event, self.notified) {
            (Event::Unknown, _) => {
                let why = "neither its status text nor its code is known: kept, without effect on the status";
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
                None => (Effect::Applied, "the first that was heard of the message".to_owned()),
            },
        };
        if effect == Effect::Applied {
            self.notified = Some((precedence, status));
        }
        Entry {
            at: notification.at,
            received_at: recorded.received_at,
            kind: EntryKind::Notification(recorded.source, recorded.occurrences),
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
                (Effect::Superseded, format!("{standing} was notified, which outranks {status}"))
            }
            (None, Some(before)) if before == status => (Effect::Applied, format!("still {status}")),
            (None, Some(before)) => (Effect::Applied, format!("from {before} to {status}{}", status.outlook())),
            (None, None) => (Effect::Applied, "taken over for sending".to_owned()),
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

/// Why one of two notifications of one rank prevails.
fn prevails(stronger: Precedence, status: Status, weaker: Precedence, other: Status) -> String {
    if stronger.at != weaker.at {
        format!("the latest {status} stands for the earlier {other}")
    } else if stronger.gravity != weaker.gravity {
        format!("at the same instant, the graver {status} stands for the other {other}")
    } else {
        format!("of two {status} at the same instant, the one with the greater fingerprint stands")
    }
}

#[cfg(test)]
mod tests;
