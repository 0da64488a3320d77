//! Projectors against a store that fails at random: what is in the journal is stored exactly once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::task::yield_now;

use super::*;
use crate::{
    domain::{JournalBatch, JournalPosition, JournalRecord, JournalSpan, Source, Timestamp},
    storage::JournalHead,
};

/// How one projection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Commits,
    Fails,
    /// It is committed, but its answer is lost.
    CommitsUnseen,
}

/// A store in memory. It refuses bodies that contain `!`, unless they are in quarantine.
#[derive(Default)]
struct Model(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    journal: BTreeMap<JournalPosition, JournalBatch>,
    /// Each stored body, with whether it is in quarantine.
    stored: Vec<(String, bool)>,
    endings: Vec<Ending>,
}

impl Model {
    fn of(batches: &[(u8, Vec<String>)], endings: Vec<Ending>) -> Arc<Self> {
        let mut tables = Tables { endings, ..Tables::default() };
        let mut sequence = 0;
        for (writer, bodies) in batches {
            sequence += 1;
            let position = JournalPosition { writer: Writer::new([*writer; 16]), sequence };
            let record = |body: &String| JournalRecord {
                received_at: Timestamp::from_micros(sequence),
                source: Source::Notify,
                body: body.clone().into_bytes(),
                signature: None,
            };
            let (records, appended_at) = (bodies.iter().map(record).collect(), Timestamp::from_micros(sequence));
            tables.journal.insert(
                position,
                JournalBatch { position, appended_at, zone: "UTC".to_owned(), projected: 0, records },
            );
        }
        Arc::new(Self(Mutex::new(tables)))
    }

    fn tables(&self) -> std::sync::MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_quarantined(arrival: &Arrival) -> bool {
    matches!(arrival, Arrival::Quarantined(_))
}

fn refuse(arrivals: &[Arrival]) -> Result<(), StorageError> {
    let is_bad = |arrival: &Arrival| arrival.as_posted().2.contains(&b'!') && !is_quarantined(arrival);
    if arrivals.iter().any(is_bad) { Err(StorageError::Refused("bad row".into())) } else { Ok(()) }
}

#[async_trait]
impl Projection for Model {
    async fn heads(&self) -> Result<Vec<JournalHead>, StorageError> {
        let mut heads = BTreeMap::new();
        for position in self.tables().journal.keys() {
            heads.insert(position.writer, JournalHead { position: *position, is_own: false });
        }
        Ok(heads.into_values().collect())
    }

    async fn is_projected(&self, up_to: JournalPosition) -> Result<bool, StorageError> {
        let is_left = |at: &JournalPosition| at.writer == up_to.writer && *at <= up_to;
        Ok(!self.tables().journal.keys().any(is_left))
    }

    async fn unprojected(&self, writer: Writer) -> Result<Vec<JournalBatch>, StorageError> {
        yield_now().await;
        let of_writer = |batch: &&JournalBatch| batch.position.writer == writer;
        Ok(self.tables().journal.values().filter(of_writer).take(3).cloned().collect())
    }

    async fn oldest_unprojected(&self) -> Result<Option<Timestamp>, StorageError> {
        Ok(self.tables().journal.values().map(|batch| batch.appended_at).min())
    }

    async fn project(&self, spans: &[JournalSpan], arrivals: &[Arrival]) -> Result<Option<Duration>, StorageError> {
        yield_now().await;
        let mut tables = self.tables();
        let ending = tables.endings.pop().unwrap_or(Ending::Commits);
        if ending == Ending::Fails {
            return Err(StorageError::Unavailable("away".into()));
        }
        let is_there =
            |span: &JournalSpan| tables.journal.get(&span.position).is_some_and(|batch| batch.projected == span.from);
        if !spans.iter().all(is_there) {
            return Ok(None);
        }
        refuse(arrivals)?;
        for span in spans {
            if span.to == span.of {
                tables.journal.remove(&span.position);
            } else if let Some(batch) = tables.journal.get_mut(&span.position) {
                batch.projected = span.to;
            }
        }
        let stored = arrivals.iter().map(|arrival| {
            let body = String::from_utf8(arrival.as_posted().2.to_vec()).unwrap();
            (body, is_quarantined(arrival))
        });
        tables.stored.extend(stored);
        if ending == Ending::Commits {
            Ok(Some(Duration::ZERO))
        } else {
            Err(StorageError::Unavailable("no answer".into()))
        }
    }

    async fn rehearse(&self, arrivals: &[Arrival]) -> Result<(), StorageError> {
        refuse(arrivals)
    }
}

fn projector(model: &Arc<Model>, handover: Handover) -> Projector {
    Projector {
        projection: model.clone(),
        handover,
        clock: Clock::system(),
        planned: Duration::from_millis(8),
        records: 2,
        pace: Pace::new(true),
        next_look: Instant::now(),
        others: Duration::ZERO,
    }
}

/// Projects until everything is projected, whatever fails.
async fn persist(model: Arc<Model>) {
    let mut projector = projector(&model, Handover::default());
    while projector.project_all().await.is_err() {}
}

/// Two of these batches are too many for a chunk, and one is fewer than are wanted.
#[tokio::test]
async fn chunks_grow_although_no_batch_is_cut() {
    let batch = |n| (n, (0..7).map(|k| format!(r#"{{"event":"MO","tid":"{n}-{k}"}}"#)).collect());
    let model = Model::of(&[batch(0), batch(0), batch(0)], Vec::new());
    let mut projector = Projector { records: 8, ..projector(&model, Handover::default()) };
    projector.project_all().await.unwrap();
    assert!(projector.records > 8);
}

fn any_ending() -> impl Strategy<Value = Ending> {
    prop_oneof![4 => Just(Ending::Commits), 1 => Just(Ending::Fails), 1 => Just(Ending::CommitsUnseen)]
}

/// The bodies of each batch, with its writer. Those with a `!` are refused.
fn any_batches() -> impl Strategy<Value = Vec<(u8, Vec<String>)>> {
    let sizes =
        proptest::collection::vec((0u8..3, proptest::collection::vec(proptest::bool::weighted(0.2), 0..6)), 0..12);
    sizes.prop_map(|sizes| {
        let bodies = |(n, (writer, bad)): (usize, (u8, Vec<bool>))| {
            let body =
                |(k, bad): (usize, bool)| format!(r#"{{"event":"MO","tid":"{n}-{k}{}"}}"#, if bad { "!" } else { "" });
            (writer, bad.into_iter().enumerate().map(body).collect())
        };
        sizes.into_iter().enumerate().map(bodies).collect()
    })
}

fn any_endings() -> impl Strategy<Value = Vec<Ending>> {
    proptest::collection::vec(any_ending(), 0..20)
}

/// Everything is stored once, and exactly the refused bodies are in quarantine.
fn assert_stored(model: &Model, batches: Vec<(u8, Vec<String>)>) -> Result<(), TestCaseError> {
    let mut stored = model.tables().stored.clone();
    stored.sort();
    let expected = batches.into_iter().flat_map(|(_, bodies)| bodies).map(|body| {
        let is_refused = body.contains('!');
        (body, is_refused)
    });
    let mut expected: Vec<_> = expected.collect();
    expected.sort();
    prop_assert_eq!(stored, expected);
    Ok(())
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future);
}

proptest! {
    #[test]
    fn each_record_is_stored_once_and_only_refused_ones_are_in_quarantine(
        batches in any_batches(),
        endings in any_endings(),
        projectors in 1usize..4,
    ) {
        let model = Model::of(&batches, endings);
        run(async {
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..projectors {
                all.spawn(persist(model.clone()));
            }
            all.join_all().await;
        });
        assert_stored(&model, batches)?;
    }

    #[test]
    fn what_is_handed_over_and_what_is_not_is_stored_once(
        batches in any_batches(),
        endings in any_endings(),
        handed_over in proptest::collection::vec(any::<bool>(), 12),
        pauses in proptest::collection::vec(0u64..1500, 12),
    ) {
        // All batches of the model are appended one after the other.
        let later = Model::of(&batches, Vec::new());
        let model = Model::of(&[], endings);
        run(async {
            let (handover, stop) = (Handover::default(), CancellationToken::new());
            let projecting = tokio::spawn(projector(&model, handover.clone()).run(stop.clone()));
            let appended = std::mem::take(&mut later.tables().journal);
            for (n, (position, batch)) in appended.into_iter().enumerate() {
                sleep(Duration::from_millis(pauses[n])).await;
                model.tables().journal.insert(position, batch.clone());
                if handed_over[n] {
                    handover.give(position, reading::arrivals(batch).unwrap());
                }
            }
            while !model.tables().journal.is_empty() {
                sleep(Duration::from_millis(100)).await;
            }
            stop.cancel();
            projecting.await.unwrap();
        });
        assert_stored(&model, batches)?;
    }
}

/// A chunk should take eight milliseconds.
#[test]
fn the_size_of_a_chunk_follows_the_time_it_takes() {
    let mut projector = projector(&Model::of(&[], Vec::new()), Handover::default());
    projector.records = FEWEST;
    let mut sizes = Vec::new();
    for (is_full, took) in
        [(true, 1), (true, 4), (true, 8), (true, 10), (false, 1), (false, 20), (true, 80), (true, 80)]
    {
        projector.adapt(is_full, Duration::from_millis(took));
        sizes.push(projector.records);
    }
    assert_eq!(sizes, [128, 256, 256, 204, 204, 102, FEWEST, FEWEST]);
}
