//! The end of connections, where actix leaves it to their clients. Over HTTP/1.1 it times the first head of a connection and
//! not the next, which may drip for ever; over HTTP/2 it waits at a shutdown until the client closes, which for an idle one
//! may be never; and in both it waits for ever until a client takes the rest of an answer. So we close these.

use std::{
    net::{Shutdown, TcpStream},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    HttpRequest,
    body::{BodySize, MessageBody},
    dev::{Extensions, ServiceRequest},
    http::header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    web::Bytes,
};
use socket2::SockRef;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    peer::{Crowd, Peer},
    server::{Closing, HEAD_WITHIN},
};
use crate::config::ConnectionLimits;

/// actix closes idle connections; this is for its delay, and for the last head of a connection that it does not time.
pub(super) const MARGIN: Duration = Duration::from_secs(5);
/// How often a connection is looked at: while it is idle, and while there is something to do.
const IDLE_LOOK: Duration = Duration::from_secs(5);
const BUSY_LOOK: Duration = Duration::from_secs(1);
/// The same during the shutdown.
const CLOSING_LOOK: Duration = Duration::from_millis(20);
/// For the last answer to leave.
const LEAVING: Duration = Duration::from_millis(100);
/// So many requests of one HTTP/2 connection are served at a time; the others wait their turn.
const STREAMS: usize = 100;
/// No client that we know opens so many at a time: the connection is closed. `actix-http` offers no way to announce a
/// limit (`MAX_CONCURRENT_STREAMS`).
const MOST_STREAMS: usize = 1100;
/// An answer is handed over in parts of this size, so that it shows whether the client takes it.
const PART: usize = 64 * 1024;

/// What is known of a connection.
pub(super) struct State {
    /// Another handle for what actix owns.
    handle: TcpStream,
    requests: Mutex<Requests>,
}

/// The requests of a connection.
#[derive(Debug)]
struct Requests {
    /// How many are not answered yet.
    open: usize,
    /// Since when that is so.
    since: Instant,
    /// Whether the last request has a body.
    has_body: bool,
    /// When the first byte came after the last answer.
    head: Option<Instant>,
    /// The answers of which a part was handed over and the next not asked for, with the time.
    unread: Vec<(u64, Instant)>,
    /// How many answers there were.
    answers: u64,
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Look again.
    Look(Instant),
    Close,
    /// The client does not take its answer.
    Abort,
}

impl Requests {
    fn new(now: Instant) -> Self {
        Self { open: 0, since: now, has_body: false, head: None, unread: Vec::new(), answers: 0 }
    }

    fn next(&self, now: Instant, is_http2: bool, limits: ConnectionLimits) -> Next {
        let oldest = self.unread.iter().map(|(_, handed)| *handed).min();
        if oldest.is_some_and(|oldest| now >= oldest + limits.write_timeout) {
            return Next::Abort;
        }
        if self.open > 0 {
            return Next::Look(now + BUSY_LOOK);
        }
        if is_http2 {
            return Next::Look(now + IDLE_LOOK);
        }
        let end = self.head.map_or(self.since + limits.keep_alive, |head| head + HEAD_WITHIN) + MARGIN;
        if now >= end { Next::Close } else { Next::Look(end.min(now + IDLE_LOOK)) }
    }
}

impl State {
    pub(super) fn of(handle: TcpStream) -> Self {
        Self { handle, requests: Mutex::new(Requests::new(Instant::now())) }
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something came from the client.
    pub(super) fn heard(&self) {
        let mut requests = self.requests();
        if requests.open == 0 {
            requests.head.get_or_insert_with(Instant::now);
        }
    }

    /// Whether what comes next may be the body of a request.
    pub(super) fn expects_body(&self) -> bool {
        let requests = self.requests();
        requests.open > 0 && requests.has_body
    }

    fn close(&self) {
        // It fails where the client was faster.
        let _ = self.handle.shutdown(Shutdown::Both);
    }

    /// Closes without waiting for what the client has not taken: the system forgets it.
    fn abort(&self) {
        let _ = SockRef::from(&self.handle).set_linger(Some(Duration::ZERO));
        self.close();
    }
}

/// A connection, as its requests see it.
struct Connection {
    state: Arc<State>,
    /// Whose turn it is, over HTTP/2.
    streams: Option<Arc<Semaphore>>,
    /// Ends with the connection.
    _watch: JoinSet<()>,
}

/// Takes note of a new connection.
pub(super) fn open(peer: &Peer, is_http2: bool, data: &mut Extensions, crowd: &Arc<Crowd>, closing: &Closing) {
    let mut watching = JoinSet::new();
    watching.spawn(watch(peer.state.clone(), is_http2, crowd.clone(), closing.clone()));
    let streams = is_http2.then(|| Arc::new(Semaphore::new(STREAMS)));
    data.insert(Connection { state: peer.state.clone(), streams, _watch: watching });
}

/// Closes the connection of a request at once, without an answer.
pub(super) fn abort(request: &HttpRequest) {
    if let Some(connection) = request.conn_data::<Connection>() {
        connection.state.abort();
    }
}

/// Until the connection is to be closed; then closes it.
async fn watch(state: Arc<State>, is_http2: bool, crowd: Arc<Crowd>, closing: Closing) {
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
async fn unused(state: &State) {
    while state.requests().open > 0 {
        sleep(CLOSING_LOOK).await;
    }
    sleep(LEAVING).await;
    state.close();
}

/// A request as its connection sees it: open as long as this is held.
struct Open {
    state: Arc<State>,
    /// Its answer among those of the connection.
    number: u64,
}

impl Open {
    /// A part of the answer was handed over; the client has to take it.
    fn handed_over(&self) {
        self.state.requests().unread.push((self.number, Instant::now()));
    }

    /// It was taken, since the next part is asked for.
    fn taken(&self) {
        self.state.requests().unread.retain(|(number, _)| *number != self.number);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.taken();
        let mut requests = self.state.requests();
        requests.open -= 1;
        requests.since = Instant::now();
    }
}

/// The body of an answer, whose request is open until it was sent.
pub(super) struct Answer<B> {
    body: Pin<Box<B>>,
    /// What is left of a piece that was too large.
    rest: Bytes,
    open: Option<Open>,
    _turn: Option<OwnedSemaphorePermit>,
}

/// Takes note of a new request, and waits until it is its turn. What is returned is to be put around the body of its answer.
pub(super) async fn request<B>(request: &ServiceRequest) -> impl FnOnce(B) -> Answer<B> + use<B> {
    let has_body = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| request.headers().contains_key(name));
    let open = request.conn_data::<Connection>().map(|connection| {
        let mut requests = connection.state.requests();
        requests.open += 1;
        requests.head = None;
        requests.has_body = has_body;
        requests.answers += 1;
        if connection.streams.is_some() && requests.open > MOST_STREAMS {
            connection.state.abort();
        }
        let open = Open { state: connection.state.clone(), number: requests.answers };
        (open, connection.streams.clone())
    });
    let (open, streams) = open.unzip();
    let turn = match streams.flatten() {
        // It is never closed.
        Some(streams) => streams.acquire_owned().await.ok(),
        None => None,
    };
    |body| Answer { body: Box::pin(body), rest: Bytes::new(), open, _turn: turn }
}

impl<B: MessageBody> MessageBody for Answer<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let answer = self.get_mut();
        if let Some(open) = &answer.open {
            open.taken();
        }
        if answer.rest.is_empty() {
            match ready!(answer.body.as_mut().poll_next(context)) {
                Some(Ok(piece)) => answer.rest = piece,
                end => return Poll::Ready(end),
            }
        }
        let part = answer.rest.split_to(answer.rest.len().min(PART));
        if let Some(open) = &answer.open {
            open.handed_over();
        }
        Poll::Ready(Some(Ok(part)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits {
        keep_alive: Duration::from_secs(75),
        write_timeout: Duration::from_secs(30),
        per_address: 1,
    };

    /// What to do so many seconds after a connection began, which `make` makes of it.
    fn after(seconds: u64, is_http2: bool, make: impl FnOnce(&mut Requests, Instant)) -> Next {
        let begin = Instant::now();
        let mut requests = Requests::new(begin);
        make(&mut requests, begin);
        match requests.next(begin + Duration::from_secs(seconds), is_http2, LIMITS) {
            // The time makes no difference here.
            Next::Look(_) => Next::Look(begin),
            other => other,
        }
    }

    #[test]
    fn an_idle_connection_is_kept_as_long_as_it_is_meant_to_be() {
        assert!(matches!(after(79, false, |_, _| {}), Next::Look(_)));
        assert_eq!(after(80, false, |_, _| {}), Next::Close);
        assert!(
            matches!(after(1000, true, |_, _| {}), Next::Look(_)),
            "actix asks an HTTP/2 client whether it is there"
        );
    }

    #[test]
    fn a_later_head_has_as_long_as_the_first() {
        assert!(matches!(after(14, false, |requests, begin| requests.head = Some(begin)), Next::Look(_)));
        assert_eq!(after(15, false, |requests, begin| requests.head = Some(begin)), Next::Close);
    }

    #[test]
    fn a_request_may_take_its_time_and_its_client_may_not() {
        let unread = |seconds, is_http2| {
            after(seconds, is_http2, |requests, begin| {
                requests.open = 2;
                requests.unread = vec![(2, begin + Duration::from_secs(10)), (1, begin)];
            })
        };
        for is_http2 in [false, true] {
            assert!(matches!(after(1000, is_http2, |requests, _| requests.open = 1), Next::Look(_)));
            assert!(matches!(unread(29, is_http2), Next::Look(_)));
            assert_eq!(unread(30, is_http2), Next::Abort);
        }
    }
}
