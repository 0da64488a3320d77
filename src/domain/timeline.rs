//! Everything that happened to a message, in order, and why it stands where it stands.
//!
//! The timeline is ordered by the time of the events, not by their arrival, and each entry's effect is computed
//! along that order. So it is a pure function of what is stored, and reads the same whichever way it came in.

use std::collections::BTreeMap;

use super::{
    Address, DispatchEvent, Event, Failure, Precedence, Rank, Recorded, Source, Standing, Status, Timestamp,
    TransactionId,
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
pub fn timeline(notifications: &[Recorded], dispatch: &[DispatchEvent]) -> Vec<Entry> {
    let mut happenings: Vec<Happening> =
        notifications.iter().map(Happening::Notification).chain(dispatch.iter().map(Happening::Dispatch)).collect();
    // Stable, so that dispatch steps of one instant keep the order in which they were taken.
    happenings.sort_by_cached_key(Happening::order);
    let mut known = Known::default();
    happenings
        .into_iter()
        .map(|happening| match happening {
            Happening::Notification(recorded) => known.hear(recorded),
            Happening::Dispatch(event) => known.dispatch(event),
        })
        .collect()
}

/// Where one of several recipients of a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientStatus {
    /// Who.
    pub recipient: Address,
    /// Where the message stands for them.
    pub standing: Standing,
}

/// The standing for each recipient, if the notifications name more than one.
pub fn by_recipient(notifications: &[Recorded]) -> Option<Vec<RecipientStatus>> {
    let mut standings: BTreeMap<&Address, Standing> = BTreeMap::new();
    for recorded in notifications {
        let Some(recipient) = &recorded.notification.recipient else { continue };
        let merged = match standings.remove(recipient) {
            Some(standing) => standing.merge(recorded.standing()),
            None => recorded.standing(),
        };
        standings.insert(recipient, merged);
    }
    (standings.len() > 1).then(|| {
        let status = |(recipient, standing): (&Address, _)| RecipientStatus { recipient: recipient.clone(), standing };
        standings.into_iter().map(status).collect()
    })
}

enum Happening<'a> {
    Notification(&'a Recorded),
    Dispatch(&'a DispatchEvent),
}

impl Happening<'_> {
    /// By the time of the event; at one instant our dispatch comes first, since every notification outranks it.
    fn order(&self) -> (Timestamp, Rank, Precedence) {
        match self {
            Self::Notification(recorded) => {
                let (at, precedence) = recorded.place();
                (at, precedence.rank, precedence)
            }
            Self::Dispatch(event) => (event.at, Status::DISPATCH, Precedence::default()),
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
    fn hear(&mut self, recorded: &Recorded) -> Entry {
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
                (Effect::Applied, format!("the latest {status} stands for the earlier {standing}"))
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
            kind: EntryKind::Notification(recorded.source, recorded.times),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Channel, CorrelationId, Dispatch, Notification, Reference};

    fn heard(event: Event, at: i64, channel: Channel) -> Recorded {
        let notification = Notification {
            reference: Reference::Correlated(CorrelationId::new("a").unwrap(), TransactionId::new("t").ok()),
            channel: Some(channel),
            recipient: Address::new("447700900123"),
            event,
            status_text: format!("{event:?}"),
            code: None,
            reason: None,
            detail: None,
            at: Some(Timestamp::from_micros(at)),
            segments: None,
            callback_data: None,
        };
        Recorded::now(notification, Vec::new(), Source::Notify, Timestamp::from_micros(at + 7))
    }

    fn told(entries: &[Entry]) -> Vec<(Status, Effect, &str)> {
        entries.iter().map(|entry| (entry.status, entry.effect, entry.why.as_str())).collect()
    }

    #[test]
    fn each_entry_says_what_it_did_and_why() {
        let notifications = [
            heard(Event::Read, 30, Channel::Whatsapp),
            heard(Event::Submitted, 40, Channel::Whatsapp),
            heard(Event::Unknown, 50, Channel::Whatsapp),
            heard(Event::Read, 60, Channel::Whatsapp),
        ];
        let dispatch = [10, 20].map(|at| DispatchEvent {
            at: Timestamp::from_micros(at),
            dispatch: if at == 10 { Dispatch::Queued } else { Dispatch::Accepted },
            code: None,
            reason: None,
            transaction_id: None,
        });
        assert_eq!(
            told(&timeline(&notifications, &dispatch)),
            [
                (Status::Queued, Effect::Applied, "taken over for sending"),
                (Status::Accepted, Effect::Applied, "from queued to accepted"),
                (Status::Read, Effect::Applied, "read outranks accepted"),
                (Status::Submitted, Effect::Superseded, "read outranks submitted"),
                (
                    Status::Unknown,
                    Effect::Unknown,
                    "neither its status text nor its code is known: kept, without effect on the status"
                ),
                (Status::Read, Effect::Applied, "the latest read stands for the earlier read"),
            ]
        );
    }

    #[test]
    fn the_end_of_a_call_does_not_undo_its_answer() {
        let calls = [heard(Event::Delivered, 10, Channel::Voice), heard(Event::Progress, 20, Channel::Voice)];
        assert_eq!(
            told(&timeline(&calls, &[]))[1],
            (Status::Submitted, Effect::Informational, "a step of the call; delivered is the outcome")
        );
    }

    #[test]
    fn several_recipients_have_a_status_each() {
        let mut other = heard(Event::Failed(Failure::Permanent), 20, Channel::Sms);
        other.notification.recipient = Address::new("447700900999");
        let both = by_recipient(&[heard(Event::Delivered, 10, Channel::Sms), other.clone()]).unwrap();
        let told: Vec<_> = both.iter().map(|one| (one.recipient.as_str(), one.standing.status)).collect();
        assert_eq!(told, [("447700900123", Status::Delivered), ("447700900999", Status::Failed)]);
        assert_eq!(by_recipient(&[other]), None);
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Unknown),
            Just(Event::Progress),
            Just(Event::Submitted),
            Just(Event::Failed(Failure::Unclear)),
            Just(Event::Delivered),
            Just(Event::Read),
            Just(Event::Clicked),
            Just(Event::Complained),
        ]
    }

    proptest! {
        #[test]
        fn order_of_arrival_changes_nothing(
            history in proptest::collection::vec((any_event(), 0i64..4), 1..8),
            email in any::<bool>(),
            shuffle in any::<u64>(),
        ) {
            let channel = if email { Channel::Email } else { Channel::Voice };
            let mut heard: Vec<_> = history.into_iter().map(|(event, at)| heard(event, at, channel.clone())).collect();
            heard.sort_by_key(|recorded| recorded.fingerprint);
            heard.dedup_by_key(|recorded| recorded.fingerprint);
            let expected = timeline(&heard, &[]);
            let folded = heard.iter().map(Recorded::standing).reduce(Standing::merge).unwrap();
            let by = usize::try_from(shuffle % heard.len() as u64).unwrap();
            heard.rotate_left(by);
            heard.reverse();
            prop_assert_eq!(&timeline(&heard, &[]), &expected);
            prop_assert_eq!(heard.iter().map(Recorded::standing).reduce(Standing::merge).unwrap(), folded.clone());
            // The last entry that was applied is the one that the fold ends with.
            if let Some(last) = expected.iter().rfind(|entry| entry.effect == Effect::Applied) {
                prop_assert_eq!((last.status, last.at), (folded.status, Some(folded.precedence.at)));
            }
        }
    }
}
