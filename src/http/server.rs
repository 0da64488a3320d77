//! The server, from listener to shutdown.

use std::{future::Future, io, net::TcpListener, pin::pin, time::Duration};

use actix_web::{App as Application, HttpServer, middleware::from_fn, web::Data};
use tokio::sync::watch;

use super::{
    body::Room,
    connection,
    guesses::Guesses,
    openapi::{Conditions, Published},
    protection::protect,
    request_id::identify,
    routes::routes,
};
use crate::{
    audit::{Eraser, Proof, Trail},
    clock::Clock,
    config::{ApiTokens, Networks, Proxies},
    notify::Intake,
    observe::Metrics,
    query::Query,
    send::{Condition, Sender},
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
    pub trail: Trail,
    /// Proves what is on record.
    pub proof: Proof,
    /// Removes persons.
    pub eraser: Eraser,
    /// Tells whether messages are handed over; `None` if there is no platform to send to.
    pub sending: Option<watch::Receiver<Condition>>,
    /// Counts.
    pub metrics: Metrics,
    /// Who may use the API; `None` if everybody may.
    pub tokens: Option<ApiTokens>,
    /// Who may come to the notify URL at all; empty: everybody.
    pub allowed_addresses: Networks,
    /// The proxies in front.
    pub proxies: Proxies,
    /// What makes it TLS; `None`: requests come in the clear.
    pub certificate: Option<Certificate>,
    /// The largest body of a notification, in bytes.
    pub body_limit: usize,
    /// How long a notification may take from its first byte to the answer; well below the platform's 10 s.
    pub answer_within: Duration,
    /// The time.
    pub clock: Clock,
}

/// Whether the shutdown has begun. Whoever waits for something is then answered with what there is.
#[derive(Clone)]
pub(super) struct Closing(watch::Receiver<bool>);

impl Closing {
    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    pub(super) async fn begun(&self) {
        // An error means that the server is gone, which is the same.
        let _ = self.0.clone().wait_for(|closing| *closing).await;
    }
}

/// How long requests may go on after the shutdown began.
const LAST_REQUESTS: u64 = 10;
/// How long a client may take to send the head of a request, and before that for the handshake of TLS.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// Serves on `listener` until `shutdown`; then takes no more connections, and ends when all requests are answered.
/// When this returns, nothing holds the `app` any more.
pub async fn serve(listener: TcpListener, app: App, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let published = Data::new(Published::of(&Conditions::of(&app)));
    let app = Data::new(app);
    let tls = app.certificate.as_ref().map(Certificate::server_config).transpose().map_err(io::Error::other)?;
    let (close, closing) = watch::channel(false);
    let closing = Closing(closing);
    let factory = {
        let (app, closing) = (app.clone(), Data::new(closing.clone()));
        let (guesses, room) = (Data::new(Guesses::default()), Data::new(Room::default()));
        move || {
            let application = Application::new().app_data(app.clone()).app_data(closing.clone());
            let application = application.app_data(guesses.clone()).app_data(room.clone()).app_data(published.clone());
            application.wrap(from_fn(protect)).wrap(from_fn(identify)).configure(routes)
        }
    };
    drop(app);
    let server = HttpServer::new(factory)
        .disable_signals()
        .client_request_timeout(HEAD_WITHIN)
        .tls_handshake_timeout(HEAD_WITHIN)
        .on_connect(move |stream, data| connection::open(stream, data, &closing))
        .shutdown_timeout(LAST_REQUESTS);
    let server = match tls {
        // With ALPN for HTTP/2 and HTTP/1.1.
        Some(config) => server.listen_rustls_0_23(listener, config)?,
        None => server.listen(listener)?,
    };
    let mut server = server.run();
    let handle = server.handle();
    let mut shutdown = pin!(shutdown);
    tokio::select! {
        ended = &mut server => return ended,
        () = &mut shutdown => {}
    }
    close.send_replace(true);
    // The server has to be polled for the stop to happen.
    let (ended, ()) = tokio::join!(server, handle.stop(true));
    ended
}
