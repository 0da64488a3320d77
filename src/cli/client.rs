//! Where a command looks things up: in the database directly, or at a running server.

use std::fmt::Write;

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::{Client, Response, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{
    output::{UsageError, visible},
    settings::{self, SettingsArgs},
    variables::{secret, variable},
};
use crate::storage::Access;
use crate::{
    clock::Clock,
    domain::{CorrelationId, Draft, FieldError, ListRequest, StatsRequest},
    query::{ListView, MessageView, Query, StatsView},
    webex::has_host,
};

const SERVER: &str = "Ask this running server, in place of the database  [env: RECEIPTD_SERVER]";
const TOKEN: &str =
    "The API token for --server  [env: RECEIPTD_TOKEN, or RECEIPTD_TOKEN_FILE for a file that holds it]";

/// Which of the two.
#[derive(clap::Args, Clone)]
pub(super) struct SourceArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    #[arg(long, value_name = "URL", help = SERVER)]
    server: Option<String>,
    #[arg(long, value_name = "TOKEN", help = TOKEN)]
    token: Option<String>,
}

/// A place to look things up.
pub(super) enum Source {
    Database(Box<Query>),
    Server(Remote),
}

impl SourceArgs {
    pub(super) async fn open(self) -> anyhow::Result<Source> {
        if let Some(remote) = self.remote()? {
            return Ok(Source::Server(remote));
        }
        let (store, settings) = settings::open_for(Access::Read, self.settings).await?;
        Ok(Source::Database(Box::new(Query::new(&store, settings.deadlines, Clock::system()))))
    }

    /// The server, if one is named.
    pub(super) fn remote(&self) -> anyhow::Result<Option<Remote>> {
        let server = match self.server.clone().filter(|server| !server.is_empty()) {
            Some(server) => Some(server),
            None => variable("RECEIPTD_SERVER")?,
        };
        let Some(server) = server else { return Ok(None) };
        let is_whole = |url: &Url| url.has_host() && has_host(&server);
        let base = Url::parse(&server).ok().filter(|url| is_whole(url) && matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| {
            UsageError("--server must be an http or https URL, as in http://127.0.0.1:8080".to_owned())
        })?;
        let token = secret(self.token.as_deref(), "RECEIPTD_TOKEN")?;
        let fits = token.iter().all(|token| token.chars().all(|c| c.is_ascii_graphic()));
        anyhow::ensure!(fits, UsageError("the API token holds characters that a header cannot hold".to_owned()));
        Ok(Some(Remote { client: Client::builder().build()?, base, token }))
    }

    pub(super) fn into_settings(self) -> SettingsArgs {
        self.settings
    }
}

impl Source {
    pub(super) async fn message(&self, id: &str) -> anyhow::Result<Option<MessageView>> {
        match self {
            Self::Server(remote) => remote.message(id, None).await,
            Self::Database(query) => match CorrelationId::new(id) {
                Ok(id) => Ok(query.message(&id).await?),
                Err(_) => Ok(None),
            },
        }
    }

    pub(super) async fn messages(&self, filters: &[(&str, String)]) -> anyhow::Result<ListView<MessageView>> {
        match self {
            Self::Server(remote) => {
                remote.get("v1/messages", filters).await?.context("the server has no list of messages")
            }
            Self::Database(query) => {
                let pairs = filters.iter().map(|(name, value)| (*name, value.as_str()));
                let request = ListRequest::parse(pairs, &query.cutoffs()).map_err(|faults| usage_error(&faults))?;
                Ok(query.list(&request.filter, request.after.as_ref(), request.limit).await?)
            }
        }
    }

    pub(super) async fn stats(&self, request: &[(&str, String)]) -> anyhow::Result<StatsView> {
        match self {
            Self::Server(remote) => remote.get("v1/stats", request).await?.context("the server has no counts"),
            Self::Database(query) => {
                let pairs = request.iter().map(|(name, value)| (*name, value.as_str()));
                let request = StatsRequest::parse(pairs).map_err(|faults| usage_error(&faults))?;
                Ok(query.stats(&request).await?)
            }
        }
    }
}

/// Faults as wrong use.
pub(super) fn usage_error(faults: &[FieldError]) -> anyhow::Error {
    UsageError(in_words(faults)).into()
}

/// Faults as one sentence.
pub(super) fn in_words(faults: &[FieldError]) -> String {
    let sentence = |fault: &FieldError| format!("{} {}", fault.pointer.trim_start_matches('/'), fault.detail);
    faults.iter().map(sentence).collect::<Vec<_>>().join("; ")
}

/// How many look-ups are on their way to a server at a time.
const AT_A_TIME: usize = 8;

/// A running server.
pub(super) struct Remote {
    pub(super) client: Client,
    base: Url,
    token: Option<String>,
}

impl Remote {
    /// At `base`, without a token.
    pub(super) fn at(base: Url) -> anyhow::Result<Self> {
        Ok(Self { client: Client::builder().build()?, base, token: None })
    }

    /// One message; with `wait`, as soon as it is final or the seconds are over.
    pub(super) async fn message(&self, id: &str, wait: Option<u64>) -> anyhow::Result<Option<MessageView>> {
        let wait: Vec<_> = wait
            .into_iter()
            .flat_map(|seconds| [("wait", "final".to_owned()), ("timeout", seconds.to_string())])
            .collect();
        let url = self.url(&["v1", "messages", id])?;
        self.answer(self.client.get(url).query(&wait)).await
    }

    /// Sends a message of this id, and returns it as the server took it over.
    pub(super) async fn send(&self, message: &Value, id: &str) -> anyhow::Result<MessageView> {
        let unknown = || {
            format!(
                "whether the message {id:?} is taken over is not known; run the same with --correlation-id {id}, then it is \
                 sent once"
            )
        };
        let request = self.client.post(self.url(&["v1", "messages"])?).json(message);
        let answer = self.ask(request).await.with_context(unknown)?;
        match answer.status() {
            status if status.is_success() => {
                answer.json().await.context("the answer is not readable").with_context(unknown)
            }
            status if status.is_server_error() => Err(refused(answer).await.context(unknown())),
            _ => Err(refused(answer).await),
        }
    }

    /// Sends messages, one a line; the answers, line for line.
    pub(super) async fn send_lines(&self, drafts: &[Draft]) -> anyhow::Result<Vec<Value>> {
        let mut lines = Vec::new();
        for draft in drafts {
            serde_json::to_writer(&mut lines, draft.members())?;
            lines.push(b'\n');
        }
        let request = self.client.post(self.url(&["v1", "messages"])?);
        let answer = self.ask(request.header(CONTENT_TYPE, "application/x-ndjson").body(lines)).await?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        let answers = answer.text().await.context("the server's answer broke off")?;
        let answers = answers.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        answers.context("the server's answer is not readable")
    }

    /// Several messages, in the order of `ids`.
    pub(super) async fn messages(&self, ids: &[CorrelationId]) -> anyhow::Result<Vec<Option<MessageView>>> {
        let looks = stream::iter(ids).map(|id| self.message(id.as_str(), None));
        looks.buffered(AT_A_TIME).try_collect().await
    }

    /// Calls a message back.
    pub(super) async fn cancel(&self, id: &str) -> anyhow::Result<Option<MessageView>> {
        let url = self.url(&["v1", "messages", id, "cancel"])?;
        self.answer(self.client.post(url)).await
    }

    /// What is at `path`; `None` if nothing is.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        pairs: &[(&str, String)],
    ) -> anyhow::Result<Option<T>> {
        let url = self.url(&path.split('/').collect::<Vec<_>>())?;
        self.answer(self.client.get(url).query(pairs)).await
    }

    /// The segments become parts of the path, percent-encoded.
    pub(super) fn url(&self, segments: &[&str]) -> anyhow::Result<Url> {
        let mut url = self.base.clone();
        if url.cannot_be_a_base() {
            bail!(UsageError("--server must be an http URL".to_owned()));
        }
        let path: String = segments.iter().flat_map(|segment| ["/".to_owned(), encoded(segment)]).collect();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        Ok(url)
    }

    pub(super) async fn ask(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Response> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.with_context(|| format!("{} does not answer", self.base))
    }

    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> anyhow::Result<Option<T>> {
        let answer = self.ask(request).await?;
        match answer.status() {
            status if status.is_success() => {
                Ok(Some(answer.json().await.context("the server's answer is not readable")?))
            }
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(refused(answer).await),
        }
    }
}

/// A part of a path. What parses URLs drops tabs and line ends, which an id may have.
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

/// The server's own words, where it gave any.
pub(super) async fn refused(answer: Response) -> anyhow::Error {
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
    let told = format!("the server answered {status}: {}{}", visible(detail), errors.collect::<String>());
    // What the server finds fault with is wrong use here too, but for a file that cannot be read.
    let is_wrong_use =
        status == StatusCode::UNPROCESSABLE_ENTITY && problem["type"] != "urn:receiptd:problem:not-an-export";
    if is_wrong_use { UsageError(told).into() } else { anyhow::anyhow!(told) }
}
