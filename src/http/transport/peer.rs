//! The socket of a client: limits how much is read from it at a time.
//!
//! actix reads from an HTTP/1.1 connection as long as bytes arrive, even while the client does not read the answers,
//! and parses all requests in them. So a client that sends requests and reads nothing could fill the memory. Here the
//! connection is read in small parts, and not at all while the client does not read.

use std::{
    io,
    net::{SocketAddr, TcpStream as StdStream},
    os::fd::AsFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    connection::{ConnectionState, MARGIN},
    crowd::{CountedConnection, Crowd},
};

/// The maximum number of bytes that are read before they are parsed: of heads, and of bodies. It is small, since actix
/// needs some kilobytes for each request that it finds in them, however short that is.
const HEADS_AT_ONCE: usize = 1024;
const BODY_AT_ONCE: usize = 4 * 1024;
/// The maximum number of unsent bytes that the system buffers for a client.
const UNSENT: u32 = 256 * 1024;

/// The socket of a client.
pub(crate) struct Peer {
    stream: TcpStream,
    pub(super) state: Arc<ConnectionState>,
    pub(crate) address: SocketAddr,
    /// Whether bytes were read that have to be parsed first.
    has_read: bool,
    /// Whether the client reads no more at the moment.
    is_blocked: bool,
    _counted: CountedConnection,
}

impl Peer {
    /// Accepts a connection, unless there are too many.
    pub(crate) fn admit(stream: TcpStream, crowd: &Arc<Crowd>) -> io::Result<Self> {
        let address = stream.peer_addr()?;
        let socket = SockRef::from(&stream);
        let counted = match crowd.admit(address.ip()) {
            Ok(counted) => counted,
            Err(excess) => {
                crowd.refuse(address.ip(), excess);
                // The connection is reset: the client notices at once, and no state remains.
                let _ = socket.set_linger(Some(Duration::ZERO));
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
        };
        // These options are a second line of defence, for bytes that the system has already. If they cannot be set, the
        // connection works without them.
        let _ = socket.set_tcp_user_timeout(Some(crowd.limits.write_timeout + MARGIN));
        let _ = socket.set_tcp_notsent_lowat(UNSENT);
        // actix owns the connection; this is a second handle to it.
        let handle = StdStream::from(stream.as_fd().try_clone_to_owned()?);
        let state = Arc::new(ConnectionState::of(handle));
        Ok(Self { stream, state, address, has_read: false, is_blocked: false, _counted: counted })
    }

    /// Notes the result of a write. Once the client reads again, the connection is read again.
    fn wrote<T>(&mut self, context: &Context<'_>, result: Poll<T>) -> Poll<T> {
        let was_blocked = std::mem::replace(&mut self.is_blocked, result.is_pending());
        if was_blocked && !self.is_blocked {
            context.waker().wake_by_ref();
        }
        result
    }
}

impl AsyncRead for Peer {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let peer = self.get_mut();
        if peer.is_blocked {
            // The next write that succeeds wakes the reader.
            return Poll::Pending;
        }
        if std::mem::take(&mut peer.has_read) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let at_once = if peer.state.expects_body() { BODY_AT_ONCE } else { HEADS_AT_ONCE };
        let most = buffer.remaining().min(at_once);
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        ready!(Pin::new(&mut peer.stream).poll_read(context, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        if read > 0 {
            peer.has_read = true;
            peer.state.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let peer = self.get_mut();
        let written = Pin::new(&mut peer.stream).poll_write(context, bytes);
        peer.wrote(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let peer = self.get_mut();
        let written = Pin::new(&mut peer.stream).poll_write_vectored(context, bytes);
        peer.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl ActixStream for Peer {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.stream, context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.stream, context)
    }
}
