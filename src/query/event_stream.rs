//! The status events: every change of a status as it happens.
//!
//! Nothing is pushed: each client reads the database page by page, at its own pace. So a slow client costs
//! nothing, and it makes no difference which instance made a change.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::EventView;
use crate::{
    clock::{Clock, ClockJumpDetector},
    domain::{Cutoffs, EventPosition, FieldError, Filter, ListRequest, PageLimit, Timestamp},
    storage::{StatusEvents, StorageError, Store},
};

/// Look again after this at the latest, since another instance may have made a change; and after each change of this
/// one, but no sooner than `BREATH` later, so that many followers do not outrun the writers.
const REST: Duration = Duration::from_secs(1);
const BREATH: Duration = Duration::from_millis(20);

/// Why a stream of events cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum EventStreamError {
    /// Some of what came after the place is no longer kept; or the place is another store's, or was before this one was
    /// restored.
    #[error("the events after this one have been removed")]
    Gone,
    /// The store could not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Which changes to follow, and from where.
#[derive(Clone, Debug, Default)]
pub struct EventStreamRequest {
    filter: Filter,
    after: Option<EventPosition>,
}

/// The filters of a stream; each has the same meaning as in the list.
const NAMES: [&str; 3] = ["status", "channel", "origin"];

impl EventStreamRequest {
    /// Reads names and values of filters, and the id of the last event that was seen.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        last_event: Option<&str>,
    ) -> Result<Self, Vec<FieldError>> {
        let (known, strange): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| NAMES.contains(name));
        let strange = strange.into_iter().map(|(name, _)| FieldError {
            pointer: format!("/{name}"),
            detail: format!("is not a filter of events; the filters are {}", NAMES.join(", ")),
        });
        let mut errors: Vec<FieldError> = strange.collect();
        let after = last_event.map(str::parse::<EventPosition>).transpose().unwrap_or_else(|error| {
            errors.push(FieldError { pointer: "/Last-Event-ID".to_owned(), detail: error.to_string() });
            None
        });
        // Nothing among these filters depends on the time.
        match ListRequest::parse(known, &Cutoffs::default()) {
            Ok(request) if errors.is_empty() => Ok(Self { filter: request.filter, after }),
            Ok(_) => Err(errors),
            Err(more) => Err([errors, more].concat()),
        }
    }
}

/// What one reader follows.
pub struct EventStream {
    store: Arc<dyn StatusEvents>,
    turned: watch::Receiver<()>,
    filter: Filter,
    place: EventPosition,
}

impl EventStream {
    /// Begins after the last event that was seen; without one, now.
    pub async fn open(store: &Store, request: EventStreamRequest) -> Result<Self, EventStreamError> {
        let place = match request.after {
            Some(place) => place,
            None => store.status_events.end().await?,
        };
        let events = Self {
            store: store.status_events.clone(),
            turned: store.status_signal.clone(),
            filter: request.filter,
            place,
        };
        // So that a place which cannot be continued from is told before anything else is.
        match events.store.after(place, PageLimit::default()).await? {
            Some(_) => Ok(events),
            None => Err(EventStreamError::Gone),
        }
    }

    /// Up to where everything was seen. A reader that comes back continues there.
    pub fn position(&self) -> EventPosition {
        self.place
    }

    /// The next events, each with its place; waits until there are some. To give the wait up loses nothing.
    pub async fn next(&mut self) -> Result<Vec<(EventPosition, EventView)>, EventStreamError> {
        loop {
            self.turned.mark_unchanged();
            let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
            let page = self.store.after(self.place, limit).await?.ok_or(EventStreamError::Gone)?;
            if let Some(last) = page.last() {
                self.place = last.position;
                let admitted = page.iter().filter(|change| change.is_admitted_by(&self.filter));
                let events: Vec<_> = admitted.map(|change| (change.position, EventView::of(change))).collect();
                if !events.is_empty() {
                    return Ok(events);
                }
            }
            if page.len() < limit.get() {
                // Over, turned, or the store is closing: in each case it is time to look.
                let _ = timeout(REST, self.turned.changed()).await;
                sleep(BREATH).await;
            }
        }
    }
}

/// How often the oldest changes are looked for.
const TRIM_EVERY: Duration = Duration::from_mins(10);

/// Forgets changes that are older than `keep`, in small pieces, for ever, but not by a clock that has just been set.
pub async fn trim(changes: Arc<dyn StatusEvents>, keep: Duration, clock: Clock) {
    let mut watched = ClockJumpDetector::new(clock.clone());
    loop {
        if watched.was_set() {
            sleep(TRIM_EVERY).await;
            continue;
        }
        let before: Timestamp = clock.now().minus(keep);
        let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
        match changes.trim(before, limit).await {
            Ok(true) => sleep(BREATH).await,
            Ok(false) => sleep(TRIM_EVERY).await,
            Err(error) => {
                tracing::warn!(
                    error = crate::observe::causes(&error),
                    "the oldest events could not be removed; this is retried later"
                );
                sleep(TRIM_EVERY).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(pairs: &[(&str, &str)], last: Option<&str>) -> Vec<String> {
        let errors = EventStreamRequest::parse(pairs.iter().copied(), last).err().unwrap_or_default();
        errors.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn a_request_is_read_and_every_fault_is_told() {
        assert_eq!(errors(&[("status", "failed"), ("channel", "sms"), ("origin", "sent")], Some("712")), [""; 0]);
        assert_eq!(errors(&[("to", "1"), ("status", "gone")], Some("x")), ["/to", "/Last-Event-ID", "/status"]);
        assert_eq!(errors(&[("status", "read"), ("status", "read")], None), ["/status"]);
        assert_eq!(errors(&[("limit", "1")], None), ["/limit"]);
    }
}
