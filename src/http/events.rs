//! `GET /v1/events`: every change of a status as it happens, as server-sent events.
//!
//! The id of an event is its place in the order of all changes. A client that comes back with `Last-Event-ID` continues
//! after it, at whichever instance, without a gap and without a repeat.

use std::{fmt::Write, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::CONTENT_TYPE,
    web::{Bytes, Data, Query},
};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::timeout;

use super::{
    authority::{Caller, Read},
    problem::{Code, Problem},
    server::{App, Closing},
};
use crate::{
    domain::Place,
    query::{EventView, Feed, FeedError, FeedRequest},
};

/// So often something is said, or else proxies would take the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Follows, until the client or the server ends it.
pub(super) async fn follow(
    _: Caller<Read>,
    request: HttpRequest,
    pairs: Query<Vec<(String, String)>>,
    app: Data<App>,
    closing: Data<Closing>,
) -> Result<HttpResponse, Problem> {
    let last_event = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let wanted = FeedRequest::parse(pairs, last_event).map_err(Problem::faulty)?;
    let feed = Feed::open(&app.store, wanted).await?;
    // At once, so that whoever is cut off before the first event knows where to continue.
    let beginning = stream::iter([Ok(format!("retry: 1000\n{}", place(feed.place())).into())]);
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/event-stream"));
    // For proxies that would else collect what comes until it is worth sending.
    response.insert_header(("x-accel-buffering", "no"));
    Ok(response.streaming(beginning.chain(told(feed, closing))))
}

/// A feed as bytes. It is asked for the next page when the client has taken the one before.
fn told(feed: Feed, closing: Data<Closing>) -> impl Stream<Item = Result<Bytes, FeedError>> {
    stream::try_unfold((feed, closing), async |(mut feed, closing)| {
        let page = tokio::select! {
            page = timeout(HEARTBEAT, feed.next()) => page,
            () = closing.begun() => return Ok(None),
        };
        let text = match page {
            Ok(events) => events?.iter().map(event).collect(),
            // Others' changes move the place on, too.
            Err(_) => format!(": still here\n{}", place(feed.place())),
        };
        Ok(Some((Bytes::from(text), (feed, closing))))
    })
}

/// Sets the id without an event.
fn place(place: Place) -> String {
    format!("id: {place}\n\n")
}

/// JSON has no line breaks, so one line of data will do.
fn event((place, event): &(Place, EventView)) -> String {
    let mut text = format!("id: {place}\ndata: ");
    let _ = write!(text, "{}\n\n", serde_json::to_string(event).unwrap_or_default());
    text
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Gone => Self::new(
                Code::Gone,
                "the events after Last-Event-ID are no longer kept, or it is another store's; read the list, and follow \
                 again without it",
            ),
            FeedError::Storage(error) => error.into(),
        }
    }
}
