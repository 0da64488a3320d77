//! Metrics, in the text format of Prometheus.
//!
//! To add one, add a field here. A label takes its values from an enum, so that nothing personal and nothing
//! boundless can become one.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};

use crate::domain::Timestamp;

/// What became of a request to the notify URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyOutcome {
    /// A notification, stored.
    Notification,
    /// A customer's message or event, stored.
    Inbound,
    /// Not understood, stored.
    Quarantined,
    /// Another API's delivery report, refused.
    Foreign,
    /// Wrong or missing secret.
    Unauthorized,
    /// From an address that may not come.
    AddressNotAllowed,
    /// Posted to a path that is not served.
    UnknownPath,
    /// Body over the limit.
    TooLarge,
    /// The queue was full.
    Busy,
    /// The store could not commit.
    Unavailable,
    /// The store did not commit in time.
    Late,
}

impl NotifyOutcome {
    fn label(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Inbound => "inbound",
            Self::Quarantined => "quarantined",
            Self::Foreign => "foreign",
            Self::Unauthorized => "unauthorized",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::UnknownPath => "unknown_path",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Late => "late",
        }
    }
}

/// How a request to the notify URL shows that it may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyMethod {
    /// The last part of the path.
    PathToken,
    /// `x-hub-signature`.
    Signature,
    /// User and password.
    Basic,
    /// A bearer token.
    Bearer,
}

impl NotifyMethod {
    fn label(self) -> &'static str {
        match self {
            Self::PathToken => "path_token",
            Self::Signature => "signature",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
        }
    }
}

/// How an attempt to hand a message over ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DispatchOutcome {
    /// The platform queued it.
    Accepted,
    /// The platform refused it.
    Refused,
    /// To be tried again.
    Later,
    /// The outcome is unknown.
    Unknown,
}

impl DispatchOutcome {
    fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Later => "later",
            Self::Unknown => "unknown",
        }
    }
}

/// One commit of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    /// How many arrivals it held.
    pub rows: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// All metrics of one server.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    notify: IntCounterVec,
    authenticated: IntCounterVec,
    denied: IntCounterVec,
    admitted: IntCounterVec,
    unauthorized: IntCounter,
    auth_throttled: IntCounter,
    connections_refused: IntCounter,
    unread_closed: IntCounter,
    dispatch: IntCounterVec,
    batch_rows: Histogram,
    commit_seconds: Histogram,
    queued: IntGauge,
    /// Without labels; with no value either as long as there is no certificate.
    certificate: IntGaugeVec,
}

impl Metrics {
    /// A set of its own, so that several servers in one process do not mix.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("receiptd".to_owned()), None)?;
        let notify =
            Opts::new("notify_requests_total", "Requests to the notify URL by result; each element of an array counts");
        let authenticated = "Requests to the notify URL by the active secret that they used";
        let authenticated = Opts::new("notify_authenticated_total", authenticated);
        let denied = "Rejected requests to the notify URL, by the first secret that was missing or wrong";
        let denied = Opts::new("notify_denied_total", denied);
        let admitted = "Requests to the API by token, and by the secret of that token";
        let admitted = Opts::new("api_authenticated_total", admitted);
        let unauthorized = "Requests to the API without a valid token";
        let guesses = "Requests that were rejected without a check, since their address sent too many wrong secrets";
        let connections = "Refused connections from addresses with the maximum number of connections";
        let unread = "Connections closed because the client did not read an answer in time";
        let dispatch = Opts::new("dispatch_attempts_total", "Dispatch attempts by result");
        let rows = HistogramOpts::new("commit_batch_rows", "Arrivals in one commit")
            .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]);
        let seconds = HistogramOpts::new("commit_seconds", "Duration of one commit")
            .buckets(vec![0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0]);
        let certificate = Opts::new("tls_certificate_not_after_seconds", "Expiry of the certificate in Unix time");
        Ok(Self {
            notify: registered(&registry, IntCounterVec::new(notify, &["outcome"])?)?,
            authenticated: registered(&registry, IntCounterVec::new(authenticated, &["method", "secret"])?)?,
            admitted: registered(&registry, IntCounterVec::new(admitted, &["token", "secret"])?)?,
            unauthorized: registered(&registry, IntCounter::new("api_unauthorized_total", unauthorized)?)?,
            denied: registered(&registry, IntCounterVec::new(denied, &["method"])?)?,
            auth_throttled: registered(&registry, IntCounter::new("auth_throttled_total", guesses)?)?,
            connections_refused: registered(&registry, IntCounter::new("connections_refused_total", connections)?)?,
            unread_closed: registered(&registry, IntCounter::new("unread_connections_closed_total", unread)?)?,
            dispatch: registered(&registry, IntCounterVec::new(dispatch, &["outcome"])?)?,
            batch_rows: registered(&registry, Histogram::with_opts(rows)?)?,
            commit_seconds: registered(&registry, Histogram::with_opts(seconds)?)?,
            queued: registered(&registry, IntGauge::new("commit_queue_rows", "Arrivals that wait for a commit")?)?,
            certificate: registered(&registry, IntGaugeVec::new(certificate, &[])?)?,
            registry,
        })
    }

    /// A request to the notify URL was answered.
    pub fn notified(&self, outcome: NotifyOutcome) {
        self.notify.with_label_values(&[outcome.label()]).inc();
    }

    /// A request to the notify URL showed the active secret at this position.
    pub fn authenticated(&self, method: NotifyMethod, position: usize) {
        self.authenticated.with_label_values(&[method.label(), &ordinal(position)]).inc();
    }

    /// A request to the API showed a token: the one at this position among those of its name. Names are of the settings,
    /// so there are few of them.
    pub fn admitted(&self, token: &str, position: usize) {
        self.admitted.with_label_values(&[token, &ordinal(position)]).inc();
    }

    /// A request to the API showed none.
    pub fn unauthorized(&self) {
        self.unauthorized.inc();
    }

    /// A request to the notify URL lacked a good secret of this kind.
    pub fn denied(&self, method: NotifyMethod) {
        self.denied.with_label_values(&[method.label()]).inc();
    }

    /// A request was refused unread or unanswered: its address showed too many wrong secrets.
    pub fn auth_throttled(&self) {
        self.auth_throttled.inc();
    }

    /// A connection was refused: its address has as many as it may.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A connection was closed: its client did not read an answer in time.
    pub fn unread_closed(&self) {
        self.unread_closed.inc();
    }

    /// An attempt to hand a message over ended.
    pub fn dispatched(&self, outcome: DispatchOutcome) {
        self.dispatch.with_label_values(&[outcome.label()]).inc();
    }

    /// A batch was committed.
    pub fn committed(&self, commit: Commit) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has some hundred rows")]
        self.batch_rows.observe(commit.rows as f64);
        self.commit_seconds.observe(commit.seconds);
    }

    /// An arrival began (`1`) or ended (`-1`) to wait for its commit.
    pub fn waiting(&self, change: i64) {
        self.queued.add(change);
    }

    /// The certificate that is shown is good until then.
    pub fn certified(&self, until: Timestamp) {
        self.certificate.with_label_values::<&str>(&[]).set(until.as_micros() / 1_000_000);
    }

    /// All of it as text.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// As people count.
fn ordinal(position: usize) -> String {
    (position + 1).to_string()
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
