//! Somebody who follows the events of a server.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::Client;

/// Far longer than an event takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open stream of events.
pub(crate) struct Follower {
    response: Response,
    text: String,
    /// The id of the last event, or of where the stream began.
    pub(crate) last: String,
}

impl Follower {
    /// Follows from now on; returns when the server has said where that is.
    pub(crate) async fn of(client: &Client, query: &str) -> Self {
        Self::open(client, query, None).await
    }

    /// Continues after an event.
    pub(crate) async fn after(client: &Client, query: &str, last: &str) -> Self {
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
        let mut follower = Self { response, text: String::new(), last: String::new() };
        assert_eq!(follower.block().await, Some(None), "it begins with an id");
        follower
    }

    /// The next event; `None` when the server ends the stream.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(event) = self.block().await? {
                return Some(event);
            }
        }
    }

    /// The next events, each as its message and status.
    pub(crate) async fn changes(&mut self, count: usize) -> Vec<String> {
        let mut changes = Vec::new();
        while changes.len() < count {
            let event = self.next().await.unwrap();
            changes.push(format!("{} {}", event["correlationId"].as_str().unwrap(), event["status"].as_str().unwrap()));
        }
        changes
    }

    /// The next block, with its data if it has any.
    async fn block(&mut self) -> Option<Option<Value>> {
        let end = loop {
            if let Some(end) = self.text.find("\n\n") {
                break end;
            }
            let piece = timeout(PATIENCE, self.response.chunk()).await;
            let piece = piece.unwrap_or_else(|_| panic!("waited in vain for an event"));
            self.text.push_str(str::from_utf8(&piece.unwrap()?).unwrap());
        };
        let block: String = self.text.drain(..end + 2).collect();
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        if let Some(id) = field("id") {
            id.clone_into(&mut self.last);
        }
        Some(field("data").map(|data| serde_json::from_str(data).unwrap()))
    }
}
