//! Closes connections that actix would leave open until the client closes them. Over HTTP/1.1, actix limits the time
//! for the first head of a connection but not for the next ones, which may never end. Over HTTP/2, it waits at a
//! shutdown until the client closes the connection, which an idle client may never do. Over both, it waits for ever
//! until a client reads the rest of an answer.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, dev::Extensions};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    connection::{ConnectionState, Next},
    crowd::Crowd,
    peer::Peer,
};
use crate::http::state::Closing;

/// How often a connection is checked during the shutdown.
const CLOSING_LOOK: Duration = Duration::from_millis(20);
/// The time for the last answer to be sent.
const LEAVING: Duration = Duration::from_millis(100);
/// How many requests of one HTTP/2 connection are served at a time; the others wait.
const STREAMS: usize = 100;

/// A connection, as its requests see it.
pub(super) struct Connection {
    pub(super) state: Arc<ConnectionState>,
    /// Over HTTP/2, the requests that may be served at the moment.
    pub(super) streams: Option<Arc<Semaphore>>,
    /// The task that watches the connection, and ends with it.
    _watch: JoinSet<()>,
}

/// Begins to watch a new connection.
pub(crate) fn open(peer: &Peer, is_http2: bool, data: &mut Extensions, crowd: &Arc<Crowd>, closing: &Closing) {
    let mut watching = JoinSet::new();
    watching.spawn(watch(peer.state.clone(), is_http2, crowd.clone(), closing.clone()));
    let streams = is_http2.then(|| Arc::new(Semaphore::new(STREAMS)));
    data.insert(Connection { state: peer.state.clone(), streams, _watch: watching });
}

/// Closes the connection of a request at once, without an answer.
pub(crate) fn abort(request: &HttpRequest) {
    if let Some(connection) = request.conn_data::<Connection>() {
        connection.state.abort();
    }
}

/// Waits until the connection has to be closed, and closes it.
async fn watch(state: Arc<ConnectionState>, is_http2: bool, crowd: Arc<Crowd>, closing: Closing) {
    loop {
        let next = state.requests().next(Instant::now(), is_http2, crowd.limits);
        match next {
            Next::Look(time) => tokio::select! {
                () = sleep_until(time) => {}
                // Over HTTP/1.1, actix closes idle connections at a shutdown.
                () = closing.begun(), if is_http2 => return close_when_answered(&state).await,
            },
            Next::Close => return state.close(),
            Next::Abort => {
                crowd.metrics.unread_closed();
                return state.abort();
            }
        }
    }
}

/// Waits until all requests are answered, and closes the connection.
async fn close_when_answered(state: &ConnectionState) {
    while state.requests().open > 0 {
        sleep(CLOSING_LOOK).await;
    }
    sleep(LEAVING).await;
    state.close();
}
