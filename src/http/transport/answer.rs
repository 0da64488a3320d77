//! Answers, and whether the client reads them. A request is open until its answer was sent.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{
    body::{BodySize, MessageBody},
    dev::ServiceRequest,
    http::header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    web::Bytes,
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{connection::ConnectionState, watch::Connection};

/// The maximum number of open requests of an HTTP/2 connection, which is closed beyond it. No known client opens this
/// many. `actix-http` offers no way to announce a limit (`MAX_CONCURRENT_STREAMS`).
const MOST_STREAMS: usize = 1100;
/// An answer is passed to actix in parts of this size, so that we notice whether the client reads it.
const PART: usize = 64 * 1024;

/// A request of a connection, which is open as long as this exists.
struct Open {
    state: Arc<ConnectionState>,
    /// The number of its answer among those of the connection.
    number: u64,
}

impl Open {
    /// Notes that a part of the answer was passed to actix, which the client now has to read.
    fn part_began(&self) {
        self.state.requests().unread.push((self.number, Instant::now()));
    }

    /// Notes that the client has read that part, since the next one is requested.
    fn part_ended(&self) {
        self.state.requests().unread.retain(|(number, _)| *number != self.number);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.part_ended();
        let mut requests = self.state.requests();
        requests.open -= 1;
        requests.idle_since = Instant::now();
    }
}

/// The body of an answer. Its request is open until the body was sent.
pub(crate) struct Answer<B> {
    body: Pin<Box<B>>,
    /// The rest of a piece that was larger than a part.
    rest: Bytes,
    open: Option<Open>,
    _turn: Option<OwnedSemaphorePermit>,
}

/// Notes a new request, and waits for its turn. The returned function must wrap the body of its answer.
pub(crate) async fn open_request<B>(request: &ServiceRequest) -> impl FnOnce(B) -> Answer<B> + use<B> {
    let has_body = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| request.headers().contains_key(name));
    let open = request.conn_data::<Connection>().map(|connection| {
        let mut requests = connection.state.requests();
        requests.open += 1;
        requests.head_began = None;
        requests.has_body = has_body;
        requests.request_count += 1;
        if connection.streams.is_some() && requests.open > MOST_STREAMS {
            connection.state.abort();
        }
        let open = Open { state: connection.state.clone(), number: requests.request_count };
        (open, connection.streams.clone())
    });
    let (open, streams) = open.unzip();
    let turn = match streams.flatten() {
        // This does not fail, since the semaphore is never closed.
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
            open.part_ended();
        }
        if answer.rest.is_empty() {
            match ready!(answer.body.as_mut().poll_next(context)) {
                Some(Ok(piece)) => answer.rest = piece,
                end => return Poll::Ready(end),
            }
        }
        let part = answer.rest.split_to(answer.rest.len().min(PART));
        if let Some(open) = &answer.open {
            open.part_began();
        }
        Poll::Ready(Some(Ok(part)))
    }
}
