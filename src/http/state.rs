//! The state that handlers share.

use std::{sync::Arc, time::Duration};

use actix_web::web::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    audit::{AuditUnavailable, AuditWriter, Proof, SigningKey},
    clock::Clock,
    config::{ApiTokens, ConnectionLimits, Networks, Proxies},
    domain::{Actor, SessionLimits},
    maintenance::Eraser,
    notify::Intake,
    observe::Metrics,
    projection::CatchUp,
    query::{Overview, Query, SealedFilters},
    send::{DispatchHealth, Sender},
    storage::Store,
    tls::Certificate,
};

/// The parts of the program that handlers use.
pub struct App {
    /// Accepts notifications.
    pub intake: Intake,
    /// Accepts messages.
    pub sender: Sender,
    /// Waits until everything that was acknowledged can be read.
    pub catch_up: CatchUp,
    /// Finds and lists messages.
    pub query: Query,
    /// Seals filters, and reads sealed ones.
    pub sealed_filters: SealedFilters,
    /// Looks at everything at once.
    pub overview: Overview,
    /// The store itself, for exports, repairs, events and health checks.
    pub store: Store,
    /// Reads and writes the audit log.
    pub audit: AuditWriter,
    /// Whether look-ups are recorded in the audit log too.
    pub record_reads: bool,
    /// The key that signs the links of the hash chain.
    pub signing_key: Option<Arc<SigningKey>>,
    /// Verifies the stored rows against the hash chain.
    pub proof: Proof,
    /// Erases the data of a person.
    pub eraser: Eraser,
    /// Reports whether messages are dispatched; `None` if there is no platform to send to.
    pub dispatch_health: Option<watch::Receiver<DispatchHealth>>,
    /// The metrics.
    pub metrics: Metrics,
    /// The tokens of the API; `None` if it requires none.
    pub tokens: Option<ApiTokens>,
    /// How long people stay logged in.
    pub session_limits: SessionLimits,
    /// The addresses that may use the notify URL; if empty, all may.
    pub allowed_addresses: Networks,
    /// The trusted proxies in front of the server.
    pub proxies: Proxies,
    /// How many connections there may be, and how long they may be silent.
    pub connections: ConnectionLimits,
    /// The certificate for TLS; `None` if the server speaks plain HTTP.
    pub certificate: Option<Certificate>,
    /// The largest body of a notification, in bytes.
    pub body_limit: usize,
    /// How long a notification may take from the beginning of its handler to the answer; well below the platform's 10
    /// s.
    pub answer_within: Duration,
    /// The time.
    pub clock: Clock,
}

impl App {
    /// Records who looked at what, if the settings ask for it. Must be called before the answer is sent.
    pub(crate) async fn looked_at(&self, actor: &Actor, what: impl FnOnce() -> String) -> Result<(), AuditUnavailable> {
        if self.record_reads { self.audit.record_read(actor, what()).await } else { Ok(()) }
    }
}

/// By how much the projection was behind when the handler began. It is an extension of the request.
#[derive(Clone, Copy)]
pub(crate) struct Behind(pub(crate) Duration);

/// Shows whether the shutdown has begun. Waiting requests are then answered with the current state.
#[derive(Clone)]
pub(crate) struct Closing(CancellationToken);

impl Closing {
    /// Watches the shutdown that `close` begins.
    pub(crate) fn when(close: &CancellationToken) -> Self {
        Self(close.clone())
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(crate) async fn begun(&self) {
        self.0.cancelled().await;
    }
}

/// The description of the API. It is built once, since the settings do not change.
pub(crate) struct Published {
    /// As JSON, for programs.
    pub(crate) json: Bytes,
    /// As a page, for people.
    pub(crate) page: Bytes,
}
