//! A database for a single test.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    time::Duration,
};

use futures_util::FutureExt;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, FromRow, PgConnection, SqliteConnection,
    postgres::PgRow,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use tempfile::TempDir;
use temporary_postgres::Server;

use super::eventually;

/// A database that only one test uses.
pub struct Database {
    url: String,
    /// The name of the database on the Postgres server.
    name: Option<String>,
    /// The folder of the SQLite file.
    _folder: Option<TempDir>,
}

/// Runs `test` on its own SQLite file.
pub fn on_sqlite(test: impl AsyncFnOnce(&Database)) {
    run(&Database::in_a_file(), test);
}

/// Runs `test` on its own Postgres database.
pub fn on_postgres(test: impl AsyncFnOnce(&Database)) {
    let name = format!("receiptd_{}", uuid::Uuid::new_v4().simple());
    run(&Database::on(Server::shared().unwrap(), name), test);
}

fn run(database: &Database, test: impl AsyncFnOnce(&Database)) {
    block_on(async {
        if let Some(name) = &database.name {
            administer(format!("CREATE DATABASE {name}")).await;
        }
        let outcome = AssertUnwindSafe(test(database)).catch_unwind().await;
        // A server that the environment provides must not keep the databases of tests.
        if let Some(name) = &database.name {
            administer(format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        if let Err(failure) = outcome {
            resume_unwind(failure);
        }
    });
}

/// Runs a test on its own runtime.
pub fn block_on(test: impl Future<Output = ()>) {
    // A TLS provider for the HTTP clients of the process. Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Two workers, so that concurrent parts of a test really run at the same time.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test);
    runtime.shutdown_background();
}

impl Database {
    /// An SQLite file that does not exist yet, in its own folder.
    pub fn in_a_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Self::at(&folder.path().join("receiptd.db"));
        Self { _folder: Some(folder), ..file }
    }

    /// The SQLite file at this path.
    pub fn at(path: &Path) -> Self {
        Self { url: format!("sqlite://{}", path.display()), name: None, _folder: None }
    }

    /// The database with this name.
    pub fn on(server: &Server, name: String) -> Self {
        Self { url: server.url(&name), name: Some(name), _folder: None }
    }

    /// The URL, in the form of the settings.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn is_sqlite(&self) -> bool {
        self.name.is_none()
    }

    /// A connection to the SQLite file. A server under load releases the write lock only for moments, so the timeout is
    /// long.
    async fn file(&self) -> SqliteConnection {
        let options: SqliteConnectOptions = self.url.parse().unwrap();
        options.busy_timeout(Duration::from_mins(1)).connect().await.unwrap()
    }

    /// Makes every commit fail until [`Outage::end`]. On SQLite, another connection holds the write lock. The Postgres
    /// database closes all connections and refuses new ones.
    pub async fn fails(&self) -> Outage<'_> {
        let Some(name) = &self.name else {
            let mut lock = self.file().await;
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
            return Outage { database: self, lock: Some(lock) };
        };
        administer(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        administer(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
        Outage { database: self, lock: None }
    }

    /// Executes a statement without the server, when everything that was acknowledged is projected.
    pub async fn execute(&self, statement: &'static str) {
        self.is_projected().await;
        self.execute_now(statement).await;
    }

    /// Waits until everything that was acknowledged is projected.
    pub async fn is_projected(&self) {
        eventually("the projection to catch up", async || {
            (self.rows::<(i64,)>("SELECT COUNT(*) FROM journal").await == [(0,)]).then_some(())
        })
        .await;
    }

    /// Executes a statement without the server.
    pub async fn execute_now(&self, statement: &'static str) {
        if self.is_sqlite() {
            let mut connection = self.file().await;
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        }
    }

    /// Reads texts without the server.
    pub async fn texts(&self, query: &'static str) -> Vec<String> {
        self.rows::<(String,)>(query).await.into_iter().map(|(text,)| text).collect()
    }

    /// Reads rows without the server.
    pub async fn rows<R>(&self, query: &'static str) -> Vec<R>
    where
        R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        if self.is_sqlite() {
            let mut connection = self.file().await;
            sqlx::query_as(query).fetch_all(&mut connection).await.unwrap()
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_as(query).fetch_all(&mut connection).await.unwrap()
        }
    }
}

/// A time during which every commit fails.
#[must_use]
pub struct Outage<'a> {
    database: &'a Database,
    lock: Option<SqliteConnection>,
}

impl Outage<'_> {
    pub async fn end(self) {
        match (self.lock, &self.database.name) {
            (Some(mut lock), _) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
                lock.close().await.unwrap();
            }
            (None, Some(name)) => administer(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await,
            (None, None) => {}
        }
    }
}

/// Executes a statement that concerns the whole Postgres server.
async fn administer(statement: String) {
    let mut connection = PgConnection::connect(&Server::shared().unwrap().url("postgres")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
