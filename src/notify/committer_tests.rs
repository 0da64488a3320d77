//! The committer against a journal that fails at random: every caller is answered exactly once, and what was
//! acknowledged is stored.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::{sync::Semaphore, task::yield_now};

use super::*;
use crate::{
    domain::{Archived, Inbound, Source, Timestamp},
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

/// A journal in memory. It refuses bodies that begin with `!`, unless they are in quarantine, and those that begin
/// with `?` even there.
struct Model {
    outcomes: Mutex<Vec<AppendOutcome>>,
    stored: Mutex<BTreeSet<Vec<u8>>>,
    appends: AtomicUsize,
    /// Each append takes a permit.
    gate: Semaphore,
}

impl Model {
    fn new(outcomes: Vec<AppendOutcome>, permits: usize) -> Arc<Self> {
        let (stored, appends) = (Mutex::default(), AtomicUsize::default());
        Arc::new(Self { outcomes: Mutex::new(outcomes), stored, appends, gate: Semaphore::new(permits) })
    }

    fn has(&self, body: &[u8]) -> bool {
        self.stored.lock().unwrap().contains(body)
    }
}

#[async_trait]
impl Journal for Model {
    async fn append(&self, arrivals: &[Arrival]) -> Result<(), StorageError> {
        self.gate.acquire().await.unwrap().forget();
        self.appends.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
        let outcome = self.outcomes.lock().unwrap().pop().unwrap_or(AppendOutcome::Commits);
        if outcome == AppendOutcome::NeverEnds {
            std::future::pending::<()>().await;
        }
        let bodies: Vec<_> = arrivals.iter().map(body).collect();
        if bodies.iter().any(|(body, quarantined)| body[0] == b'?' || (body[0] == b'!' && !quarantined)) {
            return Err(StorageError::Refused("bad row".into()));
        }
        if matches!(outcome, AppendOutcome::Commits | AppendOutcome::CommitsUnseen) {
            self.stored.lock().unwrap().extend(bodies.iter().map(|(body, _)| body.to_vec()));
        }
        match outcome {
            AppendOutcome::Commits => Ok(()),
            _ => Err(StorageError::Unavailable("away".into())),
        }
    }
}

fn body(arrival: &Arrival) -> (&[u8], bool) {
    match arrival {
        Arrival::Inbound(kept) => (&kept.body, false),
        Arrival::Quarantined(kept) => (&kept.body, true),
        Arrival::Notification(recorded) => (&recorded.body, false),
    }
}

fn arrival(body: &[u8]) -> Arrival {
    let what = Inbound { channel: None, event: "MO".to_owned(), sender: None, transaction_id: None };
    Arrival::Inbound(Archived::first_arrival(what, body.to_vec(), Source::Notify, Timestamp::default()))
}

fn limits() -> Limits {
    Limits { queue_requests: 1000, queue_bytes: 1 << 20, batch_rows: 8, writers: 2, patience: Duration::from_secs(8) }
}

fn start(model: &Arc<Model>, limits: Limits) -> (Committer, JoinSet<()>) {
    let journal: Arc<dyn Journal> = model.clone();
    Committer::start(&journal, limits, &Metrics::new().unwrap())
}

const MANY: usize = 1 << 20;

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

#[tokio::test(start_paused = true)]
async fn one_refused_arrival_of_a_request_goes_to_quarantine_alone() {
    let model = Model::new(Vec::new(), MANY);
    let (committer, _writers) = start(&model, limits());
    assert_eq!(committer.commit(arrivals(&["1", "2", "!3", "4"])).await, Ok(()));
    assert!(["1", "2", "!3", "4"].iter().all(|body| model.has(body.as_bytes())));
    assert_eq!(committer.commit(arrivals(&["5", "?6"])).await, Err(NotStored::Unavailable));
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
    mark: u8,
    /// How many arrivals it sends; the last one has the mark.
    arrivals: usize,
    pauses: u8,
    gives_up: bool,
}

fn any_caller() -> impl Strategy<Value = Caller> {
    let mark = prop_oneof![8 => Just(b'a'), 1 => Just(b'!'), 1 => Just(b'?')];
    (mark, 1usize..5, 0u8..6, proptest::bool::weighted(0.2)).prop_map(|(mark, arrivals, pauses, gives_up)| Caller {
        mark,
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
            let plain = (1..caller.arrivals).map(|part| format!("a{n}-{part}"));
            let bodies: Vec<_> = plain.chain([format!("{}{n}", char::from(caller.mark))]).collect();
            let commit = committer.commit(bodies.iter().map(|body| arrival(body.as_bytes())).collect());
            if caller.gives_up {
                // Polled once, so that it is in the queue, then dropped.
                let _ = timeout(Duration::ZERO, commit).await;
                return (caller, bodies, None);
            }
            (caller, bodies, Some(commit.await))
        });
    }
    // Shutdown: no new callers, and the waiting arrivals are still committed.
    drop(committer);
    let answers = answers.join_all().await;
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(answers.len(), callers.len());
    for (caller, bodies, answer) in answers {
        let stored = bodies.iter().filter(|body| model.has(body.as_bytes())).count();
        if answer == Some(Ok(())) {
            assert_eq!(stored, bodies.len(), "acknowledged and not stored");
            assert_ne!(caller.mark, b'?', "a body of which nothing is stored must not be acknowledged");
        }
        if caller.mark == b'a' {
            assert!(stored == 0 || stored == bodies.len(), "a part of a request was stored");
        }
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

    #[test]
    fn a_bad_row_does_not_fail_its_neighbours(bad in proptest::collection::vec(proptest::bool::weighted(0.2), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let model = Model::new(Vec::new(), MANY);
            let (committer, _writers) = start(&model, Limits { batch_rows: 40, ..limits() });
            let mut answers = JoinSet::new();
            for (n, bad) in bad.iter().enumerate() {
                let committer = committer.clone();
                let body = format!("{}{n}", if *bad { '?' } else { 'a' });
                let bad = *bad;
                answers.spawn(async move { (bad, committer.commit(vec![arrival(body.as_bytes())]).await) });
            }
            for (bad, answer) in answers.join_all().await {
                assert_eq!(answer, if bad { Err(NotStored::Unavailable) } else { Ok(()) });
            }
        });
    }
}
