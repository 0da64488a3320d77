//! Request bodies, bounded in size and time.

use actix_web::{
    HttpRequest,
    http::header::CONTENT_LENGTH,
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is, or says that it is, larger than allowed. No more than that was read.
    TooLarge,
    /// It stopped coming.
    Broken,
}

/// Reads a body of at most `limit` bytes that is there by `deadline`. What was not read goes to `problem`, which makes
/// the answer out of it.
pub(super) async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
    deadline: Instant,
    problem: impl FnOnce(Unread) -> Problem,
) -> Result<Bytes, Problem> {
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<u64>().ok());
    let body = if declared.is_some_and(|length| length > limit as u64) {
        Err(Unread::TooLarge)
    } else {
        timeout_at(deadline, collect(&mut payload, limit)).await.unwrap_or(Err(Unread::Broken))
    };
    body.map_err(|unread| problem(unread).closing(payload))
}

async fn collect(payload: &mut Payload, limit: usize) -> Result<Bytes, Unread> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        if body.len() + chunk.len() > limit {
            return Err(Unread::TooLarge);
        }
        if body.is_empty() && chunk.len() < limit {
            // Most bodies are one chunk, which is taken as it is.
            body = BytesMut::from(chunk);
        } else {
            body.extend_from_slice(&chunk);
        }
    }
    Ok(body.freeze())
}
