//! Posts each request of a pool until it is acknowledged, whatever happens to the server meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::LocalSet;

use super::body::Pool;
use super::client::{Connection, Target};

/// The pause after an answer other than 200, and before another attempt to connect.
const PAUSE: Duration = Duration::from_millis(10);
/// No server is away or full for longer, unless something hangs.
const PATIENCE: Duration = Duration::from_mins(5);

/// What is posted, and what is known of it so far.
pub(crate) struct Fill {
    target: Target,
    pool: Arc<Pool>,
    /// How many of the pool: the first ones.
    count: usize,
    next: AtomicUsize,
    acknowledged: AtomicU64,
    repeated: AtomicU64,
}

/// What came of it.
pub(crate) struct Filled {
    pub took: Duration,
    /// Answers other than 200 and broken connections, by what was seen. Their requests were posted again.
    pub repeated: BTreeMap<String, u64>,
}

impl Fill {
    pub(crate) fn new(target: Target, pool: Arc<Pool>, count: usize) -> Self {
        let (next, acknowledged, repeated) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { target, pool, count, next, acknowledged, repeated }
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// How many requests had to be posted again so far.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Returns when everything is acknowledged. It keeps its thread busy, so give it one of its own.
    pub(crate) fn run(self: Arc<Self>, connections: usize) -> Result<Filled> {
        let begin = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let tasks = LocalSet::new();
        let handles: Vec<_> = (0..connections).map(|_| tasks.spawn_local(post(Arc::clone(&self)))).collect();
        let mut repeated = BTreeMap::new();
        runtime.block_on(tasks.run_until(async {
            for handle in handles {
                for (seen, count) in handle.await?? {
                    *repeated.entry(seen).or_default() += count;
                }
            }
            anyhow::Ok(())
        }))?;
        let took = begin.elapsed();
        let count = u64::try_from(self.count)?;
        ensure!(self.acknowledged() == count, "{} of {count} requests were acknowledged", self.acknowledged());
        Ok(Filled { took, repeated })
    }
}

/// One request after the other on one connection.
async fn post(fill: Arc<Fill>) -> Result<BTreeMap<String, u64>> {
    let mut repeated = BTreeMap::new();
    let mut open = None;
    loop {
        let index = fill.next.fetch_add(1, Ordering::Relaxed);
        if index >= fill.count {
            return Ok(repeated);
        }
        let (signature, body) = fill.pool.get(index).context("the pool is too small")?;
        let begin = Instant::now();
        while let Err(seen) = attempt(&fill.target, &mut open, signature, body).await {
            ensure!(begin.elapsed() < PATIENCE, "a request was not acknowledged within {PATIENCE:?}: {seen}");
            *repeated.entry(seen).or_default() += 1;
            fill.repeated.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
        fill.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

/// Posts once. The error says what was seen instead of a `200`.
async fn attempt(target: &Target, open: &mut Option<Connection>, signature: &[u8], body: &[u8]) -> Result<(), String> {
    let mut connection = match open.take() {
        Some(connection) => connection,
        None => Connection::open(target).await.map_err(|error| error.to_string())?,
    };
    let status = connection.post(signature, body).await.map_err(|error| error.to_string())?;
    *open = Some(connection);
    if status == 200 { Ok(()) } else { Err(status.to_string()) }
}
