//! Sending while the database is lost and recovers: nothing is sent twice, and nothing is forgotten.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use harness::stoppable::Stoppable;
use harness::{
    Client, Database, Platform, Program,
    database::{block_on, on_postgres, on_sqlite},
    eventually, free_address, sms,
};
use receiptd::simulator::Settings;
use tokio::{task::JoinSet, time::sleep};

use crate::proxy::Proxy;

#[test]
fn sending_continues_after_a_lock() {
    on_sqlite(async |database| {
        let outage = async |senders: &Senders| {
            let lock = database.fails().await;
            senders.are_turned_away().await;
            lock.end().await;
        };
        let unconfirmed = sends_each_message_once(database, database.url(), 2, outage).await;
        assert_eq!(unconfirmed, 0, "a claim that cannot begin leaves nothing behind");
    });
}

#[test]
fn sending_continues_when_the_server_resumes() {
    block_on(async {
        let server = Stoppable::start().await;
        let outage = async |senders: &Senders| {
            let stopped = server.stops();
            senders.are_turned_away().await;
            drop(stopped);
        };
        sends_each_message_once(&server.database(), server.database().url(), 1, outage).await;
    });
}

#[test]
fn sending_continues_when_connections_are_cut() {
    on_postgres(async |database| {
        let proxy = Proxy::before(database.url()).await;
        let outage = async |_: &Senders| proxy.cuts_all();
        sends_each_message_once(database, &proxy.url, 5, outage).await;
    });
}

/// Sends all the time, during some outages. Returns the number of unconfirmed messages: their claim was interrupted,
/// which cannot be distinguished from an interrupted request.
async fn sends_each_message_once(
    database: &Database,
    url: &str,
    outages: usize,
    outage: impl AsyncFn(&Senders),
) -> usize {
    let platform = Platform::with(Settings { answer_delay: Duration::from_millis(20), ..Settings::calm() });
    let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
    let public = format!("http://{address}/notify");
    let settings = [
        ("RECEIPTD_DATABASE_URL", url),
        ("RECEIPTD_DATABASE__TIMEOUT_SECONDS", "1"),
        ("RECEIPTD_PUBLIC_URL", &public),
        ("RECEIPTD_WEBEX__BASE_URL", &platform.url),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "the-service-key"),
        ("RECEIPTD_SEND__IN_FLIGHT", "8"),
    ];
    let (program, client) = Program::serve(folder.path(), address, &settings).await;
    let mut senders = Senders::start(&client);
    for _ in 0..outages {
        let before = platform.report().accepted;
        let sent = async || (platform.report().accepted > before + 20).then_some(());
        eventually("messages to be sent", sent).await;
        outage(&senders).await;
    }
    let before = platform.report().accepted;
    let sent = async || (platform.report().accepted > before + 20).then_some(());
    eventually("messages to be sent after the last outage", sent).await;
    senders.tasks.shutdown().await;
    let queued = "SELECT correlation_id FROM messages WHERE dispatch = 'queued'";
    eventually("all to be sent", async || database.texts(queued).await.is_empty().then_some(())).await;
    program.ends_on("TERM").await;
    // Interrupted messages are leased for another half a minute. The test does not wait for that.
    database.execute("UPDATE outbox SET lease_until = 1 WHERE lease_until IS NOT NULL").await;
    let (program, _) = Program::serve(folder.path(), address, &settings).await;
    let sending = "SELECT correlation_id FROM messages WHERE dispatch = 'sending'";
    eventually("the leases to end", async || database.texts(sending).await.is_empty().then_some(())).await;
    program.ends_on("TERM").await;
    let stand = "SELECT dispatch || ' ' || correlation_id FROM messages";
    let stand: BTreeSet<_> = database.texts(stand).await.into_iter().collect();
    let (accepted, mut unconfirmed) = (platform.report().accepted_by_correlation_id, 0);
    for id in senders.taken.lock().unwrap().iter() {
        if stand.contains(&format!("accepted {id}")) {
            assert_eq!(accepted.get(id), Some(&1), "{id}");
        } else {
            assert!(stand.contains(&format!("unconfirmed {id}")), "{id} is forgotten");
            unconfirmed += 1;
        }
    }
    eprintln!("{} messages were accepted, {unconfirmed} of them are unconfirmed", stand.len());
    // Fails if any message was accepted twice.
    platform.stop().await;
    unconfirmed
}

/// Clients that send messages, and repeat them until they are accepted.
struct Senders {
    tasks: JoinSet<()>,
    taken: Arc<Mutex<BTreeSet<String>>>,
    turned_away: Arc<AtomicUsize>,
}

impl Senders {
    fn start(client: &Client) -> Self {
        let (mut tasks, taken, turned_away) = (JoinSet::new(), Arc::<Mutex<_>>::default(), Arc::default());
        for sender in 0..3 {
            tasks.spawn(send(sender, client.clone(), taken.clone(), Arc::clone(&turned_away)));
        }
        Self { tasks, taken, turned_away }
    }

    async fn are_turned_away(&self) {
        let before = self.turned_away.load(Ordering::Relaxed);
        let more = async || (self.turned_away.load(Ordering::Relaxed) > before).then_some(());
        eventually("messages to be rejected", more).await;
    }
}

async fn send(sender: u32, client: Client, taken: Arc<Mutex<BTreeSet<String>>>, turned_away: Arc<AtomicUsize>) {
    for n in 0.. {
        let id = format!("order-{sender}-{n}");
        loop {
            let answer = client.sends(&sms(&id, "Hello. [sim:silent]")).await;
            // A client that did not see the commit sends again, and learns that it is the same message.
            if [200, 202].contains(&answer.status) {
                break;
            }
            answer.asks_to_try_again();
            turned_away.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(10)).await;
        }
        taken.lock().unwrap().insert(id);
    }
}
