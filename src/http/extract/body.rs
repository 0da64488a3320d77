//! Request bodies, bounded in size and time.

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    domain::{JsonError, read_json},
    http::problem::{Code, Problem},
};

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is, or says that it is, larger than allowed. No more than that was read.
    TooLarge,
    /// It stopped coming.
    Broken,
}

/// How much is read, and for how long.
pub(crate) struct Bounds<'a> {
    /// The most bytes.
    pub(crate) limit: usize,
    /// When it has to be there.
    pub(crate) deadline: Instant,
    /// Where strangers share what there is; `None` for those who are known.
    pub(crate) large_bodies: Option<&'a LargeBodyLimit>,
}

/// Bodies up to this need no room: most have some hundred bytes.
const SMALL: usize = 16 * 1024;
/// How many larger bodies are read at a time; the others wait. This limits the memory that strangers can use.
const LARGE_AT_ONCE: usize = 64;

/// Room for bodies that are larger than most.
pub(crate) struct LargeBodyLimit(Semaphore);

impl Default for LargeBodyLimit {
    fn default() -> Self {
        Self(Semaphore::new(LARGE_AT_ONCE))
    }
}

/// A body without the byte order mark that some programs put in front of UTF-8.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body)
}

/// A body as JSON. An error says where it is wrong, or which members are given more than once.
pub(crate) fn json(body: &[u8]) -> Result<Value, Problem> {
    read_json(without_bom(body)).map_err(|error| match error {
        JsonError::Repeated(errors) => Problem::faulty(errors),
        error @ JsonError::Syntax { .. } => Problem::new(Code::NotJson, format!("the body {error}")),
    })
}

/// The media type that a body is said to have, in lower case and without parameters; empty if there is none.
///
/// A body of the API needs one. A page in a browser can post text, forms and bodies without a media type to any server;
/// for another one, the browser asks the server first, which does not allow it.
pub(crate) fn media_type(request: &HttpRequest) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_lowercase()
}

/// The first bytes of a body, as far as they come in time.
pub(crate) async fn beginning(payload: &mut Payload, deadline: Instant) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() < SMALL
        && let Ok(Some(Ok(chunk))) = timeout_at(deadline, payload.next()).await
    {
        body.extend_from_slice(&chunk);
    }
    body.freeze()
}

/// Reads a body within its bounds. What was not read goes to `problem`, which makes the answer out of it.
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
    let (mut body, mut place) = (BytesMut::new(), None);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        let length = body.len() + chunk.len();
        if length > bounds.limit {
            return Err(Unread::TooLarge);
        }
        if let (None, Some(LargeBodyLimit(room))) = (&place, bounds.large_bodies)
            && length > SMALL
        {
            place = Some(room.acquire().await.map_err(|_| Unread::Broken)?);
        }
        if body.is_empty() && chunk.len() < bounds.limit {
            // Most bodies are one chunk, which is taken as it is.
            body = BytesMut::from(chunk);
        } else {
            body.extend_from_slice(&chunk);
        }
    }
    Ok(body.freeze())
}
