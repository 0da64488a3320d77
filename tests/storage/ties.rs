//! A notification without a correlation id belongs to the message that owns its transaction id, in either order of
//! arrival.

use receiptd::domain::{Channel, Dispatch, Event, Filter, Origin, Reference, Status};
use receiptd::storage::Settlement;

use crate::{
    history::assert_stored,
    make::{about, about_transaction, enqueue, id, leased, settle, submission, time, transaction},
    store::TestStore,
};

both!(
    an_unclaimed_notification_is_its_own_message,
    a_notification_before_its_message_moves_to_it,
    a_notification_after_its_message_joins_it,
    a_notification_in_one_batch_with_its_message_joins_it,
    the_count_of_repetitions_moves_along,
    the_same_event_with_and_without_its_correlation_id_is_one,
    an_answer_with_the_transaction_id_adopts_earlier_notifications,
    later_notifications_join_the_sent_message,
    transactions_of_one_message_do_not_mix_with_others,
);

async fn an_unclaimed_notification_is_its_own_message(store: &TestStore) {
    store.hear([about_transaction("t-1").says(Event::Submitted).at(10).received(900)]).await;
    store.hear([about_transaction("t-1").says(Event::Progress).at(20)]).await;
    let message = store.message("txn:t-1").await;
    assert_eq!(
        (message.origin(), message.status, message.notification_count),
        (Origin::Observed, Status::Submitted, 2)
    );
    assert_eq!(message.transaction_id, Some(transaction("t-1")));
    assert_eq!(message.created_at, time(900));
    assert_eq!(store.messages.owner(&transaction("t-1")).await.unwrap(), Some(id("txn:t-1")));
    assert_eq!(store.messages.owner(&transaction("t-2")).await.unwrap(), None);
    let references = store.notifications("txn:t-1").await.into_iter().map(|recorded| recorded.notification.reference);
    assert!(references.into_iter().all(|reference| reference == Reference::Transaction(transaction("t-1"))));
}

/// Both of them belong to `order-1`, and nothing is left of the placeholder.
async fn assert_tied(store: &TestStore) {
    assert_eq!(store.find("txn:t-1").await, None);
    assert_eq!(store.messages.owner(&transaction("t-1")).await.unwrap(), Some(id("order-1")));
    assert_eq!(store.ids(&Filter::default()).await, ["order-1"]);
    let recipient = Some(crate::make::number("447700900123"));
    assert_eq!(store.ids(&Filter { recipient, ..Filter::default() }).await, ["order-1"]);
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.status_at, message.notification_count), (Status::Delivered, Some(time(20)), 2));
}

async fn a_notification_before_its_message_moves_to_it(store: &TestStore) {
    store.hear([about_transaction("t-1").to("447700900123").at(20)]).await;
    store.hear([about("order-1").of("t-1").says(Event::Submitted).at(10)]).await;
    assert_tied(store).await;
}

async fn a_notification_after_its_message_joins_it(store: &TestStore) {
    store.hear([about("order-1").of("t-1").says(Event::Submitted).at(10)]).await;
    store.hear([about_transaction("t-1").to("447700900123").at(20)]).await;
    assert_tied(store).await;
}

async fn a_notification_in_one_batch_with_its_message_joins_it(store: &TestStore) {
    let uncorrelated = about_transaction("t-1").to("447700900123").at(20);
    store.hear([uncorrelated, about("order-1").of("t-1").says(Event::Submitted).at(10)]).await;
    assert_tied(store).await;
}

async fn the_count_of_repetitions_moves_along(store: &TestStore) {
    let uncorrelated = about_transaction("t-1").at(20);
    store.hear([uncorrelated.clone(), uncorrelated.clone()]).await;
    store.hear([about("order-1").of("t-1").says(Event::Submitted).at(10)]).await;
    store.hear([uncorrelated]).await;
    let mut times: Vec<_> = store.notifications("order-1").await.iter().map(|recorded| recorded.occurrences).collect();
    times.sort_unstable();
    assert_eq!(times, [1, 3]);
}

/// Nothing distinguishes them from one event. The one that names its message contains more.
async fn the_same_event_with_and_without_its_correlation_id_is_one(store: &TestStore) {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for most in [1, 3] {
            let case = crate::make::fresh();
            let transaction = format!("{case}-t");
            let with =
                about(&case).of(&transaction).at(20).with(|it| it.callback_data = Some("order A-1001".to_owned()));
            let history =
                [with, about_transaction(&transaction).at(20), about(&case).of(&transaction).says(Event::Submitted)];
            let history = order.map(|at| history[at].clone());
            for batch in history.chunks(most) {
                store.hear(batch.iter().cloned()).await;
            }
            let notifications = store.notifications(&case).await;
            assert_eq!(
                notifications.iter().map(|recorded| recorded.occurrences).sum::<i64>(),
                3,
                "{order:?} by {most}"
            );
            assert_eq!(notifications.len(), 2);
            for recorded in notifications {
                let reference = recorded.notification.reference;
                assert!(matches!(reference, Reference::Correlated(..)), "{order:?} by {most}: {reference:?}");
            }
            let message = store.message(&case).await;
            assert_eq!(message.callback_data.as_deref(), Some("order A-1001"), "{order:?} by {most}");
        }
    }
}

fn accepted(name: &str, micros: i64) -> Settlement {
    let mut settlement = Settlement::new(Dispatch::Accepted, time(micros));
    settlement.event.transaction_id = Some(transaction(name));
    settlement
}

async fn an_answer_with_the_transaction_id_adopts_earlier_notifications(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    let early = about_transaction("t-1").to("447700900999").on(Channel::Sms).at(1_010);
    store.hear([early.clone()]).await;
    assert_eq!(store.message("txn:t-1").await.status, Status::Delivered);
    assert_eq!(store.message("order-1").await.status, Status::Sending);

    settle(store, &claim, &accepted("t-1", 1_020)).await;
    assert_eq!(store.find("txn:t-1").await, None);
    assert_eq!(store.notifications("order-1").await, [early.recorded()]);
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.dispatch), (Status::Delivered, Some(Dispatch::Accepted)));
    assert_eq!((message.status_at, message.notification_count), (Some(time(1_010)), 1));
    assert_eq!(message.transaction_id, Some(transaction("t-1")));
    assert!(message.other_recipients);
}

async fn later_notifications_join_the_sent_message(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    settle(store, &claim, &accepted("t-1", 1_020)).await;
    store.hear([about_transaction("t-1").says(Event::Submitted).at(1_030)]).await;
    assert_eq!(store.message("order-1").await.status, Status::Submitted);
    assert_eq!(store.find("txn:t-1").await, None);
    // A sent message is not affected by others.
    enqueue(store, &submission("order-2"), 2_000).await;
    store.hear([about_transaction("t-2")]).await;
    assert_eq!(store.message("order-2").await.notification_count, 0);
}

async fn transactions_of_one_message_do_not_mix_with_others(store: &TestStore) {
    let batches = [
        vec![
            about_transaction("t-1").recorded(),
            about_transaction("t-2").recorded(),
            about_transaction("t-3").recorded(),
        ],
        vec![about("order-1").of("t-1").at(1).recorded(), about("order-1").of("t-2").at(2).recorded()],
        vec![about("order-3").of("t-3").at(3).recorded(), about("order-4").of("t-4").at(4).recorded()],
        vec![about_transaction("t-2").at(9).recorded(), about_transaction("t-4").at(9).recorded()],
    ];
    for batch in &batches {
        crate::order::append(store, batch).await;
    }
    assert_stored(store, &batches).await;
    assert_eq!(store.message("order-1").await.notification_count, 5);
}
