//! The end of connections, where actix leaves it to their clients. Over HTTP/1.1 it times the first head of a connection and
//! not the next, which may drip for ever; over HTTP/2 it waits at a shutdown until the client closes, which for an idle one
//! may be never. So we close these.

use std::{
    any::Any,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    body::{BodySize, MessageBody},
    dev::{Extensions, ServiceRequest},
    rt,
    web::Bytes,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::server::Closing;

/// A connection, as its requests see it.
struct Connection {
    requests: watch::Sender<Requests>,
    /// Ends with the connection.
    _end: JoinSet<()>,
}

/// The requests of a connection.
struct Requests {
    /// How many are not answered yet.
    open: usize,
    /// Since when that is so.
    since: Instant,
}

/// How long a connection over HTTP/1.1 may be without a request. An idle one is closed by actix after five seconds; the
/// rest is for a head.
const QUIET: Duration = Duration::from_secs(15);
/// For the last answer to leave.
const LEAVING: Duration = Duration::from_millis(100);

/// Takes note of a new connection.
pub(super) fn open(stream: &dyn Any, data: &mut Extensions, closing: &Closing) {
    let tls = stream.downcast_ref::<TlsStream<rt::net::TcpStream>>().map(|stream| stream.get_ref());
    let Some(tcp) = tls.map(|(tcp, _)| tcp).or_else(|| stream.downcast_ref::<rt::net::TcpStream>()) else { return };
    // actix owns the connection; this is another handle for it. Without one, the client is waited for.
    let Ok(handle) = tcp.as_fd().try_clone_to_owned() else { return };
    let is_http2 = tls.is_some_and(|(_, tls)| tls.alpn_protocol() == Some(b"h2"));
    let (requests, seen) = watch::channel(Requests { open: 0, since: Instant::now() });
    let (mut end, closing) = (JoinSet::new(), closing.clone());
    end.spawn(async move {
        if is_http2 {
            unused(seen, &closing).await;
        } else {
            quiet(seen).await;
        }
        // It fails where the client was faster.
        let _ = TcpStream::from(handle).shutdown(Shutdown::Both);
    });
    data.insert(Connection { requests, _end: end });
}

/// Until the shutdown has begun and nothing is left to be answered.
async fn unused(mut requests: watch::Receiver<Requests>, closing: &Closing) {
    closing.begun().await;
    // An error means that the connection is gone, which is the same.
    let _ = requests.wait_for(|requests| requests.open == 0).await;
    sleep(LEAVING).await;
}

/// Until there was no request for too long.
async fn quiet(mut requests: watch::Receiver<Requests>) {
    loop {
        let end = match requests.wait_for(|requests| requests.open == 0).await {
            Ok(requests) => requests.since + QUIET,
            Err(_) => return,
        };
        if end <= Instant::now() {
            return;
        }
        sleep_until(end).await;
    }
}

/// A request as its connection sees it: open as long as this is held.
struct Open(watch::Sender<Requests>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|requests| {
            requests.open -= 1;
            requests.since = Instant::now();
        });
    }
}

/// The body of an answer, whose request is open until it was sent.
pub(super) struct Answer<B> {
    body: Pin<Box<B>>,
    _open: Option<Open>,
}

/// Takes note of a new request. What is returned is to be put around the body of its answer.
pub(super) fn request<B>(request: &ServiceRequest) -> impl FnOnce(B) -> Answer<B> + use<B> {
    let open = request.conn_data::<Connection>().map(|connection| {
        connection.requests.send_modify(|requests| requests.open += 1);
        Open(connection.requests.clone())
    });
    |body| Answer { body: Box::pin(body), _open: open }
}

impl<B: MessageBody> MessageBody for Answer<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.get_mut().body.as_mut().poll_next(context)
    }
}
