//! What can go wrong with a store.

use std::{io, path::PathBuf};

use sqlx::migrate::{MigrateError, Migrator};

use super::{schema::newest, url::UrlError};

pub use super::file_watch::FileLost;

/// What the database library said. It is for the log, and its type stays inside.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why something could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store is away, locked, full or overloaded. The same may succeed later.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// The files of the database are not there any more.
    #[error(transparent)]
    Lost(FileLost),
    /// The database refuses this very content. The same will fail again.
    #[error("the database refuses the content")]
    Refused(#[source] Cause),
    /// A stored value that receiptd never writes.
    #[error("corrupt data: {column} of {table} at {row:?}")]
    Corrupt {
        /// Where.
        table: &'static str,
        /// Where.
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

/// What the database said, without the words of the library around it and without the line of Postgres' source.
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

/// The same of a migration.
fn said_of_migration(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) => said(error),
        MigrateError::ExecuteMigration(error, number) => format!("migration {number}: {}", said(error)),
        error => error.to_string(),
    }
}

/// Codes that blame what was to be stored: Postgres's classes 22 (data exception), 23 (integrity constraint violation)
/// and 54 (program limit exceeded); SQLite's primary codes 18 (too big), 19 (constraint) and 20 (mismatch). Everything
/// else is taken for a passing fault, so that the sender tries again.
fn refuses_content(code: &str) -> bool {
    match code.parse::<u32>() {
        // Extended codes of SQLite keep the primary one in the low byte; SQLSTATE always has five characters.
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
    #[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
    pub(super) fn connect(error: sqlx::Error) -> Self {
        Self::Connect(said(&error).into())
    }

    /// What `migrator` said, in words that tell what to do.
    pub(super) fn migrate(error: MigrateError, migrator: &Migrator) -> Self {
        let known = newest(migrator);
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
    /// Neither of the two databases.
    #[error("the database URL must begin with sqlite:// or postgres://")]
    Scheme,
    /// Nothing in memory survives a crash.
    #[error("a database in memory would lose what is acknowledged; name a file: sqlite://receiptd.db")]
    InMemory,
    /// A parameter of an SQLite URL that would weaken the database, or that does not exist.
    #[error(
        "the parameter {0:?} of the URL is unknown, or has a value with which the database cannot be used; remove it"
    )]
    Parameter(String),
    /// The URL asks for a database that is only read, and it is to be written to.
    #[error(
        "mode=ro in the database URL asks for a database that is only read, and this command writes to it; remove mode=ro \
         from the URL"
    )]
    ReadOnly,
    /// There is no file, and none is to be created.
    #[error("there is no database at {0}; check the path, or create one with `receiptd migrate`")]
    Absent(PathBuf),
    /// The file cannot be used.
    #[error("{path} cannot be opened: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Without its log a database is not what it was.
    #[error(
        "{log} was removed while the database was in use. If receiptd runs on it, stop it: it then writes what the log \
         held into the database. If no process uses the database, what the log held is lost; remove {index} to go on \
         without it"
    )]
    LogRemoved {
        /// The write-ahead log.
        log: PathBuf,
        /// Its index.
        index: PathBuf,
    },
    /// Nothing is to be mixed up with the tables of another program.
    #[error("this is the database of another program; name one of receiptd's own")]
    Foreign,
    /// It holds nothing, and nothing is to be created.
    #[error("this database has no schema yet; run `receiptd migrate`")]
    Empty,
    /// It was made by an earlier version, and is not to be changed.
    #[error(
        "the schema of this database is {found}, and this version of receiptd needs {known}; run `receiptd migrate`"
    )]
    Older {
        /// The greatest migration that was run.
        found: i64,
        /// The greatest that is known.
        known: i64,
    },
    /// What an earlier version stored has to be chained first.
    #[error("the migration of this database is not complete; run `receiptd migrate`")]
    Unchained,
    /// The database cannot be reached, or not with these credentials.
    #[error("the database cannot be opened")]
    Connect(#[source] Cause),
    /// A later version of this program has brought the schema up to date already.
    #[error(
        "this database was opened by a newer receiptd: its schema is {found}, and this version knows {known}. Run the \
         newer version, or restore a backup that was made before the upgrade"
    )]
    Newer {
        /// The number of a migration that was run.
        found: i64,
        /// The greatest that is known.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("the schema cannot be brought up to date")]
    Migrate(#[source] Cause),
    /// What an earlier version stored could not be chained.
    #[error("what an earlier version stored cannot be taken into the chain")]
    Chain(#[source] StorageError),
    /// A pooler stands in front of the server.
    #[error(
        "a connection pooler (PgBouncer?) in front of this server shares its sessions (pool_mode = transaction) or refuses \
         a parameter of the URL; connect to Postgres directly, or through a pool with pool_mode = session"
    )]
    Pooler,
    /// It would not hold every text.
    #[error(
        "the database is encoded in {0}, and notifications hold any Unicode text; create it anew with ENCODING 'UTF8'"
    )]
    Encoding(String),
    /// The role lacks rights.
    #[error("the role {role} has no right to {what}; grant it what \"Separate roles\" in docs/postgres.md lists")]
    NotGranted {
        /// Who.
        role: String,
        /// What it may not do.
        what: String,
    },
    /// The role may not bring the schema up to date.
    #[error("the role has no right to change the schema; run `receiptd migrate` as the owner of the database")]
    MayNotMigrate,
    /// What was acknowledged would not survive a crash.
    #[error("{setting} is {value} on this server: acknowledged notifications would not survive a crash; set it to on")]
    NotDurable {
        /// The name of the setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
}

#[cfg(test)]
mod tests {
    use super::refuses_content;

    #[test]
    fn only_faults_of_the_content_are_blamed_on_it() {
        for code in ["22021", "23505", "54000", "19", "2067", "1555", "18"] {
            assert!(refuses_content(code), "{code}");
        }
        for code in ["08006", "57P01", "53100", "40001", "5", "13", "10", "778", ""] {
            assert!(!refuses_content(code), "{code}");
        }
    }
}
