//! What is on disk, in words of the domain. No transaction and no type of the database library crosses this border.
//!
//! Each trait method is one unit of work: it is done whole, or not at all. Both databases implement all of them, and
//! one conformance suite (`tests/storage`) holds them to the same behaviour.
//!
//! | File | Holds |
//! | --- | --- |
//! | `error` | what can go wrong |
//! | `location`, `file_watch` | where an SQLite file is, and whether it is still there and holds what it held |
//! | `schema` | whether the schema is the one that this version needs |
//! | `rows` | rows, and the way from them to the domain |
//! | `outbox` | the trait of what is to be sent |
//! | `status_events`, `repair` | the traits of the status events, and of putting right what is on record |
//! | `audit` | the traits of the auditor: proof, audit log, retention, erasure |
//! | `row_changes` | what a unit of work adds to the chain |
//! | `batch` | arrivals, sorted out into what each statement of an append needs |
//! | `outbox_rows` | submissions and steps, likewise for the outbox |
//! | `timeout` | how long all of this may take |
//! | `url` | which database a URL names, and what it asks of the connection |
//! | `access_path` | which index leads to what a list asks for |
//! | `backup` | backups of an SQLite file, and the way back |
//! | `objects` | whether such a file has the tables, triggers, views and indexes that the migrations make, and no others |
//! | `portable/` | everything that both databases say alike; compiled once under each |
//! | `sqlite`, `postgres` | opening, batches |
//!
//! To add a statement, write it in `portable/` with `sql!` (or `sql_as!`), then run `cargo xtask prepare`.
//! To change the schema, add a migration of the same number to both folders of `migrations/`.

mod access_path;
mod audit;
mod backup;
mod batch;
mod error;
mod file_watch;
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
use tokio::sync::watch;

pub use audit::{
    ArchiveErased, ArchiveKind, AuditLog, ChainVisitor, ChainedRow, Erased, Erasure, HashChain, Inconsistency, Purged,
    Retention, RetentionKind, Scanned,
};
pub use backup::{BackupError, Staged, backup};
pub use error::{Cause, FileLost, OpenError, StorageError};
pub use outbox::{Cancellation, Claim, EnqueueResult, Outbox, OutboxEntry, RequestKey, Settlement};
pub use repair::{BodyParser, Recomputed, Repair, StatusCheck};
pub use status_events::StatusEvents;
pub use url::{DatabaseKind, UrlError, check_url, ignored_parameters};

use receiptd_domain::{
    Archived, Arrival, CorrelationId, Cursor, DispatchEvent, Filter, Fingerprint, History, Inbound, Message, Page,
    PageLimit, StatsRequest, StatsRow, StoredNotification, Timestamp, TransactionId, Unreadable,
};

/// Takes down what arrives.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Puts all of `arrivals` on disk, and each message's status with them, or nothing. When this returns, they
    /// survive `kill -9` and power loss.
    async fn append(&self, arrivals: &[Arrival]) -> Result<(), StorageError>;
}

/// Looks messages up.
#[async_trait]
pub trait Messages: Send + Sync {
    /// The message of this id.
    async fn find(&self, id: &CorrelationId) -> Result<Option<Message>, StorageError>;

    /// The message of this id with everything about it, read from one snapshot, so that the status is the one to which
    /// the notifications lead. `txn:…` also finds the message that has the transaction under a correlation id.
    async fn history(&self, id: &CorrelationId) -> Result<Option<History>, StorageError>;

    /// One page of the messages that `filter` admits, newest first.
    async fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<Message>, StorageError>;

    /// How many messages there are of each kind that `request` tells apart, by period, channel, status and code. Exact,
    /// and read from counters, so that it costs the same however many messages there are.
    async fn stats(&self, request: &StatsRequest) -> Result<Vec<StatsRow>, StorageError>;

    /// All notifications of a message, in no particular order, without their bodies, which may be large and do not matter
    /// for the status.
    async fn notifications_without_bodies(&self, id: &CorrelationId) -> Result<Vec<StoredNotification>, StorageError>;

    /// One page of the notifications of a message, in the order of (time of the event, fingerprint).
    async fn notifications_page(
        &self,
        id: &CorrelationId,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<StoredNotification>, StorageError>;

    /// Up to `limit` notifications of these messages, in the order of (message, fingerprint), after `after`: fewer where
    /// their bodies are large, and none where there are no more.
    async fn notifications_of(
        &self,
        ids: &[CorrelationId],
        after: Option<&(CorrelationId, Fingerprint)>,
        limit: PageLimit,
    ) -> Result<Vec<(CorrelationId, StoredNotification)>, StorageError>;

    /// The steps of our dispatch of a message, in the order in which they were taken.
    async fn dispatch_events(&self, id: &CorrelationId) -> Result<Vec<DispatchEvent>, StorageError>;

    /// The message that a transaction id belongs to.
    async fn owner(&self, id: &TransactionId) -> Result<Option<CorrelationId>, StorageError>;
}

/// Reads the messages and events that customers sent. A page is shorter than asked for where bodies are large; its cursor
/// tells that there are more.
#[async_trait]
pub trait InboundStore: Send + Sync {
    /// One page, newest first.
    async fn list(&self, after: Option<&Cursor>, limit: PageLimit) -> Result<Page<Archived<Inbound>>, StorageError>;

    /// The message or event with this fingerprint.
    async fn find(&self, fingerprint: Fingerprint) -> Result<Option<Archived<Inbound>>, StorageError>;
}

/// Reads what could not be understood. Pages are as those of [`InboundStore`].
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// One page, newest first.
    async fn list(&self, after: Option<&Cursor>, limit: PageLimit) -> Result<Page<Archived<Unreadable>>, StorageError>;

    /// The body with this fingerprint.
    async fn find(&self, fingerprint: Fingerprint) -> Result<Option<Archived<Unreadable>>, StorageError>;
}

/// Tells whether the store works.
#[async_trait]
pub trait Health: Send + Sync {
    /// Fails when the files of the database are not there any more. Costs next to nothing.
    fn check_files(&self) -> Result<(), StorageError>;

    /// Commits something, to see whether that is possible.
    async fn beat(&self, now: Timestamp) -> Result<(), StorageError>;

    /// Ends all connections, each as soon as its work is done. The last one to leave an SQLite file makes one file of it
    /// and its write-ahead log.
    async fn close(&self);
}

/// An open store.
#[derive(Clone)]
pub struct Store {
    /// Takes down what arrives.
    pub journal: Arc<dyn Journal>,
    /// Looks messages up.
    pub messages: Arc<dyn Messages>,
    /// Reads what customers sent.
    pub inbound: Arc<dyn InboundStore>,
    /// Reads what could not be understood.
    pub quarantine: Arc<dyn Quarantine>,
    /// Keeps what is to be sent.
    pub outbox: Arc<dyn Outbox>,
    /// Tells what changed.
    pub status_events: Arc<dyn StatusEvents>,
    /// Puts right what is on record.
    pub repair: Arc<dyn Repair>,
    /// Tells whether it works.
    pub health: Arc<dyn Health>,
    /// Shows what is chained.
    pub hash_chain: Arc<dyn HashChain>,
    /// Keeps the audit log.
    pub audit_log: Arc<dyn AuditLog>,
    /// Removes what was kept for its time.
    pub retention: Arc<dyn Retention>,
    /// Removes a person.
    pub erasure: Arc<dyn Erasure>,
    /// Turns whenever this instance has committed a change of a message.
    pub status_signal: watch::Receiver<()>,
    /// Turns whenever this instance has taken over a message for sending.
    pub submission_signal: watch::Receiver<()>,
}

impl Store {
    fn of<B>(backend: B, changes: watch::Receiver<()>, submissions: watch::Receiver<()>) -> Self
    where
        B: Journal
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
            status_signal: changes,
            submission_signal: submissions,
        }
    }
}

/// How to open a store.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// The most connections to Postgres, or readers of SQLite.
    pub connections: u32,
    /// How long to wait for a connection, or for another writer of the same SQLite file. Six times as long a look-up or
    /// a change may take as a whole.
    pub timeout: Duration,
    /// What for.
    pub access: Access,
}

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read. Nothing is written; the schema must be up to date.
    Read,
    /// To read and write rows. The schema must be up to date.
    Write,
    /// The same, with the schema brought up to date first. An SQLite file must be there.
    Migrate,
    /// The same, and an SQLite file that is missing is created.
    Create,
}

/// What is begun ends within this many times of [`OpenOptions::timeout`], or is given up.
const WAITS: u32 = 6;

/// Opens the store at `url` (`sqlite://path` or `postgres://…`) as far as `options` allow, and refuses one that would lose
/// what it has acknowledged.
pub async fn open(url: &str, options: OpenOptions) -> Result<Store, OpenError> {
    check_url(url, options.access)?;
    let store = match url.split_once(':').map(|(scheme, _)| scheme) {
        #[cfg(not(prepare_only = "postgres"))]
        Some("sqlite") => sqlite::open(url, options).await,
        #[cfg(not(prepare_only = "sqlite"))]
        Some("postgres" | "postgresql") => postgres::open(url, options).await,
        _ => Err(OpenError::Scheme),
    }?;
    Ok(store.with_timeout(options.timeout.saturating_mul(WAITS)))
}

/// Tries the database at `url` and changes nothing in it. `false` if there is no SQLite file yet.
pub async fn probe(url: &str, options: OpenOptions) -> Result<bool, OpenError> {
    match check_url(url, options.access)? {
        #[cfg(not(prepare_only = "postgres"))]
        DatabaseKind::Sqlite => sqlite::probe(url, options).await,
        #[cfg(not(prepare_only = "sqlite"))]
        DatabaseKind::Postgres => postgres::probe(url, options).await,
        #[cfg(any(prepare_only = "sqlite", prepare_only = "postgres"))]
        _ => Err(OpenError::Scheme),
    }
}
