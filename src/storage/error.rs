//! What can go wrong with a store.

use sqlx::migrate::{MigrateError, Migrator};

use super::url::UrlError;

/// What the database library said. It is for the log, and its type stays inside.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why something could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store is away, locked, full or overloaded. The same may succeed later.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
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

impl OpenError {
    #[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
    pub(super) fn connect(error: sqlx::Error) -> Self {
        Self::Connect(said(&error).into())
    }

    /// What `migrator` said, in words that tell what to do.
    pub(super) fn migrate(error: MigrateError, migrator: &Migrator) -> Self {
        let known = migrator.iter().map(|migration| migration.version).max().unwrap_or_default();
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
    /// There is no file, and none is to be created.
    #[error("there is no database at this path")]
    Absent,
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
