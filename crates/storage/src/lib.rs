//! The database, described in the terms of the domain. No transaction and no type of the database library is visible
//! outside.
//!
//! Each trait method is one unit of work: it happens completely or not at all. Both databases implement all methods,
//! and one conformance suite (`tests/storage`) checks that they behave in the same way.
//!
//! | File | Contents |
//! | --- | --- |
//! | `error` | errors |
//! | `location`, `header`, `file_watch` | the files of an SQLite database, and whether they are intact |
//! | `schema` | whether the schema is the one that this version needs |
//! | `rows` | rows, and their conversion into types of the domain |
//! | `idle` | the hash chains and journal writers that a unit of work can continue |
//! | `journal` | the traits of the journal and of its projection |
//! | `outbox` | the trait of messages to send |
//! | `status_events`, `repair` | the traits of the status events, and of imports and recomputed statuses |
//! | `audit` | the traits for audits: hash chain, audit log, retention, erasure |
//! | `row_changes` | what a unit of work adds to the hash chain |
//! | `batch` | groups arrivals into the rows of each statement of an append |
//! | `outbox_rows` | the rows of submissions and dispatch steps |
//! | `timeout` | time limits for the methods of a store |
//! | `url` | the database that a URL names, and the parameters of the connection |
//! | `access_path` | the indexes that lead to the messages of a list |
//! | `backup` | backups of an SQLite file, and their restore |
//! | `objects` | compares the schema of an SQLite file with the one that the migrations create |
//! | `sql/` | everything that is equal for both databases; compiled once for each of them |
//! | `sqlite`, `postgres` | opening, batch statements |
//!
//! To add a statement, write it in `sql/` with `sql!` (or `sql_as!`), then run `cargo xtask prepare`.
//! To change the schema, add a migration of the same number to both folders of `migrations/`.

mod access_path;
mod audit;
mod backup;
mod batch;
mod error;
mod file_watch;
mod header;
mod idle;
mod journal;
mod location;
mod objects;
mod outbox;
mod outbox_rows;
#[cfg(not(prepare_only = "sqlite"))]
mod postgres;
mod repair;
mod row_changes;
mod rows;
mod schema;
#[cfg(not(prepare_only = "postgres"))]
mod sqlite;
mod status_events;
mod timeout;
mod url;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

pub use audit::{
    ArchiveErased, ArchiveKind, AuditLog, ChainVisitor, ChainedRow, Erased, Erasure, HashChain, Inconsistency, Purged,
    Retention, RetentionKind, Scanned,
};
pub use backup::{BackupError, Staged, backup};
pub use error::{Cause, FileLost, OpenError, StorageError};
pub use journal::{Journal, JournalHead, Projection};
pub use outbox::{Cancellation, Claim, EnqueueResult, Outbox, OutboxEntry, RequestKey, Settlement};
pub use repair::{BodyParser, Recomputed, Repair, StatusCheck};
pub use status_events::StatusEvents;
pub use url::{DatabaseKind, UrlError, check_url, ignored_parameters};

use receiptd_domain::{
    Archived, CorrelationId, Cursor, DispatchEvent, Filter, Fingerprint, History, Inbound, Message, Page, PageLimit,
    StatsRequest, StatsRow, StoredNotification, Timestamp, TransactionId, Unreadable,
};

/// Reads messages.
#[async_trait]
pub trait Messages: Send + Sync {
    async fn find(&self, id: &CorrelationId) -> Result<Option<Message>, StorageError>;

    /// The message with this id and everything about it, read in one snapshot, so that the status matches the
    /// notifications. `txn:…` also finds a message with a correlation id that owns the transaction.
    async fn history(&self, id: &CorrelationId) -> Result<Option<History>, StorageError>;

    /// One page of the messages that `filter` admits, newest first.
    async fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<Message>, StorageError>;

    /// The number of messages, grouped by the properties that `request` names. The counts are exact and are read from
    /// counters, so the cost does not depend on the number of messages.
    async fn stats(&self, request: &StatsRequest) -> Result<Vec<StatsRow>, StorageError>;

    /// All notifications of a message, in no particular order. Their bodies are left out, since they may be large and
    /// do not matter for the status.
    async fn notifications_without_bodies(&self, id: &CorrelationId) -> Result<Vec<StoredNotification>, StorageError>;

    /// One page of the notifications of a message, in the order of (time of the event, fingerprint).
    async fn notifications_page(
        &self,
        id: &CorrelationId,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<StoredNotification>, StorageError>;

    /// Up to `limit` notifications of these messages after `after`, in the order of (message, fingerprint). Returns
    /// fewer if their bodies are large, and none only after the last one.
    async fn notifications_of(
        &self,
        ids: &[CorrelationId],
        after: Option<&(CorrelationId, Fingerprint)>,
        limit: PageLimit,
    ) -> Result<Vec<(CorrelationId, StoredNotification)>, StorageError>;

    /// The dispatch steps of a message, in the order in which they were taken.
    async fn dispatch_events(&self, id: &CorrelationId) -> Result<Vec<DispatchEvent>, StorageError>;

    /// The message that owns a transaction.
    async fn owner(&self, id: &TransactionId) -> Result<Option<CorrelationId>, StorageError>;
}

/// Reads inbound messages. If bodies are large, a page is shorter than requested. Its cursor shows
/// whether there is more.
#[async_trait]
pub trait InboundStore: Send + Sync {
    /// One page, newest first.
    async fn list(&self, after: Option<&Cursor>, limit: PageLimit) -> Result<Page<Archived<Inbound>>, StorageError>;

    /// The message or event with this fingerprint.
    async fn find(&self, fingerprint: Fingerprint) -> Result<Option<Archived<Inbound>>, StorageError>;
}

/// Reads the bodies that could not be understood. Pages are like those of [`InboundStore`].
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// One page, newest first.
    async fn list(&self, after: Option<&Cursor>, limit: PageLimit) -> Result<Page<Archived<Unreadable>>, StorageError>;

    /// The body with this fingerprint.
    async fn find(&self, fingerprint: Fingerprint) -> Result<Option<Archived<Unreadable>>, StorageError>;
}

/// Checks whether the store works.
#[async_trait]
pub trait Health: Send + Sync {
    /// Fails if the files of the database are gone. Very cheap.
    fn check_files(&self) -> Result<(), StorageError>;

    /// Commits a row, to check whether commits succeed.
    async fn beat(&self, now: Timestamp) -> Result<(), StorageError>;

    /// Closes all connections, each as soon as its work is done. The last connection to an SQLite file merges the
    /// write-ahead log into the file.
    async fn close(&self);
}

#[derive(Clone)]
pub struct Store {
    pub journal: Arc<dyn Journal>,
    pub projection: Arc<dyn Projection>,
    /// How long a projection should take, so that other commits need not wait longer.
    pub projection_time: Duration,
    pub messages: Arc<dyn Messages>,
    pub inbound: Arc<dyn InboundStore>,
    pub quarantine: Arc<dyn Quarantine>,
    pub outbox: Arc<dyn Outbox>,
    pub status_events: Arc<dyn StatusEvents>,
    pub repair: Arc<dyn Repair>,
    pub health: Arc<dyn Health>,
    pub hash_chain: Arc<dyn HashChain>,
    pub audit_log: Arc<dyn AuditLog>,
    pub retention: Arc<dyn Retention>,
    pub erasure: Arc<dyn Erasure>,
    /// Notifies when this instance has appended to the journal.
    pub append_signal: watch::Receiver<()>,
    /// Notifies when this instance has committed a change of a message.
    pub status_signal: watch::Receiver<()>,
    /// Notifies when this instance has accepted a message for sending.
    pub submission_signal: watch::Receiver<()>,
}

/// What a backend announces to the other parts of this instance.
#[derive(Clone, Default)]
struct Signals {
    appended: watch::Sender<()>,
    changed: watch::Sender<()>,
    submitted: watch::Sender<()>,
}

impl Store {
    fn of<B>(backend: B, projection_time: Duration, signals: &Signals) -> Self
    where
        B: Journal
            + Projection
            + Messages
            + InboundStore
            + Quarantine
            + Outbox
            + StatusEvents
            + Repair
            + Health
            + HashChain
            + AuditLog
            + Retention
            + Erasure
            + 'static,
    {
        let backend = Arc::new(backend);
        Self {
            journal: backend.clone(),
            projection: backend.clone(),
            projection_time,
            messages: backend.clone(),
            inbound: backend.clone(),
            quarantine: backend.clone(),
            outbox: backend.clone(),
            status_events: backend.clone(),
            repair: backend.clone(),
            health: backend.clone(),
            hash_chain: backend.clone(),
            audit_log: backend.clone(),
            retention: backend.clone(),
            erasure: backend,
            append_signal: signals.appended.subscribe(),
            status_signal: signals.changed.subscribe(),
            submission_signal: signals.submitted.subscribe(),
        }
    }
}

/// How to open a store.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Maximum number of connections to Postgres, or of readers of SQLite.
    pub connections: u32,
    /// Maximum time to wait for a connection, or for another writer of the same SQLite file. A method as a whole may
    /// take six times as long.
    pub timeout: Duration,
    /// The purpose of opening the store.
    pub access: Access,
}

/// The purpose of opening a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read. Nothing is written. The schema must be up to date.
    Read,
    /// To read and write rows. The schema must be up to date.
    Write,
    /// Like `Write`, but the schema is migrated first. An SQLite file must exist.
    Migrate,
    /// Like `Migrate`, but a missing SQLite file is created.
    Create,
}

/// A method that takes longer than this multiple of [`OpenOptions::timeout`] is cancelled.
const WAITS: u32 = 6;

/// Opens the store at `url` (`sqlite://path` or `postgres://…`) for the purpose in `options`. Refuses a database that
/// could lose acknowledged data.
///
/// The future is boxed. An `async fn` is compiled in the crate that awaits it, together with everything that it awaits,
/// here with most of sqlx.
pub fn open(url: &str, options: OpenOptions) -> BoxFuture<'_, Result<Store, OpenError>> {
    Box::pin(async move {
        check_url(url, options.access)?;
        let store = match url.split_once(':').map(|(scheme, _)| scheme) {
            #[cfg(not(prepare_only = "postgres"))]
            Some("sqlite") => sqlite::open(url, options).await,
            #[cfg(not(prepare_only = "sqlite"))]
            Some("postgres" | "postgresql") => postgres::open(url, options).await,
            _ => Err(OpenError::Scheme),
        }?;
        Ok(store.with_timeout(options.timeout.saturating_mul(WAITS)))
    })
}

/// Checks the database at `url` without changing it. Returns `false` if the SQLite file does not exist yet.
pub fn probe(url: &str, options: OpenOptions) -> BoxFuture<'_, Result<bool, OpenError>> {
    Box::pin(async move {
        match check_url(url, options.access)? {
            #[cfg(not(prepare_only = "postgres"))]
            DatabaseKind::Sqlite => sqlite::probe(url, options).await,
            #[cfg(not(prepare_only = "sqlite"))]
            DatabaseKind::Postgres => postgres::probe(url, options).await,
            #[cfg(any(prepare_only = "sqlite", prepare_only = "postgres"))]
            _ => Err(OpenError::Scheme),
        }
    })
}
