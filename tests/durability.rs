//! What was acknowledged survives `kill -9`, and nothing is sent twice: the real program under load, killed at random
//! moments and started again on the same database and port.
//!
//! A longer run: `RECEIPTD_TEST_KILLS=50 cargo test --test durability`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "how much was tried belongs to the result")]

#[path = "api/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "tests/api uses all of it")]
mod harness;
#[path = "support/postgres.rs"]
mod postgres;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use receiptd::{
    domain::{CorrelationId, Message, Recorded, Standing},
    simulator::Settings,
    storage::{self, OpenOptions, Store},
};
use reqwest::Method;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::{task::JoinSet, time::sleep};

use harness::{
    Client, Database, Platform, Program, Sample,
    database::{on_postgres, on_sqlite},
    eventually, free_address, sms,
};

#[test]
fn acknowledged_notifications_survive_on_sqlite() {
    on_sqlite(acknowledged_notifications_survive);
}

#[test]
fn acknowledged_notifications_survive_on_postgres() {
    on_postgres(acknowledged_notifications_survive);
}

#[test]
fn messages_are_sent_once_on_sqlite() {
    on_sqlite(messages_are_sent_once);
}

#[test]
fn messages_are_sent_once_on_postgres() {
    on_postgres(messages_are_sent_once);
}

/// How often the program is killed.
fn kills() -> u32 {
    std::env::var("RECEIPTD_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// Another one each time: what a kill meets cannot be repeated anyway.
fn chance() -> StdRng {
    StdRng::seed_from_u64(uuid::Uuid::new_v4().as_u64_pair().0)
}

/// Starts the program, lets it work, and kills it, again and again; it runs at the end.
async fn kill_again_and_again(
    folder: &Path,
    address: SocketAddr,
    settings: &[(&str, &str)],
    progress: impl Fn() -> usize,
) -> Program {
    let mut chance = chance();
    let start = async || Program::serve(folder, address, settings).await.0;
    let mut program = start().await;
    for _ in 0..kills() {
        // In the middle of work, and not before any was done.
        let before = progress();
        eventually("work to be done", async || (progress() > before).then_some(())).await;
        sleep(Duration::from_millis(chance.random_range(0..400))).await;
        drop(program);
        program = start().await;
    }
    let before = progress();
    eventually("work to be done after the last start", async || (progress() > before + 20).then_some(())).await;
    program
}

/// What was answered with 200: how often each body, by its id.
type Ledger = Arc<Mutex<BTreeMap<String, u64>>>;

async fn acknowledged_notifications_survive(database: &Database) {
    let (folder, address, ledger) = (tempfile::tempdir().unwrap(), free_address(), Ledger::default());
    let mut posters = JoinSet::new();
    for poster in 0..8 {
        posters.spawn(post(poster, Client::of(format!("http://{address}")), ledger.clone(), chance()));
    }
    let acknowledged = || ledger.lock().unwrap().len();
    let settings = [("RECEIPTD_DATABASE_URL", database.url())];
    let program = kill_again_and_again(folder.path(), address, &settings, acknowledged).await;
    posters.shutdown().await;
    program.ends_on("TERM").await;
    let ledger = ledger.lock().unwrap().clone();
    eprintln!("{} bodies were acknowledged", ledger.len());
    let store = open(database).await;
    let mut messages = BTreeSet::new();
    for (body, times) in &ledger {
        let sample: Value = serde_json::from_str(body).unwrap();
        let id = sample["deliveryInfoNotification"]["correlationid"].as_str().unwrap().to_owned();
        let kept = notifications(&store, &id).await;
        let same: Vec<_> = kept.iter().filter(|one| one.body == body.as_bytes()).collect();
        assert_eq!(same.len(), 1, "of {body} there are {}", same.len());
        // One that was stored, and whose answer was cut off, counts too.
        assert!(same[0].times >= i64::try_from(*times).unwrap(), "{} < {times}: {body}", same[0].times);
        messages.insert(id);
    }
    for id in &messages {
        stands_as_it_was_told(&message(&store, id).await, &notifications(&store, id).await);
    }
    if database.is_sqlite() {
        assert_eq!(database.texts("PRAGMA integrity_check").await, ["ok"]);
    }
}

/// Posts three notifications for each message, in any order, and some of them more than once.
async fn post(poster: u32, client: Client, ledger: Ledger, mut chance: StdRng) {
    let events = [("Submitted", "7501", "01"), ("Delivered", "7500", "02"), ("Read", "7502", "03")];
    let mut told: Vec<String> = Vec::new();
    for n in 0.. {
        let id = format!("{poster}/{}", n / 3);
        let (status, code, second) = events[(n + n / 3) % 3];
        let sample = Sample::of(&id).on("WhatsApp").says(status, code).at(&format!("2026-05-20T13:15:{second}Z"));
        told.push(sample.body());
        let again = chance.random_range(0..told.len() * 4);
        for body in [told.last(), told.get(again)].into_iter().flatten() {
            if client.tries(body.clone()).await == Some(200) {
                *ledger.lock().unwrap().entry(body.clone()).or_default() += 1;
            } else {
                // Nobody there for a moment.
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

/// The status is that of the fold over the notifications.
fn stands_as_it_was_told(message: &Message, notifications: &[Recorded]) {
    let standing = notifications.iter().map(Recorded::standing).reduce(Standing::merge).unwrap();
    assert_eq!(message.status, standing.status);
    assert_eq!(message.is_final, standing.is_final());
    assert_eq!((&message.code, &message.transaction_id), (&standing.code, &standing.transaction_id));
    assert_eq!(message.notification_count, i64::try_from(notifications.len()).unwrap());
}

async fn messages_are_sent_once(database: &Database) {
    let calm = Settings {
        retry_pause: Duration::from_millis(300),
        answer_delay: Duration::from_millis(30),
        ..Settings::calm()
    };
    let platform = Platform::with(calm);
    let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
    let taken = Arc::<Mutex<BTreeSet<String>>>::default();
    let url = format!("http://{address}/notify");
    let settings = [
        ("RECEIPTD_DATABASE_URL", database.url()),
        ("RECEIPTD_PUBLIC_URL", &url),
        ("RECEIPTD_WEBEX__BASE_URL", &platform.url),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "the-service-key"),
        ("RECEIPTD_SEND__TIMEOUT_SECONDS", "1"),
        ("RECEIPTD_SEND__IN_FLIGHT", "8"),
    ];
    let number = Arc::<AtomicU64>::default();
    let mut senders = JoinSet::new();
    for _ in 0..3 {
        let (client, taken, number) = (Client::of(format!("http://{address}")), taken.clone(), number.clone());
        senders.spawn(async move {
            loop {
                let n = number.fetch_add(1, Ordering::Relaxed);
                // Of every other one the platform tells nothing, so that our own dispatch decides.
                let (id, word) =
                    (format!("order-{n}"), if n % 2 == 0 { "[sim:silent]" } else { "[sim:until=delivered]" });
                // Whoever got no answer asks again, and may get 200 then.
                while !is_taken(&client, &sms(&id, &format!("Hello. {word}"))).await {
                    sleep(Duration::from_millis(5)).await;
                }
                taken.lock().unwrap().insert(id);
            }
        });
    }
    let progress = || usize::try_from(platform.report().accepted).unwrap();
    let program = kill_again_and_again(folder.path(), address, &settings, progress).await;
    senders.shutdown().await;
    // All that was not being handed over at one of the kills is handed over in the end.
    let waiting = "SELECT correlation_id FROM messages WHERE dispatch = 'queued'";
    eventually("the queue to empty", async || database.texts(waiting).await.is_empty().then_some(())).await;
    program.ends_on("TERM").await;
    let taken = taken.lock().unwrap().clone();
    // The leases of what was cut off end half a minute later. We do not wait for that.
    execute(database, "UPDATE outbox SET lease_until = 1 WHERE lease_until IS NOT NULL").await;
    let cut_off: BTreeSet<_> =
        database.texts("SELECT correlation_id FROM messages WHERE dispatch = 'sending'").await.into_iter().collect();
    let (program, _) = Program::serve(folder.path(), address, &settings).await;
    let sending = "SELECT correlation_id FROM messages WHERE dispatch = 'sending'";
    eventually("the leases to end", async || database.texts(sending).await.is_empty().then_some(())).await;
    program.ends_on("TERM").await;
    let store = open(database).await;
    let accepted = platform.report().accepted_by_correlation_id;
    let mut unconfirmed = 0;
    for id in &taken {
        let message = message(&store, id).await;
        let dispatch = message.dispatch.unwrap().as_str();
        match dispatch {
            "accepted" => assert_eq!((accepted.get(id), cut_off.contains(id)), (Some(&1), false), "{id}"),
            // Whether the platform has it or not: that it was not sent twice is checked below.
            "unconfirmed" => unconfirmed += 1,
            other => panic!("{id} is {other}"),
        }
        let notifications = notifications(&store, id).await;
        if notifications.is_empty() {
            assert_eq!(message.status.as_str(), dispatch, "{id}");
        } else {
            stands_as_it_was_told(&message, &notifications);
        }
    }
    eprintln!("{} messages were taken over, {unconfirmed} of them were cut off", taken.len());
    // It fails if any message was accepted twice.
    platform.stop().await;
}

/// Whether a server that may not be there takes a message over.
async fn is_taken(client: &Client, message: &Value) -> bool {
    let request = client.request(Method::POST, "/v1/messages").body(message.to_string());
    request.send().await.is_ok_and(|answer| answer.status().is_success())
}

async fn open(database: &Database) -> Store {
    storage::open(database.url(), OpenOptions { connections: 2, timeout: Duration::from_secs(10), create: true })
        .await
        .unwrap()
}

async fn message(store: &Store, id: &str) -> Message {
    let id = CorrelationId::new(id).unwrap();
    store.messages.find(&id).await.unwrap().unwrap_or_else(|| panic!("{id} is lost"))
}

async fn notifications(store: &Store, id: &str) -> Vec<Recorded> {
    store.messages.notifications(&CorrelationId::new(id).unwrap()).await.unwrap()
}

async fn execute(database: &Database, statement: &'static str) {
    let statement = AssertSqlSafe(statement);
    if database.is_sqlite() {
        let mut connection = SqliteConnection::connect(database.url()).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
}
