//! Copies of an SQLite file: one made while it is in use, and one put in its place.
//!
//! Postgres has its own ways, which are better than any of ours: `pg_dump`, `pg_basebackup`.

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
    Access, Cause, OpenError,
    location::{Location, PARTS, folder, with_end},
    objects,
};
#[cfg(not(prepare_only = "postgres"))]
use super::{OpenOptions, schema::Standing};

/// Why a file could not be copied, or not be put in place.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is a server, not a file.
    #[error("the database is no SQLite file")]
    NoFile,
    /// There is no database, or it cannot be used.
    #[error(transparent)]
    Open(OpenError),
    /// Nothing is overwritten.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// Some process has the file open.
    #[error("{0} is in use; stop the server first")]
    InUse(PathBuf),
    /// It was copied in part.
    #[error(
        "{path} is cut off: it has {bytes} of its {whole} bytes. Copy it once more from where it was made, or restore another \
         backup"
    )]
    CutOff {
        /// Which file.
        path: PathBuf,
        /// How many bytes it has.
        bytes: u64,
        /// How many it should have.
        whole: u64,
    },
    /// There is nothing in the file.
    #[error("{0} is empty. Copy it once more from where it was made, or restore another backup")]
    Empty(PathBuf),
    /// What is in the file is not what SQLite wrote.
    #[error("{path} is damaged: {finding}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// The first thing that is wrong, in SQLite's words.
        finding: String,
    },
    /// What the file holds beside the data is not what receiptd made.
    #[error("{path} is not as receiptd made it: {difference}. Restore another backup")]
    Schema {
        /// Which file.
        path: PathBuf,
        /// What was found.
        difference: String,
    },
    /// The schema cannot be compared.
    #[error("the schema of {0} cannot be read")]
    Unread(PathBuf, #[source] Cause),
    /// The database cannot be read.
    #[error("{0} cannot be read as an SQLite database")]
    Read(PathBuf, #[source] Cause),
    /// A file cannot be written, or not be given its name.
    #[error("{0} cannot be written")]
    Write(PathBuf, #[source] io::Error),
}

/// Where the file of this URL is.
fn location(url: &str, access: Access) -> Result<Location, BackupError> {
    Location::of(url, access).map_err(|error| match error {
        OpenError::Scheme => BackupError::NoFile,
        error => BackupError::Open(error),
    })
}

/// A copy without a name. It goes when this does, with all that SQLite has put beside it.
struct Draft {
    file: TempPath,
    _beside: TempDir,
}

/// Copies the database at `url` to the new file `to`, while others may read and write it, and returns the size in bytes.
/// In the copy is everything that was committed before this began. It has its name only when it is whole and on disk.
pub async fn backup(url: &str, to: &Path) -> Result<u64, BackupError> {
    let from = location(url, Access::Read)?;
    from.prepare(Access::Read).map_err(BackupError::Open)?;
    #[cfg(not(prepare_only = "postgres"))]
    check_origin(&from).await.map_err(BackupError::Open)?;
    // A link that leads nowhere is something, too.
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let copy = copy(from.path(), to).await?;
    let bytes = fs::metadata(&copy.file).map_err(|error| BackupError::Write(to.to_owned(), error))?.len();
    name(copy, to)?;
    Ok(bytes)
}

/// Refuses what no store is opened from. One of an earlier version is copied, since that is done before an upgrade.
#[cfg(not(prepare_only = "postgres"))]
async fn check_origin(from: &Location) -> Result<(), OpenError> {
    let options = OpenOptions { connections: 1, timeout: Duration::from_secs(5), access: Access::Read };
    match super::sqlite::check(from, options).await? {
        Standing::Empty => Err(OpenError::Empty),
        Standing::Older { .. } | Standing::Current => Ok(()),
    }
}

/// A copy of a backup beside the database that it is to replace. It may be opened by its URL.
pub struct Staged {
    copy: Draft,
    target: PathBuf,
    aside: bool,
}

impl Staged {
    /// Of the file `from`, to become the database at `url`. If there is one, that is refused, or with `aside` put aside
    /// when the time comes.
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

    /// By which it is opened.
    pub fn url(&self) -> String {
        format!(
            "sqlite://{}",
            self.copy.file.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23")
        )
    }

    /// Puts it in place. Returned is where the one is now that was there before. Nobody may have either open.
    pub async fn put_in_place(self) -> Result<Option<PathBuf>, BackupError> {
        let Self { copy, target, aside } = self;
        checkpoint(&copy.file).await?;
        let former = if aside && vacant(&target).is_err() { Some(put_aside(&target).await?) } else { None };
        vacant(&target)?;
        name(copy, &target)?;
        Ok(former)
    }
}

/// Refuses where a database is, or what is left of one: its log would be taken for one of the new file.
fn vacant(path: &Path) -> Result<(), BackupError> {
    let there = PARTS.map(|part| with_end(path, part)).into_iter().find(|part| part.exists());
    there.map_or(Ok(()), |part| Err(BackupError::Exists(part)))
}

/// Gives a database another name, under which nothing may be, and returns that.
async fn put_aside(path: &Path) -> Result<PathBuf, BackupError> {
    match checkpoint(path).await {
        // One that is damaged, which may be why it is to be replaced, cannot be folded, and need not be.
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

/// Refuses a file that is shorter than its header says, by name: to SQLite it is malformed, whatever the reason.
fn check_length(from: &Path) -> Result<(), BackupError> {
    const MARK: &[u8] = b"SQLite format 3\0";
    let mut header = Vec::new();
    let read = File::open(from).and_then(|file| Ok((file.metadata()?.len(), file.take(100).read_to_end(&mut header)?)));
    // SQLite says why it cannot be read. What has a log beside it is whole only with that.
    let Ok((bytes, _)) = read else { return Ok(()) };
    if with_end(from, "-wal").exists() {
        return Ok(());
    }
    if header.is_empty() {
        return Err(BackupError::Empty(from.to_owned()));
    }
    let whole = match header.as_slice() {
        header if header.len() < 100 => {
            if MARK.starts_with(&header[..header.len().min(MARK.len())]) {
                512
            } else {
                0
            }
        }
        [mark @ .., _] if !mark.starts_with(MARK) => 0,
        header => {
            let size = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
                1 => 65_536,
                size => size,
            };
            size * u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]))
        }
    };
    if bytes < whole { Err(BackupError::CutOff { path: from.to_owned(), bytes, whole }) } else { Ok(()) }
}

/// A checked copy in a folder of its own beside `to`, not yet by its name.
async fn copy(from: &Path, to: &Path) -> Result<Draft, BackupError> {
    let write = |error| BackupError::Write(to.to_owned(), error);
    let read = |error: sqlx::Error| BackupError::Read(from.to_owned(), error.into());
    let prefix = with_end(Path::new(to.file_name().unwrap_or_default()), ".");
    let beside = tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempdir_in(folder(to)).map_err(write)?;
    // For nobody else to read: there are numbers and addresses in it.
    let file = NamedTempFile::new_in(&beside).map_err(write)?.into_temp_path();
    let options = SqliteConnectOptions::new().filename(from).read_only(true);
    let mut source = options.connect().await.map_err(read)?;
    let copied = sqlx::query("VACUUM INTO $1").bind(file.to_string_lossy()).execute(&mut source).await;
    let closed = source.close().await;
    copied.map_err(read)?;
    closed.map_err(read)?;
    check(&file, from).await?;
    // SQLite does not sync what it writes this way.
    File::open(&file).and_then(|file| file.sync_all()).map_err(write)?;
    Ok(Draft { file, _beside: beside })
}

/// Immutable, so that nothing is written beside it.
async fn open_copy(copy: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(copy).read_only(true).immutable(true).connect().await
}

/// Looks at every page of a copy of `from`.
async fn check(copy: &Path, from: &Path) -> Result<(), BackupError> {
    let read = |error: sqlx::Error| BackupError::Read(from.to_owned(), error.into());
    let mut connection = open_copy(copy).await.map_err(read)?;
    let finding: String =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await.map_err(read)?;
    connection.close().await.map_err(read)?;
    if finding == "ok" { Ok(()) } else { Err(BackupError::Damaged { path: from.to_owned(), finding }) }
}

/// Refuses a copy of `from` in which anything is done when it is opened and written to that receiptd does not do.
async fn check_schema(copy: &Path, from: &Path) -> Result<(), BackupError> {
    let read = |error: sqlx::Error| BackupError::Read(from.to_owned(), error.into());
    let mut connection = open_copy(copy).await.map_err(read)?;
    let difference = objects::difference(&mut connection).await;
    connection.close().await.map_err(read)?;
    match difference.map_err(|error| BackupError::Unread(from.to_owned(), error.into()))? {
        None => Ok(()),
        Some(difference) => Err(BackupError::Schema { path: from.to_owned(), difference }),
    }
}

/// Makes one file of a database and its write-ahead log. SQLite lets nobody do this who is not alone.
async fn checkpoint(path: &Path) -> Result<(), BackupError> {
    let read = |error: sqlx::Error| {
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        // SQLITE_BUSY, in the low byte of its extended codes too.
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

/// Gives a copy its name, which nothing else may have, and makes that last.
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
