//! What is opened, and what is refused.

use std::error::Error;

use receiptd::storage::{self, OpenError, OpenOptions, StorageError};
use tokio::task::JoinSet;

use crate::{
    make::{about, time},
    schemas::schemas,
    store::{Database, OPTIONS, TestStore, open},
};

both!(
    opening_again_keeps_everything,
    a_newer_schema_is_refused,
    an_altered_schema_is_refused,
    a_heartbeat_is_a_commit,
    without_a_commit_there_is_no_heartbeat,
);
only!(
    sqlite in files: a_file_is_made_where_there_is_none,
    no_file_is_made_unasked,
    what_does_not_last_is_refused,
    what_is_no_database_is_refused,
);
only!(postgres in servers: two_instances_may_start_together, a_read_only_server_is_a_passing_fault);

/// An error with all its causes, as the log has it.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

async fn refused(url: &str) -> OpenError {
    match open(url).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn an_unknown_scheme_is_refused() {
    for url in ["", "receiptd.db", "mysql://localhost/x", "SQLITE://x.db", "sqlite", "postgresqls://localhost/x"] {
        assert!(matches!(refused(url).await, OpenError::Scheme), "{url}");
    }
}

#[tokio::test]
async fn an_error_does_not_tell_the_password() {
    for url in [
        "postgres://receiptd:s3cret@127.0.0.1:1/receiptd",
        "postgres://receiptd:s3cret@127.0.0.1:1/receiptd?sslmode=verify-everything",
        "postgres://receiptd:s3cret@127.0.0.1:port/receiptd",
    ] {
        let error = refused(url).await;
        assert!(matches!(error, OpenError::Connect(_) | OpenError::Url(_)), "{error:?}");
        assert!(!chain(&error).contains("s3cret"), "{}", chain(&error));
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

async fn opening_again_keeps_everything(store: &TestStore) {
    store.hear([about("order-1")]).await;
    for _ in 0..3 {
        let again = store.reopened().await;
        assert!(again.messages.find(&crate::make::id("order-1")).await.unwrap().is_some());
    }
}

async fn a_newer_schema_is_refused(store: &TestStore) {
    store
        .execute(match store.database {
            Database::Sqlite { .. } => {
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (99999, 'from the future', TRUE, x'00', 0)"
            }
            Database::Postgres { .. } => {
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (99999, 'from the future', TRUE, '\\x00', 0)"
            }
        })
        .await;
    let error = refused(store.database.url()).await;
    let OpenError::Newer { found: 99_999, known } = error else { panic!("{error:?}") };
    assert_eq!(Some(&known), schemas(store).await.last());
}

async fn an_altered_schema_is_refused(store: &TestStore) {
    store
        .execute(match store.database {
            Database::Sqlite { .. } => "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1",
            Database::Postgres { .. } => "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1",
        })
        .await;
    assert!(matches!(refused(store.database.url()).await, OpenError::Migrate(_)));
}

async fn a_heartbeat_is_a_commit(store: &TestStore) {
    for now in [7, 9] {
        store.health.beat(time(now)).await.unwrap();
        assert_eq!(store.texts("SELECT CAST(at AS TEXT) FROM heartbeat").await, [now.to_string()]);
    }
}

async fn without_a_commit_there_is_no_heartbeat(store: &TestStore) {
    store.execute("ALTER TABLE heartbeat RENAME TO elsewhere").await;
    assert!(store.health.beat(time(7)).await.is_err());
    store.execute("ALTER TABLE elsewhere RENAME TO heartbeat").await;
    store.health.beat(time(8)).await.unwrap();
}

async fn a_file_is_made_where_there_is_none(store: &TestStore) {
    let beside = store.database.url().replace("receiptd.db", "new & näme.db");
    open(&beside.replace(' ', "%20")).await.unwrap();
    let path = beside.strip_prefix("sqlite://").unwrap();
    assert!(std::fs::exists(path).unwrap());
    // A folder is not made: a mistyped path had better be told.
    let error = refused(&store.database.url().replace("receiptd.db", "no-folder/receiptd.db")).await;
    assert!(matches!(error, OpenError::Connect(_)), "{error:?}");
}

/// Who only reads had better learn of a mistyped path.
async fn no_file_is_made_unasked(store: &TestStore) {
    let options = OpenOptions { create: false, ..OPTIONS };
    let beside = store.database.url().replace("receiptd.db", "elsewhere.db");
    assert!(matches!(storage::open(&beside, options).await, Err(OpenError::Absent)));
    assert!(!std::fs::exists(beside.strip_prefix("sqlite://").unwrap()).unwrap());
    storage::open(store.database.url(), options).await.unwrap();
}

async fn what_does_not_last_is_refused(_: &TestStore) {
    for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://receipts?mode=memory"] {
        assert!(matches!(refused(url).await, OpenError::InMemory), "{url}");
    }
}

async fn what_is_no_database_is_refused(store: &TestStore) {
    let url = store.database.url().replace("receiptd.db", "notes.txt");
    let path = url.strip_prefix("sqlite://").unwrap();
    std::fs::write(path, "buy milk, and some more text than a header of a database has: 100 bytes. ".repeat(9))
        .unwrap();
    let before = std::fs::read(path).unwrap();
    refused(&url).await;
    assert_eq!(std::fs::read(path).unwrap(), before);
}

async fn two_instances_may_start_together(store: &TestStore) {
    store.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    let mut starting = JoinSet::new();
    for _ in 0..3 {
        let url = store.database.url().to_owned();
        starting.spawn(async move { open(&url).await.map(drop).map_err(|error| chain(&error)) });
    }
    assert_eq!(starting.join_all().await, [Ok(()), Ok(()), Ok(())]);
}

/// As a primary is that has become a standby.
async fn a_read_only_server_is_a_passing_fault(store: &TestStore) {
    store.execute(READ_ONLY).await;
    store.cut_connections().await;
    for _ in 0..5 {
        let error = store.journal.append(&[about("order-1").into()]).await.unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    }
    assert!(store.health.beat(time(1)).await.is_err());
    assert_eq!(store.find("order-1").await, None, "but it can be read");
}

const READ_ONLY: &str = "DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
    END $$";
