//! How a hand-over ends, and what comes too late.

use receiptd::{
    domain::{Dispatch, DispatchEvent, Failure, Message, Status},
    storage::Settlement,
};

use crate::{
    make::{claimed, id, leased, submission, time, transaction},
    store::TestStore,
};

both!(
    accepted,
    rejected,
    queued_again,
    unconfirmed,
    an_answer_for_an_older_attempt_changes_nothing,
    an_answer_for_nobody_changes_nothing,
    a_lease_that_is_over_ends_unconfirmed_and_is_never_queued_again,
    an_answer_after_the_lease_still_counts,
    the_steps_come_in_their_order,
);

fn settlement(dispatch: Dispatch, code: &str, name: Option<&str>) -> Settlement {
    let event = DispatchEvent {
        at: time(1_020),
        dispatch,
        code: Some(code.to_owned()),
        reason: Some(format!("reason of {code}")),
        transaction_id: name.map(transaction),
    };
    Settlement { event, failure: None, retry_at: None }
}

/// The message after its hand-over ended so.
async fn settled(store: &TestStore, settlement: &Settlement) -> Message {
    let claim = leased(store, "order-1", 1_000).await;
    store.outbox.settle(&claim, settlement).await.unwrap();
    let last = store.messages.dispatch_events(&id("order-1")).await.unwrap().pop();
    assert_eq!(last.as_ref(), Some(&settlement.event));
    let message = store.message("order-1").await;
    assert_eq!((message.dispatch, message.status_at), (Some(settlement.event.dispatch), Some(time(1_020))));
    assert_eq!((&message.code, &message.reason), (&settlement.event.code, &settlement.event.reason));
    assert_eq!((message.updated_at, message.notification_count), (time(1_020), 0));
    message
}

async fn accepted(store: &TestStore) {
    let message = settled(store, &settlement(Dispatch::Accepted, "1002", Some("t-1"))).await;
    assert_eq!((message.status, message.is_final, message.failure), (Status::Accepted, false, None));
    assert_eq!(message.transaction_id, Some(transaction("t-1")));
    assert_eq!(store.messages.owner(&transaction("t-1")).await.unwrap(), Some(id("order-1")));
    assert_eq!((claimed(store, 9_000).await, store.outbox.next_due().await.unwrap()), (Vec::new(), None));
    assert_eq!(store.outbox.abandon(time(9_000)).await.unwrap(), []);
}

async fn rejected(store: &TestStore) {
    let refused = Settlement { failure: Some(Failure::Permanent), ..settlement(Dispatch::Rejected, "7003", None) };
    let message = settled(store, &refused).await;
    assert_eq!((message.status, message.is_final), (Status::Rejected, true));
    assert_eq!((message.failure, message.transaction_id), (Some(Failure::Permanent), None));
    assert_eq!((claimed(store, 9_000).await, store.outbox.next_due().await.unwrap()), (Vec::new(), None));
}

async fn queued_again(store: &TestStore) {
    let again = Settlement { retry_at: Some(time(5_000)), ..settlement(Dispatch::Queued, "429", None) };
    let message = settled(store, &again).await;
    assert_eq!((message.status, message.is_final), (Status::Queued, false));
    assert_eq!(store.outbox.next_due().await.unwrap(), Some(time(5_000)));
    let claims = claimed(store, 5_000).await;
    assert_eq!(claims[0].attempt, 2);
    // What was said of the attempt before is said no more.
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.code, message.reason), (Status::Sending, None, None));
}

async fn unconfirmed(store: &TestStore) {
    let message = settled(store, &settlement(Dispatch::Unconfirmed, "timeout", None)).await;
    assert_eq!((message.status, message.is_final), (Status::Unconfirmed, false));
    assert_eq!((claimed(store, i64::MAX).await, store.outbox.next_due().await.unwrap()), (Vec::new(), None));
    assert_eq!(store.outbox.abandon(time(i64::MAX)).await.unwrap(), []);
}

async fn an_answer_for_an_older_attempt_changes_nothing(store: &TestStore) {
    let first = leased(store, "order-1", 1_000).await;
    let again = Settlement { retry_at: Some(time(2_000)), ..Settlement::new(Dispatch::Queued, time(1_020)) };
    store.outbox.settle(&first, &again).await.unwrap();
    let second = claimed(store, 2_000).await.remove(0);
    let before = store.message("order-1").await;

    store.outbox.settle(&first, &settlement(Dispatch::Accepted, "1002", Some("t-1"))).await.unwrap();
    assert_eq!(store.message("order-1").await, before);
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap().len(), 4);
    assert_eq!(store.messages.owner(&transaction("t-1")).await.unwrap(), None);

    store.outbox.settle(&second, &settlement(Dispatch::Rejected, "7003", None)).await.unwrap();
    assert_eq!(store.message("order-1").await.status, Status::Rejected);
}

async fn an_answer_for_nobody_changes_nothing(store: &TestStore) {
    let mut claim = leased(store, "order-1", 1_000).await;
    claim.submission = submission("order-2");
    store.outbox.settle(&claim, &settlement(Dispatch::Accepted, "1002", Some("t-1"))).await.unwrap();
    assert_eq!(store.find("order-2").await, None);
    assert_eq!(store.message("order-1").await.status, Status::Sending);
    assert_eq!(store.messages.dispatch_events(&id("order-2")).await.unwrap(), []);
}

async fn a_lease_that_is_over_ends_unconfirmed_and_is_never_queued_again(store: &TestStore) {
    leased(store, "order-1", 1_000).await;
    leased(store, "order-2", 1_050).await;
    assert_eq!(store.outbox.abandon(time(1_099)).await.unwrap(), []);
    // By whichever instance looks first, once.
    let other = store.reopened().await;
    assert_eq!(other.outbox.abandon(time(1_100)).await.unwrap(), [id("order-1")]);
    assert_eq!(store.outbox.abandon(time(1_100)).await.unwrap(), []);

    let message = store.message("order-1").await;
    assert_eq!((message.status, message.dispatch), (Status::Unconfirmed, Some(Dispatch::Unconfirmed)));
    assert_eq!((message.is_final, message.status_at), (false, Some(time(1_100))));
    assert!(message.reason.is_some(), "it says why");
    assert_eq!(store.message("order-2").await.status, Status::Sending);
    assert_eq!((claimed(store, i64::MAX).await, store.outbox.next_due().await.unwrap()), (Vec::new(), None));
}

async fn an_answer_after_the_lease_still_counts(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    store.outbox.abandon(time(1_100)).await.unwrap();
    store.outbox.settle(&claim, &settlement(Dispatch::Accepted, "1002", Some("t-1"))).await.unwrap();
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.transaction_id), (Status::Accepted, Some(transaction("t-1"))));
}

async fn the_steps_come_in_their_order(store: &TestStore) {
    let mut claim = leased(store, "order-1", 1_000).await;
    // All of one instant; only the order tells.
    for _ in 0..6 {
        let again = Settlement { retry_at: Some(time(1_000)), ..Settlement::new(Dispatch::Queued, time(1_000)) };
        store.outbox.settle(&claim, &again).await.unwrap();
        claim = claimed(store, 1_000).await.remove(0);
    }
    assert_eq!(claim.attempt, 7);
    store.outbox.settle(&claim, &settlement(Dispatch::Accepted, "1002", None)).await.unwrap();
    let steps = store.messages.dispatch_events(&id("order-1")).await.unwrap();
    let steps: Vec<_> = steps.iter().map(|step| step.dispatch).collect();
    let expected = [[Dispatch::Queued, Dispatch::Sending].repeat(7), vec![Dispatch::Accepted]].concat();
    assert_eq!(steps, expected);
    assert_eq!(store.messages.dispatch_events(&id("none such")).await.unwrap(), []);
}
