//! `GET /v1/events`: every change of a status as it happens, as server-sent events.
//!
//! The id of an event is its position in the order of all changes. A client that reconnects with `Last-Event-ID`
//! continues after that event, at any instance, without a gap and without a repetition. The answer has a header with
//! the same name, which is the position at which the stream begins. Everything else that is not an event is a comment,
//! since many clients treat a block without data as an event without data.

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
            filters::Filters,
            pairs::texts,
        },
        problem::{Code, Problem},
        state::{App, Closing},
    },
    query::{EventStream, EventStreamError, EventStreamRequest, EventView},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The longest time between two lines, since proxies close a connection that seems dead.
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
    /// Returns `None` if the maximum number is open.
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

/// Streams the events until the client or the server ends the connection.
pub(super) async fn follow(
    caller: Caller<CanRead>,
    request: HttpRequest,
    pairs: Filters,
    app: Data<App>,
    closing: Data<Closing>,
    followers: Data<Followers>,
) -> Result<HttpResponse, Problem> {
    // Bytes that are not ASCII are not part of our ids, so replacing them cannot make a valid id.
    let last_event = request.headers().get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let wanted = EventStreamRequest::parse(texts(&pairs), last_event.as_deref()).map_err(Problem::faulty)?;
    let following = Following::one_more(followers, caller.actor().as_str()).ok_or_else(|| {
        let detail = format!("this token has {STREAMS} open event streams; close one of them first");
        Problem::new(Code::TooManyRequests, detail)
    })?;
    let events = EventStream::open(&app.store, &app.query, wanted).await?;
    // A field of the first event, which ends the block.
    let beginning = stream::iter([Ok("retry: 1000\n".into())]);
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/event-stream"));
    // At once, so that a client that is cut off before the first event knows where to continue.
    response.insert_header((LAST_EVENT_ID, events.position().to_string()));
    // Otherwise, some proxies would buffer the events.
    response.insert_header(("x-accel-buffering", "no"));
    Ok(response.streaming(beginning.chain(event_bytes(events, closing, following))))
}

/// Returns the events as bytes. The next page is read when the client has read the previous one.
fn event_bytes(
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

/// Formats an event. Its JSON has no line breaks, so one line of data is enough.
fn event((position, event): &(EventPosition, EventView)) -> String {
    let mut text = format!("id: {position}\ndata: ");
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
