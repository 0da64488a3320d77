//! A stand-in for the Webex Connect platform, for the demo, tests and benchmarks.
//!
//! It takes sends as the platform does and posts delivery notifications back in the documented envelope of each
//! channel: late, twice, out of order, lost or failing as [`Settings`] say. Whatever happens to the n-th message is
//! drawn from the seed, so a run can be repeated.
//!
//! | Endpoint | Does |
//! | --- | --- |
//! | `POST /resources/v1/messaging` (also with a trailing slash) | Messaging API v1: an object, or an array of them |
//! | `POST /v2/messages` | Messaging API v2 |
//! | `POST /v1/sms/messages`, `POST /v1/voice/messages`, `POST /v1/instagram/messages` | the single-channel APIs |
//! | `GET /simulator/report` | the [`Report`] as JSON |
//! | `GET /simulator/failed?format=csv` | the export of failed notifications; also `txt`, `json` |
//! | `HEAD /`, `GET /` | 200 |
//!
//! # Words that steer a message
//!
//! Any string of the request may hold them: the text, a template parameter, the callback data.
//!
//! | Directive | Effect |
//! | --- | --- |
//! | `[sim:answer=7020]` | refused with this code, in the shape and with the HTTP status of the API |
//! | `[sim:answer=http-503]` | refused with this HTTP status and an empty body; a batch as a whole |
//! | `[sim:answer=rejected]` | v2 only: 201 with the status `Rejected`, and nothing follows |
//! | `[sim:answer=hang]` | accepted and notified, but the request is never answered |
//! | `[sim:answer=garbage]` | accepted and notified, the answer is 200 with a page that is not JSON |
//! | `[sim:answer=reset]` | accepted and notified, the connection breaks off within the answer |
//! | `[sim:once]` | the answer word counts for the first attempt of a correlation id only |
//! | `[sim:fail=7203]` | accepted, then fails with this code, in the status word that goes with it |
//! | `[sim:fail=7520:Transient_General]` | the same, with this description |
//! | `[sim:silent]` | accepted, no notification |
//! | `[sim:until=delivered]` | certain to reach this status (`ANSWERED` for voice), and stops there |
//!
//! # Where the documents are silent
//!
//! One request to several recipients has one transaction id. An array of v1 messages is answered entry by entry, the
//! refused ones too. Notifications of WhatsApp and Messenger add `_0` to the id that the answer gave. `failed` among
//! the requested receipts lets Un-Delivered through. A time stamp without a zone is UTC. A status that the platform
//! does not retry puts the notification into the failed list at once.
//!
//! # To add a channel
//!
//! Give it its steps in `journey.rs`, its members in `members.rs`, and its name in the API that reaches it
//! (`request/`); then `tests/journeys.rs` wants a body for it.

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

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;

use actix_web::{App, HttpServer, web};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use self::ledger::{Dropped, Notifications, Observer, Report};
pub use self::settings::Settings;

use self::courier::Courier;
use self::ledger::Ledger;
use self::platform::Platform;

/// The largest request body: an email of 10 MB with its frame.
const BODY_LIMIT: usize = 11 * 1024 * 1024;

/// The simulated platform, bound to its address and not yet running.
pub struct Simulator {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
    ledger: Arc<Ledger>,
}

impl Simulator {
    /// Takes the address that `listener` has.
    pub fn bind(listener: TcpListener, settings: Settings) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, settings, ledger: Arc::default() })
    }

    /// What to configure as the platform's base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A handle to look at what the platform saw, also after the end.
    pub fn observer(&self) -> Observer {
        Observer::new(Arc::clone(&self.ledger))
    }

    /// Serves until `shutdown` resolves. Notifications that are still due then are never posted.
    ///
    /// A TLS provider must have been installed for the process, since notifications go out through `reqwest`.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        // Without a bound: it holds what the platform still owes for the messages that it accepted.
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

        let mut shutdown = pin!(shutdown);
        let mut errands = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                ended = &mut server => return ended,
                Some(errand) = inbox.recv() => {
                    errands.spawn(Arc::clone(&courier).run(errand));
                }
                Some(_) = errands.join_next(), if !errands.is_empty() => {}
            }
        }
        errands.abort_all();
        // The server has to be polled for the stop to happen; answers that hang on purpose are cut.
        let (ended, ()) = tokio::join!(server, handle.stop(false));
        ended
    }
}
