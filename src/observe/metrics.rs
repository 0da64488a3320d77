//! Metrics, in the text format of Prometheus.
//!
//! To add one, add a field here. A label takes its values from an enum or from the settings, never from a request. So there
//! are few values, and none of them is about a recipient.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};

use crate::domain::Timestamp;

/// The outcome of a request to the notify URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyOutcome {
    /// A notification was stored.
    Notification,
    /// A customer's message or event was stored.
    Inbound,
    /// A body that was not understood was stored.
    Quarantined,
    /// A delivery report of another API was refused.
    Foreign,
    /// A secret was wrong or missing.
    Unauthorized,
    /// The address is not allowed.
    AddressNotAllowed,
    /// The path is not served.
    UnknownPath,
    /// The body is larger than the limit.
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

/// A method by which a request to the notify URL authenticates itself.
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

/// The outcome of a dispatch attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DispatchOutcome {
    /// The platform queued it.
    Accepted,
    /// The platform refused it.
    Refused,
    /// The message will be dispatched again later.
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
    /// The number of arrivals in the batch.
    pub rows: usize,
    /// The duration in seconds.
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
    answered_behind: IntCounter,
    /// A vector without labels, so that the metric is absent while there is no certificate.
    certificate: IntGaugeVec,
    /// The same, for a store that was never verified.
    verified_at: IntGaugeVec,
    verified_sound: IntGaugeVec,
}

impl Metrics {
    /// Creates a separate set of metrics, so that several servers in one process do not share them.
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
        let throttled = "Requests that were rejected without a check, since their address sent too many wrong secrets";
        let connections = "Refused connections from addresses with the maximum number of connections";
        let unread = "Connections closed because the client did not read an answer in time";
        let dispatch = Opts::new("dispatch_attempts_total", "Dispatch attempts by result");
        let rows = HistogramOpts::new("commit_batch_rows", "Arrivals in one commit")
            .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]);
        let seconds = HistogramOpts::new("commit_seconds", "Duration of one commit")
            .buckets(vec![0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0]);
        let behind = "Requests to the API for which the projection did not catch up in time";
        let certificate = Opts::new("tls_certificate_not_after_seconds", "Expiry of the certificate in Unix time");
        let verified_at =
            Opts::new("store_verified_timestamp_seconds", "When the store was last verified, in Unix time");
        let verified_sound = "Whether the last verification found no fault: 1 or 0. A mistyped head, or that of another store, is a \
             fault too. Without an earlier head, a verification does not notice that the newest records were removed";
        let verified_sound = Opts::new("store_verified_sound", verified_sound);
        Ok(Self {
            notify: registered(&registry, IntCounterVec::new(notify, &["outcome"])?)?,
            authenticated: registered(&registry, IntCounterVec::new(authenticated, &["method", "secret"])?)?,
            admitted: registered(&registry, IntCounterVec::new(admitted, &["token", "secret"])?)?,
            unauthorized: registered(&registry, IntCounter::new("api_unauthorized_total", unauthorized)?)?,
            denied: registered(&registry, IntCounterVec::new(denied, &["method"])?)?,
            auth_throttled: registered(&registry, IntCounter::new("auth_throttled_total", throttled)?)?,
            connections_refused: registered(&registry, IntCounter::new("connections_refused_total", connections)?)?,
            unread_closed: registered(&registry, IntCounter::new("unread_connections_closed_total", unread)?)?,
            dispatch: registered(&registry, IntCounterVec::new(dispatch, &["outcome"])?)?,
            batch_rows: registered(&registry, Histogram::with_opts(rows)?)?,
            commit_seconds: registered(&registry, Histogram::with_opts(seconds)?)?,
            queued: registered(&registry, IntGauge::new("commit_queue_rows", "Arrivals that wait for a commit")?)?,
            answered_behind: registered(&registry, IntCounter::new("answers_behind_total", behind)?)?,
            certificate: registered(&registry, IntGaugeVec::new(certificate, &[])?)?,
            verified_at: registered(&registry, IntGaugeVec::new(verified_at, &[])?)?,
            verified_sound: registered(&registry, IntGaugeVec::new(verified_sound, &[])?)?,
            registry,
        })
    }

    /// Counts an answered request to the notify URL.
    pub fn notified(&self, outcome: NotifyOutcome) {
        self.notify.with_label_values(&[outcome.label()]).inc();
    }

    /// Counts a request to the notify URL that used the active secret at this position.
    pub fn authenticated(&self, method: NotifyMethod, position: usize) {
        self.authenticated.with_label_values(&[method.label(), &ordinal(position)]).inc();
    }

    /// Counts a request to the API by the name of its token, and by the position of its secret among the tokens of that name.
    pub fn admitted(&self, token: &str, position: usize) {
        self.admitted.with_label_values(&[token, &ordinal(position)]).inc();
    }

    /// Counts a request to the API without a valid token.
    pub fn unauthorized(&self) {
        self.unauthorized.inc();
    }

    /// Counts a request to the notify URL without a valid secret of this method.
    pub fn denied(&self, method: NotifyMethod) {
        self.denied.with_label_values(&[method.label()]).inc();
    }

    /// Counts a request that was rejected without a check, since its address sent too many wrong secrets.
    pub fn auth_throttled(&self) {
        self.auth_throttled.inc();
    }

    /// Counts a refused connection from an address that has the maximum number of connections.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// Counts a connection that was closed because its client did not read an answer in time.
    pub fn unread_closed(&self) {
        self.unread_closed.inc();
    }

    /// Counts a dispatch attempt.
    pub fn dispatched(&self, outcome: DispatchOutcome) {
        self.dispatch.with_label_values(&[outcome.label()]).inc();
    }

    /// Records the commit of a batch.
    pub fn committed(&self, commit: Commit) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has some hundred rows")]
        self.batch_rows.observe(commit.rows as f64);
        self.commit_seconds.observe(commit.seconds);
    }

    /// Changes the number of arrivals that wait for their commit: `1` adds one, `-1` removes one.
    pub fn waiting(&self, change: i64) {
        self.queued.add(change);
    }

    /// Counts an answer of the API for which the projection had not caught up in time.
    pub fn answered_behind(&self) {
        self.answered_behind.inc();
    }

    /// Sets the time at which the current certificate expires.
    pub fn certified(&self, until: Timestamp) {
        self.certificate.with_label_values::<&str>(&[]).set(until.as_micros() / 1_000_000);
    }

    /// Sets when the store was last verified, and whether nothing wrong was found.
    pub fn verified(&self, at: Timestamp, is_sound: bool) {
        self.verified_at.with_label_values::<&str>(&[]).set(at.as_micros() / 1_000_000);
        self.verified_sound.with_label_values::<&str>(&[]).set(is_sound.into());
    }

    /// All metrics as text.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Labels count from 1.
fn ordinal(position: usize) -> String {
    (position + 1).to_string()
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
