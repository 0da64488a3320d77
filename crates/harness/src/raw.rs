//! Connections below HTTP, for requests that no HTTP client would send.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// A raw connection to a server.
pub struct Raw(TcpStream);

/// How a raw connection ended, with the statuses of the answers before.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    Closed(Vec<u16>),
    /// It did not end within [`Raw::PATIENCE`].
    Open,
}

impl Ending {
    fn closed(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let status = |answer: &str| answer.split(' ').nth(1)?.parse().ok();
        let answers = text.match_indices("HTTP/1.").filter_map(|(at, _)| status(&text[at..]));
        Self::Closed(answers.filter(|status| *status != 100).collect())
    }
}

/// An answer on a raw connection.
pub struct RawAnswer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Raw {
    /// Far longer than any answer takes, even on a busy machine.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Self::PATIENCE)).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        Self(stream)
    }

    pub fn sends(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends `piece` repeatedly until the server reads no more, `most` bytes have been sent, or the time is over.
    /// Returns the number of bytes sent.
    pub fn pours(&mut self, piece: &[u8], most: usize, within: Duration) -> usize {
        let (mut sent, end) = (0, Instant::now() + within);
        while sent < most && Instant::now() < end && self.0.write_all(piece).is_ok() {
            sent += piece.len();
        }
        sent
    }

    /// Sends `piece` repeatedly with this pause, until the server closes the connection or the time is over.
    pub fn drips(&mut self, piece: &[u8], pause: Duration, within: Duration) -> Ending {
        let (began, mut bytes) = (Instant::now(), Vec::new());
        self.0.set_nonblocking(true).unwrap();
        while began.elapsed() < within {
            match self.0.read_to_end(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return Ending::closed(&bytes),
            }
            std::thread::sleep(pause);
            // If this fails, the next read fails too.
            let _ = self.0.write(piece);
        }
        Ending::Open
    }

    /// Sends a request. Returns whether there was an answer.
    pub fn tries(&mut self, request: &str) -> bool {
        let mut buffer = [0; 4096];
        self.0.write_all(request.as_bytes()).is_ok() && self.0.read(&mut buffer).is_ok_and(|read| read > 0)
    }

    /// The first line of an answer. For an answer without headers, all of it.
    pub fn line(&mut self) -> String {
        let mut text = String::new();
        while !text.ends_with("\r\n") || (text.contains(" 100 ") && !text.ends_with("\r\n\r\n")) {
            let mut byte = [0];
            match self.0.read(&mut byte) {
                Ok(1) => text.push(byte[0].into()),
                ended => panic!("{ended:?} after {text:?}"),
            }
        }
        text
    }

    /// Closes our half of the connection.
    pub fn stops_talking(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads everything until the server closes the connection.
    pub fn ending(&mut self) -> Ending {
        let mut bytes = Vec::new();
        let ended = self.0.read_to_end(&mut bytes);
        if ended.is_err() && !is_reset(ended) {
            return Ending::Open;
        }
        Ending::closed(&bytes)
    }

    /// Reads until `text` has arrived.
    pub fn reads_until(&mut self, text: &str) {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(text) {
            let mut buffer = [0; 4096];
            match self.0.read(&mut buffer) {
                Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
                ended => panic!("{ended:?} after {:?}", String::from_utf8_lossy(&bytes)),
            }
        }
    }

    /// One answer. The body of a chunked one is not decoded.
    pub fn answer(&mut self) -> RawAnswer {
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

/// Whether the server closed the connection without reading everything that was sent.
fn is_reset(result: io::Result<usize>) -> bool {
    result.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
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

/// The connection uses blocking calls, which must not block the server.
pub async fn by_hand<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}
