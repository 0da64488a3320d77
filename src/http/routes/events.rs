//! `GET /v1/events`: every change of a status as it happens, as server-sent events.
//!
//! The id of an event is its place in the order of all changes. A client that comes back with `Last-Event-ID` continues
//! after it, at whichever instance, without a gap and without a repeat. Where the stream begins is told in a header of
//! that name, and everything else that is not an event is a comment: many clients take a block without data for an event
//! without data.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CONTENT_TYPE, HeaderName},
    web::{Bytes, Data},
};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::timeout;

use crate::{
    domain::EventPosition,
    http::{
        extract::{
            auth::{Caller, CanRead},
            pairs::{Pairs, texts},
        },
        problem::{Code, Problem},
        state::{App, Closing},
    },
    query::{EventStream, EventStreamError, EventStreamRequest, EventView},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// So often something is said, or else proxies would take the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many streams may be open at a time for one token; without tokens, for all clients together.
const STREAMS: usize = 100;

/// How many streams each token has open.
#[derive(Default)]
pub(crate) struct Followers(Mutex<HashMap<String, usize>>);

/// An open stream of a token.
struct Following {
    followers: Data<Followers>,
    actor: String,
}

impl Following {
    /// `None` if there are as many as may be.
    fn one_more(followers: Data<Followers>, actor: &str) -> Option<Self> {
        {
            let mut counts = followers.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(actor.to_owned()).or_default();
            if *count >= STREAMS {
                return None;
            }
            *count += 1;
        }
        Some(Self { followers, actor: actor.to_owned() })
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut counts = self.followers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.actor) {
            *count -= 1;
        }
    }
}

/// Follows, until the client or the server ends it.
pub(super) async fn follow(
    caller: Caller<CanRead>,
    request: HttpRequest,
    pairs: Pairs,
    app: Data<App>,
    closing: Data<Closing>,
    followers: Data<Followers>,
) -> Result<HttpResponse, Problem> {
    // Other bytes than those of our ids are none of them either.
    let last_event = request.headers().get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let wanted = EventStreamRequest::parse(texts(&pairs), last_event.as_deref()).map_err(Problem::faulty)?;
    let following = Following::one_more(followers, caller.actor().as_str()).ok_or_else(|| {
        let detail = format!("this token has {STREAMS} open event streams; close one of them first");
        Problem::new(Code::TooManyRequests, detail)
    })?;
    let events = EventStream::open(&app.store, wanted).await?;
    // A field, which the first event will end.
    let beginning = stream::iter([Ok("retry: 1000\n".into())]);
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/event-stream"));
    // At once, so that a client that is cut off before the first event knows where to continue.
    response.insert_header((LAST_EVENT_ID, events.position().to_string()));
    // For proxies that would else collect what comes until it is worth sending.
    response.insert_header(("x-accel-buffering", "no"));
    Ok(response.streaming(beginning.chain(told(events, closing, following))))
}

/// The events as bytes. The next page is read when the client has taken the one before.
fn told(
    events: EventStream,
    closing: Data<Closing>,
    following: Following,
) -> impl Stream<Item = Result<Bytes, EventStreamError>> {
    stream::try_unfold((events, closing, following), async |(mut events, closing, following)| {
        let page = tokio::select! {
            page = timeout(HEARTBEAT, events.next()) => page,
            () = closing.begun() => return Ok(None),
        };
        let text = match page {
            Ok(events) => events?.iter().map(event).collect(),
            Err(_) => ": still here\n".to_owned(),
        };
        Ok(Some((Bytes::from(text), (events, closing, following))))
    })
}

/// JSON has no line breaks, so one line of data will do.
fn event((place, event): &(EventPosition, EventView)) -> String {
    let mut text = format!("id: {place}\ndata: ");
    let _ = write!(text, "{}\n\n", serde_json::to_string(event).unwrap_or_default());
    text
}

impl From<EventStreamError> for Problem {
    fn from(error: EventStreamError) -> Self {
        match error {
            EventStreamError::Gone => Self::new(
                Code::Gone,
                "the events after Last-Event-ID have been removed, or it belongs to another store; read the list, and follow \
                 again without it",
            ),
            EventStreamError::Storage(error) => error.into(),
        }
    }
}
