//! How long the steps of a message took, and how long they usually take on its channel.
//!
//! The usual times come from a sample of messages. It ends a day ago, so that slow steps are in it as well as fast ones,
//! and so that an incident of today is compared with the days before. The sample takes a few messages of each part of the
//! period through the index of the channel, so its cost does not depend on the number of messages.
//!
//! The steps of a message are shown whether the sample succeeds or not. So a sample has little time, and a caller does not
//! wait for the sample of another one.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{EntryView, MessageView, PaceView, SampleView, StepView, UsualView, view::entries};
use crate::{
    clock::Clock,
    domain::{Channel, CorrelationId, Effect, Filter, PageLimit, Timestamp, timeline},
    observe::causes,
    storage::{Messages, StorageError},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::timeout;

/// The sample ends this long ago. By then, nearly all steps have been taken that ever will be.
const AGE: Duration = Duration::from_hours(24);
/// The parts of the period: four for each day of a week.
const PARTS: u32 = 28;
const PART: Duration = Duration::from_hours(6);
/// The messages of each part.
const OF_A_PART: u16 = 5;
/// If fewer messages took a step, nothing is said to be usual.
const ENOUGH: usize = 20;
/// How many look-ups run at a time: fewer than there are connections, so that other callers get one too.
const AT_A_TIME: usize = 4;
/// How long a sample may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a sample is used.
const FRESH: Duration = Duration::from_mins(10);
/// When a sample is tried again that failed, or whose caller went away.
const RETRY: Duration = Duration::from_mins(1);

/// From one status to another.
type Step = (String, String);

/// A step that a message took: the position of its entry, and how long it took.
struct Taken {
    entry: usize,
    step: Step,
    time: Duration,
}

/// What is usual on a channel.
struct Usual {
    sample: SampleView,
    times: BTreeMap<Step, UsualView>,
}

/// The last sample of a channel.
struct Known {
    /// `None` if it failed.
    usual: Option<Arc<Usual>>,
    /// When a sample was last tried.
    tried_at: Timestamp,
    /// For how long it is not tried again.
    rest: Duration,
}

impl Known {
    fn is_good(&self, now: Timestamp) -> bool {
        // Not from the future either: the clock was set back.
        self.tried_at <= now && now.since(self.tried_at) < self.rest
    }
}

/// Computes how long steps took and usually take.
#[derive(Clone)]
pub(super) struct Pace {
    messages: Arc<dyn Messages>,
    clock: Clock,
    known: Arc<Mutex<HashMap<Channel, Known>>>,
}

impl Pace {
    pub(super) fn new(messages: Arc<dyn Messages>, clock: Clock) -> Self {
        Self { messages, clock, known: Arc::default() }
    }

    /// How long the steps of a message took. `None` if there are none, or if it has several recipients, whose steps are mixed
    /// in its timeline.
    pub(super) async fn of(&self, message: &MessageView) -> Option<PaceView> {
        let timeline = message.timeline.as_ref().filter(|_| message.recipients.is_none())?;
        let taken = steps(timeline);
        if taken.is_empty() {
            return None;
        }
        // Other channels are texts of other systems, so there can be any number of them.
        let channel = message.channel.as_deref().map(Channel::from_name);
        let usual = match channel.filter(|channel| !matches!(channel, Channel::Other(_))) {
            Some(channel) => self.usual(channel).await,
            None => None,
        };
        let view = |taken: Taken| {
            let usual = usual.as_ref().and_then(|usual| usual.times.get(&taken.step)).copied();
            let (from, to) = taken.step;
            StepView { entry: taken.entry, from, to, seconds: seconds(taken.time), usual }
        };
        let steps = taken.into_iter().map(view).collect();
        let sample = usual.map(|usual| usual.sample.clone()).filter(|sample| sample.messages > 0);
        Some(PaceView { steps, sample })
    }

    /// What is usual on a channel. One caller takes a sample, and meanwhile the others get the one before.
    async fn usual(&self, channel: Channel) -> Option<Arc<Usual>> {
        let now = self.clock.now();
        {
            let mut known = self.known();
            let last = known.get(&channel);
            if let Some(last) = last.filter(|last| last.is_good(now)) {
                return last.usual.clone();
            }
            let usual = last.and_then(|last| last.usual.clone());
            known.insert(channel.clone(), Known { usual, tried_at: now, rest: RETRY });
        }
        let usual = match timeout(PATIENCE, self.sample(&channel, now)).await {
            Ok(Ok(usual)) => Some(Arc::new(usual)),
            Ok(Err(error)) => {
                tracing::debug!(%channel, error = causes(&error), "the usual times of a channel cannot be read");
                None
            }
            Err(_) => {
                tracing::debug!(%channel, within = ?PATIENCE, "the usual times of a channel were not read in time");
                None
            }
        };
        let rest = if usual.is_some() { FRESH } else { RETRY };
        self.known().insert(channel, Known { usual: usual.clone(), tried_at: now, rest });
        usual
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Channel, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sample(&self, channel: &Channel, now: Timestamp) -> Result<Usual, StorageError> {
        let until = now.minus(AGE);
        let limit = PageLimit::new(OF_A_PART).unwrap_or_default();
        let part = async |part: u32| {
            let until = until.minus(PART * part);
            let (since, until, channel) = (Some(until.minus(PART)), Some(until), Some(channel.clone()));
            let filter = Filter { channel, since, until, ..Filter::default() };
            self.messages.list(&filter, None, limit).await
        };
        let pages: Vec<_> = stream::iter(0..PARTS).map(part).buffer_unordered(AT_A_TIME).try_collect().await?;
        let messages = pages.into_iter().flat_map(|page| page.items).filter(|message| !message.other_recipients);
        let taken = async |id: CorrelationId| -> Result<Option<Vec<Taken>>, StorageError> {
            let history = self.messages.history(&id).await?;
            Ok(history.map(|history| steps(&entries(&timeline(&history.notifications, &history.dispatch)))))
        };
        let ids = messages.map(|message| message.correlation_id);
        let taken: Vec<_> = stream::iter(ids).map(taken).buffer_unordered(AT_A_TIME).try_collect().await?;
        let taken: Vec<_> = taken.into_iter().flatten().collect();
        let (messages, since) = (taken.len(), until.minus(PART * PARTS));
        Ok(Usual {
            sample: SampleView { messages, since: since.to_string(), until: until.to_string() },
            times: usual_times(taken),
        })
    }
}

/// The steps of a timeline: each entry that changed the status, if its time and that of the one before it are known.
fn steps(timeline: &[EntryView]) -> Vec<Taken> {
    let (mut steps, mut before): (Vec<Taken>, Option<(&str, Timestamp)>) = (Vec::new(), None);
    for (entry, view) in timeline.iter().enumerate().filter(|(_, view)| view.effect == Effect::Applied.as_str()) {
        let Some(at) = view.at.as_deref().and_then(Timestamp::parse_rfc3339) else {
            before = None;
            continue;
        };
        if let Some((from, since)) = before {
            if from == view.status {
                continue;
            }
            steps.push(Taken { entry, step: (from.to_owned(), view.status.clone()), time: at.since(since) });
        }
        before = Some((&view.status, at));
    }
    steps
}

/// The usual time of each step that enough messages took. If a message took a step several times, the first counts.
fn usual_times(taken: Vec<Vec<Taken>>) -> BTreeMap<Step, UsualView> {
    let mut times: BTreeMap<Step, Vec<Duration>> = BTreeMap::new();
    for of_one in taken {
        let firsts: BTreeMap<_, _> = of_one.into_iter().rev().map(|taken| (taken.step, taken.time)).collect();
        for (step, time) in firsts {
            times.entry(step).or_default().push(time);
        }
    }
    let enough = times.into_iter().filter(|(_, times)| times.len() >= ENOUGH);
    enough.filter_map(|(step, times)| Some((step, usual(times)?))).collect()
}

/// The median and the 95th percentile, each the time of one of the messages.
fn usual(mut times: Vec<Duration>) -> Option<UsualView> {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).checked_sub(1)?).copied().map(seconds);
    Some(UsualView { count: times.len(), median_seconds: at(50)?, p95_seconds: at(95)? })
}

/// In milliseconds, as precise as the times of the API.
fn seconds(time: Duration) -> f64 {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
