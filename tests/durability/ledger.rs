//! Records what an outside client was promised, and checks it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use harness::{Client, Database};

/// Every body that was posted.
#[derive(Clone)]
pub(crate) struct Ledger {
    entries: Arc<Mutex<BTreeMap<Vec<u8>, Entry>>>,
    moment: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// The results of one body.
#[derive(Clone, Default)]
struct Entry {
    /// How often it was posted.
    posted: i64,
    /// The moments at which a post was answered with 200.
    acknowledged: Vec<u64>,
}

impl Entry {
    /// The number of acknowledgements until `moment`.
    fn acknowledged(&self, moment: u64) -> i64 {
        self.acknowledged.iter().map(|at| i64::from(*at <= moment)).sum()
    }
}

impl Ledger {
    /// A ledger that records the moment of each acknowledgement.
    pub(crate) fn by(moment: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { entries: Arc::default(), moment: Arc::new(moment) }
    }

    /// Posts a body to a server that may be down. Returns whether it was acknowledged. Every other answer asks for a
    /// retry.
    pub(crate) async fn posts(&self, client: &Client, body: &[u8]) -> bool {
        self.entries.lock().unwrap().entry(body.to_vec()).or_default().posted += 1;
        match client.tries(body.to_vec()).await {
            Some(200) => {
                let moment = (self.moment)();
                self.entries.lock().unwrap().entry(body.to_vec()).or_default().acknowledged.push(moment);
                true
            }
            None | Some(503) => false,
            Some(other) => panic!("{other} for {}", String::from_utf8_lossy(body)),
        }
    }

    /// The number of acknowledged bodies.
    pub(crate) fn acknowledged(&self) -> usize {
        self.entries.lock().unwrap().values().filter(|entry| !entry.acknowledged.is_empty()).count()
    }

    /// The bodies that were acknowledged until `moment` and are not stored, or whose count is less than their number of
    /// acknowledgements.
    ///
    /// Fails if a body is stored twice, if it was never posted, or if it was counted more often than it was posted. A
    /// body may be counted more often than it was acknowledged, since an answer may be lost after the commit.
    pub(crate) fn lost(&self, rows: Vec<(Vec<u8>, i64)>, moment: u64) -> Vec<String> {
        let entries = self.entries.lock().unwrap().clone();
        let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
        let mut stored = BTreeMap::new();
        for (body, times) in rows {
            let posted = entries.get(&body).map_or(0, |entry| entry.posted);
            assert!((1..=posted).contains(&times), "{times} of {posted}: {}", text(&body));
            assert!(!stored.contains_key(&body), "stored twice: {}", text(&body));
            stored.insert(body, times);
        }
        let times = |body: &[u8]| stored.get(body).copied().unwrap_or_default();
        let lost = entries.iter().filter(|(body, entry)| times(body) < entry.acknowledged(moment));
        lost.map(|(body, _)| text(body)).collect()
    }
}

/// Every stored body, with its number of occurrences.
pub(crate) async fn on_record(database: &Database) -> Vec<(Vec<u8>, i64)> {
    let mut bodies = harness::project_all(database.url()).await;
    let others = "SELECT body, occurrences FROM inbound UNION ALL SELECT body, occurrences FROM quarantine";
    bodies.extend(database.rows(others).await);
    bodies
}
