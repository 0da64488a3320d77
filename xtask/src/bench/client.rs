//! One HTTP/1.1 connection, kept alive, with as little work per request as there can be: the load generator shares its
//! cores with the server that it measures.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
}

pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    head: usize,
    answer: [u8; 4096],
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: target.head.clone(), head: target.head.len(), answer: [0; 4096] })
    }

    /// Sends one notification and waits for the whole answer; gives its status.
    pub(crate) async fn post(&mut self, signature: &[u8], body: &[u8]) -> Result<u16> {
        use std::io::Write;
        self.request.truncate(self.head);
        self.request.extend_from_slice(signature);
        write!(self.request, "\r\ncontent-length: {}\r\n\r\n", body.len())?;
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;

        let mut received = 0;
        loop {
            let count = self.stream.read(&mut self.answer[received..]).await?;
            if count == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "no whole answer of at most 4 KiB"));
            }
            received += count;
            if let Some(answer) = parse(&self.answer[..received])? {
                match received.checked_sub(answer.length) {
                    Some(0) => return Ok(answer.status),
                    Some(_) => return Err(Error::new(ErrorKind::InvalidData, "more than one answer")),
                    None => {}
                }
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// Of head and body together.
    length: usize,
}

/// Reads status and length; nothing while the head is incomplete.
fn parse(received: &[u8]) -> Result<Option<Answer>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let malformed = || Error::new(ErrorKind::InvalidData, "not an HTTP/1.1 answer with a content-length");
    let head = str::from_utf8(&received[..end]).map_err(|_| malformed())?;
    let (first, fields) = head.split_once("\r\n").ok_or_else(malformed)?;
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).ok_or_else(malformed)?;
    let mut fields = fields.split("\r\n").filter_map(|field| field.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.and_then(|(_, value)| value.trim().parse().ok()).ok_or_else(malformed)?;
    Ok(Some(Answer { status, length: end + 4 + length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole() -> Result<()> {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parse(answer)?, Some(Answer { status: 503, length: answer.len() }));
        assert_eq!(parse(&answer[..40])?, None);
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(parse(b"nonsense\r\n\r\n").is_err());
        Ok(())
    }
}
