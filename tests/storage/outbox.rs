//! Random actions on the outbox in random order have the result of a small model of its rules.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::Index, sample::select};
use receiptd::{
    domain::{Actor, Channel, Dispatch, Event, Standing, Status, StoredNotification, Submission},
    storage::{Cancellation, Claim, EnqueueResult, OutboxEntry, Settlement},
};
use serde_json::json;

use crate::{
    make::{about, claimed, fresh, id, submission_with, time, transaction},
    store::TestStore,
};

both!(random_actions_match_the_model);

#[derive(Clone, Debug)]
enum Action {
    /// Each message by its number, with the time until it is due, and until it expires.
    Enqueue(Vec<(usize, i64, Option<i64>)>),
    Claim(Channel, i64),
    Settle(Vec<(Index, Dispatch)>),
    Abandon(bool),
    Expire,
    Cancel(usize),
    Hear(usize, Event),
}

const MESSAGES: usize = 4;
/// The messages use these channels in turn.
const CHANNELS: [Channel; 2] = [Channel::Sms, Channel::Whatsapp];
/// The time between two actions.
const TICK: i64 = 1_000;

fn an_action() -> impl Strategy<Value = Action> {
    let ticks = |most: i64| (0..most).prop_map(|ticks| ticks * TICK);
    let ends = [Dispatch::Accepted, Dispatch::Rejected, Dispatch::Unconfirmed, Dispatch::Queued, Dispatch::Queued];
    prop_oneof![
        4 => vec((0..MESSAGES, ticks(3), option::of(ticks(6))), 1..6).prop_map(Action::Enqueue),
        6 => (select(CHANNELS.to_vec()), ticks(4)).prop_map(|(channel, lease)| Action::Claim(channel, lease + 1)),
        6 => vec((any::<Index>(), select(ends.to_vec())), 1..4).prop_map(Action::Settle),
        2 => any::<bool>().prop_map(Action::Abandon),
        2 => Just(Action::Expire),
        2 => (0..MESSAGES).prop_map(Action::Cancel),
        1 => (0..MESSAGES, select(vec![Event::Unknown, Event::Submitted, Event::Delivered]))
            .prop_map(|(message, event)| Action::Hear(message, event)),
    ]
}

/// Whether an attempt with this end counts. In reality this varies; here it is the value that is passed.
fn counts(end: Dispatch) -> bool {
    end == Dispatch::Queued
}

/// The expected state of one message.
#[derive(Default)]
struct Modelled {
    request: Option<Submission>,
    due: Option<i64>,
    lease: Option<i64>,
    attempts: i64,
    /// The number of attempts that count.
    counted: i64,
    /// The last attempt whose outcome is stored.
    settled: i64,
    steps: Vec<Dispatch>,
    heard: Vec<StoredNotification>,
}

impl Modelled {
    fn understood(&self) -> Option<Status> {
        let heard = self.heard.iter().map(StoredNotification::standing).reduce(Standing::merge);
        heard.filter(|standing| standing.precedence.rank > Status::DISPATCH).map(|standing| standing.status)
    }

    fn status(&self) -> Option<Status> {
        let dispatched = self.steps.last().map(|dispatch| dispatch.status());
        self.understood().or(dispatched).or((!self.heard.is_empty()).then_some(Status::Unknown))
    }

    fn enqueue(&mut self, entry: &OutboxEntry) -> EnqueueResult {
        match &self.request {
            Some(request) if *request == entry.submission => EnqueueResult::Same,
            None if self.heard.is_empty() => {
                self.request = Some(entry.submission.clone());
                self.due = Some(entry.due_at.as_micros());
                self.steps.push(Dispatch::Queued);
                EnqueueResult::New
            }
            _ => EnqueueResult::Conflict,
        }
    }

    fn is_expired(&self, now: i64) -> bool {
        let expires = self.request.as_ref().and_then(|request| request.expire_at);
        expires.is_some_and(|at| at <= time(now))
    }

    /// Claims the message. Returns whether it is claimed.
    fn claim(&mut self, now: i64, lease: i64) -> bool {
        self.due = None;
        self.attempts += 1;
        let step = match self.understood() {
            Some(_) => Dispatch::Accepted,
            None if self.is_expired(now) => Dispatch::Expired,
            None => Dispatch::Sending,
        };
        self.steps.push(step);
        self.lease = (step == Dispatch::Sending).then_some(now + lease);
        step == Dispatch::Sending
    }

    fn settle(&mut self, attempt: i64, end: Dispatch, now: i64) {
        if attempt != self.attempts || attempt == self.settled {
            return;
        }
        self.settled = attempt;
        self.counted += i64::from(counts(end));
        let is_over = matches!(self.steps.last(), Some(Dispatch::Cancelled | Dispatch::Expired));
        (self.due, self.lease) = (None, None);
        if !(is_over && matches!(end, Dispatch::Queued | Dispatch::Rejected)) {
            self.due = (end == Dispatch::Queued).then_some(now);
            self.steps.push(end);
        }
    }

    fn cancel(&mut self) -> Cancellation {
        match (self.status(), self.steps.last()) {
            (None, _) => Cancellation::Absent,
            (Some(_), None) => Cancellation::Observed,
            (Some(status), _) if self.understood().is_some() => Cancellation::TooLate(status),
            (_, Some(Dispatch::Cancelled)) => Cancellation::Already,
            (Some(status), _) if self.due.is_none() => Cancellation::TooLate(status),
            _ => {
                self.due = None;
                self.steps.push(Dispatch::Cancelled);
                Cancellation::Cancelled
            }
        }
    }
}

/// The store and its model.
struct Course<'a> {
    store: &'a TestStore,
    case: String,
    messages: Vec<Modelled>,
    claims: Vec<(usize, Claim)>,
}

impl Course<'_> {
    fn name(&self, message: usize) -> String {
        format!("{}-{message}", self.case)
    }

    fn entry(&self, (message, delay, expires): (usize, i64, Option<i64>), now: i64) -> OutboxEntry {
        let mut submission = submission_with(&json!({
            "correlationId": self.name(message), "channel": CHANNELS[message % 2].as_str(), "to": "447700900123",
        }));
        submission.expire_at = expires.map(|ticks| time(now + ticks));
        OutboxEntry::new(submission, time(now + delay))
    }

    /// The names of the messages that `change` changes.
    fn changed(&mut self, change: impl Fn(&mut Modelled) -> bool) -> Vec<String> {
        let names: Vec<_> = (0..MESSAGES).map(|message| self.name(message)).collect();
        names.into_iter().zip(&mut self.messages).filter_map(|(name, it)| change(it).then_some(name)).collect()
    }

    async fn act(&mut self, action: &Action, now: i64) {
        let outbox = &self.store.outbox;
        match action {
            Action::Enqueue(wanted) => {
                let entries: Vec<_> = wanted.iter().map(|wanted| self.entry(*wanted, now)).collect();
                let expected: Vec<_> =
                    wanted.iter().zip(&entries).map(|(wanted, entry)| self.messages[wanted.0].enqueue(entry)).collect();
                assert_eq!(outbox.enqueue(&entries, time(now), &Actor::server()).await.unwrap(), expected);
            }
            Action::Claim(channel, lease) => {
                let claims = outbox.claim(channel, 100, time(now), time(now + lease)).await.unwrap();
                let mut expected = Vec::new();
                for (number, message) in self.messages.iter_mut().enumerate() {
                    let is_due = CHANNELS[number % 2] == *channel && message.due.is_some_and(|due| due <= now);
                    if is_due && message.claim(now, *lease) {
                        let request = message.request.clone().unwrap();
                        let (attempt, counted) = (message.attempts, message.counted);
                        expected.push((number, Claim { submission: request, attempt, counted }));
                    }
                }
                assert_eq!(claims, expected.iter().map(|(_, claim)| claim.clone()).collect::<Vec<_>>());
                self.claims.extend(expected);
            }
            Action::Settle(ends) if !self.claims.is_empty() => {
                let mut outcomes = Vec::new();
                let mut first = BTreeMap::new();
                for (index, end) in ends {
                    let (number, claim) = index.get(&self.claims);
                    outcomes.push((claim.clone(), self.settlement(*number, *end, now)));
                    first.entry((*number, claim.attempt)).or_insert(*end);
                }
                for ((number, attempt), end) in first {
                    self.messages[number].settle(attempt, end, now);
                }
                outbox.settle(&outcomes).await.unwrap();
            }
            Action::Settle(_) => {}
            Action::Abandon(resend) => {
                let expected = self.changed(|message| {
                    let is_over = message.lease.is_some_and(|until| until <= now);
                    if is_over {
                        (message.lease, message.due) = (None, resend.then_some(now));
                        message.counted += 1;
                        message.steps.push(if *resend { Dispatch::Queued } else { Dispatch::Unconfirmed });
                    }
                    is_over
                });
                assert_eq!(sorted(outbox.expire_leases(time(now), *resend).await.unwrap()), expected);
            }
            Action::Expire => {
                let expected = self.changed(|message| {
                    let is_over = message.due.is_some() && message.is_expired(now);
                    if is_over {
                        message.due = None;
                        let shown = message.understood().is_some();
                        message.steps.push(if shown { Dispatch::Accepted } else { Dispatch::Expired });
                    }
                    is_over
                });
                assert_eq!(sorted(outbox.expire(time(now)).await.unwrap()), expected);
            }
            Action::Cancel(number) => {
                let cancelled = outbox.cancel(&id(&self.name(*number)), time(now), &Actor::server()).await.unwrap();
                assert_eq!(cancelled, self.messages[*number].cancel());
            }
            Action::Hear(number, event) => {
                let heard = about(&self.name(*number)).says(*event).at(now);
                self.store.hear([heard.clone()]).await;
                self.messages[*number].heard.push(heard.recorded());
            }
        }
    }

    fn settlement(&self, number: usize, end: Dispatch, now: i64) -> Settlement {
        let mut settlement = Settlement::new(end, time(now));
        settlement.retry_at = (end == Dispatch::Queued).then(|| time(now));
        settlement.counts = counts(end);
        settlement.event.transaction_id =
            (end == Dispatch::Accepted).then(|| transaction(&format!("{}-t", self.name(number))));
        settlement
    }

    async fn assert(&self) {
        for (number, modelled) in self.messages.iter().enumerate() {
            let found = self.store.find(&self.name(number)).await;
            assert_eq!(found.as_ref().map(|it| it.status), modelled.status());
            assert_eq!(found.and_then(|it| it.dispatch), modelled.steps.last().copied());
            let steps = self.store.messages.dispatch_events(&id(&self.name(number))).await.unwrap();
            assert_eq!(steps.iter().map(|step| step.dispatch).collect::<Vec<_>>(), modelled.steps);
        }
        let lane = |channel: &Channel| {
            let messages = self.messages.iter().enumerate().filter(|(number, _)| CHANNELS[number % 2] == *channel);
            messages.filter_map(|(_, message)| message.due).min().map(|due| (channel.clone(), time(due)))
        };
        let expected: Vec<_> = CHANNELS.iter().filter_map(lane).collect();
        assert_eq!(self.store.outbox.next_due().await.unwrap(), expected);
    }
}

fn sorted(ids: Vec<receiptd::domain::CorrelationId>) -> Vec<String> {
    let mut ids: Vec<_> = ids.into_iter().map(|id| id.to_string()).collect();
    ids.sort_unstable();
    ids
}

async fn random_actions_match_the_model(store: &TestStore) {
    store.for_all(&vec(an_action(), 1..24), async |actions| {
        let messages = (0..MESSAGES).map(|_| Modelled::default()).collect();
        let mut course = Course { store, case: fresh(), messages, claims: Vec::new() };
        for (action, now) in actions.iter().zip((TICK..).step_by(1_000)) {
            course.act(action, now).await;
            course.assert().await;
        }
        // The next case finds nothing due and nothing leased.
        claimed(store, i64::MAX - TICK).await;
        store.outbox.expire_leases(time(i64::MAX), false).await.unwrap();
    });
}
