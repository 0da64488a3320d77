//! Postgres: a server that several instances of receiptd may share.

/// A checked statement. The comment tells the two databases' entries in `sqlx-data.json` apart, since those are keyed
/// by the text.
macro_rules! sql {
    ($text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query!("/* postgres */ " + $text $(+ $more)* $(, $argument)*)
    };
}

/// A checked query whose rows are `$row`.
macro_rules! sql_as {
    ($row:ty, $text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query_as!($row, "/* postgres */ " + $text $(+ $more)* $(, $argument)*)
    };
}

/// Turns rows into one array for each of the named columns, in that order.
macro_rules! columns {
    ($rows:ident: $($column:ident),+) => { $( let $column: Vec<_> = $rows.iter().map(|row| &row.$column).collect(); )+ };
}

mod append;
mod dispatch;
mod places;
#[path = "portable/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one text, checked against each of the two databases")]
mod portable;
mod reads;

use std::str::FromStr;

use sqlx::{
    PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::watch;

use super::{OpenError, OpenOptions, Store, chain::Chains};

type Connection = PgConnection;
type Database = Postgres;
/// A unit of work.
type Unit = Transaction<'static, Postgres>;

/// How a statement would name the index that it is to use. It cannot, and need not: autovacuum keeps statistics.
const INDEXED_BY: Option<&str> = None;

/// A pool of connections to the server.
struct Backend {
    read: PgPool,
    write: PgPool,
    changed: watch::Sender<()>,
    submitted: watch::Sender<()>,
    chains: Chains,
}

impl Backend {
    /// Begins a unit of work that writes.
    async fn begin(&self) -> Result<Unit, sqlx::Error> {
        self.write.begin().await
    }

    /// Begins to read what was on record at one moment.
    async fn snapshot(&self) -> Result<Unit, sqlx::Error> {
        self.read.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await
    }
}

/// Connects to the server, brings the schema up to date, and refuses a server that would lose commits.
pub(super) async fn open(url: &str, options: OpenOptions) -> Result<Store, OpenError> {
    // Asked for per session, so that a role or a database with another default does not weaken the promise.
    let connect = PgConnectOptions::from_str(url).map_err(OpenError::connect)?.options([("synchronous_commit", "on")]);
    let pool = PgPoolOptions::new().max_connections(options.connections).acquire_timeout(options.timeout);
    let pool = pool.connect_with(connect).await.map_err(OpenError::connect)?;
    durable(&pool).await?;
    sqlx::migrate!("migrations/postgres").run(&pool).await.map_err(OpenError::migrate)?;
    let (turn, changes) = watch::channel(());
    let (arrive, submissions) = watch::channel(());
    let (read, write) = (pool.clone(), pool);
    let backend = Backend { read, write, changed: turn, submitted: arrive, chains: Chains::default() };
    backend.chain_backlog().await.map_err(OpenError::Chain)?;
    Ok(Store::of(backend, changes, submissions))
}

/// Refuses a server on which a commit may be lost.
async fn durable(pool: &PgPool) -> Result<(), OpenError> {
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(pool)
            .await
            .map_err(OpenError::connect)?;
        if value == "off" {
            return Err(OpenError::NotDurable { setting, value });
        }
    }
    Ok(())
}
