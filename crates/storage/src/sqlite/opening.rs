//! Opens a database file.

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

use super::Backend;
use crate::{
    Access, OpenError, OpenOptions, Store,
    file_watch::FileWatch,
    location::{APPLICATION_ID, Location},
    row_changes::Chains,
    schema::{Applied, Standing},
};

/// The size to which the write-ahead log is cut when it begins anew, in bytes. While somebody reads for long, it grows.
const LOG_LIMIT: &str = "16777216";

/// Opens the file at `url`. A commit is on disk when it returns: write-ahead log with `synchronous=FULL`.
pub(in super::super) async fn open(url: &str, options: OpenOptions) -> Result<Store, OpenError> {
    let location = Location::of(url, options.access)?;
    location.prepare(options.access)?;
    let migrator = sqlx::migrate!("../../migrations/sqlite");
    let (standing, is_marked) = inspect(&location, reader(&location, options), &migrator).await?;
    if matches!(options.access, Access::Read | Access::Write) {
        standing.require_current()?;
    }
    let read = reader(&location, options);
    let write = match options.access {
        // Whatever a store does that was opened to read, SQLite refuses to write.
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
        migrator.run(&write).await.map_err(|error| OpenError::migrate(error, &migrator))?;
    }
    if may_migrate && !is_marked {
        // The mark is to be in the file, where it tells this file from others that are copied over it.
        let moved = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&write).await;
        moved.map_err(|error| location.refused(error))?;
    }
    let refused = |error| location.refused(error);
    let anchor = anchor(read.clone(), options).await.map_err(refused)?;
    let read = pool(options.connections, options).connect_with(read).await.map_err(refused)?;
    let watch = FileWatch::start(&location).map_err(|error| OpenError::Connect(error.into()))?;
    let (turn, changes) = watch::channel(());
    let (arrive, submissions) = watch::channel(());
    let backend = Backend {
        anchor,
        read,
        write,
        watch: Arc::new(watch),
        changed: turn,
        submitted: arrive,
        chains: Chains::default(),
    };
    if options.access != Access::Read {
        warn_if_exposed(&location);
    }
    backend.take_in_backlog(options.access).await?;
    Ok(Store::of(backend, changes, submissions))
}

/// Looks at the file at `url` as [`open`] does, and refuses what that refuses. `false` if there is no file, and it may be
/// created.
pub(in super::super) async fn probe(url: &str, options: OpenOptions) -> Result<bool, OpenError> {
    let location = Location::of(url, options.access)?;
    let not_created = if options.access == Access::Create { Access::Migrate } else { options.access };
    match location.prepare(not_created) {
        Err(OpenError::Absent(_)) if options.access == Access::Create => return Ok(false),
        prepared => prepared?,
    }
    let standing = check(&location, options).await?;
    if matches!(options.access, Access::Read | Access::Write) {
        standing.require_current()?;
    }
    Ok(true)
}

/// Refuses a file that is none of this program's, or of a newer version, and tells how far another one has come.
pub(in super::super) async fn check(location: &Location, options: OpenOptions) -> Result<Standing, OpenError> {
    let migrator = sqlx::migrate!("../../migrations/sqlite");
    // Without a log, everything is in the file; then none is made beside it.
    let connect = reader(location, options).immutable(!location.part("-wal").exists());
    inspect(location, connect, &migrator).await.map(|(standing, _)| standing)
}

fn reader(location: &Location, options: OpenOptions) -> SqliteConnectOptions {
    location.connect().read_only(true).busy_timeout(options.timeout)
}

fn writer(location: &Location, options: OpenOptions) -> SqliteConnectOptions {
    let connect = location.connect().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    // The cache in KiB. The writer alone has a large one: every reader has its own, and the operating system caches for
    // all of them.
    let connect = connect.pragma("cache_size", "-65536").pragma("journal_size_limit", LOG_LIMIT);
    // What is removed is overwritten with zeros.
    let connect = connect.pragma("secure_delete", "ON");
    connect.busy_timeout(options.timeout)
}

fn pool(connections: u32, options: OpenOptions) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).acquire_timeout(options.timeout)
}

/// A connection that has read something, and with that holds the write-ahead log.
async fn anchor(read: SqliteConnectOptions, options: OpenOptions) -> Result<SqlitePool, sqlx::Error> {
    let anchor = pool(1, options).idle_timeout(None).max_lifetime(None).connect_with(read).await?;
    let _: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema").fetch_one(&anchor).await?;
    Ok(anchor)
}

/// How far the database has come, and whether it has the mark of this program. Nothing is changed, since it may be that of
/// another program, which is refused.
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
    // Not marked by anybody: ours only if it is empty, or has our migrations.
    let may_be_ours = mark == 0 && (objects == 0 || applied.is_some());
    if !is_marked && !may_be_ours {
        return Err(OpenError::Foreign);
    }
    Ok((Standing::of(&applied.unwrap_or_default(), migrator)?, is_marked))
}

struct Found {
    mark: i64,
    /// Tables, and views that need none.
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
            "other users of this machine can read the database; close it to them with chmod 600"
        );
    }
}
