//! Connections below HTTP, for what no HTTP client would do.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// A bare connection to a server.
pub(crate) struct Raw(TcpStream);

/// How a server answered on a bare connection.
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        Self(stream)
    }

    pub(crate) fn sends(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends `piece` over and over, until the server takes no more, `most` bytes are gone, or the time is over; how many
    /// bytes went.
    pub(crate) fn pours(&mut self, piece: &[u8], most: usize, within: Duration) -> usize {
        let (mut sent, end) = (0, Instant::now() + within);
        while sent < most && Instant::now() < end && self.0.write_all(piece).is_ok() {
            sent += piece.len();
        }
        sent
    }

    /// Reads until `text` has come.
    pub(crate) fn reads_until(&mut self, text: &str) {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(text) {
            let mut buffer = [0; 4096];
            match self.0.read(&mut buffer) {
                Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
                ended => panic!("{ended:?} after {:?}", String::from_utf8_lossy(&bytes)),
            }
        }
    }

    /// One answer; of a chunked one the body as it came.
    pub(crate) fn answer(&mut self) -> RawAnswer {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = whole(&bytes) {
                return answer;
            }
            let mut buffer = [0; 4096];
            match self.0.read(&mut buffer) {
                Ok(0) => panic!("the server closed after {:?}", String::from_utf8_lossy(&bytes)),
                Ok(read) => bytes.extend_from_slice(&buffer[..read]),
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)),
            }
        }
    }
}

fn whole(bytes: &[u8]) -> Option<RawAnswer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let is_whole = length.is_none_or(|length| body.len() >= length);
    is_whole.then(|| RawAnswer { status, body: body.to_owned(), head: head.clone() })
}

/// The connection works in blocking calls, which must not stand in the way of the server.
pub(crate) async fn by_hand<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}
