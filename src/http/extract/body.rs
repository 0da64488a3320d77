//! Request bodies, bounded in size and time.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    domain::{JsonError, read_json},
    http::problem::{Code, Problem},
};

/// The reason why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is larger than allowed, or its declared length is. No more than the limit was read.
    TooLarge,
    /// It did not arrive completely.
    Broken,
}

/// How many bytes are read, and for how long.
pub(crate) struct Bounds<'a> {
    /// The maximum number of bytes.
    pub(crate) limit: usize,
    /// The time by which the body has to be complete.
    pub(crate) deadline: Instant,
    /// The limit that unauthenticated clients share; `None` for authenticated ones.
    pub(crate) large_bodies: Option<&'a LargeBodyLimit>,
}

/// Bodies up to this size are not limited in number: most have some hundred bytes.
const SMALL: usize = 16 * 1024;
/// How long a small body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many larger bodies are read at a time; the others wait. This limits the memory that unauthenticated clients can
/// use.
const LARGE_AT_ONCE: usize = 64;

/// Limits how many large bodies are read at a time.
pub(crate) struct LargeBodyLimit(Semaphore);

impl Default for LargeBodyLimit {
    fn default() -> Self {
        Self(Semaphore::new(LARGE_AT_ONCE))
    }
}

/// Returns a body without the byte order mark that some programs put in front of UTF-8.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body)
}

/// Reads a body as JSON. The error says where it is wrong, or which members are given more than once.
pub(crate) fn json(body: &[u8]) -> Result<Value, Problem> {
    read_json(without_bom(body)).map_err(|error| match error {
        JsonError::Repeated(errors) => Problem::faulty(errors),
        error @ JsonError::Syntax { .. } => Problem::new(Code::NotJson, format!("the body {error}")),
    })
}

/// Reads the members of a JSON object. The problem with anything else is `advice`: what to send.
pub(crate) fn object<T: DeserializeOwned>(value: Value, advice: &str) -> Result<T, Problem> {
    // serde would accept an array with the members in order, too.
    let read = Some(value).filter(Value::is_object).and_then(|value| serde_json::from_value(value).ok());
    read.ok_or_else(|| Problem::faulty_field("", advice))
}

/// Reads a body that is declared as JSON and has at most `limit` bytes, all of which arrive within `patience`.
pub(crate) async fn json_value(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    patience: Duration,
) -> Result<Value, Problem> {
    if media_type(request) != "application/json" {
        let detail = "send the request as Content-Type: application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, detail).closing(payload));
    }
    let bounds = Bounds { limit, deadline: Instant::now() + patience, large_bodies: None };
    let text = read(request, payload, bounds, |unread| match unread {
        Unread::TooLarge => Problem::new(Code::BodyTooLarge, format!("the request has at most {limit} bytes")),
        Unread::Broken => Problem::new(Code::NotJson, "the body is incomplete"),
    });
    json(&text.await?)
}

/// Reads a body that every caller may send: a login, a form, or a few words. It has at most [`SMALL`] bytes.
pub(crate) async fn small(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let bounds = Bounds { limit: SMALL, deadline: Instant::now() + PATIENCE, large_bodies: None };
    let read = read(request, payload, bounds, |unread| match unread {
        Unread::TooLarge => Problem::new(Code::BodyTooLarge, format!("the body has at most {SMALL} bytes")),
        Unread::Broken => Problem::new(Code::NotJson, "the body is incomplete"),
    });
    read.await
}

/// Returns the declared media type of a body, in lower case and without parameters; empty if there is none.
///
/// The API requires a media type. A page in a browser can post text, forms and bodies without a media type to any
/// server. Before it sends any other type, the browser asks the server, which does not allow it.
pub(crate) fn media_type(request: &HttpRequest) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_lowercase()
}

/// Returns the first bytes of a body, as far as they arrive in time.
pub(crate) async fn beginning(payload: &mut Payload, deadline: Instant) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() < SMALL
        && let Ok(Some(Ok(chunk))) = timeout_at(deadline, payload.next()).await
    {
        body.extend_from_slice(&chunk);
    }
    body.freeze()
}

/// Reads a body within its bounds. If that fails, `problem` makes the answer from the reason.
pub(crate) async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    bounds: Bounds<'_>,
    problem: impl FnOnce(Unread) -> Problem,
) -> Result<Bytes, Problem> {
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<u64>().ok());
    let body = if declared.is_some_and(|length| length > bounds.limit as u64) {
        Err(Unread::TooLarge)
    } else {
        timeout_at(bounds.deadline, collect(&mut payload, &bounds)).await.unwrap_or(Err(Unread::Broken))
    };
    body.map_err(|unread| problem(unread).closing(payload))
}

async fn collect(payload: &mut Payload, bounds: &Bounds<'_>) -> Result<Bytes, Unread> {
    let (mut body, mut permit) = (BytesMut::new(), None);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        let length = body.len() + chunk.len();
        if length > bounds.limit {
            return Err(Unread::TooLarge);
        }
        if let (None, Some(LargeBodyLimit(semaphore))) = (&permit, bounds.large_bodies)
            && length > SMALL
        {
            permit = Some(semaphore.acquire().await.map_err(|_| Unread::Broken)?);
        }
        if body.is_empty() && chunk.len() < bounds.limit {
            // Most bodies are one chunk, which is used without a copy.
            body = BytesMut::from(chunk);
        } else {
            body.extend_from_slice(&chunk);
        }
    }
    Ok(body.freeze())
}
