//! A bound on how long the store may take: whoever asks is answered, also where a database neither answers nor breaks
//! off, as one that is stopped, or a network that lost the connection without a word. And what was read from a file that
//! is not the database any more is not an answer.
//!
//! Notifications need none of this, since the committer has its own patience; and what reads the whole store may take as
//! long as it has to.

use std::{future::Future, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use receiptd_domain::{
    Actor, Change, Channel, CorrelationId, Cursor, DispatchEvent, Filter, Fingerprint, History, Inbound, Kept, Message,
    Page, PageLimit, Place, Recorded, Tally, TallyRequest, Timestamp, TrailEntry, TrailFilter, TransactionId,
    Unreadable,
};
use tokio::time::timeout;

use super::{
    Cancellation, Changes, Claim, Deeds, Enqueued, Entry, Health, Messages, Outbox, Settlement, Shelf, StorageError,
    Store,
};

/// A part of a store, each of whose methods ends in time.
struct InTime<T: ?Sized> {
    inner: Arc<T>,
    most: Duration,
    /// Whether what it reads is still the database.
    health: Arc<dyn Health>,
}

impl Store {
    /// The same store, in which no look-up and no change takes longer than `most`. One that would is unavailable, and
    /// what it began is given up.
    pub(super) fn in_time(self, most: Duration) -> Self {
        let health = || self.health.clone();
        Self {
            messages: Arc::new(InTime { inner: self.messages, most, health: health() }),
            shelf: Arc::new(InTime { inner: self.shelf, most, health: health() }),
            outbox: Arc::new(InTime { inner: self.outbox, most, health: health() }),
            feed: Arc::new(InTime { inner: self.feed, most, health: health() }),
            deeds: Arc::new(InTime { inner: self.deeds, most, health: health() }),
            ..self
        }
    }
}

impl<T: ?Sized> InTime<T> {
    async fn wait<A>(&self, answer: impl Future<Output = Result<A, StorageError>>) -> Result<A, StorageError> {
        // Before as well: a connection that is opened now would begin another log in the place of one that was removed.
        self.health.check_files()?;
        let answer = timeout(self.most, answer).await.unwrap_or_else(|_| {
            let late = format!("the database did not answer within {:?}", self.most);
            Err(StorageError::Unavailable(io::Error::new(io::ErrorKind::TimedOut, late).into()))
        });
        self.health.check_files()?;
        answer
    }
}

/// Each method of a trait, in time, but for those that go through everything.
macro_rules! in_time {
    ($trait:ident: $($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+
     $(| $whole:ident($($with:ident: $of:ty),*) -> $all:ty;)?) => {
        #[async_trait]
        impl $trait for InTime<dyn $trait> {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$answer, StorageError> {
                self.wait(self.inner.$method($($argument),*)).await
            })+
            $(async fn $whole(&self, $($with: $of),*) -> Result<$all, StorageError> {
                self.inner.$whole($($with),*).await
            })?
        }
    };
}

in_time! { Messages:
    find(id: &CorrelationId) -> Option<Message>;
    history(id: &CorrelationId) -> Option<History>;
    list(filter: &Filter, after: Option<&Cursor>, limit: PageLimit) -> Page<Message>;
    tally(request: &TallyRequest) -> Vec<Tally>;
    notifications_without_bodies(id: &CorrelationId) -> Vec<Recorded>;
    notifications_page(id: &CorrelationId, after: Option<&Cursor>, limit: PageLimit) -> Page<Recorded>;
    notifications_of(ids: &[CorrelationId], after: Option<&(CorrelationId, Fingerprint)>, limit: PageLimit)
        -> Vec<(CorrelationId, Recorded)>;
    dispatch_events(id: &CorrelationId) -> Vec<DispatchEvent>;
    owner(id: &TransactionId) -> Option<CorrelationId>;
}

in_time! { Shelf:
    inbound(after: Option<&Cursor>, limit: PageLimit) -> Page<Kept<Inbound>>;
    quarantine(after: Option<&Cursor>, limit: PageLimit) -> Page<Kept<Unreadable>>;
    inbound_of(fingerprint: Fingerprint) -> Option<Kept<Inbound>>;
    quarantine_of(fingerprint: Fingerprint) -> Option<Kept<Unreadable>>;
}

in_time! { Outbox:
    enqueue(entries: &[Entry], at: Timestamp, actor: &Actor) -> Vec<Enqueued>;
    compare(entry: &Entry, actor: &Actor) -> Option<Enqueued>;
    claim(channel: &Channel, limit: i64, now: Timestamp, lease_until: Timestamp) -> Vec<Claim>;
    settle(outcomes: &[(Claim, Settlement)]) -> ();
    abandon(now: Timestamp, resend: bool) -> Vec<CorrelationId>;
    expire(now: Timestamp) -> Vec<CorrelationId>;
    cancel(id: &CorrelationId, at: Timestamp, actor: &Actor) -> Cancellation;
    next_due() -> Vec<(Channel, Timestamp)>;
    set_back(now: Timestamp, lease_until: Timestamp) -> ();
    | doubt(now: Timestamp, entry: &TrailEntry) -> Vec<CorrelationId>;
}

in_time! { Changes:
    end() -> Place;
    after(place: Place, limit: PageLimit) -> Option<Vec<Change>>;
    trim(before: Timestamp, limit: PageLimit) -> bool;
}

in_time! { Deeds:
    note(entries: &[TrailEntry]) -> ();
    trail(filter: &TrailFilter, after: Option<&Cursor>, limit: PageLimit) -> Page<TrailEntry>;
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    /// A feed that is only ever waited for.
    struct Hanging;

    #[async_trait]
    impl Changes for Hanging {
        async fn end(&self) -> Result<Place, StorageError> {
            pending().await
        }

        async fn after(&self, _: Place, _: PageLimit) -> Result<Option<Vec<Change>>, StorageError> {
            Ok(None)
        }

        async fn trim(&self, _: Timestamp, _: PageLimit) -> Result<bool, StorageError> {
            Err(StorageError::Refused("for a test".into()))
        }
    }

    #[async_trait]
    impl Health for Hanging {
        fn check_files(&self) -> Result<(), StorageError> {
            Ok(())
        }

        async fn beat(&self, _: Timestamp) -> Result<(), StorageError> {
            pending().await
        }

        async fn close(&self) {}
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_is_unavailable_in_time_and_the_rest_passes_through() {
        let inner: Arc<dyn Changes> = Arc::new(Hanging);
        let (feed, began) =
            (InTime { inner, most: Duration::from_secs(30), health: Arc::new(Hanging) }, Instant::now());
        assert!(matches!(feed.end().await, Err(StorageError::Unavailable(_))));
        assert_eq!(began.elapsed(), Duration::from_secs(30));
        assert!(matches!(feed.after(Place::default(), PageLimit::default()).await, Ok(None)));
        assert!(matches!(feed.trim(Timestamp::default(), PageLimit::default()).await, Err(StorageError::Refused(_))));
    }
}
