//! The stream of status events: every change of a status, in the order of the changes.
//!
//! Each stream polls the database page by page, as fast as its client reads. Nothing is buffered for a slow client, and
//! it makes no difference which instance made a change.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{EventView, Query, look_up::AT_A_TIME};
use crate::{
    domain::{Cutoffs, EventPosition, FieldError, Filter, ListRequest, PAGING, PageLimit, StatusEvent},
    storage::{StatusEvents, StorageError, Store},
};

/// If nothing was new, a stream waits for a change of this instance, but no longer than `LONGEST_PAUSE`, since another
/// instance may have made a change. Then it waits for `SHORTEST_PAUSE`, so that many streams do not slow down the
/// writers, and reads the database again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// The reason why a stream of events cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum EventStreamError {
    /// Some of the events after the position were removed; or the position belongs to another store, or to this one
    /// before it was restored.
    #[error(
        "the stream cannot continue after this event: later events were removed, or the id belongs to another store"
    )]
    Gone,
    /// The store could not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Which events to follow, and from which position.
#[derive(Clone, Debug, Default)]
pub struct EventStreamRequest {
    filter: Filter,
    after: Option<EventPosition>,
}

impl EventStreamRequest {
    /// Parses the names and values of the filters of the list, and the id of the last event that the client has seen.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        last_event: Option<&str>,
    ) -> Result<Self, Vec<FieldError>> {
        let (of_pages, filters): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| PAGING.contains(name));
        let of_pages = of_pages.into_iter().map(|(name, _)| FieldError {
            pointer: format!("/{name}"),
            detail: "is for lists: events have no pages".to_owned(),
        });
        let mut errors: Vec<FieldError> = of_pages.collect();
        let after = last_event.map(str::parse::<EventPosition>).transpose().unwrap_or_else(|error| {
            errors.push(FieldError { pointer: "/Last-Event-ID".to_owned(), detail: error.to_string() });
            None
        });
        // What is overdue is decided when there is an event.
        match ListRequest::parse(filters, &Cutoffs::default()) {
            Ok(request) if errors.is_empty() => Ok(Self { filter: request.filter, after }),
            Ok(_) => Err(errors),
            Err(more) => Err([errors, more].concat()),
        }
    }
}

/// The stream of one client.
pub struct EventStream {
    status_events: Arc<dyn StatusEvents>,
    changed_signal: watch::Receiver<()>,
    query: Query,
    filter: Filter,
    /// The part of the filter for which the message of an event is looked up.
    of_message: Option<Filter>,
    position: EventPosition,
}

impl EventStream {
    /// Begins after the last event that the client has seen; without one, with the next event.
    pub async fn open(store: &Store, query: &Query, request: EventStreamRequest) -> Result<Self, EventStreamError> {
        let position = match request.after {
            Some(position) => position,
            None => store.status_events.end().await?,
        };
        let events = Self {
            status_events: store.status_events.clone(),
            changed_signal: store.status_signal.clone(),
            query: query.clone(),
            of_message: request.filter.of_message(),
            filter: request.filter,
            position,
        };
        // This reports at once that the stream cannot continue from the position.
        match events.status_events.after(position, PageLimit::default()).await? {
            Some(_) => Ok(events),
            None => Err(EventStreamError::Gone),
        }
    }

    /// The position up to which all events were returned. A client that reconnects continues there.
    pub fn position(&self) -> EventPosition {
        self.position
    }

    /// Returns the next events, each with its position, and waits until there are some. The future may be dropped
    /// without losing events.
    pub async fn next(&mut self) -> Result<Vec<(EventPosition, EventView)>, EventStreamError> {
        loop {
            self.changed_signal.mark_unchanged();
            let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
            let page = self.status_events.after(self.position, limit).await?.ok_or(EventStreamError::Gone)?;
            if let Some(last) = page.last().map(|event| event.position) {
                let events = self.admitted(&page).await?;
                // Not before, since the future may have been dropped meanwhile.
                self.position = last;
                if !events.is_empty() {
                    return Ok(events);
                }
            }
            if page.len() < limit.get() {
                // After the pause, after a change, or if the store is closing, read again.
                let _ = timeout(LONGEST_PAUSE, self.changed_signal.changed()).await;
                sleep(SHORTEST_PAUSE).await;
            }
        }
    }

    async fn admitted(&self, page: &[StatusEvent]) -> Result<Vec<(EventPosition, EventView)>, StorageError> {
        let admitted = page.iter().filter(|event| event.is_admitted_by(&self.filter));
        let view = |event: &StatusEvent| (event.position, EventView::of(event));
        let Some(mut filter) = self.of_message.clone() else { return Ok(admitted.map(view).collect()) };
        if let Some((_, cutoffs)) = &mut filter.overdue {
            *cutoffs = self.query.cutoffs();
        }
        let filter = &filter;
        let looked_up = stream::iter(admitted).map(|event| async move {
            let id = event.replaced_by.as_ref().unwrap_or(&event.correlation_id);
            Ok::<_, StorageError>(self.query.admits(filter, id).await?.then(|| view(event)))
        });
        let events: Vec<_> = looked_up.buffered(AT_A_TIME).try_collect().await?;
        Ok(events.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(pairs: &[(&str, &str)], last: Option<&str>) -> Vec<String> {
        let errors = EventStreamRequest::parse(pairs.iter().copied(), last).err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_request_is_parsed_and_every_error_is_reported() {
        assert_eq!(errors(&[("status", "failed"), ("channel", "sms"), ("origin", "sent")], Some("712")), [""; 0]);
        assert_eq!(errors(&[("to", "+447700900123"), ("overdue", "true"), ("code", "7203")], None), [""; 0]);
        assert_eq!(errors(&[("to", ""), ("status", "gone")], Some("x")), ["/Last-Event-ID", "/to", "/status"]);
        assert_eq!(errors(&[("status", "read"), ("status", "read")], None), ["/status"]);
        assert_eq!(errors(&[("limit", "1")], None), ["/limit"]);
    }
}
