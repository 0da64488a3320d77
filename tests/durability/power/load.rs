//! The program at work under the shim, and its promises.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use harness::{Client, Database, Platform, Program, eventually, free_address, sms};
use receiptd::simulator::Settings;
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

use super::log;
use crate::{
    chance,
    ledger::{Ledger, on_record},
    notifications::post,
    sends::is_taken,
};

/// Longer than it takes to see an answer that did not wait for the sync.
const SYNC_MICROS: u32 = 3000;

/// The length of the log when each of these promises was made.
type Moments = Arc<Mutex<BTreeMap<String, u64>>>;

/// The operations of a program, and its promises.
pub(crate) struct Load {
    /// The log of its operations.
    pub(crate) log: PathBuf,
    pub(crate) promises: Promises,
    _folder: TempDir,
}

/// The promises, each of which must hold from some moment on.
pub(crate) struct Promises {
    /// An acknowledged body is stored.
    ledger: Ledger,
    /// An accepted message is stored.
    taken: Moments,
    /// A message that the platform has seen does not wait to be sent.
    seen: Moments,
}

impl Load {
    /// Lets the program work until this number of bodies was acknowledged. In between it is stopped and started again,
    /// so that it also closes its files.
    pub(crate) async fn under_the_shim(much: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let (data, log) = (path.join("data"), path.join("log"));
        fs::create_dir(&data).unwrap();
        let (platform, address) = (Arc::new(Platform::with(Settings::calm())), free_address());
        let mut settings = log::loaded(&path, &data, &log, SYNC_MICROS);
        settings.extend([
            ("RECEIPTD_DATABASE_URL", format!("sqlite://{}/receiptd.db", data.display())),
            ("RECEIPTD_PUBLIC_URL", format!("http://{address}/notify")),
            ("RECEIPTD_WEBEX__BASE_URL", platform.url.clone()),
            ("RECEIPTD_WEBEX__SERVICE_KEY", "the-service-key".to_owned()),
        ]);
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (program, client) = Program::serve(&path, address, &settings).await;
        let moment = {
            let log = log.clone();
            move || fs::metadata(&log).unwrap().len()
        };
        let promises =
            Promises { ledger: Ledger::by(moment.clone()), taken: Moments::default(), seen: Moments::default() };
        let mut work = JoinSet::new();
        for poster in 0..4 {
            work.spawn(post(poster, client.clone(), promises.ledger.clone(), chance()));
        }
        work.spawn(send(client, promises.taken.clone(), moment.clone()));
        work.spawn(watch(platform.clone(), promises.seen.clone(), moment));
        let until = async |much| {
            let enough = async || (promises.ledger.acknowledged() >= much).then_some(());
            eventually("the program to promise enough", enough).await;
        };
        until(much / 2).await;
        program.ends_on("TERM").await;
        let (program, _) = Program::serve(&path, address, &settings).await;
        until(much).await;
        assert!(work.try_join_next().is_none(), "a client stopped");
        work.shutdown().await;
        drop(program);
        Arc::into_inner(platform).unwrap().stop().await;
        Self { log, promises, _folder: folder }
    }
}

/// Sends one message after the other, for which the platform posts no notifications.
async fn send(client: Client, taken: Moments, moment: impl Fn() -> u64) {
    for n in 0.. {
        let id = format!("order-{n}");
        if is_taken(&client, &sms(&id, "Hello. [sim:silent]")).await {
            taken.lock().unwrap().insert(id, moment());
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Observes the requests at the platform as soon as they arrive.
async fn watch(platform: Arc<Platform>, seen: Moments, moment: impl Fn() -> u64) {
    loop {
        for id in platform.report().accepted_by_correlation_id.into_keys() {
            seen.lock().unwrap().entry(id).or_insert_with(&moment);
        }
        sleep(Duration::from_millis(1)).await;
    }
}

impl Promises {
    pub(crate) fn len(&self) -> usize {
        self.ledger.acknowledged() + self.taken.lock().unwrap().len() + self.seen.lock().unwrap().len()
    }

    /// The number of promises made until `moment` that do not hold.
    pub(crate) async fn broken(&self, moment: u64, database: &Database) -> usize {
        let messages = database.rows("SELECT correlation_id, dispatch FROM messages WHERE dispatch IS NOT NULL").await;
        let messages: BTreeMap<String, String> = messages.into_iter().collect();
        let broken = |promises: &Moments, is_kept: fn(&str) -> bool| {
            let promises = promises.lock().unwrap();
            let due = promises.iter().filter(|(_, made)| **made <= moment);
            due.filter(|(id, _)| !messages.get(*id).is_some_and(|dispatch| is_kept(dispatch))).count()
        };
        let lost = self.ledger.lost(on_record(database).await, moment).len();
        lost + broken(&self.taken, |_| true) + broken(&self.seen, |dispatch| dispatch != "queued")
    }
}
