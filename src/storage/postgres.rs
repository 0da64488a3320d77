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
mod connect;
mod dispatch;
mod migrate;
mod places;
#[path = "portable/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one text, checked against each of the two databases")]
mod portable;
mod reads;

use sqlx::{PgConnection, PgPool, Postgres, postgres::PgConnectOptions};
use tokio::sync::watch;

use self::{connect::connect, portable::Unit};
use super::{OpenError, OpenOptions, Store, chain::Chains};

type Connection = PgConnection;
type Database = Postgres;

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
        Unit::begin(&self.write, "BEGIN").await
    }

    /// Begins to read what was on record at one moment.
    async fn snapshot(&self) -> Result<Unit, sqlx::Error> {
        Unit::begin(&self.read, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await
    }
}

/// Connects to the server, brings the schema up to date, and refuses a server that would lose commits.
pub(super) async fn open(url: &str, options: OpenOptions) -> Result<Store, OpenError> {
    let pool = connect(url, options).await?;
    migrate::run(PgConnectOptions::clone(&pool.connect_options())).await?;
    let (turn, changes) = watch::channel(());
    let (arrive, submissions) = watch::channel(());
    let (read, write) = (pool.clone(), pool);
    let backend = Backend { read, write, changed: turn, submitted: arrive, chains: Chains::default() };
    backend.chain_backlog().await.map_err(OpenError::Chain)?;
    Ok(Store::of(backend, changes, submissions))
}

/// Connects to the server, and looks whether it would keep what is committed.
pub(super) async fn probe(url: &str, options: OpenOptions) -> Result<bool, OpenError> {
    connect(url, options).await?.close().await;
    Ok(true)
}
