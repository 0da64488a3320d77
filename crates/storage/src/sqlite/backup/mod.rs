//! Backups of an SQLite file that is in use, and their restore.
//!
//! Postgres has its own tools, which are better: `pg_dump`, `pg_basebackup`.

mod objects;

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use tempfile::{NamedTempFile, PathPersistError, TempDir, TempPath};

use super::{
    files::{Header, Location, PARTS, folder, with_end},
    opening,
};
use crate::{
    Access, Cause, OpenError, OpenOptions,
    schema::{Schema, Standing},
};

/// Why a backup or a restore failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is a server, not a file.
    #[error("the database is not an SQLite file; use the tools of Postgres, such as pg_dump")]
    NoFile,
    /// There is no database, or it cannot be used.
    #[error(transparent)]
    Open(OpenError),
    /// The target exists. Nothing is overwritten.
    #[error("{0} exists already; choose another name")]
    Exists(PathBuf),
    /// A process has the file open.
    #[error("{0} is in use; stop the server first")]
    InUse(PathBuf),
    #[error(
        "{path} is truncated: it has {bytes} of its {whole} bytes. Copy it again from where it was made, or restore another \
         backup"
    )]
    CutOff {
        path: PathBuf,
        /// The actual size in bytes.
        bytes: u64,
        /// The size in bytes according to the header.
        whole: u64,
    },
    #[error("{0} is empty. Copy it again from where it was made, or restore another backup")]
    Empty(PathBuf),
    /// The file is damaged.
    #[error("{path} is damaged: {finding}")]
    Damaged {
        path: PathBuf,
        /// The first error, as SQLite reports it.
        finding: String,
    },
    /// The schema in the file is not the one of receiptd.
    #[error("the schema in {path} is not the one of receiptd: {difference}. Restore another backup")]
    Schema { path: PathBuf, difference: String },
    /// The schema cannot be read.
    #[error("the schema of {0} cannot be read")]
    Unread(PathBuf, #[source] Cause),
    #[error("{0} cannot be read as an SQLite database")]
    Read(PathBuf, #[source] Cause),
    #[error("{0} cannot be written")]
    Write(PathBuf, #[source] io::Error),
}

/// The file that this URL names.
fn location(url: &str, access: Access) -> Result<Location, BackupError> {
    Location::of(url, access).map_err(|error| match error {
        OpenError::Scheme => BackupError::NoFile,
        error => BackupError::Open(error),
    })
}

/// A copy that does not have its final name yet. It is removed when this value is dropped, with the files that SQLite
/// created beside it.
struct Draft {
    file: TempPath,
    _beside: TempDir,
}

/// Copies the database at `url` to the new file `to` while others may read and write it, and returns the size in bytes.
/// The copy contains everything that was committed before this call. It gets its name only when it is complete and
/// synced.
pub async fn backup(url: &str, to: &Path) -> Result<u64, BackupError> {
    let from = location(url, Access::Read)?;
    from.prepare(Access::Read).map_err(BackupError::Open)?;
    check_origin(&from).await.map_err(BackupError::Open)?;
    // A symbolic link without a target counts as existing.
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let copy = copy(from.path(), to).await?;
    let bytes = fs::metadata(&copy.file).map_err(|error| BackupError::Write(to.to_owned(), error))?.len();
    name(copy, to)?;
    Ok(bytes)
}

/// Refuses a file that cannot be opened as a store. One of an earlier version is copied, since a backup is made before
/// an upgrade.
async fn check_origin(from: &Location) -> Result<(), OpenError> {
    let options = OpenOptions { connections: 1, timeout: Duration::from_secs(5), access: Access::Read };
    match opening::check(from, options, Schema::CURRENT).await? {
        Standing::Empty => Err(OpenError::Empty),
        Standing::Older { .. } | Standing::Current => Ok(()),
    }
}

/// A copy of a backup beside the database that it will replace. It can be opened by its URL.
pub struct Staged {
    copy: Draft,
    target: PathBuf,
    aside: bool,
}

impl Staged {
    /// Copies the file `from`, to replace the database at `url`. If there is a database, this is an error. With
    /// `aside`, the database is renamed when the copy is put in place.
    pub async fn of(from: &Path, url: &str, aside: bool) -> Result<Self, BackupError> {
        let target = location(url, Access::Write)?.path().to_owned();
        if !aside {
            vacant(&target)?;
        }
        check_length(from)?;
        let copy = copy(from, &target).await?;
        check_schema(&copy.file, from).await?;
        Ok(Self { copy, target, aside })
    }

    /// The URL by which the copy can be opened.
    pub fn url(&self) -> String {
        format!(
            "sqlite://{}",
            self.copy.file.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23")
        )
    }

    /// Renames the copy to the database. Returns the new path of the previous database. No process may have either of
    /// them open.
    pub async fn put_in_place(self) -> Result<Option<PathBuf>, BackupError> {
        let Self { copy, target, aside } = self;
        checkpoint(&copy.file).await?;
        let former = if aside && vacant(&target).is_err() { Some(put_aside(&target).await?) } else { None };
        vacant(&target)?;
        name(copy, &target)?;
        Ok(former)
    }
}

/// Refuses a path with a database or with parts of one: SQLite would use its log for the new file.
fn vacant(path: &Path) -> Result<(), BackupError> {
    let there = PARTS.map(|part| with_end(path, part)).into_iter().find(|part| part.exists());
    there.map_or(Ok(()), |part| Err(BackupError::Exists(part)))
}

/// Renames a database to an unused path, and returns the path.
async fn put_aside(path: &Path) -> Result<PathBuf, BackupError> {
    match checkpoint(path).await {
        // The log of a damaged database cannot be merged, and need not be. The damage may be the reason for the
        // restore.
        Ok(()) | Err(BackupError::Read(..)) => {}
        Err(error) => return Err(error),
    }
    let former = with_end(path, ".replaced");
    vacant(&former)?;
    for part in PARTS.iter().filter(|part| with_end(path, part).exists()) {
        let renamed = fs::rename(with_end(path, part), with_end(&former, part));
        renamed.map_err(|error| BackupError::Write(former.clone(), error))?;
    }
    Ok(former)
}

/// Refuses a file that is shorter than its header states, with a message of its own. SQLite reports such a file as
/// malformed, whatever the reason.
fn check_length(from: &Path) -> Result<(), BackupError> {
    let mut beginning = Vec::new();
    let read = File::open(from).and_then(|file| {
        let bytes = file.metadata()?.len();
        file.take(Header::SIZE as u64).read_to_end(&mut beginning)?;
        Ok(bytes)
    });
    // SQLite reports why a file cannot be read. A file with a log beside it is complete only together with the log.
    let Ok(bytes) = read else { return Ok(()) };
    if with_end(from, "-wal").exists() {
        return Ok(());
    }
    if beginning.is_empty() {
        return Err(BackupError::Empty(from.to_owned()));
    }
    let whole = Header::whole_length(&beginning);
    if bytes < whole { Err(BackupError::CutOff { path: from.to_owned(), bytes, whole }) } else { Ok(()) }
}

/// A checked copy in a new folder beside `to`, without its final name.
async fn copy(from: &Path, to: &Path) -> Result<Draft, BackupError> {
    let write = |error| BackupError::Write(to.to_owned(), error);
    let read = |error: sqlx::Error| BackupError::Read(from.to_owned(), error.into());
    let prefix = with_end(Path::new(to.file_name().unwrap_or_default()), ".");
    let beside = tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempdir_in(folder(to)).map_err(write)?;
    // Other users must not read it: it contains numbers and addresses.
    let file = NamedTempFile::new_in(&beside).map_err(write)?.into_temp_path();
    let options = SqliteConnectOptions::new().filename(from).read_only(true);
    let mut source = options.connect().await.map_err(read)?;
    let copied = sqlx::query("VACUUM INTO $1").bind(file.to_string_lossy()).execute(&mut source).await;
    let closed = source.close().await;
    copied.map_err(read)?;
    closed.map_err(read)?;
    check(&file, from).await?;
    // SQLite does not sync a file that it writes in this way.
    File::open(&file).and_then(|file| file.sync_all()).map_err(write)?;
    Ok(Draft { file, _beside: beside })
}

/// Opened as immutable, so that SQLite creates no files beside it.
async fn open_copy(copy: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(copy).read_only(true).immutable(true).connect().await
}

/// Checks every page of a copy of `from`.
async fn check(copy: &Path, from: &Path) -> Result<(), BackupError> {
    let read = |error: sqlx::Error| BackupError::Read(from.to_owned(), error.into());
    let mut connection = open_copy(copy).await.map_err(read)?;
    let finding: String =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await.map_err(read)?;
    connection.close().await.map_err(read)?;
    if finding == "ok" { Ok(()) } else { Err(BackupError::Damaged { path: from.to_owned(), finding }) }
}

/// Refuses a copy of `from` whose schema makes SQLite do things that receiptd does not do, when it is opened or written
/// to.
async fn check_schema(copy: &Path, from: &Path) -> Result<(), BackupError> {
    let read = |error: sqlx::Error| BackupError::Read(from.to_owned(), error.into());
    let mut connection = open_copy(copy).await.map_err(read)?;
    let difference = objects::difference(&mut connection, &Schema::CURRENT.sqlite()).await;
    connection.close().await.map_err(read)?;
    match difference.map_err(|error| BackupError::Unread(from.to_owned(), error.into()))? {
        None => Ok(()),
        Some(difference) => Err(BackupError::Schema { path: from.to_owned(), difference }),
    }
}

/// Merges the write-ahead log of a database into its file. SQLite refuses this if another process has the database
/// open.
async fn checkpoint(path: &Path) -> Result<(), BackupError> {
    let read = |error: sqlx::Error| {
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        // SQLITE_BUSY, also in the low byte of its extended codes.
        let is_in_use = code.is_some_and(|code| code & 0xff == 5);
        if is_in_use { BackupError::InUse(path.to_owned()) } else { BackupError::Read(path.to_owned(), error.into()) }
    };
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::ZERO);
    let mut connection: SqliteConnection = options.connect().await.map_err(read)?;
    let folded = sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut connection).await;
    let closed = connection.close().await;
    folded.map_err(read)?;
    closed.map_err(read)
}

/// Gives a copy its final name, which must be unused, and syncs the folder.
fn name(copy: Draft, to: &Path) -> Result<(), BackupError> {
    let refused = |PathPersistError { error, .. }| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => BackupError::Write(to.to_owned(), error),
    };
    copy.file.persist_noclobber(to).map_err(refused)?;
    File::open(folder(to))
        .and_then(|folder| folder.sync_all())
        .map_err(|error| BackupError::Write(to.to_owned(), error))
}
