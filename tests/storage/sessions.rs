//! Sessions, and the small facts of an overview.

use harness::put;
use receiptd::domain::{Archived, Arrival, Inbound, Session, SessionKey, Source, Timestamp, Unreadable};

use crate::{
    make::{about, time},
    store::TestStore,
};

both!(
    a_session_is_found_until_it_is_closed,
    a_use_never_goes_back,
    sessions_that_are_over_are_removed_when_another_one_opens,
    the_last_arrival_is_that_of_any_kind,
);

fn session(key: u8, opened: i64) -> Session {
    let (opened_at, used_at) = (time(opened), time(opened));
    Session { key: SessionKey::new([key; 32]), token: format!("desk-{key}"), proof: vec![key; 32], opened_at, used_at }
}

const NEVER: Timestamp = Timestamp::from_micros(i64::MIN);

async fn a_session_is_found_until_it_is_closed(store: &TestStore) {
    let (one, other) = (session(1, 1_000), session(2, 2_000));
    for session in [&one, &other] {
        store.sessions.open(session, NEVER, NEVER).await.unwrap();
    }
    assert_eq!(store.sessions.find(&one.key).await.unwrap(), Some(one.clone()));
    for _ in 0..2 {
        store.sessions.close(&one.key).await.unwrap();
    }
    assert_eq!(store.sessions.find(&one.key).await.unwrap(), None);
    assert_eq!(store.sessions.find(&other.key).await.unwrap(), Some(other));
}

async fn a_use_never_goes_back(store: &TestStore) {
    let one = session(1, 1_000);
    store.sessions.open(&one, NEVER, NEVER).await.unwrap();
    for (noted, expected) in [(5_000, 5_000), (3_000, 5_000), (6_000, 6_000)] {
        store.sessions.note_use(&one.key, time(noted)).await.unwrap();
        let found = store.sessions.find(&one.key).await.unwrap().unwrap();
        assert_eq!(found, Session { used_at: time(expected), ..one.clone() });
    }
    store.sessions.note_use(&SessionKey::new([9; 32]), time(1)).await.unwrap();
}

async fn sessions_that_are_over_are_removed_when_another_one_opens(store: &TestStore) {
    let (old, idle, used) = (session(1, 1_000), session(2, 5_000), session(3, 5_000));
    for session in [&old, &idle, &used] {
        store.sessions.open(session, NEVER, NEVER).await.unwrap();
    }
    for session in [&old, &used] {
        store.sessions.note_use(&session.key, time(9_000)).await.unwrap();
    }
    store.sessions.open(&session(4, 10_000), time(2_000), time(8_000)).await.unwrap();
    let left = store.texts("SELECT token FROM sessions ORDER BY token").await;
    assert_eq!(left, ["desk-3", "desk-4"]);
}

async fn the_last_arrival_is_that_of_any_kind(store: &TestStore) {
    assert_eq!(store.glance.last_arrival().await.unwrap(), None);
    put(store, &[Arrival::Notification(about("order-1").received(1_000_000).recorded())]).await.unwrap();
    let notified = time(1_000_000);
    assert_eq!(store.glance.last_arrival().await.unwrap(), Some(notified));
    let later = |seconds| notified.plus(std::time::Duration::from_secs(seconds));
    let what = Inbound { channel: None, event: "MO".to_owned(), sender: None, transaction_id: None };
    let inbound = Archived::first_arrival(what, b"{}".to_vec(), Source::Notify, later(1));
    put(store, &[Arrival::Inbound(inbound)]).await.unwrap();
    assert_eq!(store.glance.last_arrival().await.unwrap(), Some(later(1)));
    assert_eq!(store.glance.quarantined(10).await.unwrap(), 0);
    for n in 0..3 {
        let what = Unreadable("no JSON".to_owned());
        let unreadable = Archived::first_arrival(what, vec![n], Source::Notify, later(2));
        put(store, &[Arrival::Quarantined(unreadable)]).await.unwrap();
    }
    assert_eq!(store.glance.last_arrival().await.unwrap(), Some(later(2)));
    assert_eq!((store.glance.quarantined(10).await.unwrap(), store.glance.quarantined(2).await.unwrap()), (3, 2));
}
