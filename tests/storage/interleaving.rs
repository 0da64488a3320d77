//! What several instances append at the same time comes to the same as one after the other.

use receiptd::{domain::Recorded, storage::Store};
use tokio::task::JoinSet;

use crate::{
    history::{Transactions, a_history, assert_stored},
    make::{about, about_transaction, fresh},
    order::append,
    store::TestStore,
};

both!(
    batches_of_two_instances_do_not_disturb_each_other,
    two_instances_that_tie_one_transaction_agree,
    duplicates_of_two_instances_are_all_counted,
);

/// Appends all batches at once, in turn by each of `instances`.
pub(crate) async fn append_at_once(instances: &[Store], batches: &[Vec<Recorded>]) {
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

/// The one has the correlation id, the other has only the transaction id: neither order may lose the tie.
async fn two_instances_that_tie_one_transaction_agree(store: &TestStore) {
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
    assert_eq!(store.notifications("order-1").await[0].times, 20);
}
