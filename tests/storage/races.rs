//! Maintenance beside maintenance and beside appends: none of them undoes what another one has committed.
//!
//! On SQLite there is one writer at a time. On Postgres, a gate stops a transaction in the middle, with the locks that it
//! holds.

use std::time::Duration;

use harness::put;
use receiptd::{
    clock::Clock,
    domain::{
        Actor, Archived, Arrival, AuditAction, ERASED_BODY, Event, Failure, PageLimit, Person, Source, Status,
        Unreadable,
    },
    maintenance::{Eraser, Rebuild},
    storage::{RetentionKind, Store},
    webex::TimeZone,
};
use tokio::time::timeout;

use crate::{
    erasure::everything,
    make::{Heard, about, about_transaction, audited, id, time},
    repair::{arrived, misread, posted, read},
    store::TestStore,
};

both!(
    a_retry_does_not_bring_back_a_body_that_was_erased_meanwhile,
    a_repetition_does_not_bring_back_an_erased_person,
    a_purged_body_does_not_come_back,
);
only!(
    postgres in postgres_alone: an_erasure_keeps_what_a_rebuild_commits_meanwhile,
    a_purge_of_bodies_keeps_what_a_rebuild_commits_meanwhile,
    a_purge_of_notifications_removes_what_a_rebuild_commits_meanwhile,
    a_purge_of_messages_removes_what_a_rebuild_commits_meanwhile,
    a_rebuild_leaves_a_message_whose_notification_is_purged_meanwhile,
    a_rebuild_does_not_bring_back_a_message_that_is_purged_meanwhile,
    an_erasure_leaves_nothing_that_the_next_one_does_not_find,
);

const NUMBER: &str = "447700900123";

async fn erase(store: &Store) {
    let eraser = Eraser::new(store, Clock::new(|| time(5_000)));
    eraser.erase(&Person::new(NUMBER).unwrap(), &Actor::server(), false).await.unwrap();
}

/// Stops transactions.
struct Gate<'a>(&'a TestStore);

impl<'a> Gate<'a> {
    /// Stops every transaction at this point: a trigger of a row.
    async fn at(store: &'a TestStore, point: &str) -> Self {
        store
            .execute(format!(
                "CREATE TABLE gate (at BIGINT); INSERT INTO gate VALUES (1); \
                 CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                     WHILE EXISTS (SELECT 1 FROM gate) LOOP PERFORM pg_sleep(0.002); END LOOP; RETURN NEW; \
                 END $$; \
                 CREATE TRIGGER gate {point} EXECUTE FUNCTION wait_at_gate()"
            ))
            .await;
        Self(store)
    }

    /// Stops rebuilds before they commit.
    async fn before_a_rebuild_commits(store: &'a TestStore) -> Self {
        Self::at(store, "BEFORE INSERT ON audit_log FOR EACH ROW WHEN (NEW.action = 'rebuilt')").await
    }

    async fn is_reached(&self) {
        self.sessions_wait("wait_event = 'PgSleep'").await;
    }

    async fn is_waited_for(&self) {
        self.sessions_wait("wait_event_type = 'Lock'").await;
    }

    async fn sessions_wait(&self, how: &str) {
        let sessions = format!("SELECT query FROM pg_stat_activity WHERE datname = current_database() AND {how}");
        let wait = async {
            while self.0.texts(&sessions).await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), wait).await.unwrap();
    }

    async fn opens(self) {
        self.0.execute("DELETE FROM gate").await;
    }
}

/// A notification to the person, as an earlier mapping stored it, and a rebuild that reads it correctly, but has not
/// committed yet.
async fn rebuild_in_the_middle(store: &TestStore) -> (Gate<'_>, tokio::task::JoinHandle<usize>) {
    store.hear([misread(posted("order-1", "Delivered", "7500", 1))].map(Arrival::Notification)).await;
    assert_eq!(store.message("order-1").await.status, Status::Unknown);
    let gate = Gate::before_a_rebuild_commits(store).await;
    let rebuilder = store.reopened().await;
    let rebuilding = tokio::spawn(async move {
        let rebuilt = audited(AuditAction::Rebuilt);
        rebuilder.repair.recompute(&[id("order-1")], &read, time(9_000), &rebuilt).await.unwrap().len()
    });
    gate.is_reached().await;
    (gate, rebuilding)
}

async fn assert_rebuilt(store: &TestStore) {
    assert_eq!(store.notifications("order-1").await[0].notification.event, Event::Delivered);
    assert_eq!(store.message("order-1").await.status, Status::Delivered);
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
}

async fn an_erasure_keeps_what_a_rebuild_commits_meanwhile(store: &TestStore) {
    let (gate, rebuilding) = rebuild_in_the_middle(store).await;
    let eraser = (**store).clone();
    let erasing = tokio::spawn(async move { erase(&eraser).await });
    gate.is_waited_for().await;
    gate.opens().await;
    assert_eq!(rebuilding.await.unwrap(), 1);
    erasing.await.unwrap();
    assert_rebuilt(store).await;
    assert!(!everything(store).await.contains(NUMBER));
}

async fn a_purge_of_bodies_keeps_what_a_rebuild_commits_meanwhile(store: &TestStore) {
    let (gate, rebuilding) = rebuild_in_the_middle(store).await;
    let purger = (**store).clone();
    let purging = tokio::spawn(async move {
        let entry = audited(AuditAction::Purged);
        purger.retention.purge(RetentionKind::Bodies, time(0), time(5_000), 9, &entry).await.unwrap().rows
    });
    gate.is_waited_for().await;
    gate.opens().await;
    assert_eq!(rebuilding.await.unwrap(), 1);
    assert_eq!(purging.await.unwrap(), 1);
    assert_rebuilt(store).await;
    assert_eq!(store.notifications("order-1").await[0].body, b"");
}

/// Purges everything of a kind that is older than `before`. Returns the number of rows.
async fn purge(store: &Store, kind: RetentionKind, before: i64) -> i64 {
    store.retention.purge(kind, time(0), time(before), 9, &audited(AuditAction::Purged)).await.unwrap().rows
}

/// Purges while a rebuild is in the middle of the same message. Returns the number of purged rows.
async fn purged_beside_a_rebuild(store: &TestStore, kind: RetentionKind, before: i64) -> i64 {
    let (gate, rebuilding) = rebuild_in_the_middle(store).await;
    let purger = (**store).clone();
    let purging = tokio::spawn(async move { purge(&purger, kind, before).await });
    gate.is_waited_for().await;
    gate.opens().await;
    assert_eq!(rebuilding.await.unwrap(), 1);
    let rows = purging.await.unwrap();
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
    rows
}

async fn a_purge_of_notifications_removes_what_a_rebuild_commits_meanwhile(store: &TestStore) {
    assert_eq!(purged_beside_a_rebuild(store, RetentionKind::Notifications, 5_000).await, 1);
    assert_eq!(store.notifications("order-1").await, []);
    assert_eq!(store.message("order-1").await.status, Status::Delivered);
}

async fn a_purge_of_messages_removes_what_a_rebuild_commits_meanwhile(store: &TestStore) {
    // The rebuild is news.
    assert_eq!(purged_beside_a_rebuild(store, RetentionKind::Messages, 5_000).await, 0);
    assert_rebuilt(store).await;
    assert_eq!(purge(store, RetentionKind::Messages, 10_000).await, 1);
    assert_eq!(store.find("order-1").await, None);
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
}

/// Rebuilds while a purge is in the middle of the same message.
async fn rebuilt_beside_a_purge(store: &TestStore, kind: RetentionKind) {
    store.hear([misread(posted("order-1", "Delivered", "7500", 1))].map(Arrival::Notification)).await;
    let gate = Gate::at(store, "BEFORE INSERT ON audit_log FOR EACH ROW WHEN (NEW.action = 'purged')").await;
    let purger = store.reopened().await;
    let purging = tokio::spawn(async move { purge(&purger, kind, 5_000).await });
    gate.is_reached().await;
    let rebuild = Rebuild::new(store, TimeZone::UTC, Clock::new(|| time(9_000)));
    let rebuilding = tokio::spawn(async move { rebuild.run(&Actor::server(), false, |_| ()).await.unwrap() });
    gate.is_waited_for().await;
    gate.opens().await;
    assert_eq!(purging.await.unwrap(), 1);
    let report = rebuilding.await.unwrap();
    assert_eq!((report.messages, report.altered), (1, 0));
    assert_eq!(store.notifications("order-1").await, []);
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
}

async fn a_rebuild_leaves_a_message_whose_notification_is_purged_meanwhile(store: &TestStore) {
    rebuilt_beside_a_purge(store, RetentionKind::Notifications).await;
    assert_eq!(store.message("order-1").await.status, Status::Unknown);
}

async fn a_rebuild_does_not_bring_back_a_message_that_is_purged_meanwhile(store: &TestStore) {
    rebuilt_beside_a_purge(store, RetentionKind::Messages).await;
    assert_eq!(store.find("order-1").await, None);
}

/// Another instance stores a notification of the same message while the erasure is in the middle of it.
async fn an_erasure_leaves_nothing_that_the_next_one_does_not_find(store: &TestStore) {
    store.hear([about("order-1").to(NUMBER).says(Event::Submitted)]).await;
    let gate = Gate::at(store, "BEFORE UPDATE ON notification_blocks FOR EACH ROW").await;
    let (eraser, other) = (store.reopened().await, store.reopened().await);
    let erasing = tokio::spawn(async move { erase(&eraser).await });
    gate.is_reached().await;
    let late = about("order-1").to(NUMBER).says(Event::Read);
    let mut appending = tokio::spawn(async move { put(&other, &[late.into()]).await.unwrap() });
    // The append waits for the erasure, or is not stopped by it.
    tokio::select! { appended = &mut appending => appended.unwrap(), () = gate.is_waited_for() => {} }
    gate.opens().await;
    erasing.await.unwrap();
    if !appending.is_finished() {
        appending.await.unwrap();
    }
    erase(store).await;
    assert!(!everything(store).await.contains(NUMBER));
    assert_eq!(store.message("order-1").await.status, Status::Read);
}

/// The retry has listed the quarantine, and the person is erased before it releases the body.
async fn a_retry_does_not_bring_back_a_body_that_was_erased_meanwhile(store: &TestStore) {
    let body = posted("order-1", "Delivered", "7500", 1).body;
    let kept = Archived::first_arrival(Unreadable("?".to_owned()), body, Source::Notify, time(1_000));
    store.hear([Arrival::Quarantined(kept.clone())]).await;
    let listed = store.quarantine.list(None, PageLimit::default()).await.unwrap().items;
    assert!(read(&listed[0].body).is_some());
    erase(store).await;
    let as_stored = move |archived: &Archived<Unreadable>| {
        let notification = arrived(archived.body.clone(), archived.source, 1_000);
        notification.map(Arrival::Notification).into_iter().collect()
    };
    let retried = audited(AuditAction::Retried);
    let released = store.repair.release_from_quarantine(listed[0].fingerprint, &as_stored, &retried).await.unwrap();
    assert_eq!(released, Some(Vec::new()));
    assert!(!everything(store).await.contains(NUMBER));
    assert_eq!(store.quarantine.find(kept.fingerprint).await.unwrap().unwrap().body, ERASED_BODY);
}

async fn a_repetition_does_not_bring_back_an_erased_person(store: &TestStore) {
    let told = |it: Heard| {
        it.to(NUMBER).body(format!("{{\"to\": \"{NUMBER}\"}}")).with(|it| {
            it.callback_data = Some(format!("order of {NUMBER}"));
            it.reason = Some(format!("{NUMBER} has it"));
        })
    };
    // One of a message with one recipient, one of a message with two, and one that will have its correlation id.
    let alone = || told(about("order-1").of("t-1").says(Event::Read));
    let shared = || told(about("order-2").says(Event::Failed(Failure::Permanent)));
    let uncorrelated = || told(about_transaction("t-1").says(Event::Submitted));
    let correlated = || told(about("order-1").of("t-1").says(Event::Submitted));
    let heard = || [alone(), shared(), uncorrelated()];
    store.hear(heard()).await;
    store.hear([about("order-2").to("447700900124")]).await;
    erase(store).await;
    let before = [store.message("order-1").await, store.message("order-2").await];
    assert!(!everything(store).await.contains(NUMBER));
    for again in [heard().to_vec(), vec![correlated()], vec![alone(), correlated()]] {
        store.hear(again).await;
        assert!(!everything(store).await.contains(NUMBER));
    }
    assert_eq!([store.message("order-1").await, store.message("order-2").await], before);
    let mut counts: Vec<_> = store.notifications("order-1").await.iter().map(|it| it.occurrences).collect();
    counts.sort_unstable();
    assert_eq!(counts, [3, 4], "each is counted");
}

async fn a_purged_body_does_not_come_back(store: &TestStore) {
    let uncorrelated = about_transaction("t-1").says(Event::Submitted).body("{\"first\": true}");
    store.hear([uncorrelated, about("order-1").of("t-1")]).await;
    store.retention.purge(RetentionKind::Bodies, time(0), time(5_000), 9, &audited(AuditAction::Purged)).await.unwrap();
    store.hear([about("order-1").of("t-1").says(Event::Submitted).body("{\"again\": true}")]).await;
    let notifications = store.notifications("order-1").await;
    assert!(notifications.len() == 2 && notifications.iter().all(|it| it.body.is_empty()), "{notifications:?}");
}
