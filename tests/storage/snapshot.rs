//! A message is read in one snapshot: its status matches its notifications and steps.

use harness::put;
use receiptd::{
    domain::{Dispatch, Event, History, Status},
    storage::Store,
};

use crate::{
    history::Expected,
    make::{about, about_transaction, enqueue, id, submission, time},
    store::TestStore,
};

both!(
    status_and_notifications_of_one_read_agree_while_another_instance_writes,
    status_and_steps_of_one_read_agree_while_another_instance_writes,
    a_message_is_found_by_its_transaction,
);

const WRITES: usize = 150;

async fn history(store: &Store, name: &str) -> Option<History> {
    store.messages.history(&id(name)).await.unwrap()
}

/// Reads the message repeatedly until the writer has ended.
async fn reads_while(store: &TestStore, writer: tokio::task::JoinHandle<()>, check: impl Fn(&History)) {
    let mut reads = 0;
    while !writer.is_finished() || reads == 0 {
        if let Some(history) = history(store, "order-1").await {
            check(&history);
            reads += 1;
        }
    }
    writer.await.unwrap();
}

async fn status_and_notifications_of_one_read_agree_while_another_instance_writes(store: &TestStore) {
    let other = store.reopened().await;
    let writer = tokio::spawn(async move {
        let events = [Event::Submitted, Event::Delivered, Event::Read, Event::Clicked];
        for n in 0..WRITES {
            let heard = about("order-1").says(events[n * events.len() / WRITES]).at(i64::try_from(n).unwrap() + 1);
            put(&other, &[heard.into()]).await.unwrap();
        }
    });
    reads_while(store, writer, |History { message, notifications, .. }| {
        assert_eq!(message.notification_count, i64::try_from(notifications.len()).unwrap());
        assert_eq!(Expected::from(message), Expected::of(notifications));
    })
    .await;
    let last = history(store, "order-1").await.unwrap();
    assert_eq!((last.message.status, last.notifications.len()), (Status::Clicked, WRITES));
    assert!(last.notifications.iter().all(|recorded| recorded.body.is_empty()), "bodies are not read");
}

async fn status_and_steps_of_one_read_agree_while_another_instance_writes(store: &TestStore) {
    let other = store.reopened().await;
    let writer = tokio::spawn(async move {
        enqueue(&other, &submission("order-1"), 1_000).await;
        for n in 1..i64::try_from(WRITES).unwrap() {
            let now = 1_000 * n;
            crate::make::claimed(&other, now).await;
            other.outbox.expire_leases(time(now + 500), true).await.unwrap();
        }
    });
    reads_while(store, writer, |History { message, dispatch, .. }| {
        let last = dispatch.last().map(|step| step.dispatch);
        assert_eq!(message.dispatch, last);
        assert_eq!(Some(message.status), last.map(Dispatch::status));
    })
    .await;
}

async fn a_message_is_found_by_its_transaction(store: &TestStore) {
    store.hear([about_transaction("t")]).await;
    assert_eq!(history(store, "txn:t").await.unwrap().message.correlation_id, id("txn:t"));
    store.hear([about("order-1").of("t").says(Event::Read)]).await;
    let by_transaction = history(store, "txn:t").await;
    assert_eq!(by_transaction.as_ref().unwrap().message.correlation_id, id("order-1"));
    assert_eq!(by_transaction, history(store, "order-1").await);
    for absent in ["order-2", "txn:u", "txn:"] {
        assert_eq!(history(store, absent).await, None);
    }
}
