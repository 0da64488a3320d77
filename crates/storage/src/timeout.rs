//! Time limits for the methods of a store. A caller gets an answer even if the database neither answers nor closes the
//! connection, for example because it was stopped, or because a network lost the connection silently. A result that was
//! read from a file that is not the database any more is discarded.
//!
//! Notifications do not need these limits, since the committer has its own. Methods that read the whole store are not
//! limited.

use std::{future::Future, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use receiptd_domain::{
    Actor, Address, Archived, Arrival, AuditEntry, AuditFilter, Channel, CorrelationId, Cursor, DispatchEvent,
    EventPosition, Filter, Fingerprint, History, Inbound, JournalBatch, JournalPosition, JournalSpan, Message, Page,
    PageLimit, SavedView, Session, SessionKey, StatsRequest, StatsRow, StatusEvent, StoredNotification, Submission,
    Timestamp, TransactionId, Unreadable, ViewId, Writer,
};
use tokio::time::timeout;

use super::{
    AuditLog, Cancellation, Claim, EnqueueResult, Glance, Health, InboundStore, JournalHead, KEY_BYTES, Keys, Messages,
    Outbox, OutboxEntry, Projection, Quarantine, SavedViews, Sessions, Settlement, StatusEvents, StorageError, Store,
    Submissions,
};

/// A part of a store whose methods have a time limit.
struct WithTimeout<T: ?Sized> {
    inner: Arc<T>,
    most: Duration,
    /// Checks that the files are still those of the database.
    health: Arc<dyn Health>,
}

impl Store {
    /// The same store with time limits: a read or a change that takes longer than `most` fails as unavailable, and its
    /// work is cancelled.
    pub(super) fn with_timeout(self, most: Duration) -> Self {
        let health = || self.health.clone();
        Self {
            projection: Arc::new(WithTimeout { inner: self.projection, most, health: health() }),
            messages: Arc::new(WithTimeout { inner: self.messages, most, health: health() }),
            inbound: Arc::new(WithTimeout { inner: self.inbound, most, health: health() }),
            quarantine: Arc::new(WithTimeout { inner: self.quarantine, most, health: health() }),
            outbox: Arc::new(WithTimeout { inner: self.outbox, most, health: health() }),
            status_events: Arc::new(WithTimeout { inner: self.status_events, most, health: health() }),
            audit_log: Arc::new(WithTimeout { inner: self.audit_log, most, health: health() }),
            sessions: Arc::new(WithTimeout { inner: self.sessions, most, health: health() }),
            saved_views: Arc::new(WithTimeout { inner: self.saved_views, most, health: health() }),
            submissions: Arc::new(WithTimeout { inner: self.submissions, most, health: health() }),
            keys: Arc::new(WithTimeout { inner: self.keys, most, health: health() }),
            glance: Arc::new(WithTimeout { inner: self.glance, most, health: health() }),
            ..self
        }
    }
}

impl<T: ?Sized> WithTimeout<T> {
    async fn wait<A>(&self, answer: impl Future<Output = Result<A, StorageError>>) -> Result<A, StorageError> {
        // This check is needed before the call too: a connection that is opened now would begin a new log in place of a
        // removed one.
        self.health.check_files()?;
        let answer = timeout(self.most, answer).await.unwrap_or_else(|_| {
            let late = format!("the database did not answer within {:?}", self.most);
            Err(StorageError::Unavailable(io::Error::new(io::ErrorKind::TimedOut, late).into()))
        });
        self.health.check_files()?;
        answer
    }
}

/// Adds a time limit to the methods of a trait, except those that read everything.
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

with_timeout! { Projection:
    heads() -> Vec<JournalHead>;
    is_projected(up_to: JournalPosition) -> bool;
    unprojected(writer: Writer) -> Vec<JournalBatch>;
    oldest_unprojected() -> Option<Timestamp>;
    project(spans: &[JournalSpan], arrivals: &[Arrival]) -> Option<Duration>;
    rehearse(arrivals: &[Arrival]) -> ();
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
    newest_from(sender: &Address, limit: PageLimit) -> Vec<Archived<Inbound>>;
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
    seal() -> bool;
    trim(before: Timestamp, limit: PageLimit) -> bool;
}

with_timeout! { Submissions:
    submission(id: &CorrelationId) -> Option<Submission>;
}

with_timeout! { Keys:
    key(name: &str, fresh: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES];
}

with_timeout! { AuditLog:
    append(entries: &[AuditEntry]) -> ();
    list(filter: &AuditFilter, after: Option<&Cursor>, limit: PageLimit) -> Page<AuditEntry>;
}

with_timeout! { Glance:
    last_arrival() -> Option<Timestamp>;
    quarantined(most: u32) -> i64;
    last_verification() -> Option<AuditEntry>;
}

with_timeout! { SavedViews:
    saved(owner: &str) -> Vec<SavedView>;
    save(owner: &str, view: &SavedView) -> Option<ViewId>;
    remove(owner: &str, id: ViewId) -> bool;
}

with_timeout! { Sessions:
    open(session: &Session, opened_before: Timestamp, used_before: Timestamp) -> ();
    find(key: &SessionKey) -> Option<Session>;
    note_use(key: &SessionKey, at: Timestamp) -> ();
    close(key: &SessionKey) -> ();
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    /// Status events whose methods never return.
    struct Hanging;

    #[async_trait]
    impl StatusEvents for Hanging {
        async fn end(&self) -> Result<EventPosition, StorageError> {
            pending().await
        }

        async fn after(&self, _: EventPosition, _: PageLimit) -> Result<Option<Vec<StatusEvent>>, StorageError> {
            Ok(None)
        }

        async fn seal(&self) -> Result<bool, StorageError> {
            pending().await
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
    async fn a_hanging_method_fails_in_time_and_other_results_pass_through() {
        let inner: Arc<dyn StatusEvents> = Arc::new(Hanging);
        let (events, began) =
            (WithTimeout { inner, most: Duration::from_secs(30), health: Arc::new(Hanging) }, Instant::now());
        assert!(matches!(events.end().await, Err(StorageError::Unavailable(_))));
        assert_eq!(began.elapsed(), Duration::from_secs(30));
        assert!(matches!(events.after(EventPosition::default(), PageLimit::default()).await, Ok(None)));
        assert!(matches!(events.trim(Timestamp::default(), PageLimit::default()).await, Err(StorageError::Refused(_))));
    }
}
