//! Messages are sent once: compares the requests at the platform with the statuses in receiptd.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use harness::stoppable::Stoppable;
use harness::{
    Client, Database, Platform, Program,
    database::{block_on, on_postgres, on_sqlite},
    eventually, free_address, sms, whatsapp,
};
use receiptd::simulator::Settings;
use reqwest::Method;
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use crate::{aftermath::all_is_sound, kills::Victims};

/// Maximum number of concurrent requests at the platform.
const IN_FLIGHT: usize = 8;

#[test]
fn each_is_sent_once_on_sqlite() {
    on_sqlite(async |database| each_is_sent_once(database, None).await);
}

#[test]
fn each_is_sent_once_on_postgres() {
    on_postgres(async |database| each_is_sent_once(database, None).await);
}

#[test]
fn each_is_sent_once_through_kills_of_postgres() {
    block_on(async {
        let server = Stoppable::start().await;
        each_is_sent_once(&server.database(), Some(&server)).await;
    });
}

const QUEUED: &str = "SELECT correlation_id FROM messages WHERE dispatch = 'queued'";
const SENDING: &str = "SELECT correlation_id FROM messages WHERE dispatch = 'sending'";

/// The messages whose acceptance was confirmed to a client.
type Taken = Arc<Mutex<BTreeSet<String>>>;

async fn each_is_sent_once(database: &Database, server: Option<&Stoppable>) {
    let calm = Settings {
        retry_pause: Duration::from_millis(300),
        answer_delay: Duration::from_millis(30),
        ..Settings::calm()
    };
    let platform = Platform::with(calm);
    let (folder, address, taken) = (tempfile::tempdir().unwrap(), free_address(), Taken::default());
    let (url, in_flight) = (format!("http://{address}/notify"), IN_FLIGHT.to_string());
    let settings = [
        ("RECEIPTD_DATABASE_URL", database.url()),
        ("RECEIPTD_PUBLIC_URL", &url),
        ("RECEIPTD_WEBEX__BASE_URL", &platform.url),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "the-service-key"),
        ("RECEIPTD_SEND__TIMEOUT_SECONDS", "1"),
        ("RECEIPTD_SEND__IN_FLIGHT", &in_flight),
    ];
    let (mut senders, number) = (JoinSet::new(), Arc::<AtomicU64>::default());
    for _ in 0..3 {
        senders.spawn(ask(Client::of(format!("http://{address}")), number.clone(), taken.clone()));
    }
    let victims = Victims { folder: folder.path(), address, settings: &settings, server };
    let progress = || usize::try_from(platform.report().accepted).unwrap();
    let (program, kills) = victims.killed_again_and_again(progress).await;
    senders.shutdown().await;
    // All messages that were not in dispatch at one of the kills are sent in the end.
    nothing_is(database, QUEUED).await;
    program.ends_on("TERM").await;
    // The leases of interrupted dispatches expire half a minute later. The test does not wait for that.
    database.execute("UPDATE outbox SET lease_until = 1 WHERE lease_until IS NOT NULL").await;
    let cut_off: BTreeSet<_> = database.texts(SENDING).await.into_iter().collect();
    let (program, _) = Program::serve(folder.path(), address, &settings).await;
    nothing_is(database, SENDING).await;
    program.ends_on("TERM").await;
    let said = database.rows("SELECT correlation_id, dispatch FROM messages").await.into_iter().collect();
    let unconfirmed = agree(&said, &taken.lock().unwrap(), &platform.report().accepted_by_correlation_id, &cut_off);
    eprintln!("{} messages were sent, {unconfirmed} of them interrupted, through {kills} kills", said.len());
    // No more than the requests at the platform at one of the kills, and the messages claimed to leave next.
    assert!(unconfirmed <= 2 * IN_FLIGHT * (kills + 1));
    all_is_sound(database, &victims).await;
    // Fails if any message was accepted twice.
    platform.stop().await;
}

/// Sends one message after the other, on two APIs of the platform.
async fn ask(client: Client, number: Arc<AtomicU64>, taken: Taken) {
    loop {
        let n = number.fetch_add(1, Ordering::Relaxed);
        let id = format!("order-{n}");
        // For every other message the platform posts no notification, so that our own dispatch decides.
        let text = if n.is_multiple_of(2) { "Hello. [sim:silent]" } else { "Hello. [sim:until=delivered]" };
        let message = if n.is_multiple_of(3) { whatsapp(&id, text) } else { sms(&id, text) };
        // A client without an answer sends again, and may get 200 then.
        while !is_taken(&client, &message).await {
            sleep(Duration::from_millis(5)).await;
        }
        taken.lock().unwrap().insert(id);
    }
}

/// Whether a server that may be down accepts a message.
pub(crate) async fn is_taken(client: &Client, message: &Value) -> bool {
    let request = client.request(Method::POST, "/v1/messages").header("content-type", "application/json");
    let request = request.body(message.to_string());
    request.send().await.is_ok_and(|answer| answer.status().is_success())
}

/// Waits as long as the number of these messages decreases: after many kills there is a long queue.
async fn nothing_is(database: &Database, like: &'static str) {
    let mut left = usize::MAX;
    while left > 0 {
        left = eventually(like, async || Some(database.texts(like).await.len()).filter(|now| *now < left)).await;
    }
}

/// Compares the status of each message with the requests at the platform. Returns the number of unconfirmed messages.
fn agree(
    said: &BTreeMap<String, String>,
    taken: &BTreeSet<String>,
    accepted: &BTreeMap<String, u64>,
    cut_off: &BTreeSet<String>,
) -> usize {
    let mut unconfirmed = 0;
    for (id, dispatch) in said {
        match dispatch.as_str() {
            "accepted" => assert_eq!((accepted.get(id), cut_off.contains(id)), (Some(&1), false), "{id}"),
            // The platform may or may not have it, but not twice.
            "unconfirmed" => unconfirmed += usize::from(accepted.get(id).is_none_or(|times| *times == 1)),
            other => panic!("{id} is {other}"),
        }
    }
    let forgotten: Vec<_> = taken.iter().chain(accepted.keys()).filter(|id| !said.contains_key(*id)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
    unconfirmed
}
