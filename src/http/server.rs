//! The server, from listener to shutdown.

use std::{future::Future, io, net::TcpListener, pin::pin, time::Duration};

use actix_web::{App as Application, HttpServer, middleware::from_fn, web::Data};
use tokio::sync::watch;

use super::{request_id::identify, routes::routes};
use crate::{
    audit::{Eraser, Proof, Trail},
    clock::Clock,
    config::ApiToken,
    notify::Intake,
    observe::Metrics,
    query::Query,
    send::{Condition, Sender},
    storage::Store,
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
    /// Who may use the API.
    pub tokens: Vec<ApiToken>,
    /// The largest body of a notification, in bytes.
    pub body_limit: usize,
    /// How long a notification may take from its first byte to the answer; well below the platform's 10 s.
    pub answer_within: Duration,
    /// The time.
    pub clock: Clock,
}

/// Whether the shutdown has begun. Whoever waits for something is then answered with what there is.
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
/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// Serves on `listener` until `shutdown`; then takes no more connections, and ends when all requests are answered.
/// When this returns, nothing holds the `app` any more.
pub async fn serve(listener: TcpListener, app: App, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let app = Data::new(app);
    let (close, closing) = watch::channel(false);
    let factory = {
        let (app, closing) = (app.clone(), Data::new(Closing(closing)));
        move || {
            let application = Application::new().app_data(app.clone()).app_data(closing.clone());
            application.wrap(from_fn(identify)).configure(routes)
        }
    };
    drop(app);
    let mut server = HttpServer::new(factory)
        .disable_signals()
        .client_request_timeout(HEAD_WITHIN)
        .shutdown_timeout(LAST_REQUESTS)
        .listen(listener)?
        .run();
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
