//! Counts: they equal a recount after every history and at every moment, and no transaction waits for them.

use std::{collections::BTreeMap, time::Duration};

use proptest::{collection::vec, prelude::*};
use receiptd::{
    clock::Clock,
    domain::{Actor, AuditAction, Channel, Dimension, Dispatch, Event, Person, StatsRequest, StatsRow, Timestamp},
    maintenance::Eraser,
    storage::{RetentionKind, Settlement, Store},
};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    history::{History, Transactions, a_history},
    make::{LEASE, about, audited, enqueue, fresh, id, settle, submission, submission_with, time},
    order::append,
    store::TestStore,
};

both!(
    counts_equal_a_recount_after_every_history,
    several_instances_count_as_one,
    a_message_counts_under_its_current_status,
    only_messages_that_receiptd_sent_have_a_sender,
    days_hours_and_ranges,
    texts_of_any_length_are_counted,
);
only!(postgres in postgres_alone: counting_does_not_wait_for_other_transactions);

const HOUR: i64 = Timestamp::HOUR;

/// Channel, status, code, sender, beginning of the hour.
type Class = (Option<String>, Option<String>, Option<String>, Option<String>, Option<Timestamp>);

async fn counted(store: &Store, by: &[Dimension]) -> BTreeMap<Class, i64> {
    let rows = store.messages.stats(&StatsRequest { by: by.to_vec(), ..StatsRequest::default() }).await.unwrap();
    let kind = |stats: StatsRow| ((stats.channel, stats.status, stats.code, stats.sender, stats.begin), stats.count);
    let counts: Vec<_> = rows.into_iter().map(kind).collect();
    let kinds = counts.len();
    let counts: BTreeMap<_, _> = counts.into_iter().collect();
    assert_eq!(counts.len(), kinds, "each kind once");
    counts
}

/// The counts of the messages themselves.
async fn recounted(store: &TestStore) -> BTreeMap<Class, i64> {
    let rows = store.texts(
        "SELECT COALESCE(channel, '') || '|' || status || '|' || COALESCE(substr(code, 1, 64), '') || '|' || \
         COALESCE(substr(sender, 1, 64), '') || '|' || (created_at / 3600000000) || '|' || COUNT(*) FROM messages \
         GROUP BY COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''), COALESCE(substr(sender, 1, 64), ''), \
         created_at / 3600000000",
    );
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let read = |row: &String| {
        let [channel, status, code, sender, hour, count] = row.split('|').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let begin = time(hour.parse::<i64>().unwrap() * HOUR);
        ((known(channel), known(status), known(code), known(sender), Some(begin)), count.parse().unwrap())
    };
    rows.await.iter().map(read).collect()
}

/// By all properties, and by each choice of properties.
async fn assert_counted(store: &TestStore) {
    let recounted = recounted(store).await;
    let all = [Dimension::Channel, Dimension::Status, Dimension::Code, Dimension::From, Dimension::Hour];
    assert_eq!(counted(store, &all).await, recounted);
    for choice in 0..32_usize {
        let by: Vec<_> = all.iter().enumerate().filter(|(n, _)| choice >> n & 1 == 1).map(|(_, it)| *it).collect();
        let mut expected: BTreeMap<Class, i64> = BTreeMap::new();
        for ((channel, status, code, sender, begin), count) in &recounted {
            let kind = (
                channel.clone().filter(|_| by.contains(&Dimension::Channel)),
                status.clone().filter(|_| by.contains(&Dimension::Status)),
                code.clone().filter(|_| by.contains(&Dimension::Code)),
                sender.clone().filter(|_| by.contains(&Dimension::From)),
                begin.filter(|_| by.contains(&Dimension::Hour)),
            );
            *expected.entry(kind).or_default() += count;
        }
        assert_eq!(counted(store, &by).await, expected, "{by:?}");
    }
}

/// Actions on messages that receiptd sends, described by small numbers.
#[derive(Clone, Debug)]
enum Happening {
    Enqueue(u8),
    Claim,
    Settle(Dispatch),
    Abandon(bool),
    Cancel(u8),
    Rebuild(Event),
    Purge(RetentionKind, i64),
    Erase,
}

fn a_happening() -> impl Strategy<Value = Happening> {
    let ends = [Dispatch::Accepted, Dispatch::Rejected, Dispatch::Unconfirmed];
    let kinds =
        proptest::sample::select(vec![RetentionKind::Messages, RetentionKind::Notifications, RetentionKind::Bodies]);
    prop_oneof![
        3 => (0..4u8).prop_map(Happening::Enqueue),
        2 => Just(Happening::Claim),
        2 => proptest::sample::select(ends.to_vec()).prop_map(Happening::Settle),
        1 => any::<bool>().prop_map(Happening::Abandon),
        1 => (0..4u8).prop_map(Happening::Cancel),
        1 => proptest::sample::select(vec![Event::Submitted, Event::Read]).prop_map(Happening::Rebuild),
        1 => (kinds, 0..24i64).prop_map(|(kind, hour)| Happening::Purge(kind, hour)),
        1 => Just(Happening::Erase),
    ]
}

async fn happens(store: &TestStore, what: Happening, case: &str) {
    // The ids of the history's messages, so that some are sent and notified.
    let name = |n| format!("{case}-m{n}");
    let claims = || store.outbox.claim(&Channel::Sms, 9, time(20 * HOUR), time(20 * HOUR).plus(LEASE));
    match what {
        Happening::Enqueue(n) => _ = enqueue(store, &submission(&name(n)), i64::from(n) * HOUR).await,
        Happening::Claim => _ = claims().await.unwrap(),
        Happening::Settle(dispatch) => {
            for claim in claims().await.unwrap() {
                let mut end = Settlement::new(dispatch, time(21 * HOUR));
                end.event.code = Some("7203".to_owned());
                settle(store, &claim, &end).await;
            }
        }
        Happening::Abandon(resend) => _ = store.outbox.expire_leases(time(30 * HOUR), resend).await.unwrap(),
        Happening::Cancel(n) => {
            _ = store.outbox.cancel(&id(&name(n)), time(22 * HOUR), &Actor::server()).await.unwrap();
        }
        // As after an upgrade that reads all status texts as one.
        Happening::Rebuild(event) => {
            let ids: Vec<_> = (0..4).map(|n| id(&name(n))).collect();
            let notification = about(case).says(event).recorded().notification;
            let read = move |_: &[u8]| Some(notification.clone());
            store.repair.recompute(&ids, &read, time(23 * HOUR), &audited(AuditAction::Rebuilt)).await.unwrap();
        }
        Happening::Purge(kind, hour) => {
            let entry = audited(AuditAction::Purged);
            _ = store.retention.purge(kind, time(0), time(hour * HOUR), 100, &entry).await.unwrap();
        }
        // All submissions are to this number.
        Happening::Erase => {
            let eraser = Eraser::new(store, Clock::new(|| time(24 * HOUR)));
            let person = Person::new("447700900123").unwrap();
            _ = eraser.erase(&person, &Actor::server(), false).await.unwrap();
        }
    }
}

async fn counts_equal_a_recount_after_every_history(store: &TestStore) {
    let histories = (a_history(4, Transactions::Disputed), vec(a_happening(), 0..12));
    store.for_all(&histories, async |(history, happenings): (History, Vec<Happening>)| {
        let (case, batches) = history.named_batches();
        let mut happenings = happenings.into_iter();
        for batch in &batches {
            append(store, batch).await;
            for what in happenings.by_ref().take(2) {
                happens(store, what, &case).await;
            }
        }
        assert_counted(store).await;
        // Some bodies that arrived after a rebuild were not parsed as the rebuild had parsed them.
        let ids: Vec<_> = (0..4).map(|n| id(&format!("{case}-m{n}"))).collect();
        store.repair.recompute(&ids, &|_| None, time(25 * HOUR), &audited(AuditAction::Rebuilt)).await.unwrap();
        assert_counted(store).await;
    });
}

async fn several_instances_count_as_one(store: &TestStore) {
    let instances = [store.reopened().await, store.reopened().await, store.reopened().await];
    let mut appending = JoinSet::new();
    for (n, instance) in instances.into_iter().enumerate() {
        appending.spawn(async move {
            for round in 0..20_i64 {
                let heard = (0..8).map(|m| {
                    let events = [Event::Submitted, Event::Delivered, Event::Read];
                    let name = format!("m-{}-{m}", if m % 2 == 0 { n } else { 9 });
                    about(&name)
                        .says(events[(n + usize::try_from(round + m).unwrap()) % 3])
                        .at(round)
                        .received(m * HOUR)
                });
                let batch: Vec<_> = heard.map(crate::make::Heard::recorded).collect();
                append(&instance, &batch).await;
            }
        });
    }
    appending.join_all().await;
    assert_counted(store).await;
}

async fn a_message_counts_under_its_current_status(store: &TestStore) {
    let by = [Dimension::Channel, Dimension::Status];
    let sms = |status: &str| (Some("sms".to_owned()), Some(status.to_owned()), None, None, None);
    store.hear([about("a").says(Event::Submitted), about("b").says(Event::Submitted)]).await;
    assert_eq!(counted(store, &by).await, BTreeMap::from([(sms("submitted"), 2)]));
    store.hear([about("a").says(Event::Delivered), about("a").says(Event::Delivered)]).await;
    assert_eq!(counted(store, &by).await, BTreeMap::from([(sms("submitted"), 1), (sms("delivered"), 1)]));
    // Notifications that move to another message are counted there, and no longer at the placeholder.
    store.hear([crate::make::about_transaction("t-1").says(Event::Read)]).await;
    assert_eq!(counted(store, &[]).await, BTreeMap::from([((None, None, None, None, None), 3)]));
    store.hear([about("b").of("t-1").says(Event::Submitted)]).await;
    assert_eq!(counted(store, &by).await, BTreeMap::from([(sms("read"), 1), (sms("delivered"), 1)]));
    assert_counted(store).await;
}

async fn only_messages_that_receiptd_sent_have_a_sender(store: &TestStore) {
    let long = "x".repeat(70);
    for (n, from) in ["ACME", "Shop", "ACME", &long].into_iter().enumerate() {
        enqueue(store, &submission_with(&json!({"correlationId": format!("sent-{n}"), "from": from})), 1_000).await;
    }
    store.hear([about("sent-0").says(Event::Read), about("observed").says(Event::Read)]).await;
    let sender = |from: Option<&str>, n| ((None, None, None, from.map(str::to_owned), None), n);
    let expected = [sender(None, 1), sender(Some("ACME"), 2), sender(Some("Shop"), 1), sender(Some(&long[..64]), 1)];
    assert_eq!(counted(store, &[Dimension::From]).await, expected.into());
    assert_counted(store).await;
}

async fn days_hours_and_ranges(store: &TestStore) {
    let at = [0, 1, HOUR - 1, HOUR, 24 * HOUR - 1, 24 * HOUR, 49 * HOUR];
    store.hear(at.iter().map(|at| about(&format!("m-{at}")).received(*at))).await;
    let stats = async |by, since: Option<i64>, until: Option<i64>| {
        let request = StatsRequest { by: vec![by], since: since.map(time), until: until.map(time) };
        let rows = store.messages.stats(&request).await.unwrap();
        rows.iter().map(|it| (it.begin.unwrap().as_micros() / HOUR, it.count)).collect::<Vec<_>>()
    };
    assert_eq!(stats(Dimension::Hour, None, None).await, [(0, 3), (1, 1), (23, 1), (24, 1), (49, 1)]);
    assert_eq!(stats(Dimension::Day, None, None).await, [(0, 5), (24, 1), (48, 1)]);
    assert_eq!(stats(Dimension::Day, Some(HOUR), Some(49 * HOUR)).await, [(0, 2), (24, 1)]);
    assert_eq!(stats(Dimension::Hour, Some(24 * HOUR), None).await, [(24, 1), (49, 1)]);
    assert_eq!(stats(Dimension::Hour, Some(HOUR), Some(HOUR)).await, []);
}

/// 5,000 letters that cannot be compressed, so that no index of Postgres could contain them.
fn noise(seed: u32) -> String {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let states = std::iter::successors(Some(seed), next);
    states.take(5_000).map(|state| char::from(b'a' + u8::try_from((state >> 16) % 26).unwrap())).collect()
}

async fn texts_of_any_length_are_counted(store: &TestStore) {
    let long = |n: u32| Some(noise(n));
    let odd = [long(1), long(1), Some("\u{10FFFF}|'".to_owned()), None];
    for (n, code) in odd.into_iter().enumerate() {
        let pigeon = Channel::from_name(&long(2).unwrap());
        let heard = about(&format!("{}-{n}", fresh())).on(pigeon).with(|it| it.code.clone_from(&code));
        store.hear([heard.with(|it| it.callback_data = code)]).await;
    }
    let codes: Vec<_> =
        counted(store, &[Dimension::Code]).await.into_iter().map(|((_, _, code, _, _), n)| (code, n)).collect();
    let head = noise(1)[..64].to_owned();
    assert_eq!(codes, [(None, 1), (Some(head), 2), (Some("\u{10FFFF}|'".to_owned()), 1)]);
}

/// While one instance has counted and not committed, another one counts the same kind.
async fn counting_does_not_wait_for_other_transactions(store: &TestStore) {
    let mut slow = PgConnection::connect(store.database.url()).await.unwrap();
    let mut open = slow.begin().await.unwrap();
    let insert = "INSERT INTO messages (correlation_id, channel, status, precedence, status_at, is_final, created_at, \
                  updated_at) VALUES ('slow', 'sms', 'delivered', '', 0, 1, 1000, 1000)";
    sqlx::raw_sql(insert).execute(&mut *open).await.unwrap();
    let quick = timeout(Duration::from_secs(20), store.hear([about("quick")])).await;
    assert!(quick.is_ok(), "it waits for the other's commit");
    let both = |n| BTreeMap::from([((None, Some("delivered".to_owned()), None, None, None), n)]);
    assert_eq!(counted(store, &[Dimension::Status]).await, both(1));
    open.commit().await.unwrap();
    assert_eq!(counted(store, &[Dimension::Status]).await, both(2));
    assert_counted(store).await;
    // A verification would find that no link records this row.
    store.execute("DELETE FROM messages WHERE correlation_id = 'slow'").await;
}
