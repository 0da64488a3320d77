//! Opens a database file.

use std::{sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    backend::Pools,
    files::{APPLICATION_ID, FileWatch, Location},
    log,
    sql::Backend,
};
use crate::{
    Access, OpenError, OpenOptions, Store,
    schema::{Applied, Schema, Standing, newest},
};

/// The size in bytes to which the write-ahead log is truncated when it restarts. It grows while a transaction reads for
/// a long time.
const LOG_LIMIT: &str = "33554432";

/// Opens the file at `url`. A commit is on disk when it returns: write-ahead log with `synchronous=FULL`.
pub(crate) async fn open(url: &str, options: OpenOptions, schema: Schema) -> Result<Store, OpenError> {
    let location = Location::of(url, options.access)?;
    location.prepare(options.access)?;
    let migrator = schema.sqlite();
    let (standing, is_marked) = inspect(&location, reader(&location, options), &migrator).await?;
    if matches!(options.access, Access::Read | Access::Write) {
        standing.require_current()?;
    }
    let read = reader(&location, options);
    let write = match options.access {
        // SQLite refuses to write, whatever a store that was opened for reading does.
        Access::Read => pool(1, options).connect_with(read.clone()).await,
        Access::Write | Access::Migrate | Access::Create => {
            pool(1, options).connect_with(writer(&location, options)).await
        }
    };
    let write = write.map_err(|error| location.refused(error))?;
    let may_migrate = matches!(options.access, Access::Migrate | Access::Create);
    if may_migrate && !is_marked {
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
        sqlx::query(AssertSqlSafe(mark)).execute(&write).await.map_err(|error| location.refused(error))?;
    }
    if may_migrate && standing != Standing::Current {
        migrate(&write, &migrator).await.map_err(|error| OpenError::migrate(error, newest(&migrator)))?;
    }
    if may_migrate && !is_marked {
        // The application id must be in the file, so that the file can be distinguished from others that are copied
        // over it.
        let moved = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&write).await;
        moved.map_err(|error| location.refused(error))?;
    }
    let refused = |error| location.refused(error);
    let anchor = anchor(read.clone(), options).await.map_err(refused)?;
    let read = pool(options.connections, options).connect_with(read).await.map_err(refused)?;
    let watch = FileWatch::start(&location).map_err(|error| OpenError::Connect(error.into()))?;
    let merge = pool(1, options).connect_lazy_with(writer(&location, options).busy_timeout(Duration::ZERO));
    let pools = Arc::new(Pools::new(anchor, read, write, merge, watch));
    if options.access != Access::Read {
        log::keep_short(&pools);
        warn_if_exposed(&location);
    }
    Ok(Backend::new(pools).into_store())
}

/// Checks the file at `url` as [`open`] does, without changing it. Returns `false` if there is no file and it may be
/// created.
pub(crate) async fn probe(url: &str, options: OpenOptions, schema: Schema) -> Result<bool, OpenError> {
    let location = Location::of(url, options.access)?;
    let not_created = if options.access == Access::Create { Access::Migrate } else { options.access };
    match location.prepare(not_created) {
        Err(OpenError::Absent(_)) if options.access == Access::Create => return Ok(false),
        prepared => prepared?,
    }
    let standing = check(&location, options, schema).await?;
    if matches!(options.access, Access::Read | Access::Write) {
        standing.require_current()?;
    }
    Ok(true)
}

/// Refuses a file of another program or of a newer version. Otherwise returns the state of its schema.
pub(super) async fn check(location: &Location, options: OpenOptions, schema: Schema) -> Result<Standing, OpenError> {
    // Without a log, everything is in the file. Then SQLite must not create a log.
    let connect = reader(location, options).immutable(!location.part("-wal").exists());
    inspect(location, connect, &schema.sqlite()).await.map(|(standing, _)| standing)
}

fn reader(location: &Location, options: OpenOptions) -> SqliteConnectOptions {
    location.connect().read_only(true).busy_timeout(options.timeout)
}

fn writer(location: &Location, options: OpenOptions) -> SqliteConnectOptions {
    let connect = location.connect().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    // The cache size in KiB. Only the writer has a large cache: each reader has its own, and the operating system
    // caches the file for all of them.
    let connect = connect.pragma("cache_size", "-65536").pragma("journal_size_limit", LOG_LIMIT);
    let connect = connect.pragma("wal_autocheckpoint", log::MOST_PAGES);
    // Before a statement changes a page, SQLite copies it, to be able to undo the statement alone. In files, the copies of a
    // projection would take longer than its commit, and other users must not read what is in them.
    let connect = connect.pragma("temp_store", "MEMORY");
    // Removed data is overwritten with zeros.
    let connect = connect.pragma("secure_delete", "ON");
    connect.busy_timeout(options.timeout)
}

fn pool(connections: u32, options: OpenOptions) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).acquire_timeout(options.timeout)
}

/// Applies the missing migrations, all in one transaction. It takes the write lock before it looks which ones are
/// missing, so that processes that start together take turns.
async fn migrate(write: &SqlitePool, migrator: &Migrator) -> Result<(), MigrateError> {
    let mut transaction = write.begin_with("BEGIN IMMEDIATE").await?;
    // The future of `run` is not `Send` if it is given a connection.
    migrator.run_direct(None, &mut *transaction, false).await?;
    Ok(transaction.commit().await?)
}

/// A connection that has read something, and so keeps the write-ahead log in place.
async fn anchor(read: SqliteConnectOptions, options: OpenOptions) -> Result<SqlitePool, sqlx::Error> {
    let anchor = pool(1, options).idle_timeout(None).max_lifetime(None).connect_with(read).await?;
    let _: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema").fetch_one(&anchor).await?;
    Ok(anchor)
}

/// The state of the schema, and whether the file has the application id of receiptd. Nothing is changed, since the file
/// may belong to another program, which is refused.
async fn inspect(
    location: &Location,
    connect: SqliteConnectOptions,
    migrator: &Migrator,
) -> Result<(Standing, bool), OpenError> {
    let refused = |error| location.refused(error);
    let mut file = connect.connect().await.map_err(refused)?;
    let found = look(&mut file).await;
    let closed = file.close().await;
    let Found { mark, objects, applied } = found.map_err(refused)?;
    closed.map_err(refused)?;
    let is_marked = mark == i64::from(APPLICATION_ID);
    // Without any application id, the file is ours only if it is empty or has our migrations.
    let may_be_ours = mark == 0 && (objects == 0 || applied.is_some());
    if !is_marked && !may_be_ours {
        return Err(OpenError::Foreign);
    }
    Ok((Standing::of(&applied.unwrap_or_default(), migrator)?, is_marked))
}

struct Found {
    mark: i64,
    /// Tables, and views without a table.
    objects: i64,
    applied: Option<Vec<Applied>>,
}

async fn look(file: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let mark = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *file).await?;
    let count = "SELECT COUNT(*), COALESCE(SUM(name = '_sqlx_migrations'), 0) FROM sqlite_schema \
                 WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let (objects, migrations): (i64, i64) = sqlx::query_as(count).fetch_one(&mut *file).await?;
    let applied = if migrations > 0 { Some(sqlx::query_as(Applied::ALL).fetch_all(file).await?) } else { None };
    Ok(Found { mark, objects, applied })
}

fn warn_if_exposed(location: &Location) {
    for path in location.exposed_parts() {
        tracing::warn!(
            path = %path.display(),
            "other users of this machine can read the database; run chmod 600 on these files"
        );
    }
}
