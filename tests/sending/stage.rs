//! A store, dispatchers on it, and a configurable platform.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use harness::{Database, SetClock, eventually};
use receiptd::{
    clock::Clock,
    domain::{Actor, CorrelationId, Dispatch, DispatchEvent, Filter, Message, PageLimit, Status, Submission},
    observe::Metrics,
    send::{Attempt, DispatchHealth, DispatchLimits, Dispatcher, Platform, Trouble},
    storage::{self, Access, OpenOptions, OutboxEntry, Store},
    webex::{
        NotifyUrl, SmsApi,
        request::{Request, Tenant, Tracking},
    },
};
use serde_json::{Value, json};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

/// A store on a database, and a clock that can be set.
pub(crate) struct Stage {
    pub(crate) store: Store,
    set: SetClock,
}

/// A running dispatcher. If it is dropped without a stop, it is interrupted as by a crash.
pub(crate) struct Instance {
    health: watch::Receiver<DispatchHealth>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Stage {
    pub(crate) async fn on(database: &Database) -> Self {
        let options = OpenOptions { connections: 4, timeout: Duration::from_secs(10), access: Access::Create };
        Self { store: storage::open(database.url(), options).await.unwrap(), set: SetClock::default() }
    }

    /// Another instance on the same database, with the same clock.
    pub(crate) async fn again(&self, database: &Database) -> Self {
        Self { set: self.set.clone(), ..Self::on(database).await }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.set.clock()
    }

    pub(crate) fn puts_the_clock_forward(&self, time: Duration) {
        self.set.goes_forward(time);
    }

    pub(crate) fn puts_the_clock_back(&self, time: Duration) {
        self.set.goes_back(time);
    }

    /// Accepts messages that are due at once.
    pub(crate) async fn takes(&self, messages: impl IntoIterator<Item = Value>) {
        self.takes_for(messages, Duration::ZERO).await;
    }

    /// Accepts messages that are due after this time.
    pub(crate) async fn takes_for(&self, messages: impl IntoIterator<Item = Value>, wait: Duration) {
        let now = self.clock().now();
        let entry = |message| OutboxEntry::new(Submission::from_json(message).unwrap(), now.plus(wait));
        let entries: Vec<_> = messages.into_iter().map(entry).collect();
        self.store.outbox.enqueue(&entries, now, &Actor::server()).await.unwrap();
    }

    pub(crate) fn dispatches(&self, platform: Arc<dyn Platform>, limits: DispatchLimits) -> Instance {
        let metrics = Metrics::new().unwrap();
        let dispatcher = Dispatcher::new(&self.store, platform, tenant(), limits, self.clock(), metrics);
        let (health, (stop, stopped)) = (dispatcher.health(), oneshot::channel());
        let task = tokio::spawn(dispatcher.run(async {
            // An error means that the instance has ended.
            let _ = stopped.await;
        }));
        Instance { health, stop, task }
    }

    pub(crate) async fn message(&self, id: &str) -> Message {
        self.store.messages.find(&CorrelationId::new(id).unwrap()).await.unwrap().unwrap()
    }

    pub(crate) async fn dispatch(&self, id: &str) -> Dispatch {
        self.message(id).await.dispatch.unwrap()
    }

    /// The ids of the claimed messages.
    pub(crate) async fn sending(&self) -> Vec<String> {
        let filter = Filter { status: Some(Status::Sending), ..Filter::default() };
        let page = self.store.messages.list(&filter, None, PageLimit::default()).await.unwrap();
        page.items.into_iter().map(|message| message.correlation_id.to_string()).collect()
    }

    pub(crate) async fn steps(&self, id: &str) -> Vec<DispatchEvent> {
        self.store.messages.dispatch_events(&CorrelationId::new(id).unwrap()).await.unwrap()
    }

    pub(crate) async fn until(&self, id: &str, dispatch: Dispatch) {
        let reached = async || (self.dispatch(id).await == dispatch).then_some(());
        eventually(&format!("{id} to be {dispatch:?}"), reached).await;
    }
}

impl Instance {
    /// Waits until sending is paused because of `wanted`.
    pub(crate) async fn is_stopped_by(&self, wanted: Trouble) {
        let is_it =
            |health: &DispatchHealth| matches!(health, DispatchHealth::Stopped { trouble, .. } if *trouble == wanted);
        self.health.clone().wait_for(is_it).await.unwrap();
    }

    pub(crate) fn is_working(&self) -> bool {
        *self.health.borrow() == DispatchHealth::Working
    }

    /// Waits until messages are sent again.
    pub(crate) async fn works_again(&self) {
        self.health.clone().wait_for(|health| *health == DispatchHealth::Working).await.unwrap();
    }

    pub(crate) async fn stops(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Ends as by `kill -9`.
    pub(crate) async fn crashes(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

fn tenant() -> Tenant {
    let notify_url = NotifyUrl::new("https://status.example.com/notify").unwrap();
    Tenant { tracking: Tracking { notify_url, auth_id: None }, sms_api: SmsApi::V2, plus_sign: false }
}

/// Many concurrent requests, each answered within a second.
pub(crate) fn limits(in_flight: usize) -> DispatchLimits {
    DispatchLimits { in_flight, lease: Duration::from_mins(1), ..DispatchLimits::default() }
}

pub(crate) fn message(channel: &str, id: &str) -> Value {
    json!({ "channel": channel, "from": "ACME", "to": "447700900123", "text": "Hello. [sim:silent]", "correlationId": id })
}

/// The answer to a request with these correlation ids.
type Answer = dyn Fn(&[String]) -> Attempt + Send + Sync;

/// A configurable platform that records the requests.
pub(crate) struct Stub {
    answer: Mutex<Arc<Answer>>,
    sent: Mutex<Vec<(Instant, Vec<String>)>>,
    /// Requests on these channels, by the platform's names, are not answered.
    hangs: Mutex<Vec<&'static str>>,
    /// Whether there are credentials that no request has used yet.
    are_fresh: watch::Sender<bool>,
    waits: AtomicUsize,
}

impl Stub {
    pub(crate) fn new(answer: impl Fn(&[String]) -> Attempt + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            answer: Mutex::new(Arc::new(answer)),
            sent: Mutex::default(),
            hangs: Mutex::default(),
            are_fresh: watch::Sender::new(false),
            waits: AtomicUsize::new(0),
        })
    }

    pub(crate) fn answers(&self, answer: impl Fn(&[String]) -> Attempt + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    pub(crate) fn hangs_on(&self, channel: &'static str) {
        self.hangs.lock().unwrap().push(channel);
    }

    /// Changes the credentials.
    pub(crate) fn is_shown_others(&self) {
        self.are_fresh.send_replace(true);
    }

    /// How often the dispatcher waited for other credentials.
    pub(crate) fn waits(&self) -> usize {
        self.waits.load(Ordering::Relaxed)
    }

    /// The correlation ids and the time of each request so far.
    pub(crate) fn sent(&self) -> Vec<(Instant, Vec<String>)> {
        self.sent.lock().unwrap().clone()
    }

    /// How often it received a message.
    pub(crate) fn times(&self, id: &str) -> usize {
        self.sent().iter().flat_map(|(_, ids)| ids).filter(|sent| *sent == id).count()
    }
}

#[async_trait]
impl Platform for Stub {
    async fn post(&self, request: &Request) -> Attempt {
        let messages = request.body.as_array().cloned().unwrap_or_else(|| vec![request.body.clone()]);
        let ids: Vec<_> = messages.iter().map(correlation_id).collect();
        self.are_fresh.send_replace(false);
        self.sent.lock().unwrap().push((Instant::now(), ids.clone()));
        let channel = messages[0].get("deliverychannel").or(messages[0].get("channel")).unwrap();
        if self.hangs.lock().unwrap().iter().any(|hanging| channel == hanging) {
            std::future::pending::<()>().await;
        }
        let answer = self.answer.lock().unwrap().clone();
        answer(&ids)
    }

    async fn renewed(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
        // As long as no request has used them, the credentials count as new.
        self.are_fresh.subscribe().wait_for(|are_fresh| *are_fresh).await.unwrap();
    }
}

fn correlation_id(body: &Value) -> String {
    let id = body.get("correlationid").unwrap_or_else(|| &body["to"][0]["correlationId"]);
    id.as_str().unwrap().to_owned()
}

pub(crate) fn answered(status: u16, body: &Value) -> Attempt {
    Attempt::Answered { status, body: body.to_string().into_bytes(), retry_after: None }
}

/// Messaging API v1 accepts one message or several.
pub(crate) fn takes(ids: &[String]) -> Attempt {
    let entry = |id: &String| json!({ "code": "1001", "description": "Queued", "transid": format!("T-{id}"), "correlationid": id });
    answered(200, &json!({ "response": ids.iter().map(entry).collect::<Vec<_>>() }))
}

/// An answer with only a status.
pub(crate) fn says(status: u16, retry_after: Option<Duration>) -> Attempt {
    Attempt::Answered { status, body: Vec::new(), retry_after }
}
