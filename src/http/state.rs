//! What handlers share.

use std::time::Duration;

use actix_web::web::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    audit::{AuditUnavailable, AuditWriter, Proof},
    clock::Clock,
    config::{ApiTokens, ConnectionLimits, Networks, Proxies},
    domain::Actor,
    maintenance::Eraser,
    notify::Intake,
    observe::Metrics,
    query::Query,
    send::{DispatchHealth, Sender},
    storage::Store,
    tls::Certificate,
};

/// What the handlers work with.
pub struct App {
    /// Takes notifications.
    pub intake: Intake,
    /// Takes messages over.
    pub sender: Sender,
    /// Answers questions.
    pub query: Query,
    /// Gives up what it holds, and puts right what is wrong in it.
    pub store: Store,
    /// Tells and notes who did what.
    pub audit: AuditWriter,
    /// Whether look-ups are noted, too.
    pub record_reads: bool,
    /// Proves what is on record.
    pub proof: Proof,
    /// Removes persons.
    pub eraser: Eraser,
    /// Tells whether messages are dispatched; `None` if there is no platform to send to.
    pub dispatch_health: Option<watch::Receiver<DispatchHealth>>,
    /// Counts.
    pub metrics: Metrics,
    /// Who may use the API; `None` if everybody may.
    pub tokens: Option<ApiTokens>,
    /// Who may come to the notify URL at all; empty: everybody.
    pub allowed_addresses: Networks,
    /// The proxies in front.
    pub proxies: Proxies,
    /// How many connections there may be, and how long they may be silent.
    pub connections: ConnectionLimits,
    /// What makes it TLS; `None`: requests come in the clear.
    pub certificate: Option<Certificate>,
    /// The largest body of a notification, in bytes.
    pub body_limit: usize,
    /// How long a notification may take from its first byte to the answer; well below the platform's 10 s.
    pub answer_within: Duration,
    /// The time.
    pub clock: Clock,
}

impl App {
    /// Notes who looked at what, where the settings ask for it. Called before the answer is given.
    pub(crate) async fn looked_at(&self, actor: &Actor, what: impl FnOnce() -> String) -> Result<(), AuditUnavailable> {
        if self.record_reads { self.audit.record_read(actor, what()).await } else { Ok(()) }
    }
}

/// Whether the shutdown has begun. Requests that wait are then answered with what is known.
#[derive(Clone)]
pub(crate) struct Closing(CancellationToken);

impl Closing {
    /// The shutdown that `close` begins.
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

/// The description of the API. It is made once, since the settings do not change.
pub(crate) struct Published {
    /// As JSON, for programs.
    pub(crate) json: Bytes,
    /// As a page, for people.
    pub(crate) page: Bytes,
    /// What the page may load.
    pub(crate) page_policy: String,
}
