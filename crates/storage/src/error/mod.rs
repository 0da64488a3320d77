//! Errors of the store.

mod file_lost;
mod url;

use std::{io, path::PathBuf};

use sqlx::migrate::MigrateError;

pub use file_lost::FileLost;
pub(crate) use file_lost::Loss;
pub use url::UrlError;

/// The error of the database library. It is meant for the log; its type does not leave this package.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why data could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store is unreachable, locked, full or overloaded. A retry may succeed.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// The files of the database are gone.
    #[error(transparent)]
    Lost(FileLost),
    /// The database refuses this content. A retry fails again.
    #[error("the database refuses the content")]
    Refused(#[source] Cause),
    /// A stored value that receiptd never writes.
    #[error("corrupt data: {column} of {table} at {row:?}")]
    Corrupt {
        table: &'static str,
        column: &'static str,
        /// The key of the row.
        row: String,
    },
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Io(error) = &error
            && let Some(lost) = error.get_ref().and_then(|error| error.downcast_ref())
        {
            return Self::Lost(*lost);
        }
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let is_content = code.is_some_and(|code| refuses_content(&code));
        if is_content { Self::Refused(said(&error).into()) } else { Self::Unavailable(said(&error).into()) }
    }
}

/// The database's error text, without the text that the library adds and without the line in Postgres' source.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("{} (code {code})", error.message()),
            None => error.message().to_owned(),
        },
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        sqlx::Error::Configuration(error) => error.to_string(),
        sqlx::Error::PoolTimedOut => "no connection to the database became free in time".to_owned(),
        error => error.to_string(),
    }
}

/// Like `said`, for a migration.
fn said_of_migration(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) => said(error),
        MigrateError::ExecuteMigration(error, number) => format!("migration {number}: {}", said(error)),
        error => error.to_string(),
    }
}

/// Codes that mean that the content is wrong: Postgres's classes 22 (data exception), 23 (integrity constraint
/// violation) and 54 (program limit exceeded), and SQLite's primary codes 18 (too big), 19 (constraint) and 20
/// (mismatch). All other errors count as temporary, so that the sender tries again.
fn refuses_content(code: &str) -> bool {
    match code.parse::<u32>() {
        // Extended codes of SQLite contain the primary code in the low byte. An SQLSTATE always has five characters.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 18..=20),
        _ => code.len() == 5 && ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
    }
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        sqlx::Error::from(error).into()
    }
}

impl OpenError {
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` passes it by value")]
    pub(crate) fn connect(error: sqlx::Error) -> Self {
        Self::Connect(said(&error).into())
    }

    /// The error of a migrator whose latest version is `known`, in words that say what to do.
    pub(crate) fn migrate(error: MigrateError, known: i64) -> Self {
        match error {
            MigrateError::VersionMissing(found) if found > known => Self::Newer { found, known },
            error => Self::Migrate(said_of_migration(&error).into()),
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The URL names neither SQLite nor Postgres.
    #[error("the database URL must begin with sqlite:// or postgres://")]
    Scheme,
    /// A database in memory does not survive a crash.
    #[error("a database in memory would lose what is acknowledged; name a file: sqlite://receiptd.db")]
    InMemory,
    /// A parameter of an SQLite URL that is unknown, or that would weaken the database.
    #[error("the parameter {0:?} of the URL is unknown, or has a value that receiptd does not support; remove it")]
    Parameter(String),
    /// The URL asks for a read-only database, but the command writes.
    #[error(
        "mode=ro in the database URL opens the database read-only, but this command writes to it; remove mode=ro \
         from the URL"
    )]
    ReadOnly,
    /// The file does not exist, and must not be created.
    #[error("there is no database at {0}; check the path, or create one with `receiptd migrate`")]
    Absent(PathBuf),
    /// The file cannot be used.
    #[error("{path} cannot be opened: {reason}")]
    File { path: PathBuf, reason: String },
    /// The write-ahead log is missing although its index exists. Without the log, the database lacks commits.
    #[error(
        "{log} was removed while the database was in use. If receiptd runs on it, stop it: it then writes the \
         contents of the log into the database. If no process uses the database, these are lost; remove {index} to \
         continue without them"
    )]
    LogRemoved { log: PathBuf, index: PathBuf },
    /// The tables of another program must not be mixed with those of receiptd.
    #[error("this is the database of another program; name a database of receiptd")]
    Foreign,
    /// The database is empty, and nothing may be created.
    #[error("this database has no schema yet; run `receiptd migrate`")]
    Empty,
    /// The schema is that of an earlier version, and must not be changed.
    #[error(
        "the schema of this database is {found}, but this version of receiptd needs {known}; run `receiptd migrate`"
    )]
    Older {
        /// The number of the latest applied migration.
        found: i64,
        /// The number of the latest known migration.
        known: i64,
    },
    /// The database cannot be reached, or it refuses the credentials.
    #[error("the database cannot be opened")]
    Connect(#[source] Cause),
    /// A later version of receiptd has migrated the database.
    #[error(
        "this database was opened by a newer receiptd: its schema is {found}, and this version knows {known}. Run the \
         newer version, or restore a backup that was made before the upgrade"
    )]
    Newer {
        /// The number of an applied migration.
        found: i64,
        /// The number of the latest known migration.
        known: i64,
    },
    /// The migrations failed.
    #[error("the schema cannot be migrated")]
    Migrate(#[source] Cause),
    /// A connection pooler stands in front of the server.
    #[error(
        "a connection pooler (PgBouncer?) in front of this server shares its sessions (pool_mode = transaction) or refuses \
         a parameter of the URL; connect to Postgres directly, or through a pool with pool_mode = session"
    )]
    Pooler,
    /// The encoding cannot store every text.
    #[error(
        "the encoding of the database is {0}, but notifications contain any Unicode text; create the database again with \
         ENCODING 'UTF8'"
    )]
    Encoding(String),
    /// The role lacks a privilege.
    #[error(
        "the role {role} lacks the privilege to {what}; grant the privileges that \"Separate roles\" in docs/postgres.md \
         lists"
    )]
    NotGranted {
        role: String,
        /// The missing privilege.
        what: String,
    },
    /// The role may not change the schema.
    #[error("the role lacks the privilege to change the schema; run `receiptd migrate` as the owner of the database")]
    MayNotMigrate,
    /// Acknowledged data would not survive a crash.
    #[error("{setting} is {value} on this server: acknowledged notifications would not survive a crash; set it to on")]
    NotDurable { setting: &'static str, value: String },
}

#[cfg(test)]
mod tests {
    use super::refuses_content;

    #[test]
    fn only_errors_of_the_content_count_as_refused() {
        for code in ["22021", "23505", "54000", "19", "2067", "1555", "18"] {
            assert!(refuses_content(code), "{code}");
        }
        for code in ["08006", "57P01", "53100", "40001", "5", "13", "10", "778", ""] {
            assert!(!refuses_content(code), "{code}");
        }
    }
}
