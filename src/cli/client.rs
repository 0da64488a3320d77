//! A client of a running server, over HTTP.

use std::{fmt::Write, io::Read};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::{Body, RequestBuilder, Response, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::{
    output::{UsageError, visible},
    pairs::{Pairs, given},
};
use crate::{
    domain::{CorrelationId, Draft},
    maintenance::{ErasureView, ImportReport},
    query::{FindView, MessageView},
};

/// The maximum number of concurrent look-ups.
const MAX_CONCURRENT: usize = 8;

/// The size of one piece of an upload, in bytes.
const PIECE: usize = 1 << 16;

/// A client of a running server.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

/// Why the events of a server cannot be followed.
pub(super) enum FollowError {
    /// The server rejected the request.
    Refused(anyhow::Error),
    /// The server does not answer, or is not ready.
    Unavailable(anyhow::Error),
}

impl Client {
    /// Creates a client of the server at `base`, an http or https URL with a host.
    pub(super) fn new(base: Url, token: Option<String>) -> anyhow::Result<Self> {
        Ok(Self { http: reqwest::Client::builder().build()?, base, token })
    }

    /// Reads one message. With `wait`, the server answers when the status is final, or after this many seconds.
    pub(super) async fn message(&self, id: &str, wait: Option<u64>) -> anyhow::Result<Option<MessageView>> {
        let wait =
            given([("wait", wait.map(|_| "final".to_owned())), ("timeout", wait.map(|seconds| seconds.to_string()))]);
        let url = self.url(&["v1", "messages", id]);
        self.answer(self.http.get(url).query(&wait)).await
    }

    /// Sends a message with this id, and returns it as the server accepted it.
    pub(super) async fn send(&self, message: &Value, id: &str) -> anyhow::Result<MessageView> {
        let unknown = || {
            format!(
                "it is not known whether the message {id:?} was accepted; run the command again with --correlation-id {id}: it is \
                 sent only once"
            )
        };
        let request = self.http.post(self.url(&["v1", "messages"])).json(message);
        let answer = self.ask(request).await.with_context(unknown)?;
        match answer.status() {
            status if status.is_success() => {
                answer.json().await.context("the server's answer cannot be read").with_context(unknown)
            }
            status if status.is_server_error() => Err(refused(answer).await.context(unknown())),
            _ => Err(refused(answer).await),
        }
    }

    /// Sends messages, one per line. Returns the answers in the same order.
    pub(super) async fn send_lines(&self, drafts: &[Draft]) -> anyhow::Result<Vec<Value>> {
        let mut lines = Vec::new();
        for draft in drafts {
            serde_json::to_writer(&mut lines, draft.members())?;
            lines.push(b'\n');
        }
        let request = self.http.post(self.url(&["v1", "messages"]));
        let answer = self.ask(request.header(CONTENT_TYPE, "application/x-ndjson").body(lines)).await?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        let answers = answer.text().await.context("the server's answer is incomplete")?;
        let answers = answers.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        answers.context("the server's answer cannot be read")
    }

    /// Reads several messages, in the order of `ids`.
    pub(super) async fn messages(&self, ids: &[CorrelationId]) -> anyhow::Result<Vec<Option<MessageView>>> {
        let look_ups = stream::iter(ids).map(|id| self.message(id.as_str(), None));
        look_ups.buffered(MAX_CONCURRENT).try_collect().await
    }

    /// Cancels a message.
    pub(super) async fn cancel(&self, id: &str) -> anyhow::Result<Option<MessageView>> {
        let url = self.url(&["v1", "messages", id, "cancel"]);
        self.answer(self.http.post(url)).await
    }

    /// Begins an act on many messages, or its preview. The body of the answer is a stream.
    pub(super) async fn act(&self, path: &str, request: &Value) -> anyhow::Result<Response> {
        let url = self.url(&path.split('/').collect::<Vec<_>>());
        let answer = self.ask(self.http.post(url).json(request)).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(refused(answer).await) }
    }

    /// Gets the resource at `path`; `None` if the server answers 404.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, pairs: &Pairs) -> anyhow::Result<Option<T>> {
        let url = self.url(&path.split('/').collect::<Vec<_>>());
        self.answer(self.http.get(url).query(pairs)).await
    }

    /// Gets one page of a list.
    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str, pairs: &Pairs) -> anyhow::Result<T> {
        self.get(path, pairs).await?.with_context(|| format!("the server has no {path}"))
    }

    /// Posts a request without a body.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, pairs: &Pairs) -> anyhow::Result<T> {
        let url = self.url(&path.split('/').collect::<Vec<_>>());
        self.answer(self.http.post(url).query(pairs)).await?.with_context(|| format!("the server has no {path}"))
    }

    /// Posts JSON.
    pub(super) async fn post_json<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let url = self.url(&path.split('/').collect::<Vec<_>>());
        self.answer(self.http.post(url).json(body)).await?.with_context(|| format!("the server has no {path}"))
    }

    /// Deletes the resource at `path`.
    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let answer = self.ask(self.http.delete(self.url(&path.split('/').collect::<Vec<_>>()))).await?;
        if answer.status().is_success() { Ok(()) } else { Err(refused(answer).await) }
    }

    /// Requests the erasure of a person. The body names the person, since a URL could be logged on the way.
    pub(super) async fn erase(&self, to: &str, dry_run: bool) -> anyhow::Result<ErasureView> {
        let request = self.http.post(self.url(&["v1", "erase"])).json(&json!({"to": to, "dryRun": dry_run}));
        self.answer(request).await?.context("the server has no /v1/erase; is it an older version?")
    }

    /// Finds what a text can mean. The text is in the body, since a URL could be logged on the way.
    pub(super) async fn find(&self, text: &str) -> anyhow::Result<FindView> {
        let request = self.http.post(self.url(&["v1", "find"])).json(&json!({"text": text}));
        self.answer(request).await?.context("the server has no /v1/find; is it an older version?")
    }

    /// Requests an export. The body of the answer is a stream.
    pub(super) async fn export(&self, pairs: &Pairs) -> anyhow::Result<Response> {
        let answer = self.ask(self.http.get(self.url(&["v1", "export"])).query(pairs)).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(refused(answer).await) }
    }

    /// Requests the import of a file, which is sent while it is read.
    pub(super) async fn import(&self, pairs: &Pairs, file: impl Read + Send + 'static) -> anyhow::Result<ImportReport> {
        let pieces = stream::try_unfold(file, async |mut file| {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece)?;
            piece.truncate(read);
            Ok::<_, std::io::Error>((read > 0).then_some((piece, file)))
        });
        let request = self.http.post(self.url(&["v1", "import"])).query(pairs).body(Body::wrap_stream(pieces));
        let request = request.header(CONTENT_TYPE, "application/octet-stream");
        self.answer(request).await?.context("the server has no /v1/import; is it an older version?")
    }

    /// Requests the stream of events after the event `last`, or from now on.
    pub(super) async fn events(&self, filters: &Pairs, last: Option<&str>) -> Result<Response, FollowError> {
        let url = self.url(&["v1", "events"]);
        let mut request = self.http.get(url).query(filters);
        if let Some(last) = last.filter(|last| !last.is_empty()) {
            request = request.header("last-event-id", last);
        }
        let answer = self.ask(request).await.map_err(FollowError::Unavailable)?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status if status.is_server_error() => Err(FollowError::Unavailable(refused(answer).await)),
            _ => Err(FollowError::Refused(refused(answer).await)),
        }
    }

    /// The URL of a path, whose segments are percent-encoded.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        let path: String = segments.iter().flat_map(|segment| ["/".to_owned(), encoded(segment)]).collect();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    async fn ask(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.with_context(|| format!("{} does not answer", self.base))
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<Option<T>> {
        let answer = self.ask(request).await?;
        match answer.status() {
            status if status.is_success() => {
                Ok(Some(answer.json().await.context("the server's answer cannot be read")?))
            }
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(refused(answer).await),
        }
    }
}

/// Percent-encodes a segment of a path. The URL parser would drop tabs and line ends, which an id may contain.
fn encoded(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The error for an answer that is not a success, with the details that the server gave.
async fn refused(answer: Response) -> anyhow::Error {
    let status = answer.status();
    let problem: Value = answer.json().await.unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("no details");
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors = errors.iter().map(|error| {
        format!(
            "\n- {} {}",
            visible(error["pointer"].as_str().unwrap_or_default()),
            visible(error["detail"].as_str().unwrap_or_default())
        )
    });
    let text = format!("the server answered {status}: {}{}", visible(detail), errors.collect::<String>());
    // A 422 is a usage error here too, unless the server could not read the imported file.
    let is_usage_error =
        status == StatusCode::UNPROCESSABLE_ENTITY && problem["type"] != "urn:receiptd:problem:not-an-export";
    if is_usage_error { UsageError(text).into() } else { anyhow::anyhow!(text) }
}
