//! The database, described in the terms of the domain. No transaction and no type of the database library is visible
//! outside.
//!
//! Both databases implement all traits, and one conformance suite (`tests/storage`) checks that they behave in the same
//! way.
//!
//! | File | Contents |
//! | --- | --- |
//! | `store`, `options` | an open store, and how it is opened |
//! | `traits/` | what a store can do |
//! | `error/` | errors |
//! | `timeout` | time limits for the methods of a store |
//! | `rows/` | rows, and their conversion into types of the domain |
//! | `sql/` | the traits in SQL; compiled once for each database |
//! | `sqlite/`, `postgres/` | files and connections, and the statements whose text differs |
//! | `url` | the database that a URL names |
//! | `schema` | the schema that a version needs, and whether a database has it |
//! | `access_path` | the indexes that lead to the messages of a list |
//! | `idle`, `journal_writers` | the hash chains and journal writers that a unit of work can continue |
//!
//! To add a statement, write it in `sql/` with `sql!` (or `sql_as!`), then run `cargo xtask prepare`.
//! To change the schema, add a migration of the same number to both folders of `migrations/`, and name it in `schema`.

mod access_path;
mod error;
mod idle;
mod journal_writers;
mod options;
#[cfg(not(prepare_only = "sqlite"))]
mod postgres;
mod rows;
mod schema;
#[cfg(not(prepare_only = "postgres"))]
mod sqlite;
mod store;
mod timeout;
mod traits;
mod url;

use futures_util::future::BoxFuture;

pub use error::{Cause, FileLost, OpenError, StorageError, UrlError};
pub use options::{Access, OpenOptions};
pub use schema::{Migration, Schema};
#[cfg(not(prepare_only = "postgres"))]
pub use sqlite::{BackupError, Staged, backup};
pub use store::{ProjectionPlan, Store};
pub use traits::{
    ArchiveErased, ArchiveKind, AuditLog, BodyParser, Cancellation, ChainVisitor, ChainedRow, CheckedMessages, Claim,
    Consistency, EnqueueResult, Erased, Erasure, Glance, HashChain, Health, InboundStore, Inconsistency, Journal,
    JournalHead, KEY_BYTES, Keys, Messages, Outbox, OutboxEntry, Projection, Purged, Quarantine, QuarantineReader,
    Recomputed, Repair, RequestKey, Retention, RetentionKind, SavedViews, Scanned, Sessions, Settlement, StatusEvents,
    Submissions, TimesClaim, WaitingBatch,
};
pub use url::{DatabaseKind, check_url, ignored_parameters};

/// A method that takes longer than this multiple of [`OpenOptions::timeout`] is cancelled.
const WAITS: u32 = 6;

/// Opens the store at `url` (`sqlite://path` or `postgres://…`) for the purpose in `options`. Refuses a database that
/// could lose acknowledged data.
pub fn open(url: &str, options: OpenOptions) -> BoxFuture<'_, Result<Store, OpenError>> {
    Schema::CURRENT.open(url, options)
}

/// Checks the database at `url` without changing it. Returns `false` if the SQLite file does not exist yet.
pub fn probe(url: &str, options: OpenOptions) -> BoxFuture<'_, Result<bool, OpenError>> {
    Schema::CURRENT.probe(url, options)
}

impl Schema {
    /// Opens a store like [`open`], as the version with this schema does.
    ///
    /// The future is boxed. An `async fn` is compiled in the crate that awaits it, together with everything that it
    /// awaits, here with most of sqlx.
    pub fn open(self, url: &str, options: OpenOptions) -> BoxFuture<'_, Result<Store, OpenError>> {
        Box::pin(async move {
            check_url(url, options.access)?;
            let store = match url.split_once(':').map(|(scheme, _)| scheme) {
                #[cfg(not(prepare_only = "postgres"))]
                Some("sqlite") => sqlite::open(url, options, self).await,
                #[cfg(not(prepare_only = "sqlite"))]
                Some("postgres" | "postgresql") => postgres::open(url, options, self).await,
                _ => Err(OpenError::Scheme),
            }?;
            Ok(store.with_timeout(options.timeout.saturating_mul(WAITS)))
        })
    }

    /// Checks a database like [`probe`], as the version with this schema does.
    pub fn probe(self, url: &str, options: OpenOptions) -> BoxFuture<'_, Result<bool, OpenError>> {
        Box::pin(async move {
            match check_url(url, options.access)? {
                #[cfg(not(prepare_only = "postgres"))]
                DatabaseKind::Sqlite => sqlite::probe(url, options, self).await,
                #[cfg(not(prepare_only = "sqlite"))]
                DatabaseKind::Postgres => postgres::probe(url, options, self).await,
                #[cfg(any(prepare_only = "sqlite", prepare_only = "postgres"))]
                _ => Err(OpenError::Scheme),
            }
        })
    }
}
