//! A store for a single test, and its helper functions.

use std::{
    future::Future,
    ops::Deref,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::FutureExt;
use harness::{notifications_of, put};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};
use receiptd::{
    audit::{Expected, Proof, Verdict},
    domain::{Arrival, Filter, Message, PageLimit, StoredNotification},
    storage::{self, Access, OpenError, OpenOptions, Store},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use temporary_postgres::Server;
use tokio::sync::OnceCell;

use crate::make::id;

/// Runs `test` on its own SQLite file.
pub(crate) fn sqlite(test: impl AsyncFnOnce(&TestStore)) {
    let folder = tempfile::tempdir().unwrap();
    run(Database::Sqlite { url: format!("sqlite://{}/receiptd.db", folder.path().display()), _folder: folder }, test);
}

/// Runs `test` on its own Postgres database.
pub(crate) fn postgres(test: impl AsyncFnOnce(&TestStore)) {
    let name = format!("receiptd_storage_{}", uuid::Uuid::new_v4().simple());
    run(Database::Postgres { url: Server::shared().unwrap().url(&name), name }, test);
}

fn run(database: Database, test: impl AsyncFnOnce(&TestStore)) {
    // Two workers, so that concurrent parts of a test really run at the same time.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        database.create().await;
        let store = database.open().await.unwrap();
        let store = TestStore { store, database, is_tampered: AtomicBool::new(false) };
        let test = async {
            test(&store).await;
            store.is_sound_or_tampered().await;
        };
        let outcome = AssertUnwindSafe(test).catch_unwind().await;
        store.database.remove().await;
        if let Err(failure) = outcome {
            resume_unwind(failure);
        }
    });
}

pub(crate) enum Database {
    Sqlite { url: String, _folder: TempDir },
    Postgres { url: String, name: String },
}

impl Database {
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Sqlite { url, .. } | Self::Postgres { url, .. } => url,
        }
    }

    async fn open(&self) -> Result<Store, OpenError> {
        open(self.url()).await
    }

    async fn create(&self) {
        if let Self::Postgres { name, .. } = self {
            administer(format!("CREATE DATABASE {name}")).await;
        }
    }

    /// A server that ends with the tests removes its databases, which saves a checkpoint per test.
    async fn remove(&self) {
        if let Self::Postgres { name, .. } = self
            && !server_is_temporary().await
        {
            administer(format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// Whether `temporary-postgres` has started the server, here or in xtask.
async fn server_is_temporary() -> bool {
    static IS_TEMPORARY: OnceCell<bool> = OnceCell::const_new();
    let ask = async || {
        let mut connection = PgConnection::connect(&Server::shared().unwrap().url("postgres")).await.unwrap();
        let folder = sqlx::query_scalar("SELECT current_setting('data_directory')").fetch_one(&mut connection).await;
        folder.is_ok_and(|folder: String| folder.contains("/receiptd-postgres-"))
    };
    *IS_TEMPORARY.get_or_init(ask).await
}

pub(crate) const OPTIONS: OpenOptions =
    OpenOptions { connections: 4, timeout: Duration::from_secs(30), access: Access::Create };

/// Opens the store at `url`.
pub(crate) async fn open(url: &str) -> Result<Store, OpenError> {
    storage::open(url, OPTIONS).await
}

/// Executes a statement that concerns the whole Postgres server.
pub(crate) async fn administer(statement: String) {
    let mut connection = PgConnection::connect(&Server::shared().unwrap().url("postgres")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// An open store on its own database.
pub(crate) struct TestStore {
    store: Store,
    pub(crate) database: Database,
    /// Whether rows were changed without the store.
    is_tampered: AtomicBool,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// Opens the same database again, as another instance would, or the same one after a restart.
    pub(crate) async fn reopened(&self) -> Store {
        self.database.open().await.unwrap()
    }

    /// Verifies that all rows match the hash chain.
    pub(crate) async fn verdict(&self) -> Verdict {
        Proof::new(&self.store).verify(&Expected::default()).await.unwrap()
    }

    /// Verifies with another instance, which begins its own chain. The head must be found again.
    pub(crate) async fn reopened_verdict(&self, head: Option<&str>) -> Verdict {
        crate::chain::verify(&self.reopened().await, head).await
    }

    /// Bytes in the notation of the database.
    pub(crate) fn bytes(&self, hex: &str) -> String {
        match self.database {
            Database::Sqlite { .. } => format!("x'{hex}'"),
            Database::Postgres { .. } => format!("'\\x{hex}'::bytea"),
        }
    }

    /// Runs at the end of every test.
    async fn is_sound_or_tampered(&self) {
        if !self.is_tampered.load(Ordering::Relaxed) {
            let verdict = self.verdict().await;
            assert!(verdict.sound, "{:?}", verdict.finding);
        }
    }

    /// Stores all of these at once.
    pub(crate) async fn hear<A: Into<Arrival>>(&self, arrivals: impl IntoIterator<Item = A>) {
        let arrivals: Vec<Arrival> = arrivals.into_iter().map(Into::into).collect();
        put(self, &arrivals).await.unwrap();
    }

    pub(crate) async fn find(&self, name: &str) -> Option<Message> {
        self.messages.find(&id(name)).await.unwrap()
    }

    pub(crate) async fn message(&self, name: &str) -> Message {
        self.find(name).await.unwrap_or_else(|| panic!("there is no message {name}"))
    }

    /// The notifications of a message in the order of their fingerprints.
    pub(crate) async fn notifications(&self, name: &str) -> Vec<StoredNotification> {
        let mut notifications = notifications_of(self, &id(name)).await.unwrap();
        notifications.sort_unstable_by_key(|recorded| recorded.fingerprint);
        notifications
    }

    /// The ids of all messages that `filter` admits, in the order of the list.
    pub(crate) async fn ids(&self, filter: &Filter) -> Vec<String> {
        let everything = PageLimit::new(PageLimit::MAX).unwrap();
        let page = self.messages.list(filter, None, everything).await.unwrap();
        assert_eq!(page.next, None, "too many for one page");
        page.items.iter().map(|message| message.correlation_id.to_string()).collect()
    }

    /// Executes a statement without the store.
    pub(crate) async fn execute(&self, statement: impl Into<String>) {
        self.is_tampered.store(true, Ordering::Relaxed);
        let statement = AssertSqlSafe(statement.into());
        match &self.database {
            Database::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Database::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// Executes a statement without the store. Returns whether the database accepts it.
    pub(crate) async fn try_execute(&self, statement: &str) -> bool {
        self.is_tampered.store(true, Ordering::Relaxed);
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.database {
            Database::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.is_ok()
            }
            Database::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.is_ok()
            }
        }
    }

    /// Removes what triggers have noted of changes that were made without the store.
    pub(crate) async fn forget_changes(&self) {
        if let Database::Sqlite { .. } = self.database {
            self.execute("DELETE FROM message_changes").await;
        }
    }

    /// Locks this table, on SQLite the whole file, until the returned value is released.
    pub(crate) async fn holds(&self, table: &str) -> Held {
        match &self.database {
            Database::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
                Held::Sqlite(connection)
            }
            Database::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
                sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut connection).await.unwrap();
                Held::Postgres(connection)
            }
        }
    }

    /// Ends all other sessions of a Postgres database.
    pub(crate) async fn cut_connections(&self) {
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }

    /// Reads texts without the store.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query.to_owned());
        match &self.database {
            Database::Sqlite { url, .. } => {
                let mut connection = SqliteConnection::connect(url).await.unwrap();
                sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
            }
            Database::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Checks many values; `PROPTEST_CASES` is their number. All cases share the store, so each uses its own ids. There
    /// are fewer on Postgres, where each commit takes longer.
    pub(crate) fn for_all<S: Strategy>(&self, strategy: &S, check: impl AsyncFn(S::Value)) {
        let cases = match self.database {
            _ if std::env::var_os("PROPTEST_CASES").is_some() => Config::default().cases,
            Database::Sqlite { .. } => 24,
            Database::Postgres { .. } => 12,
        };
        let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        let run = |value| {
            block_on(check(value));
            Ok(())
        };
        if let Err(error) = tokio::task::block_in_place(|| TestRunner::new(config).run(strategy, run)) {
            panic!("{error}");
        }
    }
}

/// A lock that is held by another connection.
pub(crate) enum Held {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Held {
    pub(crate) async fn lets_go(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.unwrap(),
            Self::Postgres(connection) => connection.close().await.unwrap(),
        }
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(work)
}
