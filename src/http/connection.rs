//! The end of connections over HTTP/2. Over HTTP/1.1, actix closes a connection when the server stops and its request
//! is answered; over HTTP/2 it waits until the client closes it, which for an idle one may be never. So we close it.

use std::{
    any::Any,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    sync::Arc,
    time::Duration,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    HttpResponse,
    dev::{Extensions, ServiceRequest},
    rt,
};
use tokio::{
    sync::{OwnedRwLockReadGuard, RwLock},
    task::JoinSet,
    time::sleep,
};

use super::server::Closing;

/// A connection over HTTP/2, as its requests see it.
struct Connection {
    /// Each request reads as long as it is open, and whoever closes the connection writes.
    requests: Arc<RwLock<()>>,
    /// Ends with the connection.
    _end: JoinSet<()>,
}

/// For the last answer to leave.
const LEAVING: Duration = Duration::from_millis(100);

/// Takes note of a new connection. When the shutdown has begun and no request is open on it, it is closed.
pub(super) fn open(stream: &dyn Any, data: &mut Extensions, closing: &Closing) {
    let Some(stream) = stream.downcast_ref::<TlsStream<rt::net::TcpStream>>() else { return };
    let (tcp, tls) = stream.get_ref();
    if tls.alpn_protocol() != Some(b"h2") {
        return;
    }
    // actix owns the connection; this is another handle for it. Without one, the client is waited for.
    let Ok(handle) = tcp.as_fd().try_clone_to_owned() else { return };
    let (requests, closing) = (Arc::new(RwLock::new(())), closing.clone());
    let mut end = JoinSet::new();
    let open = requests.clone();
    end.spawn(async move {
        closing.begun().await;
        let _none = open.write().await;
        sleep(LEAVING).await;
        // It fails where the client was faster.
        let _ = TcpStream::from(handle).shutdown(Shutdown::Both);
    });
    data.insert(Connection { requests, _end: end });
}

/// A request as its connection sees it: open as long as this is held.
pub(super) struct Open {
    _lock: OwnedRwLockReadGuard<()>,
}

/// Takes note of a new request. `None` if nobody asks: not over HTTP/2, or the connection is about to be closed.
pub(super) fn request(request: &ServiceRequest) -> Option<Open> {
    let lock = request.conn_data::<Connection>()?.requests.clone().try_read_owned();
    lock.ok().map(|lock| Open { _lock: lock })
}

impl Open {
    /// Until the answer has been sent, which is when actix lets go of it.
    pub(super) fn until_sent<B>(self, answer: &mut HttpResponse<B>) {
        answer.extensions_mut().insert(self);
    }
}
