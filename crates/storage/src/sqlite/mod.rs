//! SQLite: embedded, one file, one writer at a time.

/// A checked statement. The comment distinguishes the entries of the two databases in `sqlx-data.json`, since the key
/// of an entry is its text.
macro_rules! sql {
    ($text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query!("/* sqlite */ " + $text $(+ $more)* $(, $argument)*)
    };
}

/// A checked query whose rows have the type `$row`.
macro_rules! sql_as {
    ($row:ty, $text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query_as!($row, "/* sqlite */ " + $text $(+ $more)* $(, $argument)*)
    };
}

mod append;
mod dispatch;
mod event_positions;
mod reads;
#[path = "../sql/mod.rs"]
mod sql;

mod backup;
mod files;
mod opening;
mod overwriting;

use std::{io, sync::Arc, time::Duration};

use receiptd_domain::Checkpoint;
use sqlx::{Sqlite, SqliteConnection, SqlitePool};

pub use self::backup::{BackupError, Staged, backup};
pub(super) use self::{
    files::{FileWatch, Location},
    opening::{open, probe},
};
use self::{
    overwriting::{clear_log, rewrite_file},
    sql::UnitOfWork,
};
use super::{
    idle::Idle,
    journal_writers::{BacklogBytes, JournalWriters},
    store::Signals,
};

type Connection = SqliteConnection;
type Database = Sqlite;

/// The clause with which a statement names its index. It is necessary, since receiptd does not run ANALYZE.
const INDEXED_BY: Option<&str> = Some(" INDEXED BY ");

/// How long a projection should take. Nothing else is committed meanwhile.
const PROJECTION_TIME: Duration = Duration::from_millis(8);

/// An open database file: one connection that writes, and several that read.
struct Backend {
    /// Never used, and open as long as this value exists. SQLite removes the write-ahead log with the last connection,
    /// and a pool may have no connection at times.
    anchor: SqlitePool,
    read: SqlitePool,
    write: SqlitePool,
    /// Dropped after the connections, since it has the files open.
    watch: Arc<FileWatch>,
    signals: Signals,
    journal_writers: JournalWriters,
    backlog_bytes: BacklogBytes,
    chains: Idle<Checkpoint>,
}

impl Backend {
    /// Begins a unit of work that writes. It takes the write lock at once. A transaction that reads first and then
    /// finds that another writer was faster can only be rolled back.
    async fn begin(&self) -> Result<UnitOfWork, sqlx::Error> {
        UnitOfWork::begin(&self.write, "BEGIN IMMEDIATE", Some(&self.watch)).await
    }

    /// Begins a unit of work that reads one snapshot.
    async fn snapshot(&self) -> Result<UnitOfWork, sqlx::Error> {
        UnitOfWork::begin(&self.read, "BEGIN", Some(&self.watch)).await
    }

    fn files_are_there(&self) -> io::Result<()> {
        self.watch.check()
    }

    /// Closes all connections. The writer is the last, since a reader cannot merge the log into the database.
    async fn shut(&self) {
        if self.watch.must_be_left_alone() {
            // The writer would write to the files and delete the log. A connection that is never dropped is closed only
            // by the end of the process.
            tracing::error!(
                "another program has written to the files of the database; the shutdown leaves them as they are"
            );
            Box::leak(Box::new(self.write.clone()));
            return;
        }
        self.anchor.close().await;
        self.read.close().await;
        self.write.close().await;
    }
}
