//! Leases and messages whose time is over.

use receiptd::{
    domain::{Actor, Dispatch, Event, Status, Submission},
    storage::{OutboxEntry, Settlement},
};

use crate::{
    make::{about, claimed, enqueue, id, leased, next_due, settle, submission, time},
    store::TestStore,
};

both!(
    a_waiting_message_expires,
    an_expired_message_is_not_claimed,
    a_message_that_the_platform_may_have_does_not_expire,
    a_notified_message_does_not_expire,
    a_notification_outranks_an_expiry,
    more_messages_than_one_commit_expire,
    leased_messages_are_queued_again_if_configured,
);

fn until(name: &str, micros: i64) -> Submission {
    Submission { expire_at: Some(time(micros)), ..submission(name) }
}

async fn a_waiting_message_expires(store: &TestStore) {
    let entries = [("a", 9_000), ("b", 5_000), ("c", 5_000)]
        .map(|(name, expires)| OutboxEntry::new(until(name, expires), time(7_000)));
    store.outbox.enqueue(&entries, time(1_000), &Actor::server()).await.unwrap();
    enqueue(store, &submission("d"), 1_000).await;
    assert_eq!(store.outbox.expire(time(4_999)).await.unwrap(), []);
    assert_eq!(store.outbox.expire(time(5_000)).await.unwrap(), [id("b"), id("c")]);
    assert_eq!(store.outbox.expire(time(5_000)).await.unwrap(), []);
    let message = store.message("b").await;
    assert_eq!((message.status, message.dispatch), (Status::Expired, Some(Dispatch::Expired)));
    assert_eq!((message.is_final, message.status_at, message.reason.is_some()), (true, Some(time(5_000)), true));
    assert_eq!(claimed(store, 8_000).await.len(), 2);
}

async fn an_expired_message_is_not_claimed(store: &TestStore) {
    enqueue(store, &until("a", 5_000), 1_000).await;
    enqueue(store, &until("b", 6_000), 1_000).await;
    let claims = claimed(store, 5_000).await;
    assert_eq!(claims.iter().map(|claim| claim.submission.correlation_id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(claims[0].submission.expire_at, Some(time(6_000)));
    // It does not block anything either.
    assert_eq!((next_due(store).await, store.message("a").await.status), (None, Status::Expired));
    assert_eq!(store.outbox.expire(time(9_000)).await.unwrap(), []);
}

async fn a_message_that_the_platform_may_have_does_not_expire(store: &TestStore) {
    enqueue(store, &until("a", 5_000), 1_000).await;
    let claim = claimed(store, 1_000).await.remove(0);
    assert_eq!(store.outbox.expire(time(9_000)).await.unwrap(), []);
    assert_eq!(store.message("a").await.status, Status::Sending);
    // Once it is known that the platform does not have it, it expires.
    let again = Settlement { retry_at: Some(time(20_000)), ..Settlement::new(Dispatch::Queued, time(9_000)) };
    settle(store, &claim, &again).await;
    assert_eq!(store.outbox.expire(time(9_000)).await.unwrap(), [id("a")]);
}

async fn a_notified_message_does_not_expire(store: &TestStore) {
    enqueue(store, &until("a", 5_000), 1_000).await;
    let claim = claimed(store, 1_000).await.remove(0);
    let again = Settlement { retry_at: Some(time(20_000)), ..Settlement::new(Dispatch::Queued, time(2_000)) };
    settle(store, &claim, &again).await;
    store.hear([about("a").says(Event::Submitted)]).await;
    assert_eq!(store.outbox.expire(time(9_000)).await.unwrap(), [id("a")], "it no longer waits");
    let message = store.message("a").await;
    assert_eq!((message.status, message.dispatch), (Status::Submitted, Some(Dispatch::Accepted)));
}

async fn a_notification_outranks_an_expiry(store: &TestStore) {
    enqueue(store, &until("a", 5_000), 1_000).await;
    store.outbox.expire(time(5_000)).await.unwrap();
    store.hear([about("a").says(Event::Unknown)]).await;
    assert_eq!(store.message("a").await.status, Status::Expired, "the notification is not understood");
    store.hear([about("a").says(Event::Submitted)]).await;
    let message = store.message("a").await;
    assert_eq!((message.status, message.is_final), (Status::Submitted, false));
}

async fn more_messages_than_one_commit_expire(store: &TestStore) {
    let entry = |n: i64| OutboxEntry::new(until(&format!("order-{n:04}"), 5_000), time(1_000));
    store.outbox.enqueue(&(0..2_500).map(entry).collect::<Vec<_>>(), time(1_000), &Actor::server()).await.unwrap();
    let mut expired = store.outbox.expire(time(5_000)).await.unwrap();
    expired.sort_unstable();
    expired.dedup();
    assert_eq!((expired.len(), next_due(store).await), (2_500, None));
    let counted = store.texts("SELECT CAST(COUNT(*) AS TEXT) FROM messages WHERE status = 'expired'").await;
    assert_eq!(counted, ["2500"]);
}

async fn leased_messages_are_queued_again_if_configured(store: &TestStore) {
    let claim = leased(store, "a", 1_000).await;
    assert_eq!(store.outbox.expire_leases(time(1_099), true).await.unwrap(), []);
    assert_eq!(store.outbox.expire_leases(time(1_100), true).await.unwrap(), [id("a")]);
    let message = store.message("a").await;
    assert_eq!((message.status, message.status_at), (Status::Queued, Some(time(1_100))));
    assert!(message.reason.is_some(), "it has a reason");
    assert_eq!(next_due(store).await, Some(1_100));
    let again = claimed(store, 1_100).await.remove(0);
    assert_eq!((&again.submission, again.attempt, again.counted), (&claim.submission, 2, 1));
}
