//! A submission is taken over once.

use receiptd::{
    domain::{Channel, Dispatch, DispatchEvent, Failure, Origin, Status},
    storage::{Enqueued, Settlement},
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    make::{about, claimed, id, leased, number, submission, submission_with, time},
    store::TestStore,
};

both!(
    a_new_submission_is_on_record,
    the_same_again_changes_nothing,
    another_of_the_same_id_is_a_conflict,
    an_observed_message_of_the_same_id_is_a_conflict,
    of_two_at_the_same_time_one_is_new,
    what_was_asked_for_is_what_is_handed_out,
);

async fn a_new_submission_is_on_record(store: &TestStore) {
    let wanted = submission_with(&json!({"correlationId": "order-1", "callbackData": "basket 7"}));
    assert_eq!(store.outbox.enqueue(&wanted, time(1_000)).await.unwrap(), Enqueued::New);

    let reopened = store.reopened().await;
    let message = reopened.messages.find(&id("order-1")).await.unwrap().unwrap();
    assert_eq!((message.origin(), message.dispatch), (Origin::Sent, Some(Dispatch::Queued)));
    assert_eq!((message.status, message.is_final, message.failure), (Status::Queued, false, None::<Failure>));
    assert_eq!((message.channel, message.sender.as_deref()), (Some(Channel::Sms), Some("ACME")));
    assert_eq!((message.recipient, message.other_recipients), (Some(number("447700900123")), false));
    assert_eq!((message.callback_data.as_deref(), message.transaction_id), (Some("basket 7"), None));
    assert_eq!(
        (message.status_at, message.created_at, message.updated_at),
        (Some(time(1_000)), time(1_000), time(1_000))
    );
    assert_eq!((message.notification_count, message.segments, message.code, message.reason), (0, None, None, None));
    assert_eq!(reopened.outbox.next_due().await.unwrap(), Some(time(1_000)));
    let queued =
        DispatchEvent { at: time(1_000), dispatch: Dispatch::Queued, code: None, reason: None, transaction_id: None };
    assert_eq!(reopened.messages.dispatch_events(&id("order-1")).await.unwrap(), [queued]);
}

async fn the_same_again_changes_nothing(store: &TestStore) {
    store.outbox.enqueue(&submission("order-1"), time(1_000)).await.unwrap();
    let before = store.message("order-1").await;
    assert_eq!(store.outbox.enqueue(&submission("order-1"), time(2_000)).await.unwrap(), Enqueued::Same);
    assert_eq!(store.message("order-1").await, before);
    assert_eq!(claimed(store, 5_000).await.len(), 1);
    // In whatever state it is by then.
    assert_eq!(store.outbox.enqueue(&submission("order-1"), time(6_000)).await.unwrap(), Enqueued::Same);
    assert_eq!(store.message("order-1").await.status, Status::Sending);
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap().len(), 2);
}

async fn another_of_the_same_id_is_a_conflict(store: &TestStore) {
    store.outbox.enqueue(&submission("order-1"), time(1_000)).await.unwrap();
    let before = store.message("order-1").await;
    for member in ["from", "text", "callbackData"] {
        let other = submission_with(&json!({"correlationId": "order-1", member: "another"}));
        assert_eq!(store.outbox.enqueue(&other, time(2_000)).await.unwrap(), Enqueued::Conflict, "{member}");
    }
    assert_eq!(store.message("order-1").await, before);
    assert_eq!(claimed(store, 5_000).await[0].submission, submission("order-1"));
}

async fn an_observed_message_of_the_same_id_is_a_conflict(store: &TestStore) {
    store.hear([about("order-1")]).await;
    let before = store.message("order-1").await;
    assert_eq!(store.outbox.enqueue(&submission("order-1"), time(2_000)).await.unwrap(), Enqueued::Conflict);
    assert_eq!(store.message("order-1").await, before);
    assert_eq!((store.outbox.next_due().await.unwrap(), claimed(store, 5_000).await), (None, Vec::new()));
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap(), []);
}

async fn of_two_at_the_same_time_one_is_new(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    for n in 0..10 {
        let mut enqueuing = JoinSet::new();
        for instance in instances.clone() {
            let wanted = submission(&format!("order-{n}"));
            enqueuing.spawn(async move { instance.outbox.enqueue(&wanted, time(1_000)).await.unwrap() });
        }
        let mut outcomes = enqueuing.join_all().await;
        outcomes.sort_by_key(|outcome| *outcome != Enqueued::New);
        assert_eq!(outcomes, [Enqueued::New, Enqueued::Same]);
    }
    assert_eq!(claimed(store, 5_000).await.len(), 10);
}

async fn what_was_asked_for_is_what_is_handed_out(store: &TestStore) {
    let wanted = submission_with(&json!({
        "correlationId": "ordér/1 👋", "channel": "whatsapp", "to": {"bsuid": "GB.1000000000000001"},
        "text": "line 1\nline 2 \" \\ 'quoted'", "callbackData": "{\"a\":1}", "options": {"z": [1.5, null], "a": {}},
    }));
    store.outbox.enqueue(&wanted, time(1_000)).await.unwrap();
    let claims = claimed(&store.reopened().await, 1_000).await;
    assert_eq!(claims.iter().map(|claim| &claim.submission).collect::<Vec<_>>(), [&wanted]);
    // After a retry too.
    let again = Settlement { retry_at: Some(time(2_000)), ..Settlement::new(Dispatch::Queued, time(1_500)) };
    store.outbox.settle(&claims[0], &again).await.unwrap();
    assert_eq!(claimed(store, 2_000).await[0].submission, wanted);
    leased(store, "order-2", 3_000).await;
}
