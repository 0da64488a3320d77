//! Receives send requests: checks the key, and rejects or accepts and plans each message.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota};
use receiptd_domain::Channel;
use receiptd_webex::codes;
use serde_json::Value;
use subtle::ConstantTimeEq;
use tokio::sync::{mpsc, oneshot};

use super::answer::{self, Answer, Entry, Verdict};
use super::courier::{Delivery, Errand};
use super::directives::{self, Directives};
use super::ledger::Ledger;
use super::plan;
use super::request::{self, Api, Order, Refusal};
use super::settings::Settings;

/// The platform as a sender sees it.
pub(super) struct Platform {
    pub(super) settings: Settings,
    pub(super) ledger: Arc<Ledger>,
    outbox: mpsc::UnboundedSender<Errand>,
    /// The number of requests so far, for their transaction ids.
    requests: AtomicU64,
    /// The number of accepted messages so far. The number of a message decides its plan.
    messages: AtomicU64,
    /// The tenant's rate limit.
    limit: Option<DefaultDirectRateLimiter>,
    /// How often each correlation id was tried.
    attempts: Mutex<HashMap<String, u64>>,
}

/// Maximum burst beyond the rate
/// (developers.webexconnect.io/reference/rate-limits-for-messaging-apis-event-api-and-inbound-webhook).
const MOST_BURST: u32 = 100;

/// The reaction to a request.
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) manner: Manner,
    /// Wait for these before answering.
    pub(super) early: Vec<oneshot::Receiver<()>>,
}

/// How the answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Normally.
    Plain,
    Hang,
    Garbage,
    Reset,
}

/// One request object.
struct Submission {
    channel: Option<Channel>,
    order: Result<Order, Refusal>,
    words: Directives,
}

impl Platform {
    pub(super) fn new(settings: Settings, ledger: Arc<Ledger>, outbox: mpsc::UnboundedSender<Errand>) -> Self {
        let (requests, messages) = (AtomicU64::new(0), AtomicU64::new(0));
        let limit = settings.rate.map(|rate| {
            let burst = rate.saturating_add((rate.get() / 2).min(MOST_BURST));
            DefaultDirectRateLimiter::direct(Quota::per_second(rate).allow_burst(burst))
        });
        Self { settings, ledger, outbox, requests, messages, limit, attempts: Mutex::default() }
    }

    /// Handles a request with its key.
    pub(super) fn take(&self, api: Api, key: Option<&str>, body: &[u8]) -> Reply {
        self.ledger.request();
        let nth = self.requests.fetch_add(1, Ordering::Relaxed);
        let body = serde_json::from_slice::<Value>(body).ok();
        let channel = body.as_ref().and_then(|body| request::channel(api, body));
        let admitted = self.admit(key).and_then(|()| body.ok_or_else(Refusal::not_json));
        let (submissions, is_batch) = match admitted {
            Err(refusal) => (vec![Submission { channel, order: Err(refusal), words: Directives::default() }], false),
            Ok(Value::Array(batch)) if api == Api::V1 && !batch.is_empty() => {
                (batch.into_iter().map(|body| self.read(api, body)).collect(), true)
            }
            Ok(single) => (vec![self.read(api, single)], false),
        };
        self.answer(api, nth, submissions, is_batch)
    }

    fn admit(&self, key: Option<&str>) -> Result<(), Refusal> {
        let key = key.ok_or_else(|| Refusal::new("7002", "Service Key Missing"))?;
        match &self.settings.service_key {
            Some(own) if !bool::from(own.as_bytes().ct_eq(key.as_bytes())) => {
                Err(Refusal::new("7001", "Authentication failed."))
            }
            _ => Ok(()),
        }
    }

    fn read(&self, api: Api, body: Value) -> Submission {
        let channel = request::channel(api, &body);
        let mut words = Directives::find(&body);
        let order = request::read(api, body, (self.settings.now)());
        let over = self.limit.as_ref().is_some_and(|limit| limit.check().is_err());
        let order = if over { order.and_then(|_| Err(described("7020", channel.as_ref()))) } else { order };
        if words.once && order.as_ref().is_ok_and(|order| !self.is_first_attempt(order.correlation_id())) {
            words.answer = None;
        }
        Submission { channel, order, words }
    }

    fn is_first_attempt(&self, correlation_id: &str) -> bool {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = attempts.entry(correlation_id.to_owned()).or_default();
        *attempts += 1;
        *attempts == 1
    }

    fn answer(&self, api: Api, nth: u64, submissions: Vec<Submission>, is_batch: bool) -> Reply {
        let mut reply = Reply { answer: Answer::empty(200), manner: Manner::Plain, early: Vec::new() };
        let bare_status = submissions.iter().find_map(|submission| match submission.words.answer {
            Some(directives::Answer::Http(status)) => Some(status),
            _ => None,
        });
        if let Some(status) = bare_status {
            self.ledger.refused(&format!("http-{status}"));
            reply.answer = Answer::empty(status);
            return reply;
        }
        let base = plan::transaction_id(self.settings.seed, nth);
        let decide = |(place, submission)| self.decide(api, &base, place, submission, &mut reply);
        let entries: Vec<_> = submissions.into_iter().enumerate().map(decide).collect();
        reply.answer = match entries.as_slice() {
            [entry] if !is_batch => answer::to_one(api, entry, (self.settings.now)(), nth),
            entries => answer::to_many(entries),
        };
        reply
    }

    fn decide(&self, api: Api, base: &str, place: usize, submission: Submission, reply: &mut Reply) -> Entry {
        let Submission { channel, order, words } = submission;
        // The entries of a batch are numbered, beginning with the second.
        let transaction_id = if place == 0 { base.to_owned() } else { format!("{base}_{place}") };
        let correlation_id = order.as_ref().map_or("", Order::correlation_id).to_owned();
        let is_invitation = order.as_ref().is_ok_and(Order::is_invitation);
        let refuse = |refusal: Refusal| {
            self.ledger.refused(&refusal.code);
            Verdict::Refused(refusal)
        };
        let verdict = match (order, &words.answer) {
            (Err(refusal), _) => refuse(refusal),
            (Ok(_), Some(directives::Answer::Code(code))) => refuse(described(code, channel.as_ref())),
            (Ok(_), Some(directives::Answer::Rejected)) if api == Api::V2 => {
                self.ledger.refused("rejected");
                Verdict::Rejected
            }
            (Ok(order), answer) => {
                match answer {
                    Some(directives::Answer::Hang) => reply.manner = Manner::Hang,
                    Some(directives::Answer::Garbage) => reply.manner = Manner::Garbage,
                    Some(directives::Answer::Reset) => reply.manner = Manner::Reset,
                    _ => {}
                }
                // These two number all of their messages, beginning with the first, but only in notifications.
                let numbered = matches!(order.channel, Channel::Whatsapp | Channel::Messenger);
                let notified_id = if numbered { format!("{base}_{place}") } else { transaction_id.clone() };
                self.accept(&order, &words, &notified_id, &mut reply.early);
                Verdict::Queued
            }
        };
        Entry { transaction_id, correlation_id, channel, is_invitation, verdict }
    }

    /// Accepts a message to each recipient, and queues its notifications.
    fn accept(&self, order: &Order, words: &Directives, transaction_id: &str, early: &mut Vec<oneshot::Receiver<()>>) {
        let ids: BTreeSet<_> = order.recipients.iter().map(|recipient| recipient.correlation_id.as_str()).collect();
        self.ledger.accepted(order.recipients.len() as u64, ids.into_iter().filter(|id| !id.is_empty()));
        let (settings, url) = (&self.settings, order.usable_notify_url());
        let accepted_at = (settings.now)();
        for recipient in &order.recipients {
            let nth = self.messages.fetch_add(1, Ordering::Relaxed);
            let Some(url) = url.clone() else { continue };
            let plan = plan::plan(settings, nth, order, recipient, words, transaction_id, accepted_at);
            let lost = plan.notifications.iter().filter(|planned| planned.lost).count();
            self.ledger.planned(plan.notifications.len() as u64, lost as u64);
            let mut delivery = Delivery {
                url,
                transaction_id: transaction_id.to_owned(),
                trace_id: plan::trace_id(settings.seed, nth),
                delay: settings.answer_delay,
                notifications: plan.notifications,
                first_posted: None,
            };
            if plan.early {
                let (posted, wait) = oneshot::channel();
                early.push(wait);
                delivery.delay = Duration::ZERO;
                delivery.first_posted = Some(posted);
            }
            // This fails only if the simulator is stopping.
            let _ = self.outbox.send(Errand::Deliver(delivery));
        }
    }
}

/// The rejection that a message asked for, with the documented text if there is one.
fn described(code: &str, channel: Option<&Channel>) -> Refusal {
    Refusal::new(code, codes::find(channel, code).map_or("Unknown Exception", |code| code.text))
}
