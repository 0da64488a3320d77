//! The state of a connection, and when it has to be closed.

use std::{
    net::{Shutdown, TcpStream},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use socket2::SockRef;
use tokio::time::Instant;

use crate::config::ConnectionLimits;

/// How long a client may take to send the head of a request, and before that for the TLS handshake.
pub(crate) const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// actix closes idle HTTP/1.1 connections and limits the first request head, but not later heads. We enforce both
/// limits as a backstop, this much later, so that actix normally acts first. The system's own limit for unread bytes
/// (`TCP_USER_TIMEOUT`) is a backstop of ours in the same way.
pub(super) const MARGIN: Duration = Duration::from_secs(5);
/// How often a connection is checked: while it is idle, and while it has open requests.
const IDLE_LOOK: Duration = Duration::from_secs(5);
const BUSY_LOOK: Duration = Duration::from_secs(1);

/// The state of a connection.
pub(super) struct ConnectionState {
    /// A second handle to the socket, which actix owns.
    handle: TcpStream,
    requests: Mutex<Requests>,
}

/// The requests of a connection.
#[derive(Debug)]
pub(super) struct Requests {
    /// How many are not answered yet.
    pub(super) open: usize,
    /// When the last request ended, or when the connection began.
    pub(super) idle_since: Instant,
    /// Whether the last request has a body.
    pub(super) has_body: bool,
    /// When the first byte of the next request head came, while no request was open.
    pub(super) head_began: Option<Instant>,
    /// For each answer in progress: the part that was last passed to actix and that the client has not yet taken, and
    /// since when. `u64` is the number of the answer.
    pub(super) unread: Vec<(u64, Instant)>,
    /// How many requests there have been.
    pub(super) request_count: u64,
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Check it again at this time.
    Look(Instant),
    /// Shut it down in order; the system still delivers what was written.
    Close,
    /// Reset it, since the client does not read its answer; unsent data is discarded.
    Abort,
}

impl Requests {
    fn new(now: Instant) -> Self {
        Self { open: 0, idle_since: now, has_body: false, head_began: None, unread: Vec::new(), request_count: 0 }
    }

    pub(super) fn next(&self, now: Instant, is_http2: bool, limits: ConnectionLimits) -> Next {
        let oldest = self.unread.iter().map(|(_, since)| *since).min();
        if oldest.is_some_and(|oldest| now >= oldest + limits.write_timeout) {
            return Next::Abort;
        }
        if self.open > 0 {
            return Next::Look(now + BUSY_LOOK);
        }
        if is_http2 {
            return Next::Look(now + IDLE_LOOK);
        }
        let end = self.head_began.map_or(self.idle_since + limits.keep_alive, |began| began + HEAD_WITHIN) + MARGIN;
        if now >= end { Next::Close } else { Next::Look(end.min(now + IDLE_LOOK)) }
    }
}

impl ConnectionState {
    pub(super) fn of(handle: TcpStream) -> Self {
        Self { handle, requests: Mutex::new(Requests::new(Instant::now())) }
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that bytes came from the client.
    pub(super) fn heard(&self) {
        let mut requests = self.requests();
        if requests.open == 0 {
            requests.head_began.get_or_insert_with(Instant::now);
        }
    }

    /// Returns whether the next bytes may belong to the body of a request.
    pub(super) fn expects_body(&self) -> bool {
        let requests = self.requests();
        requests.open > 0 && requests.has_body
    }

    pub(super) fn close(&self) {
        // It fails if the client has closed the connection already.
        let _ = self.handle.shutdown(Shutdown::Both);
    }

    /// Resets the connection: the system discards what the client has not read.
    pub(super) fn abort(&self) {
        let _ = SockRef::from(&self.handle).set_linger(Some(Duration::ZERO));
        self.close();
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

    /// The decision this many seconds after a connection began, for the connection that `make` sets up.
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
        assert!(matches!(after(14, false, |requests, begin| requests.head_began = Some(begin)), Next::Look(_)));
        assert_eq!(after(15, false, |requests, begin| requests.head_began = Some(begin)), Next::Close);
    }

    #[test]
    fn a_slow_handler_is_tolerated_and_a_client_that_stops_reading_is_not() {
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
