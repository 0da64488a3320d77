//! A bound on how long the store may take: whoever asks is answered, also where a database neither answers nor breaks
//! off, as one that is stopped, or a network that lost the connection without a word. And what was read from a file that
//! is not the database any more is not an answer.
//!
//! Notifications need none of this, since the committer has its own patience; and what reads the whole store may take as
//! long as it has to.

use std::{future::Future, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use receiptd_domain::{
    Actor, Archived, AuditEntry, AuditFilter, Channel, CorrelationId, Cursor, DispatchEvent, EventPosition, Filter,
    Fingerprint, History, Inbound, Message, Page, PageLimit, StatsRequest, StatsRow, StatusEvent, StoredNotification,
    Timestamp, TransactionId, Unreadable,
};
use tokio::time::timeout;

use super::{
    AuditLog, Cancellation, Claim, EnqueueResult, Health, InboundStore, Messages, Outbox, OutboxEntry, Quarantine,
    Settlement, StatusEvents, StorageError, Store,
};

/// A part of a store, each of whose methods ends in time.
struct WithTimeout<T: ?Sized> {
    inner: Arc<T>,
    most: Duration,
    /// Whether what it reads is still the database.
    health: Arc<dyn Health>,
}

impl Store {
    /// The same store, in which no look-up and no change takes longer than `most`. One that would is unavailable, and
    /// what it began is given up.
    pub(super) fn with_timeout(self, most: Duration) -> Self {
        let health = || self.health.clone();
        Self {
            messages: Arc::new(WithTimeout { inner: self.messages, most, health: health() }),
            inbound: Arc::new(WithTimeout { inner: self.inbound, most, health: health() }),
            quarantine: Arc::new(WithTimeout { inner: self.quarantine, most, health: health() }),
            outbox: Arc::new(WithTimeout { inner: self.outbox, most, health: health() }),
            status_events: Arc::new(WithTimeout { inner: self.status_events, most, health: health() }),
            audit_log: Arc::new(WithTimeout { inner: self.audit_log, most, health: health() }),
            ..self
        }
    }
}

impl<T: ?Sized> WithTimeout<T> {
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
macro_rules! with_timeout {
    ($trait:ident: $($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+
     $(| $whole:ident($($with:ident: $of:ty),*) -> $all:ty;)?) => {
        #[async_trait]
        impl $trait for WithTimeout<dyn $trait> {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$answer, StorageError> {
                self.wait(self.inner.$method($($argument),*)).await
            })+
            $(async fn $whole(&self, $($with: $of),*) -> Result<$all, StorageError> {
                self.inner.$whole($($with),*).await
            })?
        }
    };
}

with_timeout! { Messages:
    find(id: &CorrelationId) -> Option<Message>;
    history(id: &CorrelationId) -> Option<History>;
    list(filter: &Filter, after: Option<&Cursor>, limit: PageLimit) -> Page<Message>;
    stats(request: &StatsRequest) -> Vec<StatsRow>;
    notifications_without_bodies(id: &CorrelationId) -> Vec<StoredNotification>;
    notifications_page(id: &CorrelationId, after: Option<&Cursor>, limit: PageLimit) -> Page<StoredNotification>;
    notifications_of(ids: &[CorrelationId], after: Option<&(CorrelationId, Fingerprint)>, limit: PageLimit)
        -> Vec<(CorrelationId, StoredNotification)>;
    dispatch_events(id: &CorrelationId) -> Vec<DispatchEvent>;
    owner(id: &TransactionId) -> Option<CorrelationId>;
}

with_timeout! { InboundStore:
    list(after: Option<&Cursor>, limit: PageLimit) -> Page<Archived<Inbound>>;
    find(fingerprint: Fingerprint) -> Option<Archived<Inbound>>;
}

with_timeout! { Quarantine:
    list(after: Option<&Cursor>, limit: PageLimit) -> Page<Archived<Unreadable>>;
    find(fingerprint: Fingerprint) -> Option<Archived<Unreadable>>;
}

with_timeout! { Outbox:
    enqueue(entries: &[OutboxEntry], at: Timestamp, actor: &Actor) -> Vec<EnqueueResult>;
    compare(entry: &OutboxEntry, actor: &Actor) -> Option<EnqueueResult>;
    claim(channel: &Channel, limit: i64, now: Timestamp, lease_until: Timestamp) -> Vec<Claim>;
    settle(outcomes: &[(Claim, Settlement)]) -> ();
    expire_leases(now: Timestamp, resend: bool) -> Vec<CorrelationId>;
    expire(now: Timestamp) -> Vec<CorrelationId>;
    cancel(id: &CorrelationId, at: Timestamp, actor: &Actor) -> Cancellation;
    next_due() -> Vec<(Channel, Timestamp)>;
    on_clock_rollback(now: Timestamp, lease_until: Timestamp) -> ();
    | mark_unconfirmed(now: Timestamp, entry: &AuditEntry) -> Vec<CorrelationId>;
}

with_timeout! { StatusEvents:
    end() -> EventPosition;
    after(place: EventPosition, limit: PageLimit) -> Option<Vec<StatusEvent>>;
    trim(before: Timestamp, limit: PageLimit) -> bool;
}

with_timeout! { AuditLog:
    append(entries: &[AuditEntry]) -> ();
    list(filter: &AuditFilter, after: Option<&Cursor>, limit: PageLimit) -> Page<AuditEntry>;
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    /// A feed that is only ever waited for.
    struct Hanging;

    #[async_trait]
    impl StatusEvents for Hanging {
        async fn end(&self) -> Result<EventPosition, StorageError> {
            pending().await
        }

        async fn after(&self, _: EventPosition, _: PageLimit) -> Result<Option<Vec<StatusEvent>>, StorageError> {
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
        let inner: Arc<dyn StatusEvents> = Arc::new(Hanging);
        let (feed, began) =
            (WithTimeout { inner, most: Duration::from_secs(30), health: Arc::new(Hanging) }, Instant::now());
        assert!(matches!(feed.end().await, Err(StorageError::Unavailable(_))));
        assert_eq!(began.elapsed(), Duration::from_secs(30));
        assert!(matches!(feed.after(EventPosition::default(), PageLimit::default()).await, Ok(None)));
        assert!(matches!(feed.trim(Timestamp::default(), PageLimit::default()).await, Err(StorageError::Refused(_))));
    }
}
