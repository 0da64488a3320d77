//! The order in which notifications arrive, and the batches in which they are stored, make no difference.

use harness::put;
use receiptd::domain::{Channel, Event, Failure, StoredNotification};

use crate::{
    history::{Transactions, a_history, assert_stored},
    make::{Heard, about, about_transaction, fresh},
    store::TestStore,
};

both!(
    every_order_in_any_batches_gives_the_same_result,
    every_order_of_the_events_of_a_call_gives_the_same_result,
    every_order_of_the_events_of_a_mail_gives_the_same_result,
    a_repeated_history_changes_only_the_counts,
);

pub(crate) async fn append(store: &receiptd::storage::Store, batch: &[StoredNotification]) {
    let arrivals: Vec<_> = batch.iter().cloned().map(receiptd::domain::Arrival::Notification).collect();
    put(store, &arrivals).await.unwrap();
}

async fn every_order_in_any_batches_gives_the_same_result(store: &TestStore) {
    store.for_all(&a_history(2, Transactions::OfOneMessage), async |history| {
        let batches = history.batches();
        for batch in &batches {
            append(store, batch).await;
        }
        assert_stored(store, &batches).await;
    });
}

/// All permutations of some values.
fn permutations<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    let Some((first, rest)) = of.split_first() else { return vec![Vec::new()] };
    permutations(rest)
        .into_iter()
        .flat_map(|order| {
            (0..=order.len()).map(move |at| {
                let mut order = order.clone();
                order.insert(at, first.clone());
                order
            })
        })
        .collect()
}

/// Each order, once one by one and once in two batches.
async fn every_order_gives_the_same(store: &TestStore, history: impl Fn(&str) -> Vec<Heard>) {
    let all: Vec<usize> = (0..history("any").len()).collect();
    for order in permutations(&all) {
        for most in [1, 3] {
            let history: Vec<_> = history(&fresh()).into_iter().map(Heard::recorded).collect();
            let order: Vec<_> = order.iter().map(|at| history[*at].clone()).collect();
            let batches: Vec<_> = order.chunks(most).map(<[StoredNotification]>::to_vec).collect();
            for batch in &batches {
                append(store, batch).await;
            }
            assert_stored(store, &batches).await;
        }
    }
}

/// With two events at one instant, one of them without a correlation id.
async fn every_order_of_the_events_of_a_call_gives_the_same_result(store: &TestStore) {
    every_order_gives_the_same(store, |case| {
        let transaction = format!("{case}-t");
        let told = |heard: Heard, event, text: &str, at| {
            heard.on(Channel::Voice).says(event).at(at).with(|it| it.status_text = text.into())
        };
        let call = |event, text, at| told(about(case).of(&transaction), event, text, at);
        vec![
            call(Event::Submitted, "OFFERED", 10),
            call(Event::Delivered, "ANSWERED", 20),
            call(Event::Progress, "DROPPED", 30),
            told(about_transaction(&transaction), Event::Progress, "DISCONNECTED", 30),
        ]
    })
    .await;
}

/// Delivered, then bounced, then read by another recipient.
async fn every_order_of_the_events_of_a_mail_gives_the_same_result(store: &TestStore) {
    every_order_gives_the_same(store, |case| {
        let mail = |event: Event| about(case).of(&format!("{case}-t")).on(Channel::Email).says(event);
        let bounced = mail(Event::Failed(Failure::Transient)).to("dana@example.org").at(20);
        vec![
            mail(Event::Delivered).to("dana@example.org").at(30),
            bounced,
            mail(Event::Unknown),
            mail(Event::Read).to("eve@example.org"),
        ]
    })
    .await;
}

async fn a_repeated_history_changes_only_the_counts(store: &TestStore) {
    store.for_all(&a_history(1, Transactions::OfOneMessage), async |history| {
        let mut batches = history.batches();
        batches.extend(batches.clone().into_iter().rev());
        for batch in &batches {
            append(store, batch).await;
        }
        assert_stored(store, &batches).await;
    });
}
