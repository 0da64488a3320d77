//! A random run: messages that ask the simulated platform for all kinds of answers, and two instances on one database
//! that crash at any moment, with a clock that jumps in both directions, so that leases expire during requests.

use std::{sync::Arc, time::Duration};

use harness::{Database, Platform, Sample, eventually, put};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use receiptd::{
    domain::{Actor, Arrival, CorrelationId, Dispatch, Source},
    send::{Credentials, DispatchLimits, OnUnknown, Platform as Called, WebexConnect},
    storage::Cancellation,
    webex::{Posted, TimeZone},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::stage::{Instance, Stage};

/// How the platform treats a message that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It accepts the message and says so, at the latest at the second attempt.
    Takes,
    /// It accepts the message, and does not say so.
    TakesSilently,
    /// It never accepts the message.
    Refuses,
}

const WORDS: [(&str, Kind); 12] = [
    ("", Kind::Takes),
    ("", Kind::Takes),
    ("", Kind::Takes),
    ("[sim:answer=7006][sim:once]", Kind::Takes),
    ("[sim:answer=http-503][sim:once]", Kind::Takes),
    ("[sim:answer=7020][sim:once]", Kind::Takes),
    ("[sim:answer=hang]", Kind::TakesSilently),
    ("[sim:answer=garbage]", Kind::TakesSilently),
    ("[sim:answer=reset]", Kind::TakesSilently),
    ("[sim:answer=http-500]", Kind::Refuses),
    ("[sim:answer=http-503]", Kind::Refuses),
    ("[sim:answer=7004]", Kind::Refuses),
];

const MESSAGES: usize = 60;
const ROUNDS: usize = 12;
/// The time limit of an answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// The result of a run, with the end of each message.
pub(crate) struct Played {
    pub(crate) ends: Vec<End>,
    pub(crate) seed: u64,
}

/// The end of a message.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) dispatch: Dispatch,
    /// How often the platform accepted it.
    pub(crate) times: u64,
    /// The steps of its dispatch.
    pub(crate) steps: Vec<Dispatch>,
}

struct Play<'a> {
    chance: StdRng,
    limits: DispatchLimits,
    platform: &'a Platform,
    stages: [Stage; 2],
    running: [Option<Instance>; 2],
    messages: Vec<(String, Kind)>,
}

/// Runs until nothing more happens by itself.
pub(crate) async fn play(database: &Database, platform: &Platform, on_unknown: OnUnknown, seed: u64) -> Played {
    let first = Stage::on(database).await;
    let stages = [first.again(database).await, first];
    let mut chance = StdRng::seed_from_u64(seed);
    let limits = DispatchLimits {
        in_flight: chance.random_range(1..=16),
        batch: chance.random_range(1..=3),
        lease: Duration::from_secs(10),
        attempts: 4,
        on_unknown,
        // In the end, only messages that the platform does not answer are left.
        longest_probe_pause: Duration::from_millis(20),
        ..DispatchLimits::default()
    };
    let mut play = Play { chance, limits, platform, stages, running: [None, None], messages: Vec::new() };
    for _ in 0..ROUNDS {
        play.round(seed).await;
    }
    play.comes_to_rest().await;
    let report = platform.report();
    let mut ends = Vec::new();
    for (id, kind) in &play.messages {
        let dispatch = play.stages[0].dispatch(id).await;
        let steps = play.stages[0].steps(id).await.into_iter().map(|step| step.dispatch).collect();
        let times = report.accepted_by_correlation_id.get(id).copied().unwrap_or_default();
        ends.push(End { id: id.clone(), kind: *kind, dispatch, times, steps });
    }
    for instance in play.running.iter_mut().filter_map(Option::take) {
        instance.stops().await;
    }
    Played { ends, seed }
}

impl Play<'_> {
    /// Sends some messages, starts an instance, waits, crashes an instance, and advances the clock.
    async fn round(&mut self, seed: u64) {
        let new: Vec<_> = (0..MESSAGES / ROUNDS).map(|_| self.message(seed)).collect();
        let stage = self.chance.random_range(0..2);
        self.stages[stage].takes(new).await;
        for which in 0..2 {
            if self.running[which].is_none() && self.chance.random_bool(0.8) {
                self.running[which] = Some(self.starts(which));
            }
        }
        sleep(Duration::from_millis(self.chance.random_range(0..150))).await;
        self.calls_one_back().await;
        let which = self.chance.random_range(0..2);
        if let Some(instance) = self.running[which].take_if(|_| self.chance.random_bool(0.7)) {
            instance.crashes().await;
        }
        let time = Duration::from_secs(self.chance.random_range(0..15));
        if self.chance.random_bool(0.3) {
            self.stages[0].puts_the_clock_back(time);
        } else {
            self.stages[0].puts_the_clock_forward(time);
        }
    }

    fn starts(&self, which: usize) -> Instance {
        let url = self.platform.url.parse().unwrap();
        let credentials = Credentials::key("the-key".to_owned().into()).unwrap();
        let platform: Arc<dyn Called> =
            Arc::new(WebexConnect::new(url, credentials, PATIENCE, self.stages[which].clock()).unwrap());
        self.stages[which].dispatches(platform, self.limits.clone())
    }

    fn message(&mut self, seed: u64) -> Value {
        let id = format!("{seed}-{}", self.messages.len());
        let (word, kind) = WORDS[self.chance.random_range(0..WORDS.len())];
        let channel = if self.chance.random_bool(0.5) { "sms" } else { "whatsapp" };
        let mut message = crate::stage::message(channel, &id);
        message["text"] = json!(format!("Hello. [sim:silent]{word}"));
        if self.chance.random_bool(0.1) {
            let soon = Duration::from_secs(self.chance.random_range(1..20));
            message["expireAt"] = json!(self.stages[0].clock().now().plus(soon));
        }
        self.messages.push((id, kind));
        message
    }

    async fn calls_one_back(&mut self) {
        let (id, _) = &self.messages[self.chance.random_range(0..self.messages.len())];
        let id = CorrelationId::new(id).unwrap();
        if self.chance.random_bool(0.3) {
            let answer =
                self.stages[0].store.outbox.cancel(&id, self.stages[0].clock().now(), &Actor::server()).await.unwrap();
            assert!(!matches!(answer, Cancellation::Observed | Cancellation::Absent), "{answer:?}");
        }
    }

    /// Both instances continue until nothing is queued or in dispatch.
    async fn comes_to_rest(&mut self) {
        for which in 0..2 {
            if self.running[which].is_none() {
                self.running[which] = Some(self.starts(which));
            }
        }
        eventually("the play to come to rest", async || {
            for (id, _) in &self.messages {
                if matches!(self.stages[0].dispatch(id).await, Dispatch::Queued | Dispatch::Sending) {
                    self.stages[0].puts_the_clock_forward(Duration::from_millis(500));
                    return None;
                }
            }
            Some(())
        })
        .await;
    }
}

/// The platform posts a notification for a message that it accepted.
pub(crate) async fn the_platform_tells(stage: &Stage, id: &str) {
    let body = Sample::of(id).body().into_bytes();
    let zone = TimeZone::from_name("UTC").unwrap();
    let arrival = Posted::read(&body, zone).arrival(body, Source::Notify, stage.clock().now());
    assert!(matches!(arrival, Arrival::Notification(_)), "{id}");
    put(&stage.store, &[arrival]).await.unwrap();
}
