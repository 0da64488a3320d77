//! Finds out whether the store can commit. Any client can request that, so one commit serves all requests at the same
//! time, at most one is made per second, and none is made if notifications have shown the result.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::{
    clock::Clock,
    http::state::App,
    notify::Committer,
    observe::Count,
    storage::{Health, StorageError},
};

/// How long an answer is reused.
const SHARED: Duration = Duration::from_secs(1);

/// The result of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The store commits.
    Ready,
    /// The store fails to commit.
    Failing,
    /// The store did not commit in time.
    Late,
}

/// Probes the store.
pub(crate) struct Probe {
    committer: Committer,
    health: Arc<dyn Health>,
    clock: Clock,
    /// The time that a notification has.
    within: Duration,
    rounds: Mutex<Rounds>,
}

#[derive(Default)]
struct Rounds {
    /// The last round; it is under way until it has an answer.
    last: Option<watch::Receiver<Option<(Instant, Finding)>>>,
    /// Limits the log lines about a store that does not commit.
    lines: Count,
}

impl Probe {
    pub(crate) fn of(app: &App) -> Self {
        let (committer, health) = (app.intake.committer.clone(), app.store.health.clone());
        Self { committer, health, clock: app.clock.clone(), within: app.answer_within, rounds: Mutex::default() }
    }

    /// Returns the answer of the last second, or a new one.
    pub(super) async fn ask(self: &Arc<Self>) -> Finding {
        let mut round = self.round();
        // A round that ended without an answer counts as failed.
        round
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|answer| *answer)
            .map_or(Finding::Failing, |(_, found)| found)
    }

    fn round(self: &Arc<Self>) -> watch::Receiver<Option<(Instant, Finding)>> {
        let mut rounds = self.rounds();
        let last = rounds.last.as_ref().filter(|round| match *round.borrow() {
            Some((at, _)) => at.elapsed() < SHARED,
            None => round.has_changed().is_ok(),
        });
        if let Some(last) = last {
            return last.clone();
        }
        let (answer, round) = watch::channel(None);
        rounds.last = Some(round.clone());
        let probe = self.clone();
        // It runs in its own task, since a client that disconnects must not interrupt a transaction.
        tokio::spawn(async move {
            let found = probe.check().await;
            answer.send_replace(Some((Instant::now(), found)));
        });
        round
    }

    async fn check(&self) -> Finding {
        let checked = timeout(self.within, async {
            // A heartbeat would delay the notifications that arrive meanwhile.
            match self.committer.observed_health(SHARED).await {
                Some(store_works) => Ok(store_works),
                None => self.health.beat(self.clock.now()).await.map(|()| true),
            }
        });
        match checked.await {
            Ok(Ok(true)) => {
                self.rounds().lines = Count::default();
                Finding::Ready
            }
            Ok(Ok(false)) => Finding::Failing,
            Ok(Err(error)) => {
                self.log(Some(&error));
                Finding::Failing
            }
            Err(_) => {
                self.log(None);
                Finding::Late
            }
        }
    }

    fn log(&self, error: Option<&StorageError>) {
        if self.rounds().lines.due(Instant::now()).is_some() {
            let error = error.map(|error| error as &dyn std::error::Error);
            tracing::error!(error, within = ?self.within, "the store cannot commit; /health/ready shows when it can again");
        }
    }

    fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures_util::future::join_all;
    use tokio::{sync::Semaphore, task::yield_now, time::advance};

    use super::*;
    use crate::{
        domain::{Archived, Arrival, Inbound, JournalPosition, Source, Timestamp, Writer},
        handover::Handover,
        notify::Limits,
        observe::Metrics,
        storage::Journal,
        webex::TimeZone,
    };

    /// A store that counts its heartbeats, and commits only as often as the gate has permits.
    struct Model {
        beats: AtomicUsize,
        fails: AtomicBool,
        gate: Semaphore,
    }

    impl Model {
        fn open(permits: usize) -> Arc<Self> {
            let (beats, fails) = (AtomicUsize::default(), AtomicBool::default());
            Arc::new(Self { beats, fails, gate: Semaphore::new(permits) })
        }

        async fn commit(&self) -> Result<(), StorageError> {
            self.gate.acquire().await.map_err(|error| StorageError::Unavailable(error.into()))?.forget();
            if self.fails.load(Ordering::Relaxed) { Err(StorageError::Unavailable("away".into())) } else { Ok(()) }
        }

        fn beats(&self) -> usize {
            self.beats.load(Ordering::Relaxed)
        }

        fn probe(self: &Arc<Self>) -> (Arc<Probe>, Committer) {
            let limits = Limits {
                queue_requests: 99,
                queue_bytes: 9_999,
                batch_rows: 1,
                backlog_bytes: 1,
                writers: 1,
                patience: Duration::from_secs(8),
            };
            let journal: Arc<dyn Journal> = self.clone();
            let (committer, mut writers) =
                Committer::start(&journal, &Handover::default(), TimeZone::UTC, limits, &Metrics::new().unwrap());
            writers.detach_all();
            let probe = Probe {
                committer: committer.clone(),
                health: self.clone(),
                clock: Clock::system(),
                within: Duration::from_secs(8),
                rounds: Mutex::default(),
            };
            (Arc::new(probe), committer)
        }
    }

    #[async_trait]
    impl Journal for Model {
        async fn append(&self, _: &[Arrival], _: &str) -> Result<JournalPosition, StorageError> {
            self.commit().await.map(|()| JournalPosition::first(Writer::new([7; 16])))
        }

        fn backlog_bytes(&self) -> u64 {
            0
        }
    }

    #[async_trait]
    impl Health for Model {
        fn check_files(&self) -> Result<(), StorageError> {
            Ok(())
        }

        async fn beat(&self, _: Timestamp) -> Result<(), StorageError> {
            self.beats.fetch_add(1, Ordering::Relaxed);
            self.commit().await
        }

        async fn close(&self) {}
    }

    fn arrival() -> Arrival {
        let inbound = Inbound { channel: None, event: "MO".to_owned(), sender: None, transaction_id: None };
        Arrival::Inbound(Archived::first_arrival(inbound, b"{}".to_vec(), Source::Notify, Timestamp::default()))
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_within_a_second_share_one_commit() {
        let model = Model::open(99);
        let (probe, _committer) = model.probe();
        for round in 1..4 {
            for answer in join_all((0..500).map(|_| probe.ask())).await {
                assert_eq!(answer, Finding::Ready);
            }
            assert_eq!(model.beats(), round);
            advance(SHARED).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_disconnects_does_not_begin_another_commit() {
        let model = Model::open(0);
        let (probe, _committer) = model.probe();
        for _ in 0..500 {
            let mut asking = Box::pin(probe.ask());
            tokio::select! { biased; _ = &mut asking => panic!("there is no answer yet"), () = yield_now() => {} }
        }
        assert_eq!(model.beats(), 1);
        model.gate.add_permits(1);
        assert_eq!(probe.ask().await, Finding::Ready);
        assert_eq!(model.beats(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_was_seen_to_commit_notifications_is_not_asked() {
        let model = Model::open(99);
        let (probe, committer) = model.probe();
        committer.commit(vec![arrival()]).await.unwrap();
        assert_eq!((probe.ask().await, model.beats()), (Finding::Ready, 0));
        advance(SHARED).await;
        assert_eq!((probe.ask().await, model.beats()), (Finding::Ready, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn while_notifications_are_committed_their_outcome_is_the_answer() {
        for (fails, found) in [(false, Finding::Ready), (true, Finding::Failing)] {
            let model = Model::open(0);
            let (probe, committer) = model.probe();
            model.fails.store(fails, Ordering::Relaxed);
            let committing = tokio::spawn(async move { committer.commit(vec![arrival()]).await });
            yield_now().await;
            let asking = tokio::spawn({
                let probe = probe.clone();
                async move { probe.ask().await }
            });
            for _ in 0..20 {
                yield_now().await;
            }
            assert!(!asking.is_finished());
            model.gate.add_permits(1);
            assert_eq!((asking.await.unwrap(), model.beats()), (found, 0));
            assert_eq!(committing.await.unwrap().is_err(), fails);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_is_late_and_is_asked_again() {
        let model = Model::open(0);
        let (probe, _committer) = model.probe();
        assert_eq!(probe.ask().await, Finding::Late);
        model.gate.add_permits(9);
        assert_eq!(probe.ask().await, Finding::Late, "the result is reused for a second");
        advance(SHARED).await;
        assert_eq!(probe.ask().await, Finding::Ready);
    }
}
