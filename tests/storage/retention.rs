//! Data is removed after its retention period, and nothing else is.

use std::time::Duration;

use receiptd::{
    audit::AuditWriter,
    clock::Clock,
    domain::{
        Actor, Archived, Arrival, AuditAction, AuditRequest, BodySignature, Dispatch, Event, Inbound, PageLimit,
        Source, Status, StoredNotification, Timestamp, Unreadable,
    },
    maintenance::{Periods, PurgeView, Purger},
    storage::Settlement,
};

use crate::{
    chain::verify,
    make::{Heard, about, about_transaction, enqueue, leased, settle, submission, time},
    store::TestStore,
};

both!(
    bodies_are_purged_and_their_parsed_values_stay,
    signatures_are_purged_with_their_bodies,
    notifications_are_purged_and_the_status_stays,
    an_adoption_keeps_the_status_of_purged_notifications,
    messages_are_purged_with_everything_about_them,
    waiting_messages_and_messages_with_news_stay,
    inbound_quarantine_and_audit_log_are_purged,
    many_rows_are_purged_in_several_commits,
    a_dry_run_changes_nothing,
    an_alteration_before_a_purge_is_detected,
);

const DAY: i64 = 86_400_000_000;

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

/// At the end of this day.
fn purger(store: &TestStore, day: i64, periods: Periods) -> Purger {
    Purger::new(store, periods, Clock::new(move || time(day * DAY)))
}

async fn purged(store: &TestStore, day: i64, periods: Periods) -> Vec<(String, i64)> {
    let views = purger(store, day, periods).purge(&Actor::server()).await.unwrap();
    let told = views.into_iter().map(|PurgeView { kind, rows }| (kind, rows)).collect();
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
    told
}

fn rows(kind: &str, rows: i64) -> (String, i64) {
    (kind.to_owned(), rows)
}

/// The entries of the audit log, oldest first.
async fn audit(store: &TestStore) -> Vec<(String, String, i64, Option<String>)> {
    let audit = AuditWriter::start(store, Clock::system());
    let page = audit.list(&AuditRequest::default()).await.unwrap();
    page.items.into_iter().rev().map(|it| (it.actor, it.action, it.count, it.details)).collect()
}

async fn bodies_are_purged_and_their_parsed_values_stay(store: &TestStore) {
    let old = about("order-1").of("t-1").at(1).received(DAY);
    let new = about("order-1").of("t-1").says(Event::Read).at(2).received(3 * DAY);
    store.hear([old.clone(), old.clone(), new.clone()]).await;
    let head = store.verdict().await.head.unwrap();
    let before = store.message("order-1").await;
    let periods = Periods { bodies: Some(days(2)), ..Periods::default() };
    assert_eq!(purged(store, 4, periods).await, [rows("bodies", 1)]);
    assert_eq!(purged(store, 4, periods).await, [rows("bodies", 0)]);
    let stored = store.notifications("order-1").await;
    let mut expected =
        [StoredNotification { body: Vec::new(), occurrences: 2, ..old.clone().recorded() }, new.recorded()];
    expected.sort_unstable_by_key(|recorded| recorded.fingerprint);
    assert_eq!(stored, expected);
    assert_eq!(store.message("order-1").await, before);
    assert_eq!(audit(store).await, [("server".to_owned(), "purged".to_owned(), 1, Some("bodies".to_owned()))]);
    // A repetition is counted, as before.
    store.hear([old]).await;
    assert!(verify(store, Some(&head)).await.sound, "an earlier head still verifies");
}

async fn signatures_are_purged_with_their_bodies(store: &TestStore) {
    let signature = BodySignature::from_bytes(&[7; 32]);
    let unreadable = || {
        let odd = Archived::first_arrival(Unreadable("odd".to_owned()), b"odd".to_vec(), Source::Notify, time(DAY));
        Arrival::Quarantined(odd).signed(signature.clone())
    };
    store.hear([Arrival::from(about("order-1").received(DAY)).signed(signature.clone()), unreadable()]).await;
    assert_eq!(store.notifications("order-1").await[0].signature, signature);
    let quarantined = store.quarantine.list(None, PageLimit::default()).await.unwrap().items;
    assert_eq!(quarantined.into_iter().map(Arrival::Quarantined).collect::<Vec<_>>(), [unreadable()]);
    purged(store, 4, Periods { bodies: Some(days(2)), ..Periods::default() }).await;
    assert_eq!(store.notifications("order-1").await[0].signature, None);
}

async fn notifications_are_purged_and_the_status_stays(store: &TestStore) {
    store.hear([about("order-1").received(DAY), about("order-1").says(Event::Read).received(3 * DAY)]).await;
    let periods = Periods { notifications: Some(days(2)), ..Periods::default() };
    assert_eq!(purged(store, 4, periods).await, [rows("notifications", 1)]);
    assert_eq!(purged(store, 9, periods).await, [rows("notifications", 1)]);
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.notification_count), (Status::Read, 0));
}

async fn an_adoption_keeps_the_status_of_purged_notifications(store: &TestStore) {
    let periods = Periods { notifications: Some(days(2)), ..Periods::default() };
    let read = |of: Heard| of.says(Event::Read).received(DAY);
    let submitted = |of: Heard| of.says(Event::Submitted).received(3 * DAY);
    // Messages that are only known by their transaction, with and without a notification that is left.
    store
        .hear([read(about_transaction("t-1")), read(about_transaction("t-2")), submitted(about_transaction("t-2"))])
        .await;
    // A message that loses its transaction to another one.
    store.hear([submitted(about("order-9").of("t-9")), read(about_transaction("t-9"))]).await;
    assert_eq!(purged(store, 4, periods).await, [rows("notifications", 3)]);
    for (name, transaction) in [("order-1", "t-1"), ("order-2", "t-2"), ("order-3", "t-9")] {
        store.hear([about(name).of(transaction).says(Event::Delivered).received(5 * DAY)]).await;
        assert_eq!(store.message(name).await.status, Status::Delivered);
    }
    for name in ["txn:t-1", "txn:t-2", "order-9"] {
        assert_eq!(store.message(name).await.status, Status::Read, "{name}");
    }
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
}

async fn messages_are_purged_with_everything_about_them(store: &TestStore) {
    let claim = leased(store, "order-1", DAY).await;
    let mut accepted = Settlement::new(Dispatch::Accepted, time(DAY));
    accepted.event.transaction_id = Some(crate::make::transaction("t-0"));
    settle(store, &claim, &accepted).await;
    let heard = |recipient: &str| about("order-1").of("t-1").to(recipient).received(DAY);
    store.hear([heard("447700900123"), heard("447700900124")]).await;
    store.hear([about("order-2").of("t-2").received(9 * DAY)]).await;
    let periods = Periods { messages: Some(days(2)), ..Periods::default() };
    assert_eq!(purged(store, 10, periods).await, [rows("messages", 1)]);
    for table in ["messages", "notifications", "transactions"] {
        let left = store.texts(&format!("SELECT correlation_id FROM {table}")).await;
        assert_eq!(left, ["order-2"], "{table}");
    }
    for table in ["dispatch_events", "outbox", "recipients"] {
        assert!(store.texts(&format!("SELECT correlation_id FROM {table}")).await.is_empty(), "{table}");
    }
}

async fn waiting_messages_and_messages_with_news_stay(store: &TestStore) {
    enqueue(store, &submission("waiting"), DAY).await;
    store.hear([about("recent").received(DAY)]).await;
    store.hear([about("recent").says(Event::Read).received(9 * DAY)]).await;
    let periods = Periods { messages: Some(days(2)), ..Periods::default() };
    assert_eq!(purged(store, 10, periods).await, [rows("messages", 0)]);
    store.message("waiting").await;
    assert_eq!(store.message("recent").await.notification_count, 2);
    let audit_log: Vec<_> = audit(store).await.into_iter().map(|(_, action, ..)| action).collect();
    assert_eq!(audit_log, ["sent"], "nothing was removed");
}

async fn inbound_quarantine_and_audit_log_are_purged(store: &TestStore) {
    let inbound = |n: i64| {
        let what = Inbound { channel: None, event: "MO".to_owned(), sender: None, transaction_id: None };
        Arrival::Inbound(Archived::first_arrival(
            what,
            format!("{{\"n\":{n}}}").into_bytes(),
            Source::Notify,
            time(n * DAY),
        ))
    };
    let odd = |n: i64| {
        Arrival::Quarantined(Archived::first_arrival(
            Unreadable("odd".to_owned()),
            vec![b'0'; 5],
            Source::Notify,
            time(n * DAY),
        ))
    };
    store.hear([inbound(1), inbound(2), inbound(9), odd(1)]).await;
    let old = AuditWriter::start(store, Clock::new(|| Timestamp::from_micros(DAY)));
    old.record(&Actor::anonymous(), AuditAction::Sent, 1, None).await.unwrap();
    let periods =
        Periods { inbound: Some(days(5)), quarantine: Some(days(5)), audit_log: Some(days(5)), ..Periods::default() };
    let expected = [rows("inbound", 2), rows("quarantine", 1), rows("audit", 1)];
    assert_eq!(purged(store, 10, periods).await, expected);
    let left = audit(store).await.into_iter().map(|(_, action, count, kind)| (action, count, kind.unwrap()));
    let mut left: Vec<_> = left.collect();
    left.sort_unstable();
    let purged = |count, kind: &str| ("purged".to_owned(), count, kind.to_owned());
    assert_eq!(left, [purged(1, "audit"), purged(1, "quarantine"), purged(2, "inbound")]);
}

async fn many_rows_are_purged_in_several_commits(store: &TestStore) {
    store.hear((0..250).map(|n| about(&format!("order-{}", n % 50)).at(n).received(DAY + n % 3))).await;
    let links = async || store.texts("SELECT CAST(sequence AS TEXT) FROM links").await.len();
    let before = links().await;
    let periods = Periods { bodies: Some(days(2)), messages: Some(days(5)), ..Periods::default() };
    assert_eq!(purged(store, 4, periods).await, [rows("messages", 0), rows("bodies", 250)]);
    assert_eq!(links().await, before + 4 + 2, "one commit a block, and the seals of the events and of the proof");
    assert_eq!(purged(store, 9, periods).await, [rows("messages", 50), rows("bodies", 0)]);
    let told: Vec<_> = audit(store).await.into_iter().map(|(.., count, kind)| (count, kind.unwrap())).collect();
    assert_eq!(told, [(250, "bodies".to_owned()), (50, "messages".to_owned())]);
}

async fn a_dry_run_changes_nothing(store: &TestStore) {
    store.hear([about("order-1").received(DAY), about("order-2").received(9 * DAY)]).await;
    let periods =
        Periods { bodies: Some(days(2)), notifications: Some(days(3)), messages: Some(days(4)), ..Periods::default() };
    let views = purger(store, 10, periods).preview().await.unwrap();
    let told: Vec<_> = views.into_iter().map(|view| (view.kind, view.rows)).collect();
    assert_eq!(told, [rows("messages", 1), rows("notifications", 1), rows("bodies", 1)]);
    assert_eq!(store.message("order-1").await.notification_count, 1);
    assert_eq!(audit(store).await, []);
}

/// Otherwise a purge would hide the alteration.
async fn an_alteration_before_a_purge_is_detected(store: &TestStore) {
    store.hear([about("order-1").received(DAY)]).await;
    store.execute("UPDATE notifications SET transaction_id = 'another'").await;
    purger(store, 9, Periods { messages: Some(days(2)), ..Periods::default() }).purge(&Actor::server()).await.unwrap();
    let finding = store.verdict().await.finding.unwrap();
    assert_eq!((finding.what.as_str(), finding.table.as_str()), ("altered", "notifications"));
}
