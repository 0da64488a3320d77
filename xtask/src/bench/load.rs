//! One phase of load: a closed loop on a number of connections, for a time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use hdrhistogram::Histogram;
use tokio::task::LocalSet;

use super::body::Pool;
use super::client::{Connection, Target};

/// Not counted: connections are opened, caches and code paths warm up.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);
/// How long answers may be outstanding after the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to do.
pub(crate) struct Phase {
    pub target: Target,
    pub pool: Arc<Pool>,
    /// Begin anew at the end of the pool, where nothing is stored and so nothing can be a duplicate.
    pub repeat: bool,
    pub connections: usize,
    pub measured: Duration,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Microseconds of the answers `200` in the measured time.
    pub latencies: Histogram<u64>,
    /// All answers `200`, those of the warm-up too.
    pub accepted: u64,
    /// Other answers and broken connections, by what was seen.
    pub failures: BTreeMap<String, u64>,
    /// The measured time, shorter than asked for where the pool ran out.
    pub elapsed: Duration,
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "counts of seconds of load are far below 2^52")]
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Half of the cores: the other half is the server's, on a machine that they share.
pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

/// The clock and the position in the pool, which all connections share.
struct Run {
    phase: Phase,
    next: AtomicUsize,
    begin: Instant,
    end: Instant,
}

impl Run {
    fn take(&self) -> Option<(&[u8], &[u8])> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let index = if self.phase.repeat { index % self.phase.pool.len() } else { index };
        self.phase.pool.get(index)
    }
}

/// What the connections of one thread have seen.
struct Tally {
    latencies: Histogram<u64>,
    accepted: u64,
    failures: BTreeMap<String, u64>,
    last: Instant,
}

impl Tally {
    fn new(run: &Run) -> Result<Self> {
        let latencies = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        Ok(Self { latencies, accepted: 0, failures: BTreeMap::new(), last: run.begin })
    }

    fn accept(&mut self, run: &Run, sent: Instant, done: Instant) {
        self.accepted += 1;
        if done > run.begin && done <= run.end {
            self.last = done;
            let micros = u64::try_from((done - sent).as_micros()).unwrap_or(u64::MAX);
            self.latencies.saturating_record(micros);
        }
    }

    fn fail(&mut self, seen: String) {
        *self.failures.entry(seen).or_default() += 1;
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.latencies.add(other.latencies)?;
        self.accepted += other.accepted;
        self.last = self.last.max(other.last);
        for (seen, count) in other.failures {
            *self.failures.entry(seen).or_default() += count;
        }
        Ok(())
    }
}

pub(crate) fn run(phase: Phase) -> Result<Outcome> {
    let begin = Instant::now() + WARM_UP;
    let run = Arc::new(Run { begin, end: begin + phase.measured, next: AtomicUsize::new(0), phase });
    let threads = threads().min(run.phase.connections.max(1));
    let share = |thread: usize| (run.phase.connections + threads - 1 - thread) / threads;
    let spawn = |thread: usize| {
        let (run, connections) = (Arc::clone(&run), share(thread));
        thread::spawn(move || drive_all(&run, connections))
    };
    let workers: Vec<_> = (0..threads).map(spawn).collect();
    let mut total = Tally::new(&run)?;
    for worker in workers {
        total.merge(worker.join().map_err(|_| anyhow!("a thread of the load generator died"))??)?;
    }
    let elapsed = if run.next.load(Ordering::Relaxed) > run.phase.pool.len() && !run.phase.repeat {
        total.last - run.begin
    } else {
        run.phase.measured
    };
    ensure!(!total.latencies.is_empty(), "nothing was accepted in the measured time: {:?}", total.failures);
    Ok(Outcome { latencies: total.latencies, accepted: total.accepted, failures: total.failures, elapsed })
}

/// The connections of one thread, each a task of its own on it.
fn drive_all(run: &Arc<Run>, connections: usize) -> Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = Rc::new(RefCell::new(Tally::new(run)?));
    let tasks = LocalSet::new();
    let handles: Vec<_> =
        (0..connections).map(|_| tasks.spawn_local(drive(Arc::clone(run), Rc::clone(&tally)))).collect();
    let all = async {
        for handle in handles {
            handle.await??;
        }
        anyhow::Ok(())
    };
    let limit = WARM_UP + run.phase.measured + PATIENCE;
    let limited = async { tokio::time::timeout(limit, tasks.run_until(all)).await };
    runtime.block_on(limited).context("answers are missing half a minute after the end")??;
    drop(tasks);
    Ok(Rc::into_inner(tally).context("a connection is still in use")?.into_inner())
}

/// One request after the other on one connection.
async fn drive(run: Arc<Run>, tally: Rc<RefCell<Tally>>) -> Result<()> {
    let mut connection = Connection::open(&run.phase.target).await.context("could not connect")?;
    let mut now = Instant::now();
    while now < run.end
        && let Some((signature, body)) = run.take()
    {
        let sent = now;
        let answer = connection.post(signature, body).await;
        now = Instant::now();
        match answer {
            Ok(200) => tally.borrow_mut().accept(&run, sent, now),
            Ok(status) => tally.borrow_mut().fail(status.to_string()),
            Err(error) => {
                tally.borrow_mut().fail(error.to_string());
                connection = Connection::open(&run.phase.target).await.context("could not connect again")?;
            }
        }
    }
    Ok(())
}
