//! Status events in order: none is repeated or missing, whichever instance wrote it and however it is read.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use harness::put;
use proptest::prelude::*;
use receiptd::{
    domain::{Event, EventPosition, Failure, PageLimit, Status, StatusEvent},
    storage::Store,
};
use sqlx::{Connection, PgConnection};

use crate::{
    make::{about, about_transaction, enqueue, fresh, id, submission, time},
    store::TestStore,
};

both!(
    a_change_is_one_event_with_its_details,
    a_notification_without_a_status_change_is_no_event,
    events_never_show_a_status_that_a_message_never_had,
    the_end_of_a_placeholder_is_an_event,
    every_reader_gets_everything_once_while_several_write,
    trimmed_events_are_reported_and_the_order_continues,
);
only!(postgres in slow_writers: readers_wait_for_a_slow_transaction);

fn limit(most: u16) -> PageLimit {
    PageLimit::new(most).unwrap()
}

/// All events after a position.
async fn after(store: &Store, place: EventPosition, count: usize) -> Vec<StatusEvent> {
    let mut found = Vec::new();
    let end = Instant::now() + Duration::from_secs(20);
    while found.len() < count {
        assert!(Instant::now() < end, "timeout while waiting for {count}: {:?}", in_words(&found));
        let last = found.last().map_or(place, |change: &StatusEvent| change.position);
        found.extend(store.status_events.after(last, limit(500)).await.unwrap().unwrap());
        tokio::task::yield_now().await;
    }
    assert_eq!(found.len(), count, "{:?}", in_words(&found));
    found
}

fn in_words(changes: &[StatusEvent]) -> Vec<String> {
    changes.iter().map(|change| format!("{} {}", change.correlation_id, change.status)).collect()
}

async fn a_change_is_one_event_with_its_details(store: &TestStore) {
    let failed = about("order-1").says(Event::Failed(Failure::Permanent)).at(7).received(2_000);
    let failed = failed.with(|notification| {
        notification.code = Some("7203".to_owned());
        notification.reason = Some("Unknown Subscriber address".to_owned());
    });
    store.hear([about("order-1").says(Event::Submitted)]).await;
    store.hear([failed.clone()]).await;
    store.hear([failed]).await;
    enqueue(store, &submission("order-2"), 3_000).await;
    let changes = after(store, EventPosition::default(), 3).await;
    assert_eq!(in_words(&changes), ["order-1 submitted", "order-1 failed", "order-2 queued"]);
    let message = store.message("order-1").await;
    let told = &changes[1];
    assert_eq!((told.origin, &told.channel, told.failure), (message.origin(), &message.channel, message.failure));
    assert_eq!((&told.code, &told.reason), (&message.code, &message.reason));
    assert_eq!((told.status_at, told.changed_at), (message.status_at, message.updated_at));
    assert!(told.is_final && !changes[0].is_final);
    assert_eq!(changes[2].origin, receiptd::domain::Origin::Sent);
}

async fn a_notification_without_a_status_change_is_no_event(store: &TestStore) {
    store.hear([about("order-1")]).await;
    store.hear([about("order-1").says(Event::Submitted), about("order-1").at(9)]).await;
    store.hear([about("order-1").says(Event::Read)]).await;
    let changes = after(store, EventPosition::default(), 2).await;
    assert_eq!(in_words(&changes), ["order-1 delivered", "order-1 read"]);
}

async fn events_never_show_a_status_that_a_message_never_had(store: &TestStore) {
    enqueue(store, &submission("order-1"), 1_000).await;
    store.hear([about("order-1").of("t"), about_transaction("t").says(Event::Submitted)]).await;
    // The smaller id becomes the owner of the transaction and of the notifications without a correlation id.
    store.hear([about("order-0").of("t").says(Event::Read)]).await;
    assert_eq!(store.message("order-0").await.notification_count, 2);
    assert_eq!(store.message("order-1").await.status, Status::Delivered);
    let changes = after(store, EventPosition::default(), 3).await;
    assert_eq!(in_words(&changes), ["order-1 queued", "order-1 delivered", "order-0 read"]);

    // Without any notification left, the message returns to its dispatch state, and this is an event.
    enqueue(store, &submission("order-9"), 1_000).await;
    store.hear([about("order-9").of("u").with(|notification| notification.event = Event::Unknown)]).await;
    store.hear([about_transaction("u")]).await;
    store.hear([about("order-2").of("u")]).await;
    assert_eq!(store.message("order-9").await.status, Status::Queued);
    let changes = after(store, changes[2].position, 4).await;
    assert_eq!(in_words(&changes), ["order-9 queued", "order-9 delivered", "order-2 delivered", "order-9 queued"]);
}

/// A follower that has stored `txn:t` learns that it is `order-1`.
async fn the_end_of_a_placeholder_is_an_event(store: &TestStore) {
    store.hear([about_transaction("t").says(Event::Submitted).received(1_000)]).await;
    store.hear([about("order-1").of("t").says(Event::Read).received(2_000)]).await;
    let changes = after(store, EventPosition::default(), 3).await;
    assert_eq!(in_words(&changes), ["txn:t submitted", "order-1 read", "txn:t submitted"]);
    let [known, _, replaced] = &changes[..] else { panic!("{changes:?}") };
    let expected = StatusEvent {
        position: replaced.position,
        changed_at: time(2_000),
        replaced_by: Some(id("order-1")),
        ..known.clone()
    };
    assert_eq!((replaced, &known.replaced_by), (&expected, &None));
}

async fn every_reader_gets_everything_once_while_several_write(store: &TestStore) {
    let other = store.reopened().await;
    let events = [Event::Submitted, Event::Delivered, Event::Read, Event::Clicked];
    let batches = proptest::collection::vec((0..3usize, 0..4usize, any::<bool>()), 1..40);
    store.for_all(&(batches, 1u16..9), async |(batches, page)| {
        let case = fresh();
        let name = |n: usize| format!("{case}-{n}");
        let from = store.status_events.end().await.unwrap();
        let write = |writer: &Store, mine: bool| {
            let writer = writer.clone();
            let notifications: Vec<_> = batches.iter().filter(|(.., first)| *first == mine).collect();
            let notifications: Vec<_> =
                notifications.iter().map(|(n, event, _)| about(&name(*n)).says(events[*event])).collect();
            tokio::spawn(async move {
                for notification in notifications {
                    put(&writer, &[notification.into()]).await.unwrap();
                }
            })
        };
        let writers = [write(store, true), write(&other, false)];
        // A reader that reads page by page meanwhile.
        let (mut seen, mut place, mut last_word) = (Vec::new(), from, None);
        while !seen.iter().any(|change: &StatusEvent| Some(&change.correlation_id) == last_word.as_ref()) {
            if last_word.is_none() && writers.iter().all(tokio::task::JoinHandle::is_finished) {
                store.hear([about(&name(9))]).await;
                last_word = Some(id(&name(9)));
            }
            let found = other.status_events.after(place, limit(page)).await.unwrap().unwrap();
            place = found.last().map_or(place, |change| change.position);
            seen.extend(found);
            tokio::task::yield_now().await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert!(seen.is_sorted_by(|one, next| one.position < next.position), "{seen:?}");
        let mut last: BTreeMap<String, Status> = BTreeMap::new();
        for change in &seen {
            let before = last.insert(change.correlation_id.to_string(), change.status);
            assert_ne!(before, Some(change.status), "repeated: {seen:?}");
        }
        for (id, status) in &last {
            let message = store.message(id).await;
            assert_eq!(message.status, *status, "{seen:?}");
        }
        let heard = batches.iter().map(|(n, ..)| name(*n)).chain([name(9)]).collect::<std::collections::BTreeSet<_>>();
        assert!(heard.iter().eq(last.keys()), "{seen:?}");
        // Read again later, the result is the same.
        let again = after(store, from, seen.len()).await;
        assert_eq!(again, seen);
    });
}

async fn trimmed_events_are_reported_and_the_order_continues(store: &TestStore) {
    let begin = store.status_events.end().await.unwrap();
    for n in 0..7 {
        store.hear([about(&format!("order-{n}")).received(n * 10)]).await;
    }
    let all = after(store, begin, 7).await;
    assert!(store.status_events.trim(time(35), limit(3)).await.unwrap(), "there is more to trim");
    assert!(!store.status_events.trim(time(35), limit(3)).await.unwrap());
    assert_eq!(store.status_events.after(begin, limit(9)).await.unwrap(), None);
    assert_eq!(store.status_events.after(all[2].position, limit(9)).await.unwrap(), None);
    assert_eq!(store.status_events.after(all[3].position, limit(9)).await.unwrap().unwrap(), all[4..]);
    // With no events left, the next event still has the next position.
    assert!(!store.status_events.trim(time(1_000), limit(9)).await.unwrap());
    let last = all[6].position;
    assert_eq!(store.status_events.after(last, limit(9)).await.unwrap(), Some(Vec::new()));
    store.hear([about("order-7")]).await;
    assert_eq!(in_words(&after(store, last, 1).await), ["order-7 delivered"]);
}

/// A number is drawn before the commit. A reader that read only up to the greatest number would miss the slow
/// transaction.
async fn readers_wait_for_a_slow_transaction(store: &TestStore) {
    let from = store.status_events.end().await.unwrap();
    let mut slow = PgConnection::connect(store.database.url()).await.unwrap();
    let insert = "INSERT INTO messages (correlation_id, status, precedence, status_at, is_final, created_at, updated_at) \
                  VALUES ('slow', 'delivered', '\\x60', 0, 1, 1, 1)";
    let mut transaction = slow.begin().await.unwrap();
    sqlx::raw_sql(insert).execute(&mut *transaction).await.unwrap();
    store.hear([about("quick")]).await;
    assert_eq!(store.status_events.after(from, limit(9)).await.unwrap(), Some(Vec::new()));
    let between = store.status_events.end().await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(in_words(&after(store, from, 2).await), ["slow delivered", "quick delivered"]);
    assert_eq!(after(store, between, 2).await.len(), 2, "a reader that begins in between gets both");
    // A verification would find that no link records this row.
    store.execute("DELETE FROM messages WHERE correlation_id = 'slow'").await;
}
