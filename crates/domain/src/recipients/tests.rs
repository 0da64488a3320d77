//! The worst-off recipient decides, in every order of arrival.

use proptest::prelude::*;

use super::*;
use crate::{CorrelationId, Event, Failure, Reference, Timestamp};

fn heard(to: Option<&str>, event: Event, at: i64) -> StoredNotification {
    let notification = Notification {
        reference: Reference::Correlated(CorrelationId::new("a").unwrap(), None),
        channel: Some(Channel::Sms),
        recipient: to.and_then(Address::new),
        event,
        status_text: format!("{event:?}"),
        code: Some(format!("{event:?}")),
        reason: None,
        detail: None,
        at: Some(Timestamp::from_micros(at)),
        segments: None,
        callback_data: None,
    };
    StoredNotification::made_up(notification, Timestamp::from_micros(at))
}

fn to(number: u8, event: Event, at: i64) -> StoredNotification {
    heard(Some(&format!("44770090000{number}")), event, at)
}

fn on(channel: Channel, mut stored: StoredNotification) -> StoredNotification {
    stored.notification.channel = Some(channel);
    StoredNotification::made_up(stored.notification, stored.received_at)
}

const PERMANENT: Event = Event::Failed(Failure::Permanent);
const UNCLEAR: Event = Event::Failed(Failure::Unclear);
const TRANSIENT: Event = Event::Failed(Failure::Transient);

fn observed(notifications: &[StoredNotification]) -> (Status, bool) {
    let outcome = outcome(Origin::Observed, notifications).unwrap();
    (outcome.standing.status, outcome.is_final)
}

#[test]
fn a_message_has_the_status_of_its_worst_off_recipient() {
    let (delivered, read, submitted) = (Event::Delivered, Event::Read, Event::Submitted);
    for (heard, expected) in [
        (vec![to(1, delivered, 1), to(2, PERMANENT, 2)], (Status::Failed, true)),
        (vec![to(1, submitted, 1), to(2, PERMANENT, 2)], (Status::Failed, false)),
        (vec![to(1, read, 1), to(2, submitted, 2)], (Status::Submitted, false)),
        (vec![to(1, read, 1), to(2, delivered, 2)], (Status::Delivered, true)),
        (vec![to(1, Event::Complained, 1), to(2, Event::Clicked, 2)], (Status::Clicked, true)),
        // Within one recipient, rank decides.
        (vec![to(1, PERMANENT, 1), to(1, delivered, 2), to(2, delivered, 2)], (Status::Delivered, true)),
        (vec![to(1, PERMANENT, 1), to(1, delivered, 2)], (Status::Delivered, true)),
        // Notifications that are not understood do not count, unless there are no others.
        (vec![to(1, Event::Unknown, 1), to(2, delivered, 2)], (Status::Delivered, true)),
        (vec![to(1, Event::Unknown, 1), to(2, Event::Unknown, 2)], (Status::Unknown, false)),
        (vec![to(1, Event::Unknown, 1), to(2, PERMANENT, 2)], (Status::Failed, true)),
    ] {
        assert_eq!(observed(&heard), expected, "{heard:?}");
    }
}

#[test]
fn a_notification_without_a_recipient_belongs_to_the_only_recipient() {
    let unnamed = |event| heard(None, event, 3);
    let (delivered, submitted) = (Event::Delivered, Event::Submitted);
    for (heard, expected) in [
        (vec![to(1, PERMANENT, 1), unnamed(delivered)], (Status::Delivered, true)),
        (vec![to(1, submitted, 1), unnamed(delivered)], (Status::Delivered, true)),
        // With several recipients, it may be about any of them.
        (vec![to(1, submitted, 1), to(2, delivered, 2), unnamed(delivered)], (Status::Submitted, false)),
        (vec![to(1, delivered, 1), to(2, delivered, 2), unnamed(submitted)], (Status::Delivered, true)),
        (vec![to(1, delivered, 1), to(2, delivered, 2), unnamed(PERMANENT)], (Status::Failed, true)),
        (vec![to(1, submitted, 1), to(2, delivered, 2), unnamed(PERMANENT)], (Status::Failed, false)),
        (vec![to(1, Event::Unknown, 1), to(2, Event::Unknown, 2), unnamed(submitted)], (Status::Submitted, false)),
    ] {
        assert_eq!(observed(&heard), expected, "{heard:?}");
    }
}

#[test]
fn the_code_is_that_of_the_most_severe_failure() {
    let code = |heard: &[StoredNotification]| outcome(Origin::Observed, heard).unwrap().standing.code.unwrap();
    assert_eq!(code(&[to(1, TRANSIENT, 9), to(2, PERMANENT, 1), to(3, UNCLEAR, 5)]), "Failed(Permanent)");
    assert_eq!(code(&[to(1, TRANSIENT, 9), to(2, Event::Delivered, 1), to(3, UNCLEAR, 5)]), "Failed(Unclear)");
    // Of two equal failures, the later one.
    let last = |heard: &[StoredNotification]| outcome(Origin::Observed, heard).unwrap().standing.precedence.at;
    assert_eq!(last(&[to(1, PERMANENT, 9), to(2, PERMANENT, 1)]), Timestamp::from_micros(9));
    assert_eq!(last(&[to(1, Event::Delivered, 1), to(2, Event::Delivered, 9)]), Timestamp::from_micros(9));
}

#[test]
fn devices_and_messages_of_receiptd_have_one_recipient() {
    let both = [to(1, PERMANENT, 1), to(2, Event::Delivered, 2)];
    let ours = outcome(Origin::Sent, &both).unwrap();
    assert_eq!((ours.standing.status, ours.is_final), (Status::Delivered, true));
    assert_eq!(observed(&both.clone().map(|stored| on(Channel::Push, stored))), (Status::Delivered, true));
    // A push device and a phone number are two recipients.
    let [push, sms] = both;
    assert_eq!(observed(&[on(Channel::Push, push), sms]), (Status::Failed, true));
}

#[test]
fn submitted_is_final_only_for_a_recipient_on_apple() {
    let apple = |number| on(Channel::Apple, to(number, Event::Submitted, 1));
    assert_eq!(observed(&[apple(1), apple(2)]), (Status::Submitted, true));
    assert_eq!(observed(&[apple(1), to(2, Event::Submitted, 2)]), (Status::Submitted, false));
}

#[test]
fn an_erased_recipient_does_not_keep_a_message_open() {
    let erased = |event| heard(Some(ERASED), event, 1);
    assert_eq!(observed(&[erased(Event::Submitted), to(2, Event::Delivered, 2)]), (Status::Delivered, true));
    assert_eq!(observed(&[erased(PERMANENT), to(2, Event::Delivered, 2)]), (Status::Failed, true));
}

fn any_heard() -> impl Strategy<Value = StoredNotification> {
    let event = prop_oneof![
        Just(Event::Unknown),
        Just(Event::Submitted),
        Just(PERMANENT),
        Just(UNCLEAR),
        Just(TRANSIENT),
        Just(Event::Delivered),
        Just(Event::Read),
    ];
    // The channel depends on the number: a fingerprint does not cover the channel, and each fingerprint is stored once.
    (proptest::option::weighted(0.8, 0..5u8), event, 0i64..3).prop_map(|(number, event, at)| {
        let stored = match number {
            Some(0) => heard(Some(ERASED), event, at),
            Some(number) => to(number, event, at),
            None => heard(None, event, at),
        };
        if number >= Some(3) { on(Channel::Push, stored) } else { stored }
    })
}

proptest! {
    #[test]
    fn neither_order_nor_repetition_changes_the_outcome(
        heard in proptest::collection::vec(any_heard(), 1..12),
        by in any::<prop::sample::Index>(),
    ) {
        for origin in Origin::ALL {
            let expected = outcome(origin, &heard);
            let mut other = heard.clone();
            other.extend(heard.iter().take(3).cloned());
            other.rotate_left(by.index(heard.len()));
            other.reverse();
            prop_assert_eq!(outcome(origin, &other), expected);
        }
    }

    /// The recipients that storage reads are enough.
    #[test]
    fn the_recipients_that_storage_reads_decide(heard in proptest::collection::vec(any_heard(), 1..16)) {
        let all = standings(&heard);
        let mut by_severity: Vec<_> = all.iter().filter(|(key, _)| **key != RecipientKey::Unnamed).collect();
        by_severity.sort_by_key(|(key, standing)| std::cmp::Reverse(key.severity(standing)));
        let mut few: BTreeMap<_, _> = by_severity.into_iter().take(2).collect();
        few.extend(all.iter().filter(|(key, _)| **key == RecipientKey::Unnamed));
        few.extend(all.iter().find(|(key, standing)| key.keeps_open(standing)));
        prop_assert_eq!(worst_off(few), worst_off(&all));
    }

    #[test]
    fn a_stored_recipient_can_be_read_again(heard in any_heard()) {
        let key = RecipientKey::of(&heard.notification);
        prop_assert_eq!(RecipientKey::from_stored(key.as_str()), key);
    }
}
