//! Only waiting messages can be cancelled.

use receiptd::{
    domain::{Actor, Dispatch, Event, Failure, Status},
    storage::{Cancellation, Settlement},
};
use tokio::task::JoinSet;

use crate::{
    make::{about, claimed, enqueue, fresh, id, leased, next_due, settle, submission, time, transaction},
    store::TestStore,
};

both!(
    a_waiting_message_is_cancelled_permanently,
    a_message_that_the_platform_may_have_is_not_cancelled,
    a_message_that_waits_for_a_retry_is_cancelled,
    a_notified_message_is_not_cancelled,
    observed_and_unknown_messages_are_not_cancelled,
    a_notification_outranks_a_cancellation,
    an_answer_after_the_cancellation_is_handled,
    either_a_claim_or_a_cancellation_succeeds,
);

async fn cancel(store: &TestStore, name: &str, micros: i64) -> Cancellation {
    store.outbox.cancel(&id(name), time(micros), &Actor::server()).await.unwrap()
}

fn retry(at: i64) -> Settlement {
    Settlement { retry_at: Some(time(at)), ..Settlement::new(Dispatch::Queued, time(at)) }
}

async fn a_waiting_message_is_cancelled_permanently(store: &TestStore) {
    enqueue(store, &submission("order-1"), 1_000).await;
    for (now, answer) in [(2_000, Cancellation::Cancelled), (3_000, Cancellation::Already)] {
        assert_eq!(cancel(store, "order-1", now).await, answer);
        let message = store.message("order-1").await;
        assert_eq!((message.status, message.dispatch), (Status::Cancelled, Some(Dispatch::Cancelled)));
        assert_eq!((message.is_final, message.status_at), (true, Some(time(2_000))));
    }
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap().len(), 2);
    assert_eq!((next_due(store).await, store.outbox.expire(time(i64::MAX)).await.unwrap()), (None, vec![]));
}

async fn a_message_that_the_platform_may_have_is_not_cancelled(store: &TestStore) {
    for dispatch in [Dispatch::Sending, Dispatch::Accepted, Dispatch::Unconfirmed, Dispatch::Rejected] {
        let name = fresh();
        let claim = leased(store, &name, 1_000).await;
        if dispatch != Dispatch::Sending {
            settle(store, &claim, &Settlement::new(dispatch, time(1_010))).await;
        }
        let before = store.message(&name).await;
        assert_eq!(cancel(store, &name, 1_020).await, Cancellation::TooLate(dispatch.status()));
        assert_eq!(store.message(&name).await, before);
    }
}

async fn a_message_that_waits_for_a_retry_is_cancelled(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    settle(store, &claim, &retry(5_000)).await;
    assert_eq!(cancel(store, "order-1", 6_000).await, Cancellation::Cancelled);
    assert_eq!(next_due(store).await, None);
}

async fn a_notified_message_is_not_cancelled(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    settle(store, &claim, &retry(5_000)).await;
    store.hear([about("order-1").says(Event::Submitted)]).await;
    assert_eq!(cancel(store, "order-1", 6_000).await, Cancellation::TooLate(Status::Submitted));
    assert_eq!((next_due(store).await, claimed(store, 7_000).await), (Some(5_000), vec![]), "the claim detects it");
    assert_eq!(store.message("order-1").await.dispatch, Some(Dispatch::Accepted));
}

async fn observed_and_unknown_messages_are_not_cancelled(store: &TestStore) {
    assert_eq!(cancel(store, "order-1", 1_000).await, Cancellation::Absent);
    store.hear([about("order-1")]).await;
    assert_eq!(cancel(store, "order-1", 1_000).await, Cancellation::Observed);
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap(), []);
}

async fn a_notification_outranks_a_cancellation(store: &TestStore) {
    enqueue(store, &submission("order-1"), 1_000).await;
    cancel(store, "order-1", 2_000).await;
    store.hear([about("order-1").says(Event::Unknown)]).await;
    assert_eq!(store.message("order-1").await.status, Status::Cancelled, "the notification is not understood");
    for (event, status) in [(Event::Submitted, Status::Submitted), (Event::Failed(Failure::Unclear), Status::Failed)] {
        store.hear([about("order-1").says(event)]).await;
        assert_eq!(store.message("order-1").await.status, status);
        assert_eq!(cancel(store, "order-1", 3_000).await, Cancellation::TooLate(status));
    }
}

/// It waited for a resend, and the answer to the previous attempt arrives late.
async fn an_answer_after_the_cancellation_is_handled(store: &TestStore) {
    for (dispatch, status) in [
        (Dispatch::Queued, Status::Cancelled),
        (Dispatch::Rejected, Status::Cancelled),
        (Dispatch::Unconfirmed, Status::Unconfirmed),
        (Dispatch::Accepted, Status::Accepted),
    ] {
        let name = fresh();
        let claim = leased(store, &name, 1_000).await;
        store.outbox.expire_leases(time(2_000), true).await.unwrap();
        assert_eq!(cancel(store, &name, 2_010).await, Cancellation::Cancelled);
        let mut answer = Settlement { retry_at: None, ..retry(2_020) };
        answer.event.dispatch = dispatch;
        answer.retry_at = (dispatch == Dispatch::Queued).then(|| time(2_020));
        answer.event.transaction_id = (dispatch == Dispatch::Accepted).then(|| transaction("t"));
        settle(store, &claim, &answer).await;
        assert_eq!((store.message(&name).await.status, next_due(store).await), (status, None), "{dispatch:?}");
    }
}

async fn either_a_claim_or_a_cancellation_succeeds(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    for n in 0..20 {
        let name = format!("order-{n}");
        enqueue(store, &submission(&name), 1_000).await;
        let mut acting = JoinSet::new();
        let (claimer, canceller) = (instances[n % 2].clone(), instances[(n + 1) % 2].clone());
        acting.spawn(async move { claimed(&claimer, 1_000).await.len() });
        let wanted = id(&name);
        acting.spawn(async move {
            match canceller.outbox.cancel(&wanted, time(1_000), &Actor::server()).await.unwrap() {
                Cancellation::Cancelled => 1,
                Cancellation::TooLate(Status::Sending) => 0,
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(acting.join_all().await.iter().sum::<usize>(), 1, "exactly one of the two succeeds");
        let message = store.message(&name).await;
        assert!(matches!(message.status, Status::Sending | Status::Cancelled), "{:?}", message.status);
        assert_eq!(store.messages.dispatch_events(&id(&name)).await.unwrap().len(), 2);
    }
}
