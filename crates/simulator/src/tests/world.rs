//! A simulator, a receiver and a sender, each on its own port.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Observer, Settings, Simulator};

/// One notification as it arrived.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) signature: Option<String>,
    pub(super) trace_id: Option<String>,
    pub(super) raw: Bytes,
    pub(super) body: Value,
}

impl Arrival {
    pub(super) fn outer(&self) -> &Value {
        &self.body["deliveryInfoNotification"]
    }

    pub(super) fn info(&self) -> &Value {
        &self.outer()["deliveryInfo"]
    }

    pub(super) fn status(&self) -> &str {
        self.info()["deliveryStatus"].as_str().unwrap()
    }
}

/// Stores the posts, and answers with the queued statuses, otherwise with 200.
#[derive(Default)]
struct Inbox {
    arrivals: Mutex<Vec<Arrival>>,
    statuses: Mutex<VecDeque<u16>>,
}

async fn take(request: HttpRequest, raw: Bytes, inbox: Data<Inbox>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    inbox.arrivals.lock().unwrap().push(Arrival {
        signature: header("x-hub-signature"),
        trace_id: header("x-wx-gtrid"),
        body: serde_json::from_slice(&raw).unwrap(),
        raw,
    });
    let status = inbox.statuses.lock().unwrap().pop_front().unwrap_or(200);
    HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish()
}

/// Everything that a test needs. It stops with the test.
pub(super) struct World {
    pub(super) base_url: String,
    pub(super) notify_url: String,
    pub(super) observer: Observer,
    client: reqwest::Client,
    inbox: Data<Inbox>,
    receiver: ServerHandle,
    shutdown: CancellationToken,
    running: JoinHandle<std::io::Result<()>>,
}

impl World {
    pub(super) fn with(settings: Settings) -> Self {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let inbox = Data::new(Inbox::default());
        let (listener, data) = (listen(), inbox.clone());
        let notify_url = format!("http://{}/notify", listener.local_addr().unwrap());
        let server = HttpServer::new(move || App::new().app_data(data.clone()).route("/notify", web::post().to(take)))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
        let receiver = server.handle();
        tokio::spawn(server);

        let simulator = Simulator::bind(listen(), settings).unwrap();
        let (base_url, observer) = (simulator.base_url(), simulator.observer());
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(simulator.run(shutdown.clone()));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { base_url, notify_url, observer, client, inbox, receiver, shutdown, running }
    }

    pub(super) fn calm() -> Self {
        Self::with(Settings::calm())
    }

    pub(super) fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{path}", self.base_url))
    }

    /// Sends with a key, and reads the answer.
    pub(super) async fn send(&self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.request(path).header("key", "k1").json(body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Sends by v2, with the receiver as notify URL.
    pub(super) async fn send_sms(&self, correlation_id: &str, text: &str) -> (u16, Value) {
        self.send("/v2/messages", &self.sms(correlation_id, text)).await
    }

    /// Sends by v2, waits until the platform has accepted it, and then waits for an answer that does not come.
    pub(super) async fn send_unanswered(&self, correlation_id: &str, text: &str) {
        let accepted = self.observer.report().accepted;
        let request = self.request("/v2/messages").header("key", "k1").json(&self.sms(correlation_id, text));
        let answer = tokio::spawn(request.send());
        while self.observer.report().accepted == accepted {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(tokio::time::timeout(Duration::from_millis(50), answer).await.is_err(), "answered");
    }

    pub(super) fn sms(&self, correlation_id: &str, text: &str) -> Value {
        json!({"channel": "sms", "from": "ACME", "to": [{"msisdn": ["447700900123"], "correlationId": correlation_id}],
               "content": {"type": "text", "text": text}, "callbackData": "order-1", "notifyUrl": self.notify_url})
    }

    /// The next answers of the receiver.
    pub(super) fn will_answer(&self, statuses: impl IntoIterator<Item = u16>) {
        self.inbox.statuses.lock().unwrap().extend(statuses);
    }

    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        self.inbox.arrivals.lock().unwrap().clone()
    }

    /// The status words that arrived, once nothing is pending.
    pub(super) async fn statuses(&self) -> Vec<String> {
        self.observer.settled().await;
        self.arrivals().iter().map(|arrival| arrival.status().to_owned()).collect()
    }

    /// Stops the simulator and waits for its end.
    pub(super) async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.running).await.unwrap().unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The shutdown is requested at once. The test does not wait for it.
        drop(self.receiver.stop(false));
        self.running.abort();
    }
}

fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// An address at which nothing listens, so that a connection to it is refused.
pub(super) fn dead_url() -> String {
    format!("http://{}/notify", listen().local_addr().unwrap())
}

/// Calm settings with `change` applied.
pub(super) fn calm_but(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::calm();
    change(&mut settings);
    settings
}
