//! The committer against a journal that fails at random: every caller is answered exactly once, and what was
//! acknowledged is stored.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::{sync::Semaphore, task::yield_now};

use super::*;
use crate::{
    domain::{self, Archived, Inbound, JournalPosition, Source, Timestamp},
    storage::StorageError,
};

/// How one append ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AppendOutcome {
    Commits,
    IsUnavailable,
    /// It is committed, but its answer is lost.
    CommitsUnseen,
    NeverEnds,
}

/// A journal in memory.
struct Model {
    outcomes: Mutex<Vec<AppendOutcome>>,
    stored: Mutex<BTreeSet<Vec<u8>>>,
    appends: AtomicUsize,
    backlog: AtomicU64,
    /// Each append takes a permit.
    gate: Semaphore,
}

impl Model {
    fn new(outcomes: Vec<AppendOutcome>, permits: usize) -> Arc<Self> {
        let (stored, appends, backlog) = (Mutex::default(), AtomicUsize::default(), AtomicU64::default());
        Arc::new(Self { outcomes: Mutex::new(outcomes), stored, appends, backlog, gate: Semaphore::new(permits) })
    }

    fn has(&self, body: &[u8]) -> bool {
        self.stored.lock().unwrap().contains(body)
    }
}

#[async_trait]
impl Journal for Model {
    async fn append(&self, arrivals: &[Arrival], _: &str) -> Result<JournalPosition, StorageError> {
        self.gate.acquire().await.unwrap().forget();
        self.appends.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
        let outcome = self.outcomes.lock().unwrap().pop().unwrap_or(AppendOutcome::Commits);
        if outcome == AppendOutcome::NeverEnds {
            std::future::pending::<()>().await;
        }
        if matches!(outcome, AppendOutcome::Commits | AppendOutcome::CommitsUnseen) {
            self.stored.lock().unwrap().extend(arrivals.iter().map(|arrival| arrival.as_posted().2.to_vec()));
        }
        match outcome {
            AppendOutcome::Commits => Ok(JournalPosition::first(domain::Writer::new([7; 16]))),
            _ => Err(StorageError::Unavailable("away".into())),
        }
    }

    fn backlog_bytes(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
    }
}

fn arrival(body: &[u8]) -> Arrival {
    let what = Inbound { channel: None, event: "MO".to_owned(), sender: None, transaction_id: None };
    Arrival::Inbound(Archived::first_arrival(what, body.to_vec(), Source::Notify, Timestamp::default()))
}

fn limits() -> Limits {
    Limits {
        queue_requests: 1000,
        queue_bytes: 1 << 20,
        batch_rows: 8,
        backlog_bytes: BACKLOG,
        writers: 2,
        patience: Duration::from_secs(8),
    }
}

fn start(model: &Arc<Model>, limits: Limits) -> (Committer, JoinSet<()>) {
    let journal: Arc<dyn Journal> = model.clone();
    Committer::start(&journal, &Handover::default(), TimeZone::UTC, limits, &Metrics::new().unwrap())
}

const MANY: usize = 1 << 20;
const BACKLOG: u64 = 1_000;

#[tokio::test(start_paused = true)]
async fn a_backlog_over_the_limit_turns_away_until_it_is_projected() {
    let model = Model::new(Vec::new(), MANY);
    let (committer, _writers) = start(&model, limits());
    for (backlog, answer) in [(BACKLOG - 1, Ok(())), (BACKLOG, Err(NotStored::Busy)), (0, Ok(()))] {
        model.backlog.store(backlog, Ordering::Relaxed);
        assert_eq!(committer.commit(vec![arrival(b"1")]).await, answer);
    }
}

#[tokio::test(start_paused = true)]
async fn what_arrives_during_a_commit_is_the_next_batch() {
    let model = Model::new(Vec::new(), 1);
    let (committer, mut writers) = start(&model, Limits { writers: 1, batch_rows: 100, ..limits() });
    let first = tokio::spawn({
        let committer = committer.clone();
        async move { committer.commit(vec![arrival(b"first")]).await }
    });
    while model.appends.load(Ordering::Relaxed) == 0 {
        yield_now().await;
    }
    let mut rest = JoinSet::new();
    for n in 0..50 {
        let committer = committer.clone();
        rest.spawn(async move { committer.commit(vec![arrival(format!("{n}").as_bytes())]).await });
    }
    for _ in 0..200 {
        yield_now().await;
    }
    model.gate.add_permits(MANY);
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(rest.join_all().await, vec![Ok(()); 50]);
    drop(committer);
    while writers.join_next().await.is_some() {}
    // Three commits: the first arrival; the one that the idle writer took; then all others together.
    assert!(model.appends.load(Ordering::Relaxed) <= 3, "{}", model.appends.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_turns_away_at_once() {
    let model = Model::new(Vec::new(), 0);
    let few = Limits { queue_requests: 2, writers: 1, batch_rows: 1, queue_bytes: 10, ..limits() };
    let (committer, _writers) = start(&model, few);
    assert_eq!(
        committer.commit(vec![arrival(&[b'x'; 11])]).await,
        Err(NotStored::Unavailable),
        "a single one may be large"
    );
    let mut waiting = JoinSet::new();
    for _ in 0..3 {
        let committer = committer.clone();
        waiting.spawn(async move { committer.commit(vec![arrival(b"123")]).await });
        // A writer takes the first one before the others fill the queue.
        for _ in 0..20 {
            yield_now().await;
        }
    }
    assert_eq!(committer.commit(vec![arrival(b"123")]).await, Err(NotStored::Busy));
    model.gate.add_permits(MANY);
    assert_eq!(waiting.join_all().await, vec![Ok(()); 3]);
    assert_eq!(committer.commit(vec![arrival(b"123")]).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_failure_counts_until_a_commit_succeeds_or_for_a_while() {
    // The last outcome is used first.
    let model = Model::new(vec![AppendOutcome::NeverEnds, AppendOutcome::Commits, AppendOutcome::IsUnavailable], MANY);
    let (committer, _writers) = start(&model, limits());
    assert!(!committer.is_failing());
    assert_eq!(committer.commit(vec![arrival(b"1")]).await, Err(NotStored::Unavailable));
    assert!(committer.is_failing());
    assert_eq!(committer.commit(vec![arrival(b"1")]).await, Ok(()));
    assert!(!committer.is_failing());
    assert_eq!(committer.commit(vec![arrival(b"2")]).await, Err(NotStored::Unavailable));
    assert!(committer.is_failing());
    tokio::time::sleep(FAILURE_COUNTS_FOR).await;
    assert!(!committer.is_failing());
}

fn arrivals(bodies: &[&str]) -> Vec<Arrival> {
    bodies.iter().map(|body| arrival(body.as_bytes())).collect()
}

#[tokio::test(start_paused = true)]
async fn the_arrivals_of_one_request_are_one_commit_and_one_answer() {
    let model = Model::new(vec![AppendOutcome::Commits, AppendOutcome::IsUnavailable], MANY);
    let (committer, _writers) = start(&model, Limits { batch_rows: 2, ..limits() });
    let bodies = ["1", "2", "3", "4", "5"];
    assert_eq!(committer.commit(arrivals(&bodies)).await, Err(NotStored::Unavailable));
    assert!(bodies.iter().all(|body| !model.has(body.as_bytes())));
    assert_eq!(committer.commit(arrivals(&bodies)).await, Ok(()));
    assert!(bodies.iter().all(|body| model.has(body.as_bytes())));
    assert_eq!(model.appends.load(Ordering::Relaxed), 2);
}

fn any_outcome() -> impl Strategy<Value = AppendOutcome> {
    prop_oneof![
        4 => Just(AppendOutcome::Commits),
        2 => Just(AppendOutcome::IsUnavailable),
        1 => Just(AppendOutcome::CommitsUnseen),
        1 => Just(AppendOutcome::NeverEnds),
    ]
}

/// What one caller does.
#[derive(Clone, Copy, Debug)]
struct Caller {
    arrivals: usize,
    pauses: u8,
    gives_up: bool,
}

fn any_caller() -> impl Strategy<Value = Caller> {
    (1usize..5, 0u8..6, proptest::bool::weighted(0.2)).prop_map(|(arrivals, pauses, gives_up)| Caller {
        arrivals,
        pauses,
        gives_up,
    })
}

async fn play(outcomes: Vec<AppendOutcome>, callers: &[Caller], limits: Limits) {
    let model = Model::new(outcomes, MANY);
    let (committer, mut writers) = start(&model, limits);
    let mut answers = JoinSet::new();
    for (n, caller) in callers.iter().copied().enumerate() {
        let committer = committer.clone();
        answers.spawn(async move {
            for _ in 0..caller.pauses {
                yield_now().await;
            }
            let bodies: Vec<_> = (0..caller.arrivals).map(|part| format!("{n}-{part}")).collect();
            let commit = committer.commit(bodies.iter().map(|body| arrival(body.as_bytes())).collect());
            if caller.gives_up {
                // Polled once, so that it is in the queue, then dropped.
                let _ = timeout(Duration::ZERO, commit).await;
                return (bodies, None);
            }
            (bodies, Some(commit.await))
        });
    }
    // Shutdown: no new callers, and the waiting arrivals are still committed.
    drop(committer);
    let answers = answers.join_all().await;
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(answers.len(), callers.len());
    for (bodies, answer) in answers {
        let stored = bodies.iter().filter(|body| model.has(body.as_bytes())).count();
        if answer == Some(Ok(())) {
            assert_eq!(stored, bodies.len(), "acknowledged and not stored");
        }
        assert!(stored == 0 || stored == bodies.len(), "a part of a request was stored");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_caller_is_answered_once_and_correctly(
        outcomes in proptest::collection::vec(any_outcome(), 0..30),
        callers in proptest::collection::vec(any_caller(), 0..60),
        writers in 1usize..4,
        batch_rows in 1usize..20,
        queue_requests in 1usize..80,
    ) {
        let limits = Limits { queue_requests, batch_rows, writers, ..limits() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(outcomes, &callers, limits));
    }
}
