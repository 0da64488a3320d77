//! Several recipients under one correlation id: the status of the message is that of its worst-off recipient.

use receiptd::{
    domain::{
        AuditAction, Channel, Dispatch, Event, EventPosition, Failure, Filter, Message, Origin, PageLimit, Person,
        StatsRequest, Status, StoredNotification,
    },
    storage::{RetentionKind, Settlement},
};

use crate::{
    history::{Expected, assert_stored},
    make::{Heard, about, about_transaction, audited, id, leased, settle, submission_with, time, transaction},
    store::TestStore,
};

both!(
    one_failed_recipient_fails_the_message_whatever_the_order,
    a_message_is_final_when_it_is_final_for_all_recipients,
    a_list_a_count_and_an_event_agree,
    events_never_show_an_intermediate_status,
    a_message_that_we_sent_has_one_recipient,
    devices_are_one_recipient,
    at_one_instant_the_more_severe_failure_decides,
    a_message_that_turns_out_to_be_sent_has_one_recipient,
    a_message_that_turns_out_to_be_observed_has_several_recipients,
    purged_notifications_still_count,
    erased_recipients_still_count,
    a_rebuild_recomputes_each_recipient,
    very_many_recipients_are_one_message,
    an_event_and_its_message_agree_on_final,
);

const FAILED: Event = Event::Failed(Failure::Permanent);

/// A notification for the recipient with this number.
fn to(number: usize, event: Event) -> Heard {
    about("order-1").to(&recipient(number)).says(event).at(10).with(|it| it.code = Some(format!("{event:?} {number}")))
}

fn recipient(number: usize) -> String {
    format!("4477009{number:05}")
}

/// The status of a message, and whether it is final.
fn status_and_final(message: &Message) -> (Status, bool) {
    (message.status, message.is_final)
}

async fn events(store: &TestStore) -> Vec<(Status, bool)> {
    let limit = PageLimit::new(PageLimit::MAX).unwrap();
    let changes = store.status_events.after(EventPosition::default(), limit).await.unwrap().unwrap();
    changes.iter().map(|change| (change.status, change.is_final)).collect()
}

async fn one_failed_recipient_fails_the_message_whatever_the_order(store: &TestStore) {
    let name = |case: usize, at_once: bool| format!("order-{case}-{at_once}");
    for (case, order) in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().enumerate() {
        for at_once in [false, true] {
            let all = [to(1, Event::Delivered), to(2, FAILED), to(3, Event::Failed(Failure::Transient))];
            let all = order.map(|at| all[at].clone().of_message(&name(case, at_once)));
            if at_once {
                store.hear(all).await;
            } else {
                for heard in all {
                    store.hear([heard]).await;
                }
            }
            let message = store.message(&name(case, at_once)).await;
            assert_eq!(status_and_final(&message), (Status::Failed, true), "{order:?}");
            assert_eq!(message.code.as_deref(), Some("Failed(Permanent) 2"), "{order:?}");
            assert_eq!(message.failure, Some(Failure::Permanent), "{order:?}");
        }
    }
}

async fn a_message_is_final_when_it_is_final_for_all_recipients(store: &TestStore) {
    for (heard, expected) in [
        (to(1, Event::Delivered), (Status::Delivered, true)),
        (to(2, Event::Submitted), (Status::Submitted, false)),
        (to(3, FAILED), (Status::Failed, false)),
        (to(1, Event::Read), (Status::Failed, false)),
        (to(2, Event::Delivered), (Status::Failed, true)),
        (to(4, Event::Unknown), (Status::Failed, true)),
        (to(3, Event::Delivered), (Status::Delivered, true)),
        (to(2, Event::Clicked), (Status::Delivered, true)),
        (to(3, Event::Read), (Status::Read, true)),
    ] {
        store.hear([heard.clone()]).await;
        assert_eq!(status_and_final(&store.message("order-1").await), expected, "after {heard:?}");
    }
}

async fn a_list_a_count_and_an_event_agree(store: &TestStore) {
    store.hear([to(1, Event::Delivered), to(2, FAILED), to(3, Event::Submitted)]).await;
    let found = async |filter| store.ids(&filter).await;
    let status = |status| Filter { status: Some(status), ..Filter::default() };
    assert_eq!(found(status(Status::Failed)).await, ["order-1"]);
    assert_eq!(found(status(Status::Delivered)).await, [""; 0]);
    assert_eq!(found(Filter { is_final: Some(false), ..Filter::default() }).await, ["order-1"]);
    assert_eq!(found(Filter { is_final: Some(true), ..Filter::default() }).await, [""; 0]);
    assert_eq!(found(Filter { is_final: Some(false), ..status(Status::Failed) }).await, ["order-1"]);
    assert_eq!(found(Filter { channel: Some(Channel::Sms), ..status(Status::Failed) }).await, ["order-1"]);
    let cutoffs = receiptd::domain::Cutoffs { other: time(5_000), ..receiptd::domain::Cutoffs::default() };
    assert_eq!(found(Filter { overdue: Some((true, cutoffs)), ..Filter::default() }).await, ["order-1"]);
    let counts = store.messages.stats(&StatsRequest::default()).await.unwrap();
    assert_eq!(counts.iter().map(|one| one.count).collect::<Vec<_>>(), [1]);
    assert_eq!(events(store).await, [(Status::Failed, false)]);
    store.hear([to(3, Event::Delivered)]).await;
    assert_eq!(events(store).await, [(Status::Failed, false), (Status::Failed, true)]);
    assert_eq!(found(Filter { is_final: Some(true), ..status(Status::Failed) }).await, ["order-1"]);
}

async fn events_never_show_an_intermediate_status(store: &TestStore) {
    store.hear([to(1, FAILED)]).await;
    store.hear([to(2, Event::Delivered)]).await;
    store.hear([to(2, Event::Read), to(3, Event::Clicked)]).await;
    store.hear([to(3, Event::Complained)]).await;
    assert_eq!(events(store).await, [(Status::Failed, true)]);
    // A rebuild does not show one either.
    store.execute("UPDATE messages SET reason = 'another' WHERE correlation_id = 'order-1'").await;
    store.repair.recompute(&[id("order-1")], &|_| None, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap();
    assert_eq!(store.message("order-1").await.reason, None);
    assert_eq!(events(store).await, [(Status::Failed, true)]);
}

async fn a_message_that_we_sent_has_one_recipient(store: &TestStore) {
    leased(store, "order-1", 1_000).await;
    store.hear([to(1, FAILED)]).await;
    store.hear([to(2, Event::Delivered), to(3, Event::Submitted)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Delivered, true));
    store.hear([to(4, Event::Submitted), to(5, Event::Read)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Read, true));
    assert_eq!(store.texts("SELECT recipient FROM recipient_standings").await, [""; 0]);
    assert_eq!(store.repair.preview_recompute(&[id("order-1")], &|_| None).await.unwrap(), []);
}

async fn devices_are_one_recipient(store: &TestStore) {
    let on_push = |number, event| to(number, event).on(Channel::Push);
    store.hear([on_push(1, FAILED)]).await;
    store.hear([on_push(2, Event::Delivered)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Delivered, true));
    store.hear([on_push(3, Event::Submitted), on_push(4, FAILED)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Delivered, true));
    assert!(store.message("order-1").await.other_recipients);
    assert_eq!(store.repair.preview_recompute(&[id("order-1")], &|_| None).await.unwrap(), []);
}

async fn at_one_instant_the_more_severe_failure_decides(store: &TestStore) {
    let failed = |failure| about("order-1").to(&recipient(1)).says(Event::Failed(failure)).at(10);
    for (heard, expected) in [
        (Failure::Transient, Failure::Transient),
        (Failure::Unclear, Failure::Unclear),
        (Failure::Permanent, Failure::Permanent),
    ] {
        store.hear([failed(heard)]).await;
        assert_eq!(store.message("order-1").await.failure, Some(expected));
    }
    for heard in [Failure::Transient, Failure::Unclear] {
        store.hear([failed(heard)]).await;
        assert_eq!(store.message("order-1").await.failure, Some(Failure::Permanent));
    }
    // A later one still decides.
    store.hear([failed(Failure::Transient).at(11)]).await;
    assert_eq!(store.message("order-1").await.failure, Some(Failure::Transient));
}

/// The platform's answer contains the transaction of the placeholder, and so shows that receiptd sent the message.
async fn a_message_that_turns_out_to_be_sent_has_one_recipient(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    let heard = |number, event| about_transaction("t").to(&recipient(number)).says(event).at(10);
    store.hear([heard(1, FAILED), heard(2, Event::Delivered)]).await;
    assert_eq!(status_and_final(&store.message("txn:t").await), (Status::Failed, true));
    let mut accepted = Settlement::new(Dispatch::Accepted, time(2_000));
    accepted.event.transaction_id = Some(transaction("t"));
    settle(store, &claim, &accepted).await;
    assert_eq!(store.find("txn:t").await, None);
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Delivered, true));
    assert_eq!(store.texts("SELECT recipient FROM recipient_standings").await, [""; 0]);
}

/// If two correlation ids claim a transaction, the smaller one owns it (`claim_transactions!`), even if the other
/// message was sent by receiptd.
async fn a_message_that_turns_out_to_be_observed_has_several_recipients(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    let mut accepted = Settlement::new(Dispatch::Accepted, time(2_000));
    accepted.event.transaction_id = Some(transaction("t"));
    settle(store, &claim, &accepted).await;
    let heard = |number, event| about_transaction("t").to(&recipient(number)).says(event).at(10);
    store.hear([heard(1, FAILED), heard(2, Event::Delivered)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Delivered, true));
    store.hear([about("order-0").of("t").to(&recipient(3)).says(Event::Read)]).await;
    assert_eq!(status_and_final(&store.message("order-0").await), (Status::Failed, true));
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Accepted, false));
    assert_eq!(store.message("order-0").await.origin(), Origin::Observed);
    let notifications = store.notifications("order-0").await;
    assert_eq!(Expected::from(&store.message("order-0").await), Expected::of(&notifications));
}

async fn purged_notifications_still_count(store: &TestStore) {
    let purge = async || {
        store
            .retention
            .purge(RetentionKind::Notifications, time(0), time(2_000), 100, &audited(AuditAction::Purged))
            .await
            .unwrap();
    };
    // The purge removes notifications of a message that had one recipient until then, and of one that had two.
    let other = |heard: Heard| heard.of_message("order-2");
    store.hear([to(1, FAILED), other(to(1, FAILED)), other(to(2, Event::Submitted))]).await;
    purge().await;
    store.hear([to(2, Event::Delivered).received(3_000), other(to(2, Event::Delivered)).received(3_000)]).await;
    for name in ["order-1", "order-2"] {
        let message = store.message(name).await;
        assert_eq!((status_and_final(&message), message.notification_count), ((Status::Failed, true), 1), "{name}");
        assert_eq!(message.code.as_deref(), Some("Failed(Permanent) 1"), "{name}");
    }
    let ids = ["order-1", "order-2"].map(id);
    assert_eq!(store.repair.recompute(&ids, &|_| None, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap(), []);
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Failed, true));
}

async fn erased_recipients_still_count(store: &TestStore) {
    store.hear([to(1, FAILED), to(2, Event::Submitted), to(3, Event::Delivered)]).await;
    for number in [1, 2] {
        let person = Person::new(&recipient(number)).unwrap();
        store.erasure.erase_messages(&person, &[id("order-1")], Some(&audited(AuditAction::Erased))).await.unwrap();
        assert_eq!(status_and_final(&store.message("order-1").await), (Status::Failed, false));
    }
    let kept = store.texts("SELECT recipient FROM recipient_standings ORDER BY recipient").await;
    assert_eq!(kept, [recipient(3), "erased".to_owned()]);
    assert_eq!(store.repair.preview_recompute(&[id("order-1")], &|_| None).await.unwrap(), []);
    store.hear([to(3, Event::Read)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Failed, true));
}

async fn a_rebuild_recomputes_each_recipient(store: &TestStore) {
    store.hear([to(1, FAILED), to(2, Event::Submitted)]).await;
    let ids = [id("order-1")];
    store.execute("UPDATE recipient_standings SET status = 'read', is_open = 0 WHERE status = 'submitted'").await;
    assert_eq!(store.repair.preview_recompute(&ids, &|_| None).await.unwrap().len(), 1);
    store.repair.recompute(&ids, &|_| None, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap();
    assert_eq!(store.repair.preview_recompute(&ids, &|_| None).await.unwrap(), []);
    // The state that a version before per-recipient standings would have left.
    store.execute("DELETE FROM recipient_standings").await;
    store.execute("UPDATE messages SET status = 'submitted', is_final = 0").await;
    store.repair.recompute(&ids, &|_| None, time(9_000), &audited(AuditAction::Rebuilt)).await.unwrap();
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Failed, false));
    store.hear([to(2, Event::Delivered)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Failed, true));
}

async fn very_many_recipients_are_one_message(store: &TestStore) {
    let count = 1_000;
    let batches: Vec<Vec<StoredNotification>> = [Event::Submitted, Event::Delivered]
        .map(|event| (0..count).map(|number| to(number, event).recorded()).collect())
        .into();
    for batch in &batches {
        crate::order::append(store, batch).await;
    }
    assert_stored(store, &batches).await;
    store.hear([to(777, Event::Read), to(778, Event::Failed(Failure::Unclear))]).await;
    // 778 was already delivered to, and `delivered` outranks `failed`; so every recipient is at least `delivered`.
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Delivered, true));
    store.hear([to(count, Event::Submitted)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Submitted, false));
    store.hear([to(count, FAILED)]).await;
    assert_eq!(status_and_final(&store.message("order-1").await), (Status::Failed, true));
    assert_eq!(store.message("order-1").await.code, Some(format!("Failed(Permanent) {count}")));
}

/// `submitted` is final on Apple, because Apple reports nothing after it. An SMS sent as a fallback does report more.
async fn an_event_and_its_message_agree_on_final(store: &TestStore) {
    let members = serde_json::json!({"correlationId": "order-1", "channel": "apple", "to": "urn:mbid:AQ+/="});
    crate::make::enqueue(store, &submission_with(&members), 1_000).await;
    for (heard, expected) in [
        (about("order-1").says(Event::Submitted).at(1), (Status::Submitted, false)),
        (about("order-1").says(Event::Submitted).at(2).on(Channel::Apple), (Status::Submitted, true)),
        (about("order-1").says(Event::Submitted).at(3), (Status::Submitted, false)),
        (about("order-1").says(Event::Delivered).at(3), (Status::Delivered, true)),
    ] {
        store.hear([heard]).await;
        let message = store.message("order-1").await;
        assert_eq!(status_and_final(&message), expected);
        assert_eq!(events(store).await.last(), Some(&expected));
    }
}
