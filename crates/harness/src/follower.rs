//! A client that follows the events of a server.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::Client;

/// Far longer than an event takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open stream of events.
pub struct Follower {
    response: Response,
    text: String,
    /// The id of the last event, or of the position at which the stream began.
    pub last: String,
}

impl Follower {
    /// Follows from now on. Returns when the server has sent the current position.
    pub async fn of(client: &Client, query: &str) -> Self {
        Self::open(client, query, None).await
    }

    /// Continues after an event.
    pub async fn after(client: &Client, query: &str, last: &str) -> Self {
        Self::open(client, query, Some(last)).await
    }

    async fn open(client: &Client, query: &str, last: Option<&str>) -> Self {
        let mut request = client.request(Method::GET, &format!("/v1/events{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let last = response.headers()["last-event-id"].to_str().unwrap().to_owned();
        Self { response, text: String::new(), last }
    }

    /// The next event. `None` when the server ends the stream.
    pub async fn next(&mut self) -> Option<Value> {
        let end = loop {
            if let Some(end) = self.text.find("\n\n") {
                break end;
            }
            let piece = timeout(PATIENCE, self.response.chunk()).await;
            let piece = piece.unwrap_or_else(|_| panic!("timeout while waiting for an event"));
            self.text.push_str(str::from_utf8(&piece.unwrap()?).unwrap());
        };
        let block: String = self.text.drain(..end + 2).collect();
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        field("id").unwrap_or_else(|| panic!("an event without an id: {block}")).clone_into(&mut self.last);
        // Many clients treat a block without data as an event.
        let data = field("data").unwrap_or_else(|| panic!("a block without data: {block}"));
        Some(serde_json::from_str(data).unwrap())
    }

    /// The next events, each as its message and status.
    pub async fn changes(&mut self, count: usize) -> Vec<String> {
        let mut changes = Vec::new();
        while changes.len() < count {
            let event = self.next().await.unwrap();
            changes.push(format!("{} {}", event["correlationId"].as_str().unwrap(), event["status"].as_str().unwrap()));
        }
        changes
    }
}
