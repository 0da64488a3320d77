//! The steps of messages, and samples of a store that fails or hangs.

use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::time::{Instant, advance};

use super::*;
use crate::domain::{
    Cursor, Dispatch, DispatchEvent, Fingerprint, History, Message, Page, StatsRequest, StatsRow, Status,
    StoredNotification, TransactionId,
};

fn entry(second: u32, status: &str, effect: Effect) -> EntryView {
    let at = format!("2026-05-20T13:15:{second:02}.000Z");
    EntryView {
        at: Some(at.clone()),
        received_at: at,
        kind: "notification".to_owned(),
        status: status.to_owned(),
        failure: None,
        code: None,
        reason: None,
        detail: None,
        effect: effect.as_str().to_owned(),
        why: String::new(),
        transaction_id: None,
        to: None,
        source: None,
        times: None,
    }
}

fn taken(timeline: &[EntryView]) -> Vec<(usize, String, u64)> {
    let words = |taken: Taken| (taken.entry, format!("{} to {}", taken.step.0, taken.step.1), taken.time.as_secs());
    steps(timeline).into_iter().map(words).collect()
}

#[test]
fn a_step_is_the_time_between_two_changes_of_the_status() {
    let unknown = EntryView { at: None, ..entry(0, "read", Effect::Applied) };
    let timeline = [
        entry(1, "queued", Effect::Applied),
        entry(2, "queued", Effect::Applied),
        entry(3, "accepted", Effect::Applied),
        entry(4, "submitted", Effect::Superseded),
        entry(9, "delivered", Effect::Applied),
        unknown,
        entry(11, "clicked", Effect::Applied),
    ];
    let expected = [(2, "queued to accepted".to_owned(), 2), (4, "accepted to delivered".to_owned(), 6)];
    assert_eq!(taken(&timeline), expected);
    assert!(taken(&[]).is_empty());
}

#[test]
fn the_usual_time_is_that_of_the_messages_in_the_middle_and_near_the_end() {
    let of = |count: u64| {
        let one = |second| Taken {
            entry: 1,
            step: ("submitted".to_owned(), "delivered".to_owned()),
            time: Duration::from_secs(second),
        };
        // The second time does not count.
        usual_times((1..=count).rev().map(|second| vec![one(second), one(900)]).collect())
    };
    let step = ("submitted".to_owned(), "delivered".to_owned());
    let expected = UsualView { count: 20, median_seconds: 10.0, p95_seconds: 19.0 };
    assert_eq!(of(20).get(&step), Some(&expected));
    assert_eq!(of(100).get(&step).map(|usual| usual.p95_seconds), Some(95.0));
    assert!(of(19).is_empty(), "too few");
}

/// How the store answers a list.
#[derive(Clone, Copy, Debug)]
enum Lists {
    Message,
    Fail,
    Hang,
}

/// A store with one message, which each list contains. Only lists can fail or hang.
struct Flawed {
    lists: Mutex<Lists>,
    asked: AtomicUsize,
}

impl Flawed {
    fn lists(&self, lists: Lists) {
        *self.lists.lock().unwrap() = lists;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// A message that was accepted after ten seconds.
fn history() -> History {
    let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
    let step =
        |second, dispatch| DispatchEvent { at: at(second), dispatch, code: None, reason: None, transaction_id: None };
    let message = Message {
        correlation_id: CorrelationId::new("order-1").unwrap(),
        transaction_id: None,
        dispatch: Some(Dispatch::Accepted),
        channel: Some(Channel::Sms),
        sender: None,
        recipient: None,
        other_recipients: false,
        callback_data: None,
        status: Status::Accepted,
        is_final: false,
        failure: None,
        code: None,
        reason: None,
        segments: None,
        status_at: Some(at(10)),
        created_at: at(0),
        updated_at: at(10),
        notification_count: 0,
    };
    let dispatch = vec![step(0, Dispatch::Queued), step(10, Dispatch::Accepted)];
    History { message, notifications: Vec::new(), dispatch }
}

#[async_trait]
impl Messages for Flawed {
    async fn history(&self, _: &CorrelationId) -> Result<Option<History>, StorageError> {
        Ok(Some(history()))
    }

    async fn list(&self, _: &Filter, _: Option<&Cursor>, _: PageLimit) -> Result<Page<Message>, StorageError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let lists = *self.lists.lock().unwrap();
        match lists {
            Lists::Message => Ok(Page { items: vec![history().message], next: None }),
            Lists::Fail => Err(StorageError::Unavailable("the index is damaged".into())),
            Lists::Hang => pending().await,
        }
    }

    async fn find(&self, _: &CorrelationId) -> Result<Option<Message>, StorageError> {
        unreachable!()
    }

    async fn stats(&self, _: &StatsRequest) -> Result<Vec<StatsRow>, StorageError> {
        unreachable!()
    }

    async fn notifications_without_bodies(&self, _: &CorrelationId) -> Result<Vec<StoredNotification>, StorageError> {
        unreachable!()
    }

    async fn notifications_page(
        &self,
        _: &CorrelationId,
        _: Option<&Cursor>,
        _: PageLimit,
    ) -> Result<Page<StoredNotification>, StorageError> {
        unreachable!()
    }

    async fn notifications_of(
        &self,
        _: &[CorrelationId],
        _: Option<&(CorrelationId, Fingerprint)>,
        _: PageLimit,
    ) -> Result<Vec<(CorrelationId, StoredNotification)>, StorageError> {
        unreachable!()
    }

    async fn dispatch_events(&self, _: &CorrelationId) -> Result<Vec<DispatchEvent>, StorageError> {
        unreachable!()
    }

    async fn owner(&self, _: &TransactionId) -> Result<Option<CorrelationId>, StorageError> {
        unreachable!()
    }
}

fn pace_of(lists: Lists) -> (Arc<Flawed>, Pace) {
    let store = Arc::new(Flawed { lists: Mutex::new(lists), asked: AtomicUsize::new(0) });
    let (began, start) = (Instant::now(), Timestamp::parse_rfc3339("2026-05-20T13:15:00Z").unwrap());
    let clock = Clock::new(move || start.plus(began.elapsed()));
    (store.clone(), Pace::new(store, clock))
}

/// Looks the message up: it has its step in any case. Returns how many messages of the sample took this step.
async fn usual_count(pace: &Pace) -> Option<usize> {
    let History { message, notifications, dispatch } = history();
    let mut view = MessageView::of(&message, false);
    view.tell(&message, None, &timeline(&notifications, &dispatch));
    let PaceView { steps, sample } = pace.of(&view).await.unwrap();
    let [step] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!((step.from.as_str(), step.to.as_str(), step.seconds), ("queued", "accepted", 10.0));
    assert_eq!(sample.is_some(), step.usual.is_some());
    step.usual.map(|usual| usual.count)
}

const ALL: Option<usize> = Some(PARTS as usize);

#[tokio::test(start_paused = true)]
async fn a_sample_that_fails_or_hangs_leaves_out_only_the_usual_times() {
    for flaw in [Lists::Fail, Lists::Hang] {
        let (store, pace) = pace_of(flaw);
        let began = Instant::now();
        assert_eq!(usual_count(&pace).await, None, "{flaw:?}");
        assert!(began.elapsed() < PATIENCE * 2, "{flaw:?}: {:?}", began.elapsed());
        let asked = store.asked();
        store.lists(Lists::Message);
        assert_eq!(usual_count(&pace).await, None, "{flaw:?}");
        assert_eq!(store.asked(), asked, "{flaw:?}: not every caller tries again");
        advance(RETRY).await;
        assert_eq!(usual_count(&pace).await, ALL, "{flaw:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_does_not_wait_for_the_sample_of_another() {
    let (store, pace) = pace_of(Lists::Hang);
    let mut first = Box::pin(usual_count(&pace));
    assert_eq!((&mut first).now_or_never(), None);
    assert_eq!(usual_count(&pace).now_or_never(), Some(None), "there is no sample yet");
    assert_eq!(first.await, None);

    store.lists(Lists::Message);
    advance(RETRY).await;
    assert_eq!(usual_count(&pace).await, ALL);
    advance(FRESH).await;
    store.lists(Lists::Hang);
    let mut first = Box::pin(usual_count(&pace));
    assert_eq!((&mut first).now_or_never(), None);
    assert_eq!(usual_count(&pace).now_or_never(), Some(ALL), "the sample before is used");
    assert_eq!(first.await, None);
}

#[tokio::test(start_paused = true)]
async fn a_sample_whose_caller_went_away_is_taken_by_a_later_one() {
    let (store, pace) = pace_of(Lists::Hang);
    assert_eq!(usual_count(&pace).now_or_never(), None);
    store.lists(Lists::Message);
    assert_eq!(usual_count(&pace).await, None);
    advance(RETRY).await;
    assert_eq!(usual_count(&pace).await, ALL);
}
