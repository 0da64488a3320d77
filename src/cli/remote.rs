//! What a running server does for the commands that move much data, or that change what is on record.

use std::io::Read;

use anyhow::Context;
use futures_util::stream;
use reqwest::{Body, Response, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::source::{Remote, refused};
use crate::maintenance::{ErasureView, ImportReport};

/// Why a server's events cannot be followed.
pub(super) enum Unfollowed {
    /// It says no.
    Refused(anyhow::Error),
    /// It is not there, or not ready.
    Away(anyhow::Error),
}

/// In one piece of an upload.
const PIECE: usize = 1 << 16;

type Pairs = [(&'static str, String)];

impl Remote {
    /// One page of a list.
    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str, pairs: &Pairs) -> anyhow::Result<T> {
        self.get(path, pairs).await?.with_context(|| format!("the server has no {path}"))
    }

    /// Has the server do something.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, pairs: &Pairs) -> anyhow::Result<T> {
        let url = self.url(&path.split('/').collect::<Vec<_>>())?;
        self.answer(self.client.post(url).query(pairs)).await?.with_context(|| format!("the server has no {path}"))
    }

    /// Has the server remove a person, who is named in the body: a URL would be logged on the way.
    pub(super) async fn erase(&self, to: &str, dry_run: bool) -> anyhow::Result<ErasureView> {
        let request = self.client.post(self.url(&["v1", "erase"])?).json(&json!({"to": to, "dryRun": dry_run}));
        self.answer(request).await?.context("the server does not erase")
    }

    /// An export, to be read as it comes.
    pub(super) async fn export(&self, pairs: &Pairs) -> anyhow::Result<Response> {
        let answer = self.ask(self.client.get(self.url(&["v1", "export"])?).query(pairs)).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(refused(answer).await) }
    }

    /// Has the server load a file, which is sent as it is read.
    pub(super) async fn import(&self, pairs: &Pairs, file: impl Read + Send + 'static) -> anyhow::Result<ImportReport> {
        let pieces = stream::try_unfold(file, async |mut file| {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece)?;
            piece.truncate(read);
            Ok::<_, std::io::Error>((read > 0).then_some((piece, file)))
        });
        let request = self.client.post(self.url(&["v1", "import"])?).query(pairs).body(Body::wrap_stream(pieces));
        let request = request.header(CONTENT_TYPE, "application/octet-stream");
        self.answer(request).await?.context("the server takes no imports")
    }

    /// The events after `last`, or from now on.
    pub(super) async fn events(&self, filters: &Pairs, last: Option<&str>) -> Result<Response, Unfollowed> {
        let url = self.url(&["v1", "events"]).map_err(Unfollowed::Refused)?;
        let mut request = self.client.get(url).query(filters);
        if let Some(last) = last.filter(|last| !last.is_empty()) {
            request = request.header("last-event-id", last);
        }
        let answer = self.ask(request).await.map_err(Unfollowed::Away)?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status if status.is_server_error() => Err(Unfollowed::Away(refused(answer).await)),
            _ => Err(Unfollowed::Refused(refused(answer).await)),
        }
    }
}
