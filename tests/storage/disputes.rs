//! Two correlation ids that claim one transaction. The platform should not do this. If it does, the smaller id gets the
//! notifications without a correlation id, and the result does not depend on the order.

use harness::put;
use receiptd::{
    domain::{Arrival, Dispatch, Event, Failure, Filter, Status},
    storage::{Settlement, StorageError},
};
use tokio::task::JoinSet;

use crate::{
    history::{Transactions, a_history, assert_stored},
    make::{about, about_transaction, id, leased, number, settle, time, transaction},
    order::append,
    store::TestStore,
};

both!(
    the_smaller_id_wins_whatever_the_order,
    the_losing_message_is_as_if_it_never_owned_the_transaction,
    a_sent_losing_message_returns_to_its_dispatch_state,
    every_dispute_has_the_same_result,
    a_dispute_of_two_instances_has_the_same_result,
);

async fn the_smaller_id_wins_whatever_the_order(store: &TestStore) {
    for (case, order) in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().enumerate() {
        let (winner, loser, name) = (format!("a{case}"), format!("b{case}"), format!("t{case}"));
        let of = |owner: &str, at| about(owner).of(&name).says(Event::Submitted).at(at);
        let history = [of(&winner, 1), of(&loser, 2), about_transaction(&name).at(3)];
        for at in order {
            store.hear([history[at].clone()]).await;
        }
        assert_eq!(store.messages.owner(&transaction(&name)).await.unwrap(), Some(id(&winner)), "{order:?}");
        assert_eq!(store.message(&winner).await.status, Status::Delivered, "{order:?}");
        assert_eq!(store.message(&winner).await.notification_count, 2);
        assert_eq!(store.message(&loser).await.status, Status::Submitted, "{order:?}");
        assert_eq!(store.message(&loser).await.notification_count, 1);
        assert_eq!(store.find(&format!("txn:{name}")).await, None);
    }
}

async fn the_losing_message_is_as_if_it_never_owned_the_transaction(store: &TestStore) {
    let batches = [
        vec![about("b").of("t").says(Event::Submitted).to("447700900001").at(1).recorded()],
        vec![
            about_transaction("t")
                .to("447700900002")
                .at(2)
                .with(|it| it.callback_data = Some("theirs".to_owned()))
                .recorded(),
        ],
        vec![about("a").of("t").says(Event::Submitted).to("447700900001").at(3).recorded()],
    ];
    for batch in &batches {
        append(store, batch).await;
    }
    assert_stored(store, &batches).await;
    let recipient = Some(number("447700900002"));
    assert_eq!(store.ids(&Filter { recipient, ..Filter::default() }).await, ["a"]);
}

async fn a_sent_losing_message_returns_to_its_dispatch_state(store: &TestStore) {
    let claim = leased(store, "b", 1_000).await;
    let mut rejected = Settlement::new(Dispatch::Rejected, time(1_010));
    rejected.event.code = Some("7003".to_owned());
    rejected.failure = Some(Failure::Permanent);
    rejected.event.transaction_id = Some(transaction("t"));
    settle(store, &claim, &rejected).await;
    let before = store.message("b").await;
    store.hear([about_transaction("t").to("447700900002").at(2)]).await;
    assert_eq!(store.message("b").await.status, Status::Delivered);
    store.hear([about("a").of("t").at(3)]).await;

    let after = store.message("b").await;
    assert_eq!((after.status, after.is_final, after.notification_count), (Status::Rejected, true, 0));
    assert_eq!(
        (after.code, after.status_at, after.transaction_id),
        (before.code, before.status_at, before.transaction_id)
    );
    assert_eq!(after.failure, Some(Failure::Permanent));
    assert!(!after.other_recipients);
}

async fn every_dispute_has_the_same_result(store: &TestStore) {
    store.for_all(&a_history(3, Transactions::Disputed), async |history| {
        let batches = history.batches();
        for batch in &batches {
            append(store, batch).await;
        }
        assert_stored(store, &batches).await;
    });
}

/// Both need the messages of the other, so Postgres may have to cancel one of them. This is a temporary error, after
/// which the platform tries again.
async fn a_dispute_of_two_instances_has_the_same_result(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    store.for_all(&a_history(3, Transactions::Disputed), async |history| {
        let batches = history.batches();
        let mut appending = JoinSet::new();
        for (instance, batch) in instances.iter().cycle().zip(&batches) {
            let instance = instance.clone();
            let arrivals: Vec<_> = batch.iter().cloned().map(Arrival::Notification).collect();
            appending.spawn(async move {
                while let Err(error) = put(&instance, &arrivals).await {
                    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
                }
            });
        }
        appending.join_all().await;
        assert_stored(store, &batches).await;
    });
}
