//! What an outside client was told, and whether it is so.

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

/// What became of one body.
#[derive(Clone, Default)]
struct Entry {
    /// How often it was posted.
    posted: i64,
    /// When that was answered with 200.
    acknowledged: Vec<u64>,
}

impl Entry {
    /// How often it was acknowledged until `moment`.
    fn acknowledged(&self, moment: u64) -> i64 {
        self.acknowledged.iter().map(|at| i64::from(*at <= moment)).sum()
    }
}

impl Ledger {
    /// One that writes down at which moment something was acknowledged.
    pub(crate) fn by(moment: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { entries: Arc::default(), moment: Arc::new(moment) }
    }

    /// Posts a body to a server that may not be there; whether it was acknowledged. Any other answer asks to try again.
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

    /// How many bodies were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.entries.lock().unwrap().values().filter(|entry| !entry.acknowledged.is_empty()).count()
    }

    /// The bodies that were acknowledged until `moment` and are not on record, or were counted less often than they were
    /// acknowledged.
    ///
    /// No body is on record twice, nor one that was never posted, nor was one counted more often than it was posted; an
    /// answer may have been cut off after the commit.
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

/// Every body that is on record, with how often it came.
pub(crate) async fn on_record(database: &Database) -> Vec<(Vec<u8>, i64)> {
    database
        .rows(
            "SELECT body, occurrences FROM notifications UNION ALL SELECT body, occurrences FROM inbound \
             UNION ALL SELECT body, occurrences FROM quarantine",
        )
        .await
}
