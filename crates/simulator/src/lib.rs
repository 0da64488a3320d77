//! A simulated Webex Connect platform, for the demo, tests and benchmarks.
//!
//! It accepts send requests as the platform does, and posts delivery notifications in the documented envelope of each
//! channel: late, twice, out of order, lost or failing, as [`Settings`] say. The events of the n-th message are drawn
//! from the seed, so a run can be repeated.
//!
//! | Endpoint | Purpose |
//! | --- | --- |
//! | `POST /resources/v1/messaging` (also with a trailing slash) | Messaging API v1: an object, or an array of them |
//! | `POST /v2/messages` | Messaging API v2 |
//! | `POST /v1/sms/messages`, `POST /v1/voice/messages`, `POST /v1/instagram/messages` | the APIs of a single channel |
//! | `GET /simulator/report` | the [`Report`] as JSON |
//! | `GET /simulator/failed?format=csv` | the export of failed notifications; also `txt`, `json` |
//! | `HEAD /`, `GET /` | 200 |
//!
//! # Directives in a message
//!
//! Any string of the request may contain them: the text, a template parameter, the callback data.
//!
//! | Directive | Effect |
//! | --- | --- |
//! | `[sim:answer=7020]` | rejected with this code, in the format and with the HTTP status of the API |
//! | `[sim:answer=http-503]` | rejected with this HTTP status and an empty body; applies to a whole batch |
//! | `[sim:answer=rejected]` | v2 only: 201 with the status `Rejected`, no notification |
//! | `[sim:answer=hang]` | accepted and notified, but the request is never answered |
//! | `[sim:answer=garbage]` | accepted and notified, the answer is 200 with a page that is not JSON |
//! | `[sim:answer=reset]` | accepted and notified, the connection breaks within the answer |
//! | `[sim:once]` | the answer directive applies only to the first attempt of a correlation id |
//! | `[sim:fail=7203]` | accepted, then fails with this code and its status word |
//! | `[sim:fail=7520:Transient_General]` | as above, with this description |
//! | `[sim:silent]` | accepted, no notification |
//! | `[sim:until=delivered]` | certain to reach this status (`ANSWERED` for voice), and stops there |
//!
//! # Behavior that is not documented
//!
//! One request to several recipients has one transaction id. An array of v1 messages has one answer per entry,
//! including rejected ones. Notifications of WhatsApp and Messenger append `_0` to the id of the answer. If `failed` is
//! among the requested receipts, Un-Delivered is reported. A time stamp without a zone is UTC. After a status that the
//! platform does not retry, the notification is in the failed list at once.
//!
//! # To add a channel
//!
//! Add its steps to `journey.rs`, its members to `members.rs`, its name to the API that has it (`request/`), and a body
//! to `tests/journeys.rs`.

mod answer;
mod courier;
mod directives;
mod envelope;
mod export;
mod failure;
mod handlers;
mod journey;
mod ledger;
mod members;
mod plan;
mod platform;
mod post;
mod request;
mod settings;
mod step;
mod trace;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::{App, HttpServer, web};
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::ledger::{Dropped, Notifications, Observer, Report};
pub use self::settings::{Outage, Settings};

use self::courier::Courier;
use self::ledger::Ledger;
use self::platform::Platform;

/// Maximum size of a request body: an email of 10 MB with its envelope.
const BODY_LIMIT: usize = 11 * 1024 * 1024;

/// The simulated platform, bound to its address and not yet running.
pub struct Simulator {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
    ledger: Arc<Ledger>,
}

impl Simulator {
    /// Uses the address of `listener`.
    pub fn bind(listener: TcpListener, settings: Settings) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, settings, ledger: Arc::default() })
    }

    /// The base URL to configure for the platform.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A handle for reading the report, also after the end.
    pub fn observer(&self) -> Observer {
        Observer::new(Arc::clone(&self.ledger))
    }

    /// Serves until `shutdown` is cancelled. Notifications that are still pending then are never posted.
    ///
    /// A TLS provider must have been installed for the process, since notifications are posted through `reqwest`.
    ///
    /// The future is boxed, so that the server is compiled in this crate and not in the one that awaits it.
    pub fn run(self, shutdown: CancellationToken) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(self.serve(shutdown))
    }

    async fn serve(self, shutdown: CancellationToken) -> io::Result<()> {
        // Unbounded: it contains the notifications of all accepted messages.
        let (outbox, mut inbox) = mpsc::unbounded_channel();
        let courier = Arc::new(Courier::new(&self.settings, Arc::clone(&self.ledger), outbox.clone())?);
        let platform = web::Data::new(Platform::new(self.settings, self.ledger, outbox));
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(platform.clone())
                .app_data(web::PayloadConfig::new(BODY_LIMIT))
                .configure(handlers::routes)
        })
        .workers(1)
        .disable_signals()
        .listen(self.listener)?
        .run();
        let handle = server.handle();
        tracing::info!(address = %self.address, "the simulated Webex Connect is listening");

        let mut errands = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                ended = &mut server => return ended,
                Some(errand) = inbox.recv() => {
                    errands.spawn(Arc::clone(&courier).run(errand));
                }
                Some(_) = errands.join_next(), if !errands.is_empty() => {}
            }
        }
        errands.abort_all();
        // The server must be polled for the shutdown to happen. Requests that hang on purpose are cut.
        let (ended, ()) = tokio::join!(server, handle.stop(false));
        ended
    }
}
