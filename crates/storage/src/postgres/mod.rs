//! Postgres: a server that several instances of receiptd may share.

/// A checked statement. The comment distinguishes the entries of the two databases in `sqlx-data.json`, since the key
/// of an entry is its text.
macro_rules! sql {
    ($text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query!("/* postgres */ " + $text $(+ $more)* $(, $argument)*)
    };
}

/// A checked query whose rows have the type `$row`.
macro_rules! sql_as {
    ($row:ty, $text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query_as!($row, "/* postgres */ " + $text $(+ $more)* $(, $argument)*)
    };
}

/// Turns rows into one array for each of the named columns, in this order.
macro_rules! columns {
    ($rows:ident: $($column:ident),+) => { $( let $column: Vec<_> = $rows.iter().map(|row| &row.$column).collect(); )+ };
}

mod append;
mod dispatch;
mod event_positions;
mod opening;
mod reads;
#[path = "../sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one text, checked against each of the two databases")]
mod sql;

use std::{
    future::{Ready, ready},
    io,
    time::Duration,
};

use receiptd_domain::Checkpoint;
use sqlx::{PgConnection, PgPool, Postgres};

pub(super) use self::opening::{Server, check_url, open, probe};
use self::{opening::Unanswered, sql::UnitOfWork};
use super::{
    idle::Idle,
    journal_writers::{BacklogBytes, JournalWriters},
    store::Signals,
};

type Connection = PgConnection;
type Database = Postgres;

/// Postgres has no clause that names an index, and does not need one: autovacuum maintains statistics.
const INDEXED_BY: Option<&str> = None;

/// How long a projection should take. It locks the rows of its messages, and other instances may wait for them.
const PROJECTION_TIME: Duration = Duration::from_millis(50);

/// A pool of connections to the server.
struct Backend {
    read: PgPool,
    write: PgPool,
    unanswered: Unanswered,
    signals: Signals,
    journal_writers: JournalWriters,
    backlog_bytes: BacklogBytes,
    chains: Idle<Checkpoint>,
}

impl Backend {
    /// Begins a unit of work that writes.
    async fn begin(&self) -> Result<UnitOfWork, sqlx::Error> {
        self.begin_by(&self.write, "BEGIN").await
    }

    /// Begins a unit of work that reads one snapshot.
    async fn snapshot(&self) -> Result<UnitOfWork, sqlx::Error> {
        self.begin_by(&self.read, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await
    }

    async fn begin_by(&self, pool: &PgPool, statement: &'static str) -> Result<UnitOfWork, sqlx::Error> {
        let begun = UnitOfWork::begin(pool, statement, None).await;
        if matches!(begun, Err(sqlx::Error::PoolTimedOut)) {
            self.unanswered.explain(pool);
        }
        begun
    }

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "on SQLite the files are checked")]
    fn files_are_there(&self) -> io::Result<()> {
        Ok(())
    }

    async fn shut(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// The server manages its write-ahead log and the space of old rows: VACUUM frees the space.
fn clear_log(_: &Backend) -> Ready<Result<bool, sqlx::Error>> {
    ready(Ok(true))
}

/// VACUUM does this on Postgres.
fn rewrite_file(_: &Backend) -> Ready<Result<bool, sqlx::Error>> {
    ready(Ok(true))
}
