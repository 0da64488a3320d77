//! Notifications that are posted without a pause, and a record of the answers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use harness::{Answer, Client, Database, Program, Sample, program::receiptd};
use tokio::{task::JoinSet, time::sleep};

/// The platform gives up after 10 s.
const ANSWERED_WITHIN: Duration = Duration::from_secs(9);

/// The pause of a client that was asked to retry. The platform waits longer, but sends more.
const PAUSE: Duration = Duration::from_millis(50);

/// The results of one body.
#[derive(Clone, Copy, Default)]
struct Entry {
    posted: i64,
    acknowledged: i64,
}

#[derive(Default)]
struct Ledger {
    bodies: BTreeMap<String, Entry>,
    turned_away: usize,
    slowest: Duration,
}

/// Clients that post. A body that was not accepted is posted again.
pub(crate) struct Load {
    ledger: Arc<Mutex<Ledger>>,
    posters: JoinSet<()>,
}

impl Load {
    /// Starts this number of clients, with this number of filler bytes in each body.
    pub(crate) fn on(client: &Client, posters: usize, padding: usize) -> Self {
        let ledger = Arc::<Mutex<Ledger>>::default();
        let padding = "x".repeat(padding);
        let tasks = (0..posters).map(|poster| post(poster, client.clone(), ledger.clone(), padding.clone()));
        Self { posters: tasks.collect(), ledger }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.of(|ledger| ledger.bodies.values().filter(|entry| entry.acknowledged > 0).count())
    }

    pub(crate) fn turned_away(&self) -> usize {
        self.of(|ledger| ledger.turned_away)
    }

    fn of<T>(&self, look: impl Fn(&Ledger) -> T) -> T {
        look(&self.ledger.lock().unwrap())
    }

    /// Stops posting and the program. Then everything that was acknowledged must be stored once, and counted as often
    /// as it was acknowledged, or more often if the outcome of a post is not known.
    pub(crate) async fn ends(mut self, program: Program, database: &Database) {
        self.breaks_off().await;
        program.ends_on("TERM").await;
        self.adds_up(database).await;
    }

    /// Stops posting.
    pub(crate) async fn breaks_off(&mut self) {
        // A client that failed has ended already.
        while let Some(ended) = self.posters.try_join_next() {
            ended.unwrap();
        }
        self.posters.shutdown().await;
    }

    /// Compares the acknowledged bodies with the stored ones, which must be undamaged.
    pub(crate) async fn adds_up(self, database: &Database) {
        let Ledger { bodies, turned_away, slowest } = std::mem::take(&mut *self.ledger.lock().unwrap());
        let acknowledged = bodies.values().filter(|entry| entry.acknowledged > 0).count();
        eprintln!("{acknowledged} acknowledged, {turned_away} rejected, the slowest answer after {slowest:?}");
        assert!(slowest < ANSWERED_WITHIN, "{slowest:?}");
        let mut stored = BTreeMap::new();
        for (body, times) in harness::project_all(database.url()).await {
            let body = String::from_utf8(body).unwrap();
            let posted = bodies.get(&body).map_or(0, |entry| entry.posted);
            assert!((1..=posted).contains(&times), "{times} of {posted}: {body}");
            assert_eq!(stored.insert(body.clone(), times), None, "stored twice: {body}");
        }
        for (body, entry) in bodies {
            let times = stored.get(&body).copied().unwrap_or_default();
            assert!(times >= entry.acknowledged, "{times} of {}: {body}", entry.acknowledged);
        }
        if database.is_sqlite() {
            assert_eq!(database.texts("PRAGMA integrity_check").await, ["ok"]);
        }
        let folder = tempfile::tempdir().unwrap();
        let mut verify = receiptd(folder.path(), &["audit", "verify"]);
        let verified = Program::start(verify.env("RECEIPTD_DATABASE_URL", database.url())).ends().await;
        assert_eq!(verified.code, Some(0), "the chain: {verified:?}");
    }
}

async fn post(poster: usize, client: Client, ledger: Arc<Mutex<Ledger>>, padding: String) {
    let events = [("Submitted", "7501"), ("Delivered", "7500")];
    for n in 0.. {
        let (status, code) = events[n % 2];
        let sample = Sample::of(&format!("{poster}/{}", n / 2)).says(status, code).with("additionalInfo", &*padding);
        let body = sample.body();
        loop {
            ledger.lock().unwrap().bodies.entry(body.clone()).or_default().posted += 1;
            let began = Instant::now();
            let answer = client.posts(body.clone()).await;
            if ledger.lock().unwrap().notes(&body, &answer, began.elapsed()) {
                break;
            }
            sleep(PAUSE).await;
        }
    }
}

impl Ledger {
    /// Records the answer. Returns whether the body was acknowledged.
    fn notes(&mut self, body: &str, answer: &Answer, after: Duration) -> bool {
        self.slowest = self.slowest.max(after);
        if answer.status == 200 {
            self.bodies.entry(body.to_owned()).or_default().acknowledged += 1;
            return true;
        }
        answer.asks_to_try_again();
        self.turned_away += 1;
        false
    }
}
