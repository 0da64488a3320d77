//! The simulated platform, and one that only records requests.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex},
};

use receiptd::simulator::{Observer, Report, Settings, Simulator};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running simulator.
pub struct Platform {
    pub url: String,
    observer: Observer,
    stop: DropGuard,
    task: JoinHandle<std::io::Result<()>>,
}

impl Platform {
    /// A simulator without any errors.
    pub fn start() -> Self {
        Self::with(Settings::calm())
    }

    pub fn with(settings: Settings) -> Self {
        Self::at(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), settings)
    }

    pub fn at(listener: TcpListener, settings: Settings) -> Self {
        let simulator = Simulator::bind(listener, settings).unwrap();
        let (url, observer) = (simulator.base_url(), simulator.observer());
        let stop = CancellationToken::new();
        let task = tokio::spawn(simulator.run(stop.clone()));
        Self { url, observer, stop: stop.drop_guard(), task }
    }

    /// Waits until it has no more notifications to post.
    pub async fn settled(&self) {
        self.observer.settled().await;
    }

    pub fn report(&self) -> Report {
        self.observer.report()
    }

    /// How often it accepted the message.
    pub fn accepted(&self, id: &str) -> u64 {
        self.report().accepted_by_correlation_id.get(id).copied().unwrap_or_default()
    }

    /// Stops the simulator. Fails if a message was sent twice.
    pub async fn stop(self) {
        let twice: Vec<_> =
            self.report().accepted_by_correlation_id.into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "sent more than once: {twice:?}");
        drop(self.stop);
        self.task.await.unwrap().unwrap();
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request line and the headers, in lower case.
    pub head: String,
    pub body: Value,
}

/// A platform that gives the same answer to all requests, and records the requests.
pub struct Recorder {
    pub url: String,
    answer: Arc<Mutex<(u16, &'static str)>>,
    requests: Arc<Mutex<Vec<Request>>>,
    /// The task ends when this value is dropped.
    _task: JoinSet<()>,
}

impl Recorder {
    /// Answers 200 with `answer`.
    pub async fn answering(answer: &'static str) -> Self {
        Self::saying(200, answer).await
    }

    /// Answers with this status and body.
    pub async fn saying(status: u16, body: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let answer = Arc::new(Mutex::new((status, body)));
        let (mut task, kept, told) = (JoinSet::new(), requests.clone(), answer.clone());
        task.spawn(async move {
            // One after the other, each on its own connection.
            while let Ok((stream, _)) = listener.accept().await {
                let Some(request) = read(&stream).await else { continue };
                kept.lock().unwrap().push(request);
                let (status, body) = *told.lock().unwrap();
                let head = format!("HTTP/1.1 {status} .\r\ncontent-length: {}\r\nconnection: close", body.len());
                write(&stream, &format!("{head}\r\n\r\n{body}")).await;
            }
        });
        Self { url, answer, requests, _task: task }
    }

    /// From now on it answers with this.
    pub fn says(&self, status: u16, body: &'static str) {
        *self.answer.lock().unwrap() = (status, body);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return Some(Request { head: head.to_lowercase(), body });
        }
        stream.readable().await.ok()?;
        let mut buffer = [0; 4096];
        match stream.try_read(&mut buffer) {
            Ok(0) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}

async fn write(stream: &TcpStream, text: &str) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() && stream.writable().await.is_ok() {
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
