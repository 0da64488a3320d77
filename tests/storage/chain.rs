//! The stored rows match the hash chain after any actions in any order.

use harness::notifications_of;
use proptest::prelude::*;
use receiptd::{
    audit::{Expected, Proof, Verdict},
    domain::{Dispatch, Event, LinkHash},
    storage::{Settlement, Store},
};

use crate::{
    contents,
    history::{Transactions, a_history},
    interleaving::append_at_once,
    make::{about, about_transaction, claimed, enqueue, fresh, id, leased, settle, submission, time, transaction},
    order::append,
    store::TestStore,
};

both!(
    an_empty_store_verifies,
    every_history_verifies,
    every_history_of_two_instances_verifies,
    a_commit_adds_one_link,
    adoption_by_an_answer_verifies,
    a_head_covers_all_earlier_rows,
    a_head_of_another_store_is_not_found,
    a_truncated_chain_is_detected_with_a_head,
    a_removed_chain_is_detected,
);

pub(crate) async fn verify(store: &Store, head: Option<&str>) -> Verdict {
    let head = head.map(|head| LinkHash::parse(head).unwrap());
    Proof::new(store).verify(&Expected { head, ..Expected::default() }).await.unwrap()
}

#[track_caller]
fn assert_sound(verdict: &Verdict) -> String {
    assert!(verdict.sound && verdict.finding.is_none(), "{:?}", verdict.finding);
    verdict.head.clone().unwrap()
}

async fn links(store: &TestStore) -> usize {
    store.texts("SELECT CAST(sequence AS TEXT) FROM links").await.len()
}

async fn an_empty_store_verifies(store: &TestStore) {
    let first = store.verdict().await;
    assert_eq!((first.rows, first.links, first.chains), (0, 0, 0));
    let head = assert_sound(&first);
    assert_sound(&verify(store, Some(&head)).await);
}

/// With duplicates, adoptions, disputes, and late correlation ids.
async fn every_history_verifies(store: &TestStore) {
    let kind = prop_oneof![Just(Transactions::OfOneMessage), Just(Transactions::Disputed)];
    let history = kind.prop_flat_map(|transactions| a_history(3, transactions));
    store.for_all(&history, async |history| {
        for batch in &history.batches() {
            append(store, batch).await;
        }
        assert_sound(&store.verdict().await);
    });
}

async fn every_history_of_two_instances_verifies(store: &TestStore) {
    store.for_all(&a_history(3, Transactions::Disputed), async |history| {
        // New instances each time: a restart leaves a chain that has ended.
        let instances = [store.reopened().await, store.reopened().await];
        // Postgres may ask one of two instances that compete for a transaction to retry, which is not tested here.
        let batches = history.batches();
        append_at_once(&instances[..1], &batches[..batches.len() / 2]).await;
        for batch in &batches[batches.len() / 2..] {
            append(&instances[1], batch).await;
        }
        let name = fresh();
        enqueue(&instances[0], &submission(&name), 1_000).await;
        for claim in claimed(&instances[1], 1_000).await {
            settle(&instances[0], &claim, &Settlement::new(Dispatch::Unconfirmed, time(2_000))).await;
        }
        assert_sound(&store.verdict().await);
    });
}

async fn a_commit_adds_one_link(store: &TestStore) {
    store.hear([about("order-0")]).await;
    let before = links(store).await;
    store.hear((0..300).map(|n| about(&format!("order-{n}")).of(&format!("t-{n}")))).await;
    store.hear([about("order-1").of("t-1"), about_transaction("t-1")]).await;
    assert_eq!(links(store).await, before + 2);
    let sizes = store.texts("SELECT CAST(MAX(LENGTH(changes)) AS TEXT) FROM links").await;
    assert_eq!(sizes, [(301 * 37).to_string()], "the notifications, and the batch of the journal");
}

async fn adoption_by_an_answer_verifies(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    let early = about_transaction("t-1").to("447700900999").at(1_010);
    store.hear([early.clone(), early]).await;
    let mut accepted = Settlement::new(Dispatch::Accepted, time(1_020));
    accepted.event.transaction_id = Some(transaction("t-1"));
    settle(store, &claim, &accepted).await;
    assert_eq!(store.notifications("order-1").await[0].occurrences, 2);
    let verdict = store.verdict().await;
    assert_sound(&verdict);
    assert_eq!(verdict.rows, 6, "a notification, three steps, a request, and an entry of the audit log");
}

async fn a_head_covers_all_earlier_rows(store: &TestStore) {
    let mut heads = vec![assert_sound(&store.verdict().await)];
    for n in 0..4 {
        let other = store.reopened().await;
        append(&other, &[about(&format!("order-{n}")).recorded()]).await;
        store.hear([about(&format!("order-{n}")).says(Event::Read)]).await;
        heads.push(assert_sound(&verify(&other, heads.last().map(String::as_str)).await));
    }
    for head in &heads {
        assert_sound(&verify(store, Some(head)).await);
    }
}

async fn a_head_of_another_store_is_not_found(store: &TestStore) {
    store.hear([about("order-1")]).await;
    let other = "7".repeat(64);
    let finding = verify(store, Some(&other)).await.finding.unwrap();
    assert_eq!((finding.what.as_str(), finding.table.as_str(), finding.key), ("removed", "links", other));
}

async fn a_truncated_chain_is_detected_with_a_head(store: &TestStore) {
    store.hear([about("order-1")]).await;
    store.hear([about("order-2")]).await;
    let head = assert_sound(&store.verdict().await);
    // An attacker removes the last link with its rows and the seal, so that everything matches.
    store.execute("DELETE FROM links WHERE sequence > 2").await;
    contents::remove(store, "order-2").await;
    store.execute("DELETE FROM messages WHERE correlation_id = 'order-2'").await;
    store.execute("DELETE FROM status_events WHERE correlation_id = 'order-2'; DELETE FROM status_event_seals").await;
    store.forget_changes().await;
    store.execute("UPDATE counters SET count = 1 WHERE count <> 0").await;
    assert_sound(&store.reopened_verdict(None).await);
    let finding = store.reopened_verdict(Some(&head)).await.finding.unwrap();
    assert_eq!((finding.what.as_str(), finding.table.as_str()), ("removed", "links"));
}

async fn a_removed_chain_is_detected(store: &TestStore) {
    store.hear([about("order-1")]).await;
    let first = store.texts("SELECT LOWER(HEX(writer)) FROM links LIMIT 1");
    let first = match &store.database {
        crate::store::Database::Sqlite { .. } => first.await,
        crate::store::Database::Postgres { .. } => store.texts("SELECT ENCODE(writer, 'hex') FROM links LIMIT 1").await,
    };
    append(&store.reopened().await, &[about("order-2").recorded()]).await;
    store.execute(format!("DELETE FROM links WHERE writer = {}", store.bytes(&first[0]))).await;
    store.execute("DELETE FROM notifications WHERE correlation_id = 'order-1'").await;
    let finding = store.verdict().await.finding.unwrap();
    assert_eq!((finding.what.as_str(), finding.table.as_str()), ("removed", "links"));
    assert!(finding.key.starts_with(&first[0]), "{}", finding.key);
    assert_eq!(notifications_of(store, &id("order-1")).await.unwrap(), []);
}
