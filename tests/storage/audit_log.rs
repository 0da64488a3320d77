//! The audit log.

use futures_util::poll;
use receiptd::{
    audit::{AuditWriter, entry},
    clock::Clock,
    domain::{Actor, AuditAction, AuditRequest, Cursor, Draft, PageLimit, Status},
    send::{SendError, Sender, Sent},
    storage::{Cancellation, OutboxEntry},
    webex::SmsApi,
};
use tokio::task::JoinSet;

use crate::{
    make::{id, submission, time},
    store::TestStore,
};

both!(
    repeated_actions_within_a_minute_are_one_entry,
    an_action_with_details_has_its_own_entry,
    the_audit_log_has_pages,
    the_audit_log_is_filtered_by_actor_action_and_time,
    repeated_reads_within_a_minute_are_one_entry,
    without_the_audit_log_an_action_is_not_confirmed,
    messages_of_one_minute_are_one_entry,
    without_the_audit_log_nothing_is_sent_or_cancelled,
    a_disconnected_caller_is_in_the_audit_log_with_its_messages,
    unconfirmed_messages_are_counted_in_their_commits,
);

fn page(limit: u16) -> AuditRequest {
    AuditRequest { limit: PageLimit::new(limit).unwrap(), ..AuditRequest::default() }
}

async fn repeated_actions_within_a_minute_are_one_entry(store: &TestStore) {
    let audit = AuditWriter::start(store, Clock::new(|| time(1_000)));
    let mut sending = JoinSet::new();
    for n in 0..60 {
        let audit = audit.clone();
        let actor = Actor::named(["shop", "app"][n % 2]);
        sending.spawn(async move { audit.record(&actor, AuditAction::Sent, 2, None).await.unwrap() });
    }
    sending.join_all().await;
    let mut entries = audit.list(&page(10)).await.unwrap().items;
    entries.sort_unstable_by(|a, b| a.actor.cmp(&b.actor));
    let told: Vec<_> = entries.iter().map(|it| (it.actor.as_str(), it.action.as_str(), it.count)).collect();
    assert_eq!(told, [("app", "sent", 60), ("shop", "sent", 60)]);
    // After a minute, and after a restart, new entries begin.
    AuditWriter::start(store, Clock::new(|| time(70_000_000)))
        .record(&Actor::named("app"), AuditAction::Sent, 1, None)
        .await
        .unwrap();
    assert_eq!(audit.list(&page(10)).await.unwrap().items.len(), 3);
}

async fn an_action_with_details_has_its_own_entry(store: &TestStore) {
    let audit = AuditWriter::start(store, Clock::new(|| time(1_000)));
    for n in 0..2 {
        audit.record(&Actor::cli("dana"), AuditAction::Exported, n, Some("failures as CSV")).await.unwrap();
    }
    let entries = audit.list(&page(10)).await.unwrap().items;
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|it| it.actor == "cli:dana" && it.details.as_deref() == Some("failures as CSV")));
}

async fn the_audit_log_has_pages(store: &TestStore) {
    for n in 0..7 {
        let audit = AuditWriter::start(store, Clock::new(move || time(1_000 + n / 3)));
        audit.record(&Actor::anonymous(), AuditAction::Imported, n, None).await.unwrap();
    }
    let audit = AuditWriter::start(store, Clock::system());
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let page = audit.list(&AuditRequest { after: cursor.clone(), ..page(2) }).await.unwrap();
        seen.extend(page.items.iter().map(|entry| entry.count));
        let Some(next) = page.next_cursor else { break };
        cursor = Cursor::decode(&next);
    }
    assert_eq!(seen[0], 6, "newest first");
    seen.sort_unstable();
    assert_eq!(seen, (0..7).collect::<Vec<_>>());
}

async fn without_the_audit_log_an_action_is_not_confirmed(store: &TestStore) {
    store.execute("ALTER TABLE audit_log RENAME TO elsewhere").await;
    let audit = AuditWriter::start(store, Clock::system());
    assert!(audit.record(&Actor::anonymous(), AuditAction::Sent, 1, None).await.is_err());
    store.execute("ALTER TABLE elsewhere RENAME TO audit_log").await;
    audit.record(&Actor::anonymous(), AuditAction::Sent, 1, None).await.unwrap();
    assert_eq!(audit.list(&page(10)).await.unwrap().items[0].count, 1);
}

/// Action, actor and count of each entry, in order.
async fn told(store: &TestStore) -> Vec<(String, String, i64)> {
    let entries = AuditWriter::start(store, Clock::system()).list(&page(100)).await.unwrap().items;
    let mut told: Vec<_> = entries.into_iter().map(|it| (it.action, it.actor, it.count)).collect();
    told.sort_unstable();
    told
}

fn line(action: &str, actor: &str, count: i64) -> (String, String, i64) {
    (action.to_owned(), actor.to_owned(), count)
}

fn sender(store: &TestStore) -> Sender {
    Sender::new(store.outbox.clone(), Clock::new(|| time(1_000)), Some(SmsApi::V2))
}

fn draft(name: &str) -> Draft {
    Draft::new(submission(name).to_json()).unwrap()
}

async fn messages_of_one_minute_are_one_entry(store: &TestStore) {
    let second = 1_000_000;
    let (shop, app) = (Actor::named("shop"), Actor::named("app"));
    for (n, (actor, at)) in [(&shop, 1), (&shop, 59), (&app, 30), (&shop, 60), (&shop, 119)].into_iter().enumerate() {
        let entries = ["a", "b"].map(|part| OutboxEntry::new(submission(&format!("{part}-{n}")), time(0)));
        store.outbox.enqueue(&entries, time(at * second), actor).await.unwrap();
        store.outbox.enqueue(&entries, time(at * second), actor).await.unwrap();
    }
    assert_eq!(
        told(store).await,
        [line("sent", "app", 2), line("sent", "shop", 4), line("sent", "shop", 4)],
        "a repetition is not an action"
    );
    for _ in 0..2 {
        store.outbox.cancel(&id("a-0"), time(2 * second), &app).await.unwrap();
    }
    store.outbox.cancel(&id("b-0"), time(2 * second), &app).await.unwrap();
    assert_eq!(told(store).await[0], line("cancelled", "app", 2));
    // Another instance has its own entry, so that neither waits for the other.
    let entry = OutboxEntry::new(submission("elsewhere"), time(0));
    store.reopened().await.outbox.enqueue(&[entry], time(second), &shop).await.unwrap();
    assert_eq!(told(store).await.iter().filter(|it| it.1 == "shop").map(|it| it.2).sum::<i64>(), 9);
}

async fn without_the_audit_log_nothing_is_sent_or_cancelled(store: &TestStore) {
    let (sender, shop) = (sender(store), Actor::named("shop"));
    sender.accept(&shop, &draft("order-1"), None).await.unwrap();
    store.execute("ALTER TABLE audit_log RENAME TO elsewhere").await;
    let refused = sender.accept(&shop, &draft("order-2"), None).await;
    assert!(matches!(refused, Err(SendError::NotConfirmed { id, .. }) if id.as_str() == "order-2"));
    assert!(sender.cancel(&shop, &id("order-1")).await.is_err());
    assert_eq!(store.find("order-2").await, None);
    assert_eq!(store.message("order-1").await.status, Status::Queued);
    store.execute("ALTER TABLE elsewhere RENAME TO audit_log").await;
    assert!(matches!(sender.accept(&shop, &draft("order-2"), None).await, Ok(Sent::New(_))));
    assert_eq!(sender.cancel(&shop, &id("order-1")).await.unwrap(), Cancellation::Cancelled);
    let sent = told(store).await;
    assert_eq!(sent.iter().filter(|it| it.0 == "sent").map(|it| it.2).sum::<i64>(), 2);
    assert!(sent.contains(&line("cancelled", "shop", 1)), "{sent:?}");
}

async fn a_disconnected_caller_is_in_the_audit_log_with_its_messages(store: &TestStore) {
    let (sender, shop, mut changes) = (sender(store), Actor::named("shop"), store.status_signal.clone());
    let drafts = ["order-1", "order-2"].map(draft);
    let lock = store.holds("audit_log").await;
    changes.mark_unchanged();
    let mut sending = Box::pin(sender.accept_all(&shop, &drafts));
    assert!(poll!(&mut sending).is_pending());
    drop(sending);
    lock.lets_go().await;
    changes.changed().await.unwrap();
    assert_eq!(store.message("order-2").await.status, Status::Queued);
    assert_eq!(told(store).await, [line("sent", "shop", 2)]);

    let lock = store.holds("audit_log").await;
    changes.mark_unchanged();
    let order = id("order-1");
    let mut cancelling = Box::pin(sender.cancel(&shop, &order));
    assert!(poll!(&mut cancelling).is_pending());
    drop(cancelling);
    lock.lets_go().await;
    changes.changed().await.unwrap();
    assert_eq!(told(store).await[0], line("cancelled", "shop", 1));
}

async fn unconfirmed_messages_are_counted_in_their_commits(store: &TestStore) {
    let shop = Actor::named("shop");
    let entries = ["a", "b", "c"].map(|name| OutboxEntry::new(submission(name), time(1_000)));
    store.outbox.enqueue(&entries, time(1_000), &shop).await.unwrap();
    let restored = entry(&Actor::cli("dana"), AuditAction::Restored, &Clock::new(|| time(2_000)), None);
    assert_eq!(store.outbox.mark_unconfirmed(time(2_000), &restored).await.unwrap().len(), 3);
    assert!(told(store).await.contains(&line("restored", "cli:dana", 3)));
}

async fn the_audit_log_is_filtered_by_actor_action_and_time(store: &TestStore) {
    let (shop, dana) = (Actor::named("shop"), Actor::cli("dana").run_by(Some("root (uid 0)".to_owned())));
    for (at, actor, action) in [
        (1, &shop, AuditAction::Sent),
        (2, &shop, AuditAction::Cancelled),
        (3, &dana, AuditAction::Sent),
        (4, &dana, AuditAction::Exported),
        (5, &shop, AuditAction::Sent),
    ] {
        let audit = AuditWriter::start(store, Clock::new(move || time(at * 1_000_000)));
        audit.record(actor, action, at, None).await.unwrap();
    }
    let audit = AuditWriter::start(store, Clock::system());
    let counts = async |pairs: &[(&str, &str)]| -> Vec<i64> {
        let page = audit.list(&AuditRequest::parse(pairs.iter().copied()).unwrap()).await.unwrap();
        page.items.iter().map(|entry| entry.count).collect()
    };
    assert_eq!(counts(&[]).await, [5, 4, 3, 2, 1]);
    assert_eq!(counts(&[("actor", "shop")]).await, [5, 2, 1]);
    assert_eq!(counts(&[("action", "sent")]).await, [5, 3, 1]);
    assert_eq!(counts(&[("actor", "cli:dana"), ("action", "sent")]).await, [3]);
    assert_eq!(counts(&[("since", "1970-01-01T00:00:02Z"), ("until", "1970-01-01T00:00:05Z")]).await, [4, 3, 2]);
    assert_eq!(counts(&[("actor", "dana")]).await, Vec::<i64>::new());
    assert_eq!(counts(&[("actor", "shop"), ("limit", "1")]).await, [5]);
    let users = audit.list(&page(10)).await.unwrap().items.into_iter().map(|entry| entry.os_user);
    assert_eq!(users.flatten().collect::<Vec<_>>(), ["root (uid 0)", "root (uid 0)"]);
}

async fn repeated_reads_within_a_minute_are_one_entry(store: &TestStore) {
    let (audit, eye) = (AuditWriter::start(store, Clock::new(|| time(1_000))), Actor::named("eye"));
    for what in ["message a", "message b", "message a"] {
        audit.record_read(&eye, what.to_owned()).await.unwrap();
    }
    let entries = audit.list(&page(10)).await.unwrap().items;
    let mut told: Vec<_> =
        entries.iter().map(|it| (it.action.as_str(), it.details.as_deref().unwrap(), it.count)).collect();
    told.sort_unstable();
    assert_eq!(told, [("read", "message a", 2), ("read", "message b", 1)]);
}
