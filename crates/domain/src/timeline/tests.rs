//! Order, effects and reasons.

use proptest::prelude::*;

use super::*;
use crate::{Channel, CorrelationId, Dispatch, Notification, Reference, Standing, by_recipient};

fn heard(event: Event, at: i64, channel: Channel) -> StoredNotification {
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
    StoredNotification::made_up(notification, Timestamp::from_micros(at + 7))
}

fn step(at: i64, dispatch: Dispatch) -> DispatchEvent {
    DispatchEvent { at: Timestamp::from_micros(at), dispatch, code: None, reason: None, transaction_id: None }
}

fn told(entries: &[Entry]) -> Vec<(Status, Effect, &str)> {
    entries.iter().map(|entry| (entry.status, entry.effect, entry.why.as_str())).collect()
}

#[test]
fn each_entry_states_its_effect_and_the_reason() {
    let notifications = [
        heard(Event::Read, 30, Channel::Whatsapp),
        heard(Event::Submitted, 40, Channel::Whatsapp),
        heard(Event::Unknown, 50, Channel::Whatsapp),
        heard(Event::Read, 60, Channel::Whatsapp),
    ];
    let dispatch = [step(10, Dispatch::Queued), step(20, Dispatch::Accepted)];
    assert_eq!(
        told(&timeline(&notifications, &dispatch)),
        [
            (Status::Queued, Effect::Applied, "accepted for sending"),
            (Status::Accepted, Effect::Applied, "from queued to accepted"),
            (Status::Read, Effect::Applied, "read outranks accepted"),
            (Status::Submitted, Effect::Superseded, "read outranks submitted"),
            (
                Status::Unknown,
                Effect::Unknown,
                "neither its status text nor its code is known: stored, without effect on the status"
            ),
            (Status::Read, Effect::Applied, "the latest read replaces the earlier read"),
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

fn heard_by(recipient: &str, event: Event, at: i64) -> StoredNotification {
    let StoredNotification { mut notification, received_at, .. } = heard(event, at, Channel::Sms);
    notification.recipient = Address::new(recipient);
    StoredNotification::made_up(notification, received_at)
}

#[test]
fn several_recipients_each_have_a_status() {
    let other = heard_by("447700900999", Event::Failed(Failure::Permanent), 20);
    let both = by_recipient(&[heard(Event::Delivered, 10, Channel::Sms), other.clone()]).unwrap();
    let told: Vec<_> = both.iter().map(|one| (one.recipient.as_str(), one.standing.status)).collect();
    assert_eq!(told, [("447700900123", Status::Delivered), ("447700900999", Status::Failed)]);
    assert_eq!(by_recipient(&[other]), None);
}

#[test]
fn one_recipient_does_not_outrank_another() {
    let (one, other) = ("447700900123", "447700900999");
    let notifications = [
        heard_by(one, Event::Submitted, 1),
        heard_by(other, Event::Submitted, 2),
        heard_by(one, Event::Read, 3),
        heard_by(other, Event::Failed(Failure::Permanent), 4),
        heard_by(one, Event::Delivered, 5),
    ];
    assert_eq!(
        told(&timeline(&notifications, &[])),
        [
            (Status::Submitted, Effect::Applied, "to 447700900123: the first report about this message"),
            (Status::Submitted, Effect::Applied, "to 447700900999: the first report about this message"),
            (Status::Read, Effect::Applied, "to 447700900123: read outranks submitted"),
            (Status::Failed, Effect::Applied, "to 447700900999: failed outranks submitted"),
            (Status::Delivered, Effect::Superseded, "to 447700900123: read outranks delivered"),
        ]
    );
    // A message that receiptd sent has one recipient, whatever ids are named.
    let ours = timeline(&notifications, &[step(0, Dispatch::Accepted)]);
    assert_eq!(told(&ours)[4], (Status::Failed, Effect::Superseded, "read outranks failed"));
}

#[test]
fn at_one_instant_the_more_severe_failure_decides() {
    let failed = |failure| heard(Event::Failed(failure), 10, Channel::Sms);
    let all = [failed(Failure::Permanent), failed(Failure::Transient), failed(Failure::Unclear)];
    let entries = timeline(&all, &[]);
    let failures: Vec<_> = entries.iter().map(|entry| entry.failure.unwrap()).collect();
    assert_eq!(failures, [Failure::Transient, Failure::Unclear, Failure::Permanent]);
    let why = "at the same instant, the more severe failed replaces the other failed";
    assert_eq!(told(&entries)[2], (Status::Failed, Effect::Applied, why));
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
    /// The clocks of all steps are arbitrary.
    #[test]
    fn steps_keep_the_order_in_which_they_were_taken(at in proptest::collection::vec(-9i64..9, 3), heard_at in -9i64..9) {
        let words = [Dispatch::Queued, Dispatch::Sending, Dispatch::Accepted];
        let steps = words.iter().zip(at).map(|(dispatch, at)| step(at, *dispatch));
        let steps: Vec<_> = steps.collect();
        let taken = |entries: &[Entry]| -> Vec<_> {
            entries.iter().filter(|entry| entry.kind == EntryKind::Dispatch).map(|entry| entry.status).collect()
        };
        let alone = timeline(&[], &steps);
        prop_assert_eq!(taken(&alone), words.map(Dispatch::status));
        prop_assert!(alone.iter().all(|entry| entry.effect == Effect::Applied));
        let both = timeline(&[heard(Event::Delivered, heard_at, Channel::Sms)], &steps);
        prop_assert_eq!(taken(&both), words.map(Dispatch::status));
        let last = both.iter().rfind(|entry| entry.effect == Effect::Applied).unwrap();
        prop_assert_eq!(last.status, Status::Delivered);
    }

    #[test]
    fn order_of_arrival_changes_nothing(
        history in proptest::collection::vec((any_event(), 0i64..4), 1..8),
        email in any::<bool>(),
        shuffle in any::<u64>(),
    ) {
        let channel = if email { Channel::Email } else { Channel::Voice };
        let mut heard: Vec<_> = history.into_iter().map(|(event, at)| heard(event, at, channel.clone())).collect();
        heard.sort_by_key(|stored| stored.fingerprint);
        heard.dedup_by_key(|stored| stored.fingerprint);
        let expected = timeline(&heard, &[]);
        let folded = heard.iter().map(StoredNotification::standing).reduce(Standing::merge).unwrap();
        let by = usize::try_from(shuffle % heard.len() as u64).unwrap();
        heard.rotate_left(by);
        heard.reverse();
        prop_assert_eq!(&timeline(&heard, &[]), &expected);
        prop_assert_eq!(heard.iter().map(StoredNotification::standing).reduce(Standing::merge).unwrap(), folded.clone());
        // The last entry that was applied has the status of the merged standing.
        if let Some(last) = expected.iter().rfind(|entry| entry.effect == Effect::Applied) {
            prop_assert_eq!((last.status, last.at), (folded.status, Some(folded.precedence.at)));
        }
    }
}
