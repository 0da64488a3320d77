//! How each end of a call is interpreted, tested against a scripted socket.

use std::{fs, net::Ipv4Addr};

use secrecy::SecretString;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

use super::*;
use crate::{domain::Timestamp, secret::SecretSource, webex::Api};

/// Accepts one connection, and answers its request as `answers` says.
struct Server {
    url: Url,
    task: JoinHandle<String>,
}

enum Answers {
    /// Sends these bytes, and then closes the connection.
    With(&'static str),
    /// Sends these bytes, and then leaves the connection open.
    Slowly(&'static str),
}

impl Server {
    async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = request(&mut stream).await;
            let (Answers::With(bytes) | Answers::Slowly(bytes)) = answers;
            stream.write_all(bytes.as_bytes()).await.unwrap();
            if matches!(answers, Answers::Slowly(_)) {
                // Wait until the client closes the connection.
                let _ = stream.read(&mut [0]).await;
            }
            request
        });
        Self { url, task }
    }
}

/// Reads until the end of the body.
async fn request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"{\"text\":\"Hello.\"}") {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
    }
    String::from_utf8(request).unwrap()
}

fn message() -> Request {
    Request { api: Api::V2, body: json!({ "text": "Hello." }) }
}

fn at(base: Url, patience: Duration) -> WebexConnect {
    let credentials = Credentials::key(SecretString::from("k3y").into()).unwrap();
    let clock = Clock::new(|| Timestamp::parse_rfc3339("2026-05-20T13:15:00Z").unwrap());
    WebexConnect::new(base, credentials, patience, clock).unwrap()
}

const PATIENT: Duration = Duration::from_mins(1);
const HASTY: Duration = Duration::from_secs(1);

/// Makes an attempt. Returns how it ended, and the request that the server received.
async fn attempt(answers: Answers, patience: Duration) -> (Attempt, String) {
    let server = Server::start(answers).await;
    let platform = at(server.url, patience);
    let attempt = platform.post(&message()).await;
    drop(platform);
    (attempt, server.task.await.unwrap())
}

fn not_sent(attempt: &Attempt) -> bool {
    matches!(attempt, Attempt::NotSent(_))
}

#[tokio::test]
async fn without_a_connection_nothing_has_left() {
    // The port is reserved, and no server listens on it.
    let kept = TcpSocket::new_v4().unwrap();
    kept.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}", kept.local_addr().unwrap()).parse().unwrap();
    assert!(not_sent(&at(url, PATIENT).post(&message()).await));
    // The name is too long for a host (RFC 1035, 2.3.4), so no name server is asked for it.
    let nowhere = format!("http://{}", "a".repeat(64)).parse().unwrap();
    assert!(not_sent(&at(nowhere, PATIENT).post(&message()).await));
    assert!(not_sent(&at("data:text".parse().unwrap(), PATIENT).post(&message()).await));
}

/// One server does not speak TLS, and the other one does not answer.
#[tokio::test]
async fn without_tls_nothing_has_left() {
    for is_silent in [false, true] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            if !is_silent {
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            }
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let patience = if is_silent { HASTY } else { PATIENT };
        let attempt = at(url, patience).post(&message()).await;
        assert!(not_sent(&attempt), "{attempt:?}");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_connection_after_the_request_is_no_answer() {
    let (attempt, request) = attempt(Answers::With(""), PATIENT).await;
    assert!(matches!(attempt, Attempt::NoAnswer(_)), "{attempt:?}");
    assert!(request.starts_with("POST /v2/messages HTTP/1.1\r\n") && request.contains("\r\nkey: k3y\r\n"));
}

#[tokio::test]
async fn a_late_answer_is_not_waited_for() {
    let (slow, _) = attempt(Answers::Slowly(""), HASTY).await;
    assert_eq!(slow, Attempt::NoAnswer("timed out".to_owned()));
    let (slow, _) = attempt(Answers::Slowly("HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n{"), HASTY).await;
    assert_eq!(slow, Attempt::BrokeOff { status: 201 });
}

#[tokio::test]
async fn an_answer_may_break_off() {
    let (within_the_head, _) = attempt(Answers::With("HTTP/1.1 400 Bad"), PATIENT).await;
    assert!(matches!(within_the_head, Attempt::NoAnswer(_)), "{within_the_head:?}");
    let cut = "HTTP/1.1 400 Bad Request\r\ncontent-length: 100\r\n\r\n{\"code\":";
    let (within_the_body, _) = attempt(Answers::With(cut), PATIENT).await;
    assert_eq!(within_the_body, Attempt::BrokeOff { status: 400 });
}

#[tokio::test]
async fn an_answer_is_read_unchanged_and_a_redirect_is_not_followed() {
    for (answer, status, text, seconds) in [
        ("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}", 201, "{}", None),
        ("HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n", 429, "", Some(7)),
        (
            "HTTP/1.1 503 Away\r\nretry-after: Wed, 20 May 2026 13:15:30 GMT\r\ncontent-length: 0\r\n\r\n",
            503,
            "",
            Some(30),
        ),
        ("HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", 307, "", None),
    ] {
        let (attempt, _) = attempt(Answers::With(answer), PATIENT).await;
        let retry_after = seconds.map(Duration::from_secs);
        assert_eq!(attempt, Attempt::Answered { status, body: text.into(), retry_after });
    }
}

#[tokio::test]
async fn a_renewed_key_is_shown_with_the_next_request() {
    let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    let key = SecretSource { value: "old".into(), file: Some(file.to_path_buf()) };
    fs::write(&file, "n3w").unwrap();
    let server = Server::start(Answers::With("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}")).await;
    let clock = Clock::new(Timestamp::default);
    let platform = WebexConnect::new(server.url, Credentials::key(key).unwrap(), PATIENT, clock).unwrap();
    tokio::time::pause();
    platform.renewed().await;
    tokio::time::resume();
    platform.post(&message()).await;
    assert!(server.task.await.unwrap().contains("\r\nkey: n3w\r\n"));
}

#[test]
fn nothing_shows_the_key() {
    let platform = at("http://127.0.0.1:1".parse().unwrap(), PATIENT);
    assert!(!format!("{platform:?}").contains("k3y"));
    let (_, value) = platform.auth_header(KeyIn::KeyHeader).unwrap();
    assert!(!format!("{value:?}").contains("k3y"));
}
