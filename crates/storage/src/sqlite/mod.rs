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
mod event_positions;
#[path = "../portable/mod.rs"]
mod portable;
mod reads;

mod opening;
mod overwriting;

use std::{io, sync::Arc};

use sqlx::{Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::watch;

pub(super) use self::opening::{check, open, probe};
use self::{
    overwriting::{clear_log, rewrite_file},
    portable::UnitOfWork,
};
use super::{file_watch::FileWatch, row_changes::Chains};

type Connection = SqliteConnection;
type Database = Sqlite;

/// How a statement names the index that it is to use. It has to, since nothing here keeps statistics.
const INDEXED_BY: Option<&str> = Some(" INDEXED BY ");

/// An open database file: one connection that writes, and several that read beside it.
struct Backend {
    /// Never used, and open as long as this is: SQLite removes the write-ahead log with the last connection, and a pool
    /// may have none at times.
    anchor: SqlitePool,
    read: SqlitePool,
    write: SqlitePool,
    /// Goes after the connections, since it has the files open.
    watch: Arc<FileWatch>,
    changed: watch::Sender<()>,
    submitted: watch::Sender<()>,
    chains: Chains,
}

impl Backend {
    /// Begins a unit of work that writes. The write lock is taken at once: a transaction that read first and then
    /// found another writer ahead could only be given up.
    async fn begin(&self) -> Result<UnitOfWork, sqlx::Error> {
        UnitOfWork::begin(&self.write, "BEGIN IMMEDIATE", Some(&self.watch)).await
    }

    /// Begins to read what was on record at one moment.
    async fn snapshot(&self) -> Result<UnitOfWork, sqlx::Error> {
        UnitOfWork::begin(&self.read, "BEGIN", Some(&self.watch)).await
    }

    fn files_are_there(&self) -> io::Result<()> {
        self.watch.check()
    }

    /// Ends all connections, the writer last, since who only reads cannot write the log into the database.
    async fn shut(&self) {
        if self.watch.must_be_left_alone() {
            // The writer would write to it and delete the log. What is never dropped is never closed, but by the end of
            // the process.
            tracing::error!("somebody else has written to the files of the database; they are left as they are");
            Box::leak(Box::new(self.write.clone()));
            return;
        }
        self.anchor.close().await;
        self.read.close().await;
        self.write.close().await;
    }
}
