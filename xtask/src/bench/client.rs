//! One HTTP/1.1 connection, kept alive, with as little work per request as there can be: the load generator shares its
//! cores with the server that it measures.

use std::io::{Error, ErrorKind, Result};
use std::net::{self, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The secret with which look-ups authenticate themselves.
pub(crate) const API_SECRET: &str = "bench-api-secret-0123456789abcdef";
/// The first size of the buffer for an answer, and the last.
const BUFFER: usize = 4 << 10;
const MOST: usize = 4 << 20;

/// Where requests go.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    address: SocketAddr,
    /// The request up to the signature's value.
    head: Vec<u8>,
}

impl Target {
    pub(crate) fn new(address: SocketAddr, path: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nx-hub-signature: sha256="
        );
        Self { address, head: head.into_bytes() }
    }

    /// The address of a look-up, for other clients.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A connection for [`Connection::adopt`]. Waits until it is open, outside of any runtime.
    pub(crate) fn connect(&self) -> Result<net::TcpStream> {
        net::TcpStream::connect(self.address)
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    head: usize,
    address: SocketAddr,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        Self::over(TcpStream::connect(target.address).await?, target)
    }

    /// Takes a connection of [`Target::connect`].
    pub(crate) fn adopt(stream: net::TcpStream, target: &Target) -> Result<Self> {
        stream.set_nonblocking(true)?;
        Self::over(TcpStream::from_std(stream)?, target)
    }

    fn over(stream: TcpStream, target: &Target) -> Result<Self> {
        stream.set_nodelay(true)?;
        let (request, head) = (target.head.clone(), target.head.len());
        Ok(Self { stream, request, head, address: target.address, answer: vec![0; BUFFER] })
    }

    /// Sends one notification and waits for the whole answer; gives its status.
    pub(crate) async fn post(&mut self, signature: &[u8], body: &[u8]) -> Result<u16> {
        use std::io::Write;
        self.request.truncate(self.head);
        self.request.extend_from_slice(signature);
        write!(self.request, "\r\ncontent-length: {}\r\n\r\n", body.len())?;
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        Ok(self.answer().await?.status)
    }

    /// Looks something up and waits for the whole answer.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        let address = self.address;
        let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {API_SECRET}\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Answer> {
        let mut received = 0;
        loop {
            if received == self.answer.len() {
                if received >= MOST {
                    return Err(Error::new(ErrorKind::InvalidData, "an answer of more than 4 MiB"));
                }
                self.answer.resize(2 * received, 0);
            }
            let count = self.stream.read(&mut self.answer[received..]).await?;
            if count == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "no whole answer"));
            }
            received += count;
            if let Some(answer) = parse(&self.answer[..received])? {
                match received.checked_sub(answer.length) {
                    Some(0) => return Ok(answer),
                    Some(_) => return Err(Error::new(ErrorKind::InvalidData, "more than one answer")),
                    None => {}
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    /// Of head and body together.
    length: usize,
    /// Whether it may lack what was acknowledged before the request.
    pub is_behind: bool,
}

/// Reads the head; nothing while the head is incomplete.
fn parse(received: &[u8]) -> Result<Option<Answer>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let malformed = || Error::new(ErrorKind::InvalidData, "not an HTTP/1.1 answer with a content-length");
    let head = str::from_utf8(&received[..end]).map_err(|_| malformed())?;
    let (first, fields) = head.split_once("\r\n").ok_or_else(malformed)?;
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).ok_or_else(malformed)?;
    let field = |name: &str| {
        let mut fields = fields.split("\r\n").filter_map(|field| field.split_once(':'));
        fields.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let length: usize = field("content-length").and_then(|value| value.parse().ok()).ok_or_else(malformed)?;
    Ok(Some(Answer { status, length: end + 4 + length, is_behind: field("receiptd-behind").is_some() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole() -> Result<()> {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parse(answer)?, Some(Answer { status: 503, length: answer.len(), is_behind: false }));
        assert_eq!(parse(&answer[..40])?, None);
        let behind = parse(b"HTTP/1.1 200 OK\r\nreceiptd-behind: 3\r\ncontent-length: 0\r\n\r\n")?;
        assert!(behind.is_some_and(|answer| answer.is_behind));
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(parse(b"nonsense\r\n\r\n").is_err());
        Ok(())
    }
}
