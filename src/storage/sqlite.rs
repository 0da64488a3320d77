//! SQLite: embedded, one file, one writer at a time.

/// A checked statement. The comment tells the two databases' entries in `sqlx-data.json` apart, since those are keyed
/// by the text.
macro_rules! sql {
    ($text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query!("/* sqlite */ " + $text $(+ $more)* $(, $argument)*)
    };
}

/// A checked query whose rows are `$row`.
macro_rules! sql_as {
    ($row:ty, $text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query_as!($row, "/* sqlite */ " + $text $(+ $more)* $(, $argument)*)
    };
}

mod append;
mod dispatch;
mod places;
#[path = "portable/mod.rs"]
mod portable;
mod reads;

use std::str::FromStr;

use sqlx::{
    ConnectOptions, Connection as _, Sqlite, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

use self::portable::Unit;
use super::{OpenError, OpenOptions, Store, chain::Chains};

type Connection = SqliteConnection;
type Database = Sqlite;

/// How a statement names the index that it is to use. It has to, since nothing here keeps statistics.
const INDEXED_BY: Option<&str> = Some(" INDEXED BY ");

/// An open database file: one connection that writes, and several that read beside it.
struct Backend {
    read: SqlitePool,
    write: SqlitePool,
    changed: watch::Sender<()>,
    submitted: watch::Sender<()>,
    chains: Chains,
}

impl Backend {
    /// Begins a unit of work that writes. The write lock is taken at once: a transaction that read first and then
    /// found another writer ahead could only be given up.
    async fn begin(&self) -> Result<Unit, sqlx::Error> {
        Unit::begin(&self.write, "BEGIN IMMEDIATE").await
    }

    /// Begins to read what was on record at one moment.
    async fn snapshot(&self) -> Result<Unit, sqlx::Error> {
        Unit::begin(&self.read, "BEGIN").await
    }
}

/// Opens the file at `url` and creates it if it is absent. A commit is on disk when it returns: write-ahead log with
/// `synchronous=FULL`.
pub(super) async fn open(url: &str, options: OpenOptions) -> Result<Store, OpenError> {
    let connect = SqliteConnectOptions::from_str(url)
        .map_err(OpenError::connect)?
        .create_if_missing(options.create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.timeout);
    let pool = |most| SqlitePoolOptions::new().max_connections(most).acquire_timeout(options.timeout);
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(OpenError::InMemory);
    }
    let absent = !options.create && !connect.get_filename().exists();
    if absent {
        return Err(OpenError::Absent);
    }
    // In KiB. The writer alone has a large one: every reader has its own, and the operating system caches for all of them.
    let writer = connect.clone().pragma("cache_size", "-65536");
    let write = pool(1).connect_with(writer).await.map_err(OpenError::connect)?;
    let migrator = sqlx::migrate!("migrations/sqlite");
    migrator.run(&write).await.map_err(|error| OpenError::migrate(error, &migrator))?;
    let read = pool(options.connections).connect_with(connect.read_only(true)).await.map_err(OpenError::connect)?;
    let (turn, changes) = watch::channel(());
    let (arrive, submissions) = watch::channel(());
    let backend = Backend { read, write, changed: turn, submitted: arrive, chains: Chains::default() };
    backend.chain_backlog().await.map_err(OpenError::Chain)?;
    Ok(Store::of(backend, changes, submissions))
}

/// Reads from the file at `url`, as from one that nobody writes to, so that nothing is made beside it.
pub(super) async fn probe(url: &str) -> Result<bool, OpenError> {
    let connect = SqliteConnectOptions::from_str(url).map_err(OpenError::connect)?.read_only(true).immutable(true);
    if !connect.get_filename().exists() {
        return Ok(false);
    }
    let mut connection = connect.connect().await.map_err(OpenError::connect)?;
    let read = sqlx::query("SELECT name FROM sqlite_schema LIMIT 1").fetch_optional(&mut connection).await;
    let closed = connection.close().await;
    read.and(closed).map(|()| true).map_err(OpenError::connect)
}
