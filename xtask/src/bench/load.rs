//! One phase of load on a number of connections, for a time: a closed loop, or an open one at a given rate.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use hdrhistogram::Histogram;
use tokio::task::LocalSet;

use super::body::{Pool, member};
use super::client::{Connection, Target};
use super::pace::{Pace, Rate};

/// Not counted: caches and code paths warm up.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);
/// How long answers may be outstanding after the end.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before another attempt to connect.
const RECONNECT: Duration = Duration::from_millis(10);

/// What to do.
pub(crate) struct Phase {
    pub target: Target,
    pub pool: Arc<Pool>,
    /// Begin anew at the end of the pool, where nothing is stored and so nothing can be a duplicate.
    pub repeat: bool,
    pub connections: usize,
    pub measured: Duration,
    /// The rate of an open loop. In a closed loop, each connection sends its next request when its last is answered.
    pub rate: Option<Rate>,
    /// Which answer ends a latency.
    pub until: Until,
}

/// What a latency measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// From the request (in an open loop, from the time at which it was due) to its answer.
    Acknowledged,
    /// From the answer to the end of a look-up that shows the message.
    Visible,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Microseconds of the answers `200` in the measured time.
    pub latencies: Histogram<u64>,
    /// Microseconds from a request to its answer `503`, in the measured time.
    pub refused: Histogram<u64>,
    /// How many requests of an open loop could not be sent in time.
    pub skipped: u64,
    /// All answers `200`, those of the warm-up too.
    pub accepted: u64,
    /// Other answers and broken connections, by what was seen.
    pub failures: BTreeMap<String, u64>,
    /// The measured time: shorter than asked for where the pool ran out, longer where answers of an open loop came later.
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
    pace: Option<Pace>,
    next: AtomicUsize,
    begin: Instant,
    end: Instant,
}

/// A request, and when it was due.
struct Request<'a> {
    due: Instant,
    signature: &'a [u8],
    body: &'a [u8],
}

impl Run {
    async fn take(&self) -> Option<Request<'_>> {
        let (index, due) = match &self.pace {
            Some(pace) => pace.next().await?,
            None => (self.next.fetch_add(1, Ordering::Relaxed), Instant::now()),
        };
        if self.pace.is_none() && due >= self.end {
            return None;
        }
        let index = if self.phase.repeat { index % self.phase.pool.len() } else { index };
        let (signature, body) = self.phase.pool.get(index)?;
        Some(Request { due, signature, body })
    }

    /// Of a closed loop, what ends in the measured time counts; of an open loop, what is due in it.
    fn counts(&self, due: Instant, done: Instant) -> bool {
        if self.pace.is_some() { due >= self.begin } else { done > self.begin && done <= self.end }
    }

    fn elapsed(&self, last: Instant) -> Duration {
        let until_last = last - self.begin;
        if self.pace.is_some() {
            return until_last.max(self.phase.measured);
        }
        let ran_out = self.next.load(Ordering::Relaxed) > self.phase.pool.len() && !self.phase.repeat;
        if ran_out { until_last } else { self.phase.measured }
    }
}

/// What the connections of one thread have seen.
struct Tally {
    latencies: Histogram<u64>,
    refused: Histogram<u64>,
    accepted: u64,
    failures: BTreeMap<String, u64>,
    last: Instant,
}

impl Tally {
    fn new(run: &Run) -> Result<Self> {
        let latencies = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        let refused = latencies.clone();
        Ok(Self { latencies, refused, accepted: 0, failures: BTreeMap::new(), last: run.begin })
    }

    fn accept(&mut self, run: &Run, request: &Request<'_>, from: Instant, done: Instant) {
        self.accepted += 1;
        if run.counts(request.due, done) {
            self.last = self.last.max(done);
            self.latencies.saturating_record(micros(done - from));
        }
    }

    fn refuse(&mut self, run: &Run, request: &Request<'_>, sent: Instant, done: Instant) {
        self.fail("503".to_owned());
        if run.counts(request.due, done) {
            self.refused.saturating_record(micros(done - sent));
        }
    }

    fn fail(&mut self, seen: String) {
        *self.failures.entry(seen).or_default() += 1;
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.latencies.add(other.latencies)?;
        self.refused.add(other.refused)?;
        self.accepted += other.accepted;
        self.last = self.last.max(other.last);
        for (seen, count) in other.failures {
            *self.failures.entry(seen).or_default() += count;
        }
        Ok(())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn run(phase: Phase) -> Result<Outcome> {
    // Before the clock runs: very many connections take a while.
    let connect = |_| phase.target.connect().context("could not connect");
    let mut streams = (0..phase.connections).map(connect).collect::<Result<Vec<_>>>()?;
    let start = Instant::now();
    let (begin, length) = (start + WARM_UP, WARM_UP + phase.measured);
    let pace = phase.rate.map(|rate| Pace::new(rate, start, length));
    let run = Arc::new(Run { begin, end: start + length, pace, next: AtomicUsize::new(0), phase });
    let pacer = run.clone();
    let pacer = thread::spawn(move || pacer.pace.as_ref().map(|pace| pace.release(pacer.phase.connections)));
    let threads = threads().min(run.phase.connections.max(1));
    let spawn = |thread: usize| {
        let share = streams.split_off(streams.len() - streams.len() / (threads - thread));
        let run = Arc::clone(&run);
        thread::spawn(move || drive_all(&run, share))
    };
    let workers: Vec<_> = (0..threads).map(spawn).collect();
    let mut total = Tally::new(&run)?;
    for worker in workers {
        total.merge(worker.join().map_err(|_| anyhow!("a thread of the load generator died"))??)?;
    }
    pacer.join().map_err(|_| anyhow!("the thread of the open loop died"))?;
    ensure!(!total.latencies.is_empty(), "nothing was accepted in the measured time: {:?}", total.failures);
    Ok(Outcome {
        elapsed: run.elapsed(total.last),
        latencies: total.latencies,
        refused: total.refused,
        skipped: run.pace.as_ref().map_or(0, Pace::skipped),
        accepted: total.accepted,
        failures: total.failures,
    })
}

/// The connections of one thread, each a task of its own on it.
fn drive_all(run: &Arc<Run>, streams: Vec<TcpStream>) -> Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = Rc::new(RefCell::new(Tally::new(run)?));
    let tasks = LocalSet::new();
    let spawn = |stream| tasks.spawn_local(drive(Arc::clone(run), Rc::clone(&tally), stream));
    let handles: Vec<_> = streams.into_iter().map(spawn).collect();
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

/// One request after the other on one connection, which is opened again after an error.
async fn drive(run: Arc<Run>, tally: Rc<RefCell<Tally>>, stream: TcpStream) -> Result<()> {
    let mut open = Some(Connection::adopt(stream, &run.phase.target)?);
    let mut is_unused = true;
    while let Some(request) = run.take().await {
        let sent = Instant::now();
        let mut answer = post(&run, &mut open, &request).await;
        // Of many connections, some wait so long for their first request that the server closes them. It has not seen this one.
        if std::mem::take(&mut is_unused) && matches!(answer, Err(_) | Ok(408)) {
            open = None;
            answer = post(&run, &mut open, &request).await;
        }
        let done = Instant::now();
        match (answer, run.phase.until) {
            (Ok(200), Until::Acknowledged) => tally.borrow_mut().accept(&run, &request, request.due, done),
            (Ok(200), Until::Visible) => {
                if let Some(connection) = &mut open {
                    look_up(connection, request.body).await?;
                }
                tally.borrow_mut().accept(&run, &request, done, Instant::now());
            }
            (Ok(503), _) => tally.borrow_mut().refuse(&run, &request, sent, done),
            (Ok(status), _) => tally.borrow_mut().fail(status.to_string()),
            (Err(error), _) => {
                tally.borrow_mut().fail(error.to_string());
                if open.take().is_none() {
                    tokio::time::sleep(RECONNECT).await;
                }
            }
        }
    }
    Ok(())
}

/// Posts a notification and returns the status of the answer. Opens the connection if there is none.
async fn post(run: &Run, open: &mut Option<Connection>, request: &Request<'_>) -> io::Result<u16> {
    let connection = match open {
        Some(connection) => connection,
        closed => closed.insert(Connection::open(&run.phase.target).await?),
    };
    connection.post(request.signature, request.body).await
}

/// Looks up the message of a notification that was just acknowledged. The answer must show it.
async fn look_up(connection: &mut Connection, body: &[u8]) -> Result<()> {
    let id = member(body, "correlationid").context("a request without an id")?;
    let answer = connection.get(&format!("/v1/messages/{id}")).await?;
    ensure!(answer.status == 200 && !answer.is_behind, "{id} was acknowledged and is not visible: {answer:?}");
    Ok(())
}
