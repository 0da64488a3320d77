//! Corrections of stored data: imports do not change existing rows, a rebuild parses bodies again, the quarantine
//! releases bodies.

use harness::put;
use proptest::prelude::*;
use receiptd::{
    domain::{
        Address, Archived, Arrival, AuditAction, Event, Fingerprint, Inbound, Notification, PageLimit, Source, Status,
        StoredNotification, Unreadable,
    },
    storage::{QuarantineReader, Recomputed, RetentionKind, Store},
    webex::{Posted, TimeZone},
};
use serde_json::json;

use crate::{
    make::{about, about_transaction, audited, enqueue, fresh, id, submission, time},
    store::TestStore,
};

both!(
    an_import_distinguishes_new_and_known_rows,
    an_import_may_be_repeated,
    a_released_body_moves_once,
    a_rebuild_parses_every_notification_again,
    a_rebuild_keeps_the_identity_of_a_notification,
    a_rebuild_mends_the_recipients_of_a_message,
    another_time_zone_does_not_make_two_notifications_of_one,
    a_sent_message_returns_to_its_dispatch_state,
    a_rebuild_and_appends_do_not_undo_each_other,
    a_rebuild_keeps_the_status_of_purged_notifications,
    corrections_are_counted_in_the_audit_log,
);

pub(crate) fn read(body: &[u8]) -> Option<Notification> {
    match Posted::read(body, TimeZone::UTC) {
        Posted::Notification(notification, _) => Some(*notification),
        _ => None,
    }
}

/// The notification in a body that arrived at `micros`.
pub(crate) fn arrived(body: Vec<u8>, source: Source, micros: i64) -> Option<StoredNotification> {
    match Posted::read(&body, TimeZone::UTC).arrival(body, source, time(micros)) {
        Arrival::Notification(stored) => Some(stored),
        _ => None,
    }
}

/// As the platform posts it.
pub(crate) fn posted(name: &str, status: &str, code: &str, second: u8) -> StoredNotification {
    let body = json!({"deliveryInfoNotification": {
        "deliveryInfo": {
            "deliveryChannel": "SMS", "destination": "447700900123", "deliveryStatus": status, "code": code,
            "Description": status, "timeStamp": format!("2026-05-20T13:15:{second:02}Z"),
        },
        "transid": format!("t-{name}"), "correlationid": name,
    }});
    arrived(body.to_string().into_bytes(), Source::Notify, 1_000).unwrap()
}

/// The same notification as an earlier mapping stored it, which did not know the word.
pub(crate) fn misread(recorded: StoredNotification) -> StoredNotification {
    let notification = Notification { event: Event::Unknown, ..recorded.notification.clone() };
    StoredNotification { notification, ..recorded }
}

async fn import(store: &Store, arrivals: impl IntoIterator<Item = Arrival>) -> Vec<bool> {
    store.repair.import(&arrivals.into_iter().collect::<Vec<_>>(), &audited(AuditAction::Imported)).await.unwrap()
}

fn imported(recorded: StoredNotification) -> Arrival {
    Arrival::Notification(StoredNotification { source: Source::Import, ..recorded })
}

async fn an_import_distinguishes_new_and_known_rows(store: &TestStore) {
    let inbound = Inbound { channel: None, event: "MO".to_owned(), sender: None, transaction_id: None };
    let inbound = Arrival::Inbound(Archived::first_arrival(inbound, b"{}".to_vec(), Source::Import, time(1)));
    let unreadable = Arrival::Quarantined(Archived::first_arrival(
        Unreadable("?".to_owned()),
        b"{}".to_vec(),
        Source::Import,
        time(1),
    ));
    store.hear([about("order-1").of("t"), about_transaction("t").says(Event::Submitted)]).await;
    let arrivals = [
        imported(about("order-1").of("t").recorded()),
        imported(about_transaction("t").says(Event::Submitted).recorded()),
        imported(about("order-1").says(Event::Read).recorded()),
        imported(about("order-2").recorded()),
        imported(about("order-2").recorded()),
        inbound.clone(),
        inbound,
        unreadable,
    ];
    let expected = [false, false, true, true, false, true, false, true];
    assert_eq!(import(store, arrivals.clone()).await, expected);
    assert_eq!(import(store, arrivals).await, [false; 8]);
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.notification_count), (Status::Read, 3));
    let notifications = [store.notifications("order-1").await, store.notifications("order-2").await].concat();
    assert!(notifications.iter().all(|recorded| recorded.occurrences == 1), "nothing is counted: {notifications:?}");
    let sources = |source| notifications.iter().filter(|recorded| recorded.source == source).count();
    assert_eq!((sources(Source::Notify), sources(Source::Import)), (2, 2));
    assert_eq!(store.quarantine.list(None, PageLimit::default()).await.unwrap().items[0].source, Source::Import);
    assert_eq!(store.inbound.list(None, PageLimit::default()).await.unwrap().items[0].occurrences, 1);
}

/// Whatever was stored before, an import of everything has the same result as if everything had arrived once.
async fn an_import_may_be_repeated(store: &TestStore) {
    let events = [Event::Submitted, Event::Delivered, Event::Read];
    let history = proptest::collection::vec((0..3usize, 0..3usize, 0..4i64, any::<bool>(), any::<bool>()), 1..20);
    store.for_all(&history, async |history| {
        let case = fresh();
        let names: Vec<String> = (0..3).map(|n| format!("{case}-{n}")).collect();
        let all: Vec<_> = history
            .iter()
            .map(|(n, event, at, is_correlated, _)| {
                let transaction = format!("t-{case}-{n}");
                let heard =
                    if *is_correlated { about(&names[*n]).of(&transaction) } else { about_transaction(&transaction) };
                heard.says(events[*event]).at(*at)
            })
            .collect();
        let heard: Vec<_> =
            all.iter().zip(&history).filter(|(_, (.., heard))| *heard).map(|(one, _)| one.clone()).collect();
        store.hear(heard).await;
        for n in 0..3 {
            let new = import(store, all.iter().cloned().map(|one| imported(one.recorded()))).await;
            assert!(n == 0 || new.iter().all(|is_new| !is_new), "{new:?}");
        }
        for (n, name) in names.iter().enumerate() {
            let mine = || history.iter().filter(|one| one.0 == n);
            let different = mine().map(|one| (one.1, one.2)).collect::<std::collections::BTreeSet<_>>().len();
            let owner = if mine().any(|one| one.3) { name.clone() } else { format!("txn:t-{case}-{n}") };
            let count = store.find(&owner).await.map_or(0, |message| message.notification_count);
            assert_eq!(usize::try_from(count).unwrap(), different);
        }
    });
}

async fn a_released_body_moves_once(store: &TestStore) {
    let recorded = posted("order-1", "Delivered", "7500", 1);
    let kept = Archived::first_arrival(Unreadable("?".to_owned()), recorded.body.clone(), Source::Notify, time(1_000));
    store.hear([Arrival::Quarantined(kept.clone())]).await;
    assert_eq!(store.quarantine.find(kept.fingerprint).await.unwrap().as_ref(), Some(&kept));
    let arrivals = vec![Arrival::Notification(recorded.clone())];
    let release = async |fingerprint, read: &QuarantineReader| {
        store.repair.release_from_quarantine(fingerprint, read, &audited(AuditAction::Retried)).await.unwrap()
    };
    assert_eq!(release(kept.fingerprint, &|_| Vec::new()).await, Some(Vec::new()));
    assert_eq!(store.quarantine.find(kept.fingerprint).await.unwrap().as_ref(), Some(&kept), "it stays");
    let (shown, understood) = (kept.clone(), arrivals.clone());
    let read = move |archived: &Archived<Unreadable>| {
        assert_eq!(*archived, shown);
        understood.clone()
    };
    assert_eq!(release(kept.fingerprint, &read).await, Some(arrivals));
    assert_eq!(release(kept.fingerprint, &read).await, None);
    assert_eq!(release(Fingerprint::default(), &read).await, None);
    assert_eq!(store.notifications("order-1").await, [recorded]);
    assert_eq!(store.quarantine.find(kept.fingerprint).await.unwrap(), None);
}

fn restated(name: &str, from: Status, to: Status) -> Recomputed {
    Recomputed { correlation_id: id(name), from, to }
}

async fn a_rebuild_parses_every_notification_again(store: &TestStore) {
    let names = ["order-1", "order-2", "order-3"];
    store.hear([Arrival::Notification(misread(posted("order-1", "Read", "7502", 3)))]).await;
    store
        .hear([
            Arrival::Notification(posted("order-2", "Submitted", "7501", 1)),
            Arrival::Notification(misread(posted("order-2", "Delivered", "7500", 2))),
            Arrival::Notification(posted("order-3", "Delivered", "7500", 2)),
        ])
        .await;
    let ids = store.repair.ids(None, PageLimit::default()).await.unwrap();
    assert_eq!(ids, names.map(id));
    assert_eq!(store.repair.ids(Some(&ids[0]), PageLimit::new(1).unwrap()).await.unwrap(), [id("order-2")]);

    let expected =
        [restated("order-1", Status::Unknown, Status::Read), restated("order-2", Status::Submitted, Status::Delivered)];
    let before = store.message("order-1").await;
    assert_eq!(store.repair.preview_recompute(&ids, &read).await.unwrap(), expected);
    assert_eq!(store.message("order-1").await, before, "a preview changes nothing");
    assert_eq!(
        store.repair.recompute(&ids, &read, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap(),
        expected
    );
    assert_eq!(store.repair.recompute(&ids, &read, time(9_500), &audited(AuditAction::Rebuilt)).await.unwrap(), []);
    for (name, recorded) in
        [("order-1", posted("order-1", "Read", "7502", 3)), ("order-3", posted("order-3", "Delivered", "7500", 2))]
    {
        assert_eq!(store.notifications(name).await, [recorded]);
    }
    let after = store.message("order-1").await;
    assert_eq!(
        (after.status, after.code.as_deref(), after.created_at),
        (Status::Read, Some("7502"), before.created_at)
    );
    assert_eq!((after.updated_at, store.message("order-3").await.updated_at), (time(9_000), time(1_000)));
    // Rows that were changed without the store are corrected too.
    store
        .execute("UPDATE messages SET status = 'failed', failure = 'permanent' WHERE correlation_id = 'order-3'")
        .await;
    let restated = store.repair.recompute(&ids, &read, time(9_500), &audited(AuditAction::Rebuilt)).await.unwrap();
    assert_eq!(restated, [self::restated("order-3", Status::Failed, Status::Delivered)]);
    assert_eq!(store.message("order-3").await.failure, None);
}

async fn a_rebuild_keeps_the_identity_of_a_notification(store: &TestStore) {
    // A mapping that read the reason, the transaction and the message differently. All three belong to the identity of
    // the notification.
    let stored = posted("order-1", "Delivered", "7500", 1);
    store.hear([stored.clone()].map(Arrival::Notification)).await;
    let otherwise = |body: &[u8]| {
        let mut notification = about("order-9").of("u").recorded().notification;
        notification.reason = Some(String::from_utf8_lossy(body).len().to_string());
        Some(notification)
    };
    store.repair.recompute(&[id("order-1")], &otherwise, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap();
    let now = store.notifications("order-1").await.remove(0);
    assert_eq!((now.fingerprint, &now.body, now.occurrences), (stored.fingerprint, &stored.body, 1));
    assert_eq!((now.received_at, now.source), (stored.received_at, stored.source));
    assert_eq!(now.notification.reference, stored.notification.reference);
    assert_eq!(now.notification.reason, Some(stored.body.len().to_string()));
    assert_eq!(store.find("order-9").await, None);
    // A notification that cannot be parsed any more keeps its meaning.
    assert_eq!(
        store.repair.recompute(&[id("order-1")], &|_| None, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap(),
        []
    );
    assert_eq!(store.notifications("order-1").await, [now]);
}

/// Two versions run at once: one does not read the recipient, and rebuilds; the other one reads it when the body arrives again.
async fn a_rebuild_mends_the_recipients_of_a_message(store: &TestStore) {
    let nameless = |body: &[u8]| read(body).map(|notification| Notification { recipient: None, ..notification });
    let rebuild = async || {
        store.repair.recompute(&[id("order-1")], &nameless, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap()
    };
    store.hear([Arrival::Notification(posted("order-1", "Delivered", "7500", 1))]).await;
    rebuild().await;
    assert_eq!(store.message("order-1").await.recipient, None);
    store.hear([Arrival::Notification(posted("order-1", "Delivered", "7500", 1))]).await;
    assert_eq!(store.message("order-1").await.recipient.as_ref().map(Address::as_str), Some("447700900123"));
    assert!(store.verdict().await.finding.is_some_and(|found| found.detail.contains("recipient")));
    assert_eq!(rebuild().await, [restated("order-1", Status::Delivered, Status::Delivered)]);
    assert_eq!(store.message("order-1").await.recipient, None);
    assert_eq!(rebuild().await, []);
}

/// The time zone was wrong at first, and a time without a zone was read in it.
async fn another_time_zone_does_not_make_two_notifications_of_one(store: &TestStore) {
    let body = posted("order-1", "Delivered", "7500", 1).body;
    let body = String::from_utf8(body).unwrap().replace("13:15:01Z", "13:15:01").into_bytes();
    let arrival = |zone, source| Posted::read(&body, zone).arrival(body.clone(), source, time(1_000));
    store.hear([arrival(TimeZone::UTC, Source::Notify)]).await;
    let india = TimeZone::from_name("Asia/Kolkata").unwrap();
    let in_india = move |body: &[u8]| match Posted::read(body, india) {
        Posted::Notification(notification, _) => Some(*notification),
        _ => None,
    };
    let before = store.message("order-1").await.status_at;
    let rebuilt =
        store.repair.recompute(&[id("order-1")], &in_india, time(9_000), &audited(AuditAction::Rebuilt)).await;
    assert_eq!(rebuilt.unwrap().len(), 1);
    assert_ne!(store.message("order-1").await.status_at, before);
    assert_eq!(import(store, [arrival(india, Source::Import)]).await, [false]);
    store.hear([arrival(india, Source::Notify)]).await;
    let notifications = store.notifications("order-1").await;
    assert_eq!(notifications.len(), 1, "{notifications:?}");
    assert_eq!(notifications[0].occurrences, 2);
    assert_eq!(store.message("order-1").await.status, Status::Delivered);
}

async fn a_sent_message_returns_to_its_dispatch_state(store: &TestStore) {
    enqueue(store, &submission("order-1"), 1_000).await;
    store.hear([Arrival::Notification(posted("order-1", "Failed", "7203", 1))]).await;
    assert_eq!(store.message("order-1").await.status, Status::Failed);
    let unknown = |body: &[u8]| read(body).map(|notification| Notification { event: Event::Unknown, ..notification });
    let found =
        store.repair.recompute(&[id("order-1")], &unknown, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap();
    assert_eq!(found, [restated("order-1", Status::Failed, Status::Queued)]);
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.is_final, message.failure, message.code), (Status::Queued, false, None, None));
    store.repair.recompute(&[id("order-1")], &read, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap();
    assert_eq!(store.message("order-1").await.status, Status::Failed);
}

/// A rebuild that reads first and writes later would overwrite appends in between.
async fn a_rebuild_and_appends_do_not_undo_each_other(store: &TestStore) {
    let other = store.reopened().await;
    let names: Vec<String> = (0..10).map(|n| format!("order-{n}")).collect();
    let ids: Vec<_> = names.iter().map(|name| id(name)).collect();
    for name in &names {
        store.hear([Arrival::Notification(misread(posted(name, "Submitted", "7501", 1)))]).await;
    }
    let appends = tokio::spawn({
        let names = names.clone();
        async move {
            for second in 2..30 {
                let status = if second == 29 { ("Delivered", "7500") } else { ("Submitted", "7501") };
                let batch: Vec<_> =
                    names.iter().map(|name| Arrival::Notification(posted(name, status.0, status.1, second))).collect();
                put(&other, &batch).await.unwrap();
            }
        }
    });
    while !appends.is_finished() {
        // It may have to give up. An append must not.
        let _ = store.repair.recompute(&ids, &read, time(9_000), &audited(AuditAction::Rebuilt)).await;
    }
    appends.await.unwrap();
    store.repair.recompute(&ids, &read, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap();
    for name in &names {
        let message = store.message(name).await;
        assert_eq!((message.status, message.notification_count), (Status::Delivered, 29), "{name}");
    }
}

/// If the deciding notification has been purged, the remaining ones would give another status.
async fn a_rebuild_keeps_the_status_of_purged_notifications(store: &TestStore) {
    let received = |recorded: StoredNotification, at| {
        Arrival::Notification(StoredNotification { received_at: time(at), ..recorded })
    };
    store.hear([received(posted("order-1", "Read", "7502", 3), 1_000)]).await;
    store.hear([received(posted("order-1", "Submitted", "7501", 1), 3_000)]).await;
    store.hear([received(posted("order-2", "Submitted", "7501", 1), 1_000)]).await;
    store.hear([received(misread(posted("order-2", "Delivered", "7500", 1)), 3_000)]).await;
    store
        .retention
        .purge(RetentionKind::Notifications, time(0), time(2_000), 10, &audited(AuditAction::Purged))
        .await
        .unwrap();
    let ids = ["order-1", "order-2"].map(id);
    // The second one was decided by a purged notification too, but as far as can be known its status is right.
    assert_eq!(store.repair.recompute(&ids, &read, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap(), []);
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.notification_count), (Status::Read, 1));
}

async fn corrections_are_counted_in_the_audit_log(store: &TestStore) {
    let (imported, retried, rebuilt) =
        (audited(AuditAction::Imported), audited(AuditAction::Retried), audited(AuditAction::Rebuilt));
    let some = [about("order-1").recorded(), about("order-2").recorded()].map(self::imported);
    for _ in 0..2 {
        store.repair.import(&some, &imported).await.unwrap();
    }
    let recorded = misread(posted("order-3", "Delivered", "7500", 1));
    let kept = Archived::first_arrival(Unreadable("?".to_owned()), recorded.body.clone(), Source::Notify, time(1_000));
    store.hear([Arrival::Quarantined(kept.clone())]).await;
    let understood = move |_: &Archived<Unreadable>| vec![Arrival::Notification(recorded.clone())];
    store.repair.release_from_quarantine(kept.fingerprint, &understood, &retried).await.unwrap();
    store.repair.recompute(&["order-1", "order-3"].map(id), &read, time(9_000), &rebuilt).await.unwrap();
    let told = store.texts("SELECT action || ' ' || CAST(count AS TEXT) FROM audit_log ORDER BY action").await;
    assert_eq!(told, ["imported 2", "rebuilt 1", "retried 1"]);
}
