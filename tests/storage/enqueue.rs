//! A submission is accepted once.

use receiptd::{
    domain::{
        Actor, AuditAction, Channel, Dispatch, DispatchEvent, Failure, Filter, IdempotencyKey, Message, Origin, Person,
        Status, Submission,
    },
    storage::{EnqueueResult, OutboxEntry, RequestKey, RetentionKind, Settlement, StorageError, Store},
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    make::{about, audited, claimed, enqueue, id, leased, next_due, number, settle, submission, submission_with, time},
    store::{Database, TestStore},
};

both!(
    a_new_submission_is_stored,
    a_submission_can_be_read_until_its_person_is_erased,
    a_repeated_submission_changes_nothing,
    another_message_with_the_same_id_is_a_conflict,
    an_observed_message_with_the_same_id_is_a_conflict,
    one_of_two_concurrent_submissions_is_new,
    a_claim_returns_the_submitted_message,
    the_first_of_two_equal_ids_in_a_batch_counts,
    a_batch_has_a_result_for_each_submission,
    a_refused_submission_fails_its_whole_batch,
    overlapping_batches_of_two_instances_are_accepted_once,
    a_key_names_the_message_of_its_first_request,
    a_key_belongs_to_its_caller,
    one_of_two_concurrent_requests_with_one_key_is_new,
    a_key_is_removed_with_its_message,
);

fn entry(submission: &Submission) -> OutboxEntry {
    OutboxEntry::new(submission.clone(), time(1_000))
}

/// The same id with another text.
fn other(name: &str) -> Submission {
    submission_with(&json!({"correlationId": name, "text": "Good-bye"}))
}

async fn a_new_submission_is_stored(store: &TestStore) {
    let wanted = submission_with(&json!({"correlationId": "order-1", "callbackData": "basket 7"}));
    assert_eq!(enqueue(store, &wanted, 1_000).await, EnqueueResult::New);

    let reopened = store.reopened().await;
    let message = reopened.messages.find(&id("order-1")).await.unwrap().unwrap();
    assert_eq!(message, Message::queued(&wanted, time(1_000)), "the answer to the sender");
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
    assert_eq!(next_due(&reopened).await, Some(1_000));
    let queued =
        DispatchEvent { at: time(1_000), dispatch: Dispatch::Queued, code: None, reason: None, transaction_id: None };
    assert_eq!(reopened.messages.dispatch_events(&id("order-1")).await.unwrap(), [queued]);
}

async fn a_submission_can_be_read_until_its_person_is_erased(store: &TestStore) {
    let wanted = submission_with(&json!({"correlationId": "order-1", "callbackData": "basket 7"}));
    enqueue(store, &wanted, 1_000).await;
    store.hear([about("order-2")]).await;
    assert_eq!(store.submissions.submission(&id("order-1")).await.unwrap(), Some(wanted));
    for unsent in ["order-2", "order-3"] {
        assert_eq!(store.submissions.submission(&id(unsent)).await.unwrap(), None, "{unsent}");
    }
    let claim = claimed(store, 1_000).await.remove(0);
    settle(store, &claim, &Settlement::new(Dispatch::Accepted, time(1_100))).await;
    let person = Person::new("447700900123").unwrap();
    store.erasure.erase_messages(&person, &[id("order-1")], Some(&audited(AuditAction::Erased))).await.unwrap();
    assert_eq!(store.submissions.submission(&id("order-1")).await.unwrap(), None);
}

async fn a_repeated_submission_changes_nothing(store: &TestStore) {
    enqueue(store, &submission("order-1"), 1_000).await;
    let before = store.message("order-1").await;
    assert_eq!(enqueue(store, &submission("order-1"), 2_000).await, EnqueueResult::Same);
    assert_eq!(store.message("order-1").await, before);
    assert_eq!(claimed(store, 5_000).await.len(), 1);
    // In whatever state it is by then.
    assert_eq!(enqueue(store, &submission("order-1"), 6_000).await, EnqueueResult::Same);
    assert_eq!(store.message("order-1").await.status, Status::Sending);
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap().len(), 2);
}

async fn another_message_with_the_same_id_is_a_conflict(store: &TestStore) {
    enqueue(store, &submission("order-1"), 1_000).await;
    let before = store.message("order-1").await;
    for member in ["from", "text", "callbackData"] {
        let other = submission_with(&json!({"correlationId": "order-1", member: "another"}));
        assert_eq!(enqueue(store, &other, 2_000).await, EnqueueResult::Conflict, "{member}");
    }
    assert_eq!(store.message("order-1").await, before);
    assert_eq!(claimed(store, 5_000).await[0].submission, submission("order-1"));
}

async fn an_observed_message_with_the_same_id_is_a_conflict(store: &TestStore) {
    store.hear([about("order-1")]).await;
    let before = store.message("order-1").await;
    assert_eq!(enqueue(store, &submission("order-1"), 2_000).await, EnqueueResult::Conflict);
    assert_eq!(store.message("order-1").await, before);
    assert_eq!((next_due(store).await, claimed(store, 5_000).await), (None, Vec::new()));
    assert_eq!(store.messages.dispatch_events(&id("order-1")).await.unwrap(), []);
}

async fn one_of_two_concurrent_submissions_is_new(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    for n in 0..10 {
        let mut enqueuing = JoinSet::new();
        for instance in instances.clone() {
            let wanted = submission(&format!("order-{n}"));
            enqueuing.spawn(async move { enqueue(&instance, &wanted, 1_000).await });
        }
        let mut outcomes = enqueuing.join_all().await;
        outcomes.sort_by_key(|outcome| *outcome != EnqueueResult::New);
        assert_eq!(outcomes, [EnqueueResult::New, EnqueueResult::Same]);
    }
    assert_eq!(claimed(store, 5_000).await.len(), 10);
}

async fn a_claim_returns_the_submitted_message(store: &TestStore) {
    let wanted = submission_with(&json!({
        "correlationId": "ordér/1 👋", "channel": "whatsapp", "to": {"bsuid": "GB.1000000000000001"},
        "text": "line 1\nline 2 \" \\ 'quoted'", "callbackData": "{\"a\":1}", "options": {"z": [1.5, null], "a": {}},
    }));
    enqueue(store, &wanted, 1_000).await;
    let claims = claimed(&store.reopened().await, 1_000).await;
    assert_eq!(claims.iter().map(|claim| &claim.submission).collect::<Vec<_>>(), [&wanted]);
    // After a retry too.
    let again = Settlement { retry_at: Some(time(2_000)), ..Settlement::new(Dispatch::Queued, time(1_500)) };
    settle(store, &claims[0], &again).await;
    assert_eq!(claimed(store, 2_000).await[0].submission, wanted);
    leased(store, "order-2", 3_000).await;
}

async fn the_first_of_two_equal_ids_in_a_batch_counts(store: &TestStore) {
    let wanted = [submission("b"), submission("a"), submission("b"), other("b"), submission("a")];
    let outcomes = store.outbox.enqueue(&wanted.each_ref().map(entry), time(1_000), &Actor::server()).await.unwrap();
    assert_eq!(
        outcomes,
        [EnqueueResult::New, EnqueueResult::New, EnqueueResult::Same, EnqueueResult::Conflict, EnqueueResult::Same]
    );
    let claims = claimed(store, 1_000).await;
    assert_eq!(claims.iter().map(|claim| &claim.submission).collect::<Vec<_>>(), [&wanted[1], &wanted[0]]);
    assert_eq!(store.outbox.enqueue(&[], time(2_000), &Actor::server()).await.unwrap(), []);
}

async fn a_batch_has_a_result_for_each_submission(store: &TestStore) {
    enqueue(store, &submission("known"), 1_000).await;
    store.hear([about("observed")]).await;
    let wanted =
        [submission("new"), submission("known"), other("known"), submission("observed"), other("new"), other("other")];
    // The results for entries that are not new.
    let mut compared = Vec::new();
    for submission in &wanted {
        compared.push(store.outbox.compare(&entry(submission), &Actor::server()).await.unwrap());
    }
    let (same, conflict) = (Some(EnqueueResult::Same), Some(EnqueueResult::Conflict));
    assert_eq!(compared, [None, same, conflict.clone(), conflict, None, None]);

    let outcomes = store.outbox.enqueue(&wanted.each_ref().map(entry), time(1_000), &Actor::server()).await.unwrap();
    let expected = [
        EnqueueResult::New,
        EnqueueResult::Same,
        EnqueueResult::Conflict,
        EnqueueResult::Conflict,
        EnqueueResult::Conflict,
        EnqueueResult::New,
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(claimed(store, 1_000).await.len(), 3);
}

async fn a_refused_submission_fails_its_whole_batch(store: &TestStore) {
    store
        .execute(match store.database {
            Database::Sqlite { .. } => {
                "CREATE TRIGGER refuse BEFORE INSERT ON dispatch_events WHEN new.correlation_id = 'unwelcome' \
                 BEGIN SELECT RAISE(ABORT, 'unwelcome'); END"
            }
            Database::Postgres { .. } => "ALTER TABLE dispatch_events ADD CHECK (correlation_id <> 'unwelcome')",
        })
        .await;
    let batch = [submission("a"), submission("unwelcome"), submission("z")].each_ref().map(entry);
    let refused = store.outbox.enqueue(&batch, time(1_000), &Actor::server()).await.unwrap_err();
    assert!(matches!(refused, StorageError::Refused(_)), "{refused:?}");
    assert_eq!((store.ids(&Filter::default()).await, next_due(store).await), (Vec::new(), None));
}

async fn overlapping_batches_of_two_instances_are_accepted_once(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await];
    for n in 0..10 {
        let mut batch: Vec<_> = (0..20).map(|m| entry(&submission(&format!("order-{n}-{m}")))).collect();
        let mut enqueuing = JoinSet::new();
        for instance in instances.clone() {
            // The two instances have them in opposite orders.
            batch.reverse();
            let batch = batch.clone();
            enqueuing
                .spawn(async move { instance.outbox.enqueue(&batch, time(1_000), &Actor::server()).await.unwrap() });
        }
        let outcomes = enqueuing.join_all().await.concat();
        let new = outcomes.iter().filter(|outcome| **outcome == EnqueueResult::New).count();
        assert_eq!((outcomes.len(), new), (40, 20));
        assert!(!outcomes.contains(&EnqueueResult::Conflict));
    }
}

/// A request with a key. `is_id_drawn`: the caller gave no id.
fn keyed(submission: Submission, key: &str, is_id_drawn: bool) -> OutboxEntry {
    let key = RequestKey { key: IdempotencyKey::new(key).unwrap(), is_id_drawn };
    OutboxEntry { key: Some(key), ..OutboxEntry::new(submission, time(1_000)) }
}

async fn asked(store: &Store, entry: &OutboxEntry, actor: &str) -> EnqueueResult {
    let actor = Actor::named(actor);
    let compared = store.outbox.compare(entry, &actor).await.unwrap();
    let enqueued = store.outbox.enqueue(std::slice::from_ref(entry), time(1_000), &actor).await.unwrap().remove(0);
    assert_eq!(compared, (enqueued != EnqueueResult::New).then(|| enqueued.clone()));
    enqueued
}

async fn a_key_names_the_message_of_its_first_request(store: &TestStore) {
    assert_eq!(asked(store, &keyed(submission("drawn-1"), "k", true), "shop").await, EnqueueResult::New);
    let first = || EnqueueResult::SameByKey(id("drawn-1"));
    let taken = || EnqueueResult::KeyTaken(id("drawn-1"));
    assert_eq!(asked(store, &keyed(submission("drawn-2"), "k", true), "shop").await, first());
    assert_eq!(asked(store, &keyed(other("drawn-3"), "k", true), "shop").await, taken());
    // A caller may have learned the id of the first message from an error.
    assert_eq!(asked(store, &keyed(submission("drawn-1"), "k", false), "shop").await, first());
    assert_eq!(asked(store, &keyed(submission("drawn-4"), "k", false), "shop").await, taken());
    assert_eq!(asked(store, &entry(&submission("drawn-1")), "shop").await, EnqueueResult::Same);
    // A later key names the existing message. The key of a conflict names none.
    assert_eq!(asked(store, &keyed(submission("drawn-1"), "later", false), "shop").await, EnqueueResult::Same);
    assert_eq!(asked(store, &keyed(submission("drawn-5"), "later", true), "shop").await, first());
    assert_eq!(asked(store, &keyed(other("drawn-1"), "new", false), "shop").await, EnqueueResult::Conflict);
    assert_eq!(asked(store, &keyed(submission("drawn-6"), "new", true), "shop").await, EnqueueResult::New);
    assert_eq!(store.ids(&Filter::default()).await.len(), 2);
}

async fn a_key_belongs_to_its_caller(store: &TestStore) {
    for (actor, name) in [("shop", "a"), ("app", "b")] {
        assert_eq!(asked(store, &keyed(submission(name), "k", true), actor).await, EnqueueResult::New);
    }
    assert_eq!(asked(store, &keyed(submission("c"), "k", true), "app").await, EnqueueResult::SameByKey(id("b")));
}

async fn one_of_two_concurrent_requests_with_one_key_is_new(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await, store.reopened().await];
    for round in 0..8 {
        let mut asking = JoinSet::new();
        for (n, instance) in instances.iter().cloned().enumerate() {
            let entry = keyed(submission(&format!("drawn-{round}-{n}")), &format!("key-{round}"), true);
            asking.spawn(async move {
                instance.outbox.enqueue(&[entry], time(1_000), &Actor::named("shop")).await.unwrap().remove(0)
            });
        }
        let outcomes = asking.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == EnqueueResult::New).count(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|it| matches!(it, EnqueueResult::SameByKey(_))).count(), 2, "{outcomes:?}");
    }
    assert_eq!(store.ids(&Filter::default()).await.len(), 8);
}

async fn a_key_is_removed_with_its_message(store: &TestStore) {
    let ask = async |name: &str| asked(store, &keyed(submission(name), "k", true), "shop").await;
    assert_eq!(ask("first").await, EnqueueResult::New);
    let claim = claimed(store, 1_000).await.remove(0);
    settle(store, &claim, &Settlement::new(Dispatch::Accepted, time(1_100))).await;
    let person = Person::new("447700900123").unwrap();
    store.erasure.erase_messages(&person, &[id("first")], Some(&audited(AuditAction::Erased))).await.unwrap();
    assert_eq!(ask("second").await, EnqueueResult::New, "the erased message is forgotten");
    let claim = claimed(store, 1_000).await.remove(0);
    settle(store, &claim, &Settlement::new(Dispatch::Accepted, time(1_100))).await;
    store
        .retention
        .purge(RetentionKind::Messages, time(0), time(5_000), 10, &audited(AuditAction::Purged))
        .await
        .unwrap();
    assert_eq!(ask("third").await, EnqueueResult::New, "the purged message is forgotten");
}
