//! Concurrent actions of several instances have the same result as sequential ones.

use harness::put;
use receiptd::{
    domain::{Actor, Dispatch, DispatchEvent, Event, StoredNotification},
    storage::{OutboxEntry, Settlement, Store},
};
use tokio::task::JoinSet;

use crate::{
    history::{Transactions, a_history, assert_stored},
    make::{about, about_transaction, claimed, fresh, id, submission, time, transaction},
    order::append,
    store::TestStore,
};

both!(
    batches_of_two_instances_do_not_disturb_each_other,
    two_instances_with_one_transaction_agree,
    duplicates_of_two_instances_are_all_counted,
    busy_instances_do_not_disturb_each_other,
);

/// Appends all batches at once, by each of `instances` in turn.
pub(crate) async fn append_at_once(instances: &[Store], batches: &[Vec<StoredNotification>]) {
    let mut appending = JoinSet::new();
    for (store, batch) in instances.iter().cycle().zip(batches.iter().cloned()) {
        let store = store.clone();
        appending.spawn(async move { append(&store, &batch).await });
    }
    appending.join_all().await;
}

async fn batches_of_two_instances_do_not_disturb_each_other(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    store.for_all(&a_history(4, Transactions::OfOneMessage), async |history| {
        let batches = history.batches();
        append_at_once(&instances, &batches).await;
        assert_stored(store, &batches).await;
    });
}

/// One instance has the correlation id, the other has only the transaction id. Neither order may lose their connection.
async fn two_instances_with_one_transaction_agree(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    for _ in 0..20 {
        let case = fresh();
        let transaction = format!("{case}-t");
        let batches = [
            vec![about(&case).of(&transaction).at(1).recorded()],
            vec![about_transaction(&transaction).at(2).recorded(), about_transaction(&transaction).at(3).recorded()],
        ];
        append_at_once(&instances, &batches).await;
        assert_stored(store, &batches).await;
    }
}

async fn duplicates_of_two_instances_are_all_counted(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    let batches: Vec<_> = (0..20).map(|_| vec![about("order-1").of("t-1").to("447700900123").recorded()]).collect();
    append_at_once(&instances, &batches).await;
    assert_stored(store, &batches).await;
    assert_eq!(store.notifications("order-1").await[0].occurrences, 20);
}

/// Accepts, dispatches, notifies, cancels and looks up a range of messages, all of it in batches.
async fn busy(store: Store, turn: usize) {
    let names: Vec<_> = (0..10).map(|n| format!("order-{turn}-{n}")).collect();
    let entries: Vec<_> = names.iter().map(|name| OutboxEntry::new(submission(name), time(1_000))).collect();
    store.outbox.enqueue(&entries, time(1_000), &Actor::server()).await.unwrap();
    let claims = claimed(&store, 1_000).await;
    let heard = names.iter().rev().map(|name| about(name).of(&format!("t-{name}")).says(Event::Submitted).into());
    put(&store, &heard.collect::<Vec<_>>()).await.unwrap();
    store.outbox.expire_leases(time(2_000), turn.is_multiple_of(2)).await.unwrap();
    store.outbox.expire(time(2_000)).await.unwrap();
    let accepted = Settlement::new(Dispatch::Accepted, time(2_000));
    let outcomes = claims.into_iter().rev().map(|claim| {
        let name = format!("t-{}", claim.submission.correlation_id);
        (
            claim,
            Settlement {
                event: DispatchEvent { transaction_id: Some(transaction(&name)), ..accepted.event.clone() },
                ..accepted.clone()
            },
        )
    });
    store.outbox.settle(&outcomes.collect::<Vec<_>>()).await.unwrap();
    store.outbox.cancel(&id(&names[0]), time(2_000), &Actor::server()).await.unwrap();
}

/// None of it may fail: all transactions lock rows in one order.
async fn busy_instances_do_not_disturb_each_other(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    let mut working = JoinSet::new();
    for task in 0..4 {
        let store = instances[task % 2].clone();
        working.spawn(async move {
            for turn in 0..12 {
                // Two tasks each use the same messages.
                busy(store.clone(), turn * 2 + task / 2).await;
            }
        });
    }
    working.join_all().await;
    claimed(store, 9_000).await;
    let told = store.texts("SELECT DISTINCT status FROM messages").await;
    assert_eq!(told, ["submitted"]);
    let messages = store.texts("SELECT CAST(COUNT(*) AS TEXT) FROM messages").await;
    assert_eq!(messages, ["240"]);
}
