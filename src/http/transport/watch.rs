//! The end of connections, where actix leaves it to their clients. Over HTTP/1.1 it times the first head of a connection and
//! not the next, which may drip for ever; over HTTP/2 it waits at a shutdown until the client closes, which for an idle one
//! may be never; and in both it waits for ever until a client takes the rest of an answer. So we close these.

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

/// How often a connection is looked at during the shutdown.
const CLOSING_LOOK: Duration = Duration::from_millis(20);
/// For the last answer to leave.
const LEAVING: Duration = Duration::from_millis(100);
/// How many requests of one HTTP/2 connection are served at a time; the others wait.
const STREAMS: usize = 100;

/// A connection, as its requests see it.
pub(super) struct Connection {
    pub(super) state: Arc<ConnectionState>,
    /// Whose turn it is, over HTTP/2.
    pub(super) streams: Option<Arc<Semaphore>>,
    /// Ends with the connection.
    _watch: JoinSet<()>,
}

/// Takes note of a new connection.
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

/// Until the connection is to be closed; then closes it.
async fn watch(state: Arc<ConnectionState>, is_http2: bool, crowd: Arc<Crowd>, closing: Closing) {
    loop {
        let next = state.requests().next(Instant::now(), is_http2, crowd.limits);
        match next {
            Next::Look(time) => tokio::select! {
                () = sleep_until(time) => {}
                // Over HTTP/1.1, actix closes idle ones at a shutdown.
                () = closing.begun(), if is_http2 => return unused(&state).await,
            },
            Next::Close => return state.close(),
            Next::Abort => {
                crowd.metrics.unread_closed();
                return state.abort();
            }
        }
    }
}

/// Until nothing is left to be answered.
async fn unused(state: &ConnectionState) {
    while state.requests().open > 0 {
        sleep(CLOSING_LOOK).await;
    }
    sleep(LEAVING).await;
    state.close();
}
