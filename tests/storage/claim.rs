//! A lease is given to only one caller.

use std::collections::BTreeMap;

use receiptd::{
    domain::{Channel, Dispatch, Event, Status},
    storage::{Settlement, Store},
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    make::{LEASE, about, claimed, enqueue, id, leased, next_due, settle, submission, submission_with, time},
    store::TestStore,
};

both!(
    only_due_messages_are_leased,
    at_most_the_limit_is_leased_earliest_first,
    a_leased_message_is_not_leased_again,
    two_instances_share_the_work_without_overlap,
    the_next_due_time_is_that_of_waiting_messages,
    a_claim_is_a_step,
    a_notified_message_is_not_sent_again,
    an_unreadable_request_does_not_block_others,
    each_channel_is_claimed_separately,
    an_instance_with_a_slow_clock_does_not_change_times_of_others,
    times_left_by_a_clock_set_back_by_hours_are_corrected,
);

const MINUTE: i64 = 60_000_000;

fn names(claims: &[receiptd::storage::Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.submission.correlation_id.as_str()).collect()
}

async fn only_due_messages_are_leased(store: &TestStore) {
    for (name, due) in [("a", 10), ("b", 20), ("c", 30)] {
        enqueue(store, &submission(name), due).await;
    }
    assert_eq!(names(&claimed(store, 9).await), Vec::<&str>::new());
    assert_eq!(names(&claimed(store, 20).await), ["a", "b"]);
    assert_eq!(names(&claimed(store, 29).await), Vec::<&str>::new());
    assert_eq!(names(&claimed(store, 30).await), ["c"]);
}

async fn at_most_the_limit_is_leased_earliest_first(store: &TestStore) {
    for (name, due) in [("a", 50), ("b", 40), ("c", 30), ("d", 20), ("e", 10)] {
        enqueue(store, &submission(name), due).await;
    }
    let claim = async |limit| store.outbox.claim(&Channel::Sms, limit, time(100), time(200)).await.unwrap();
    assert_eq!(claim(0).await, []);
    assert_eq!(names(&claim(2).await), ["d", "e"]);
    assert_eq!(names(&claim(2).await), ["b", "c"]);
    assert_eq!(names(&claim(2).await), ["a"]);
    assert_eq!(claim(2).await, []);
}

async fn a_leased_message_is_not_leased_again(store: &TestStore) {
    let claim = leased(store, "a", 10).await;
    assert_eq!(claim.attempt, 1);
    // Neither by another instance nor after the end of the lease.
    assert_eq!(claimed(&store.reopened().await, 50).await, []);
    assert_eq!(claimed(store, 1_000_000).await, []);
    let again = Settlement { retry_at: Some(time(60)), ..Settlement::new(Dispatch::Queued, time(50)) };
    settle(store, &claim, &again).await;
    assert_eq!(claimed(store, 59).await, []);
    let claims = claimed(store, 60).await;
    assert_eq!((names(&claims), claims[0].attempt), (vec!["a"], 2));
}

/// Claims in small portions until nothing is left.
async fn work(store: Store) -> Vec<String> {
    let mut mine = Vec::new();
    loop {
        let claims = store.outbox.claim(&Channel::Sms, 3, time(10), time(10).plus(LEASE)).await.unwrap();
        if claims.is_empty() {
            return mine;
        }
        assert!(claims.len() <= 3);
        mine.extend(claims.into_iter().map(|claim| claim.submission.correlation_id.to_string()));
    }
}

async fn two_instances_share_the_work_without_overlap(store: &TestStore) {
    for n in 0..60 {
        enqueue(store, &submission(&format!("order-{n:02}")), n % 4).await;
    }
    let instances = [store.reopened().await, store.reopened().await];
    let mut working = JoinSet::new();
    // Two tasks each.
    for instance in instances.iter().chain(&instances) {
        working.spawn(work(instance.clone()));
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for name in working.join_all().await.concat() {
        *times.entry(name).or_default() += 1;
    }
    assert_eq!(times.len(), 60, "none is forgotten");
    assert!(times.values().all(|times| *times == 1), "none is leased twice: {times:?}");
    for name in times.keys() {
        assert_eq!(store.messages.dispatch_events(&id(name)).await.unwrap().len(), 2);
    }
}

async fn the_next_due_time_is_that_of_waiting_messages(store: &TestStore) {
    assert_eq!(next_due(store).await, None);
    enqueue(store, &submission("a"), 30).await;
    enqueue(store, &submission("b"), 20).await;
    assert_eq!(next_due(store).await, Some(20));
    let claims = claimed(store, 20).await;
    assert_eq!(next_due(store).await, Some(30));
    claimed(store, 30).await;
    assert_eq!(next_due(store).await, None);
    let again = Settlement { retry_at: Some(time(77)), ..Settlement::new(Dispatch::Queued, time(50)) };
    settle(store, &claims[0], &again).await;
    assert_eq!(next_due(store).await, Some(77));
}

async fn a_claim_is_a_step(store: &TestStore) {
    leased(store, "a", 10).await;
    let message = store.message("a").await;
    assert_eq!((message.status, message.dispatch), (Status::Sending, Some(Dispatch::Sending)));
    assert_eq!((message.status_at, message.updated_at, message.created_at), (Some(time(10)), time(10), time(10)));
    let steps = store.messages.dispatch_events(&id("a")).await.unwrap();
    let steps: Vec<_> = steps.iter().map(|step| (step.dispatch, step.at)).collect();
    assert_eq!(steps, [(Dispatch::Queued, time(10)), (Dispatch::Sending, time(10))]);
}

async fn a_notified_message_is_not_sent_again(store: &TestStore) {
    let claim = leased(store, "a", 10).await;
    let again = Settlement { retry_at: Some(time(60)), ..Settlement::new(Dispatch::Queued, time(50)) };
    settle(store, &claim, &again).await;
    store.hear([about("a").says(Event::Submitted).at(55)]).await;
    assert_eq!(claimed(store, 60).await, []);
    let message = store.message("a").await;
    assert_eq!((message.status, message.dispatch), (Status::Submitted, Some(Dispatch::Accepted)));
    assert_eq!(next_due(store).await, None);
    assert_eq!(store.outbox.expire_leases(time(1_000_000), false).await.unwrap(), []);
}

async fn an_unreadable_request_does_not_block_others(store: &TestStore) {
    enqueue(store, &submission("bad"), 10).await;
    enqueue(store, &submission("good"), 10).await;
    store.execute("UPDATE outbox SET request = '{}' WHERE correlation_id = 'bad'").await;
    assert_eq!(names(&claimed(store, 10).await), ["good"]);
    let message = store.message("bad").await;
    assert_eq!((message.status, message.is_final), (Status::Rejected, true));
    assert_eq!(claimed(store, 1_000_000).await, []);
}

async fn each_channel_is_claimed_separately(store: &TestStore) {
    for (name, channel, due) in [("a", "sms", 30), ("b", "whatsapp", 20), ("c", "sms", 10), ("d", "rcs", 40)] {
        let members = json!({"correlationId": name, "channel": channel});
        enqueue(store, &submission_with(&members), due).await;
    }
    let mut next = store.outbox.next_due().await.unwrap();
    next.sort();
    let expected = [(Channel::Sms, time(10)), (Channel::Rcs, time(40)), (Channel::Whatsapp, time(20))];
    assert_eq!(next, expected);

    let claim = async |channel| store.outbox.claim(&channel, 9, time(100), time(200)).await.unwrap();
    assert_eq!(names(&claim(Channel::Sms).await), ["a", "c"]);
    assert_eq!(names(&claim(Channel::Email).await), Vec::<&str>::new());
    assert_eq!(names(&claim(Channel::Whatsapp).await), ["b"]);
    assert_eq!(store.outbox.next_due().await.unwrap(), [(Channel::Rcs, time(40))]);
}

/// At `now`: one message that is retried in five minutes, and one that is leased.
async fn put_off_and_leased(store: &TestStore, now: i64) -> receiptd::storage::Claim {
    let put_off = leased(store, "put-off", now).await;
    let again = Settlement { retry_at: Some(time(now + 5 * MINUTE)), ..Settlement::new(Dispatch::Queued, time(now)) };
    settle(store, &put_off, &again).await;
    leased(store, "leased", now).await
}

async fn an_instance_with_a_slow_clock_does_not_change_times_of_others(store: &TestStore) {
    let now = 1_000 * MINUTE;
    put_off_and_leased(store, now).await;
    for lag in [0, 1, 10, 29] {
        let its_now = time(now - lag * MINUTE);
        store.outbox.on_clock_rollback(its_now, its_now.plus(LEASE)).await.unwrap();
        assert_eq!(next_due(store).await, Some(now + 5 * MINUTE), "{lag} minutes");
        assert_eq!(store.outbox.expire_leases(time(now).plus(LEASE / 2), false).await.unwrap(), [], "{lag} minutes");
    }
}

async fn times_left_by_a_clock_set_back_by_hours_are_corrected(store: &TestStore) {
    let (ahead, now) = (1_000 * MINUTE, 880 * MINUTE);
    put_off_and_leased(store, ahead).await;
    store.outbox.on_clock_rollback(time(now), time(now).plus(LEASE)).await.unwrap();
    assert_eq!(next_due(store).await, Some(now));
    assert_eq!(store.outbox.expire_leases(time(now).plus(LEASE), false).await.unwrap(), [id("leased")]);
}
