//! The outcomes of dispatches, and outcomes that arrive late.

use receiptd::{
    domain::{Actor, Dispatch, DispatchEvent, Event, Failure, Message, Status},
    storage::Settlement,
};

use crate::{
    make::{about_transaction, claimed, enqueue, id, leased, next_due, settle, submission, time, transaction},
    store::TestStore,
};

both!(
    accepted,
    rejected,
    queued_again,
    unconfirmed,
    an_answer_for_an_older_attempt_changes_nothing,
    an_answer_for_an_unknown_message_changes_nothing,
    an_expired_lease_becomes_unconfirmed_and_is_never_queued_again,
    an_answer_after_the_lease_still_counts,
    the_steps_keep_their_order,
    many_are_settled_at_once,
    of_several_outcomes_of_one_attempt_the_first_counts,
    an_outcome_that_is_stored_again_changes_nothing,
);

fn settlement(dispatch: Dispatch, code: &str, name: Option<&str>) -> Settlement {
    let event = DispatchEvent {
        at: time(1_020),
        dispatch,
        code: Some(code.to_owned()),
        reason: Some(format!("reason of {code}")),
        transaction_id: name.map(transaction),
    };
    Settlement { event, failure: None, retry_at: None, counts: true }
}

/// The message after its dispatch ended with this outcome.
async fn settled(store: &TestStore, settlement: &Settlement) -> Message {
    let claim = leased(store, "order-1", 1_000).await;
    settle(store, &claim, settlement).await;
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
    assert_eq!((claimed(store, 9_000).await, next_due(store).await), (Vec::new(), None));
    assert_eq!(store.outbox.expire_leases(time(9_000), false).await.unwrap(), []);
}

async fn rejected(store: &TestStore) {
    let refused = Settlement { failure: Some(Failure::Permanent), ..settlement(Dispatch::Rejected, "7003", None) };
    let message = settled(store, &refused).await;
    assert_eq!((message.status, message.is_final), (Status::Rejected, true));
    assert_eq!((message.failure, message.transaction_id), (Some(Failure::Permanent), None));
    assert_eq!((claimed(store, 9_000).await, next_due(store).await), (Vec::new(), None));
}

async fn queued_again(store: &TestStore) {
    let again = Settlement { retry_at: Some(time(5_000)), ..settlement(Dispatch::Queued, "429", None) };
    let message = settled(store, &again).await;
    assert_eq!((message.status, message.is_final), (Status::Queued, false));
    assert_eq!(next_due(store).await, Some(5_000));
    let claims = claimed(store, 5_000).await;
    assert_eq!(claims[0].attempt, 2);
    // The texts of the previous attempt are removed.
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.code, message.reason), (Status::Sending, None, None));
}

async fn unconfirmed(store: &TestStore) {
    let message = settled(store, &settlement(Dispatch::Unconfirmed, "timeout", None)).await;
    assert_eq!((message.status, message.is_final), (Status::Unconfirmed, false));
    assert_eq!((claimed(store, i64::MAX).await, next_due(store).await), (Vec::new(), None));
    assert_eq!(store.outbox.expire_leases(time(i64::MAX), false).await.unwrap(), []);
}

async fn an_answer_for_an_older_attempt_changes_nothing(store: &TestStore) {
    let first = leased(store, "order-1", 1_000).await;
    let again = Settlement { retry_at: Some(time(2_000)), ..Settlement::new(Dispatch::Queued, time(1_020)) };
    settle(store, &first, &again).await;
    let second = claimed(store, 2_000).await.remove(0);
    let before = store.message("order-1").await;

    settle(store, &first, &settlement(Dispatch::Accepted, "1002", Some("t-1"))).await;
    assert_eq!(store.message("order-1").await, before);
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap().len(), 4);
    assert_eq!(store.messages.owner(&transaction("t-1")).await.unwrap(), None);

    settle(store, &second, &settlement(Dispatch::Rejected, "7003", None)).await;
    assert_eq!(store.message("order-1").await.status, Status::Rejected);
}

async fn an_answer_for_an_unknown_message_changes_nothing(store: &TestStore) {
    let mut claim = leased(store, "order-1", 1_000).await;
    claim.submission = submission("order-2");
    settle(store, &claim, &settlement(Dispatch::Accepted, "1002", Some("t-1"))).await;
    assert_eq!(store.find("order-2").await, None);
    assert_eq!(store.message("order-1").await.status, Status::Sending);
    assert_eq!(store.messages.dispatch_events(&id("order-2")).await.unwrap(), []);
}

async fn an_expired_lease_becomes_unconfirmed_and_is_never_queued_again(store: &TestStore) {
    leased(store, "order-1", 1_000).await;
    leased(store, "order-2", 1_050).await;
    assert_eq!(store.outbox.expire_leases(time(1_099), false).await.unwrap(), []);
    // By whichever instance looks first, once.
    let other = store.reopened().await;
    assert_eq!(other.outbox.expire_leases(time(1_100), false).await.unwrap(), [id("order-1")]);
    assert_eq!(store.outbox.expire_leases(time(1_100), false).await.unwrap(), []);

    let message = store.message("order-1").await;
    assert_eq!((message.status, message.dispatch), (Status::Unconfirmed, Some(Dispatch::Unconfirmed)));
    assert_eq!((message.is_final, message.status_at), (false, Some(time(1_100))));
    assert!(message.reason.is_some(), "it has a reason");
    assert_eq!(store.message("order-2").await.status, Status::Sending);
    assert_eq!((claimed(store, i64::MAX).await, next_due(store).await), (Vec::new(), None));
}

async fn an_answer_after_the_lease_still_counts(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    store.outbox.expire_leases(time(1_100), false).await.unwrap();
    settle(store, &claim, &settlement(Dispatch::Accepted, "1002", Some("t-1"))).await;
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.transaction_id), (Status::Accepted, Some(transaction("t-1"))));
}

async fn the_steps_keep_their_order(store: &TestStore) {
    let mut claim = leased(store, "order-1", 1_000).await;
    // All at one instant. Only the order distinguishes them.
    for _ in 0..6 {
        let again = Settlement { retry_at: Some(time(1_000)), ..Settlement::new(Dispatch::Queued, time(1_000)) };
        settle(store, &claim, &again).await;
        claim = claimed(store, 1_000).await.remove(0);
    }
    assert_eq!(claim.attempt, 7);
    settle(store, &claim, &settlement(Dispatch::Accepted, "1002", None)).await;
    let steps = store.messages.dispatch_events(&id("order-1")).await.unwrap();
    let steps: Vec<_> = steps.iter().map(|step| step.dispatch).collect();
    let expected = [[Dispatch::Queued, Dispatch::Sending].repeat(7), vec![Dispatch::Accepted]].concat();
    assert_eq!(steps, expected);
    assert_eq!(store.messages.dispatch_events(&id("none such")).await.unwrap(), []);
}

async fn many_are_settled_at_once(store: &TestStore) {
    for n in 0..6 {
        enqueue(store, &submission(&format!("order-{n}")), 1_000).await;
    }
    let claims = claimed(store, 1_000).await;
    let ends = [Dispatch::Accepted, Dispatch::Rejected, Dispatch::Unconfirmed, Dispatch::Queued];
    // A notification without a correlation id arrived before two of the answers.
    store.hear([about_transaction("t-0").says(Event::Submitted), about_transaction("t-4")]).await;
    let outcomes: Vec<_> = claims
        .into_iter()
        .zip(ends.repeat(2))
        .enumerate()
        .map(|(n, (claim, dispatch))| {
            let name = (dispatch == Dispatch::Accepted).then(|| format!("t-{n}"));
            let mut settlement = settlement(dispatch, &n.to_string(), name.as_deref());
            settlement.retry_at = (dispatch == Dispatch::Queued).then(|| time(5_000));
            settlement.failure = (dispatch == Dispatch::Rejected).then_some(Failure::Transient);
            (claim, settlement)
        })
        .rev()
        .collect();
    store.outbox.settle(&outcomes).await.unwrap();

    let statuses =
        [Status::Submitted, Status::Rejected, Status::Unconfirmed, Status::Queued, Status::Delivered, Status::Rejected];
    for (n, status) in statuses.into_iter().enumerate() {
        let message = store.message(&format!("order-{n}")).await;
        assert_eq!((message.status, message.notification_count), (status, i64::from(n % 4 == 0)));
        assert_eq!(message.failure, (status == Status::Rejected).then_some(Failure::Transient));
        let last = store.messages.dispatch_events(&message.correlation_id).await.unwrap().pop().unwrap();
        assert_eq!(last.code, Some(n.to_string()));
    }
    assert_eq!(store.messages.owner(&transaction("t-4")).await.unwrap(), Some(id("order-4")));
    assert_eq!((store.find("txn:t-0").await, store.find("txn:t-4").await), (None, None));
    assert_eq!(next_due(store).await, Some(5_000));
}

async fn of_several_outcomes_of_one_attempt_the_first_counts(store: &TestStore) {
    let first = leased(store, "order-1", 1_000).await;
    store.outbox.expire_leases(time(2_000), true).await.unwrap();
    let second = claimed(store, 2_000).await.remove(0);
    let outcomes = [
        (first, settlement(Dispatch::Rejected, "of the first attempt", None)),
        (second.clone(), settlement(Dispatch::Accepted, "1002", None)),
        (second, settlement(Dispatch::Rejected, "7003", None)),
    ];
    store.outbox.settle(&outcomes).await.unwrap();
    let message = store.message("order-1").await;
    assert_eq!((message.status, message.code.as_deref()), (Status::Accepted, Some("1002")));
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap().len(), 5);
}

/// The dispatcher repeats a commit if it cannot tell whether it succeeded.
async fn an_outcome_that_is_stored_again_changes_nothing(store: &TestStore) {
    let retried = Settlement { retry_at: Some(time(5_000)), ..settlement(Dispatch::Queued, "429", None) };
    let ends = [
        settlement(Dispatch::Accepted, "1002", Some("t-1")),
        settlement(Dispatch::Rejected, "7003", None),
        settlement(Dispatch::Unconfirmed, "timeout", None),
        retried,
    ];
    for n in 0..ends.len() {
        enqueue(store, &submission(&format!("order-{n}")), 1_000).await;
    }
    let mut outcomes: Vec<_> = claimed(store, 1_000).await.into_iter().zip(ends).collect();
    store.outbox.settle(&outcomes).await.unwrap();
    let (others, again) = (outcomes.clone(), outcomes.pop().unwrap());
    store.outbox.cancel(&again.0.submission.correlation_id, time(3_000), &Actor::server()).await.unwrap();
    let stored = async || {
        let rows = "SELECT correlation_id || ' ' || status || ' ' || updated_at FROM messages ORDER BY 1";
        let attempts = "SELECT correlation_id || ' ' || counted FROM outbox ORDER BY 1";
        let steps = "SELECT correlation_id || ' ' || step || ' ' || dispatch FROM dispatch_events ORDER BY 1";
        let (rows, attempts) = (store.texts(rows).await, store.texts(attempts).await);
        [rows, attempts, store.texts(steps).await]
    };
    let before = stored().await;
    assert_eq!(before[2].len(), 4 * 3 + 1, "{before:?}");
    // In one batch with others, and alone.
    store.outbox.settle(&others).await.unwrap();
    for outcome in others {
        store.outbox.settle(&[outcome]).await.unwrap();
    }
    assert_eq!(stored().await, before);
}
