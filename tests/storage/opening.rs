//! Which databases are opened, and which are refused.

use std::{error::Error, fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use harness::put;
use receiptd::storage::{self, Access, BackupError, OpenError, OpenOptions, Schema, StorageError, UrlError};
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;

use crate::{
    make::{about, id, time},
    next,
    store::{Database, OPTIONS, TestStore, open},
};

both!(
    opening_again_keeps_everything,
    a_newer_schema_is_refused,
    an_altered_schema_is_refused,
    only_migrating_changes_the_schema,
    a_store_that_is_opened_to_read_cannot_write,
    a_heartbeat_is_a_commit,
    without_a_commit_there_is_no_heartbeat,
);
only!(
    sqlite in files: a_missing_file_is_created,
    no_file_is_created_without_permission,
    a_database_in_memory_is_refused,
    a_file_that_is_not_a_database_is_refused,
    a_url_without_a_path_is_refused,
    parameters_that_weaken_the_database_are_refused,
    a_path_that_is_not_a_regular_file_is_refused,
    only_the_owner_can_read_the_files,
    the_file_of_another_program_is_refused_and_not_changed,
    a_file_without_an_application_id_gets_one,
    a_removed_log_is_detected,
    a_log_of_another_file_is_detected,
);
only!(postgres in servers: two_instances_may_start_together, a_read_only_server_is_a_temporary_error);

/// An error with all its causes, as in the log.
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
async fn an_error_does_not_reveal_the_password() {
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
        assert!(again.messages.find(&id("order-1")).await.unwrap().is_some());
    }
}

async fn a_newer_schema_is_refused(store: &TestStore) {
    next::open(store.database.url()).await.unwrap();
    let before = contents(store).await;
    for access in ALL {
        let error = refused_for(access, store.database.url()).await;
        let OpenError::Newer { found, known } = error else { panic!("{error:?}") };
        assert_eq!((found, known), (next::number(next::schema()), next::number(Schema::CURRENT)));
        assert!(error.to_string().contains("Run the newer version"), "{error}");
        let probed = storage::probe(store.database.url(), OpenOptions { access, ..OPTIONS }).await;
        assert!(matches!(probed, Err(OpenError::Newer { .. })), "{probed:?}");
    }
    assert_eq!(contents(store).await, before);
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

async fn a_missing_file_is_created(store: &TestStore) {
    let beside = store.database.url().replace("receiptd.db", "new & näme.db");
    open(&beside.replace(' ', "%20")).await.unwrap();
    let path = beside.strip_prefix("sqlite://").unwrap();
    assert!(std::fs::exists(path).unwrap());
    // A folder is not created: it is better to report a mistyped path.
    let error = refused(&store.database.url().replace("receiptd.db", "no-folder/receiptd.db")).await.to_string();
    assert!(error.contains("no-folder/receiptd.db") && error.contains("no-folder does not exist"), "{error}");
}

/// A command that only reads should report a mistyped path.
async fn no_file_is_created_without_permission(store: &TestStore) {
    let options = OpenOptions { access: Access::Migrate, ..OPTIONS };
    let beside = store.database.url().replace("receiptd.db", "elsewhere.db");
    assert!(matches!(storage::open(&beside, options).await, Err(OpenError::Absent(_))));
    assert!(!std::fs::exists(beside.strip_prefix("sqlite://").unwrap()).unwrap());
    storage::open(store.database.url(), options).await.unwrap();
}

async fn a_database_in_memory_is_refused(_: &TestStore) {
    for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://receipts?mode=memory"] {
        assert!(matches!(refused(url).await, OpenError::InMemory), "{url}");
    }
}

async fn a_file_that_is_not_a_database_is_refused(store: &TestStore) {
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

/// For example, a primary that has become a standby.
async fn a_read_only_server_is_a_temporary_error(store: &TestStore) {
    store.execute(READ_ONLY).await;
    store.cut_connections().await;
    for _ in 0..5 {
        let error = put(store, &[about("order-1").into()]).await.unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    }
    assert!(store.health.beat(time(1)).await.is_err());
    assert_eq!(store.find("order-1").await, None, "but it can be read");
}

const READ_ONLY: &str = "DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
    END $$";

/// The path and the URL of a file beside that of `store`.
fn beside(store: &TestStore, name: &str) -> (PathBuf, String) {
    let url = store.database.url().replace("receiptd.db", name);
    (url.strip_prefix("sqlite://").unwrap().into(), url)
}

async fn refused_for(access: Access, url: &str) -> OpenError {
    match storage::open(url, OpenOptions { access, ..OPTIONS }).await {
        Ok(_) => panic!("{url} was opened for {access:?}"),
        Err(error) => error,
    }
}

const ALL: [Access; 4] = [Access::Read, Access::Write, Access::Migrate, Access::Create];

async fn a_url_without_a_path_is_refused(_: &TestStore) {
    for url in ["sqlite:", "sqlite://", "sqlite:?mode=rwc", "sqlite://?mode=rw"] {
        for access in ALL {
            assert!(matches!(refused_for(access, url).await, OpenError::Url(UrlError::NoPath)), "{url}");
        }
    }
    let root = refused("sqlite:///").await.to_string();
    assert_eq!(root, "/ cannot be opened: it is a directory");
}

async fn parameters_that_weaken_the_database_are_refused(store: &TestStore) {
    let url = store.database.url();
    for parameter in ["immutable=1", "vfs=unix-none", "cache=shared", "mode=s3cret", "s3cret=s3cret&x=1"] {
        let error = refused(&format!("{url}?{parameter}")).await;
        assert!(matches!(error, OpenError::Parameter(_)), "{parameter}: {error:?}");
        assert!(!error.to_string().contains("=s3cret") && !error.to_string().contains("unix-none"), "{error}");
    }
    for parameter in ["mode=rwc", "mode=rw", "cache=private", "immutable=false"] {
        open(&format!("{url}?{parameter}")).await.unwrap();
    }
    let (reader, only_read) = (OpenOptions { access: Access::Read, ..OPTIONS }, format!("{url}?mode=ro"));
    storage::open(&only_read, reader).await.unwrap();
    for access in [Access::Write, Access::Migrate, Access::Create] {
        let error = refused_for(access, &only_read).await;
        assert!(matches!(error, OpenError::ReadOnly), "{error:?}");
        assert!(error.to_string().contains("remove mode=ro"), "{error}");
    }
}

async fn a_path_that_is_not_a_regular_file_is_refused(store: &TestStore) {
    let (pipe, pipe_url) = beside(store, "pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (folder, folder_url) = beside(store, "folder");
    fs::create_dir(&folder).unwrap();
    for (url, reason) in [
        (pipe_url.as_str(), "it is not a regular file"),
        ("sqlite:///dev/null", "it is not a regular file"),
        (&folder_url, "it is a directory"),
    ] {
        for access in ALL {
            let error = refused_for(access, url).await.to_string();
            assert!(error.ends_with(reason), "{error}");
        }
    }
    let error = refused(&format!("{}/below", store.database.url())).await.to_string();
    assert!(error.ends_with("receiptd.db is not a directory"), "{error}");
}

async fn only_the_owner_can_read_the_files(store: &TestStore) {
    let (link, link_url) = beside(store, "link.db");
    std::os::unix::fs::symlink(link.with_file_name("target.db"), &link).unwrap();
    let linked = open(&link_url).await.unwrap();
    for (name, open) in [("receiptd.db", &**store), ("target.db", &linked)] {
        put(open, &[about("order-1").into()]).await.unwrap();
        for part in ["", "-wal", "-shm"] {
            let mode = fs::metadata(beside(store, &format!("{name}{part}")).0).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}{part}");
        }
    }
}

async fn the_file_of_another_program_is_refused_and_not_changed(store: &TestStore) {
    for (name, made) in [
        ("tables.db", "CREATE TABLE users (name TEXT)"),
        ("view.db", "CREATE VIEW users AS SELECT 1"),
        ("marked.db", "PRAGMA application_id = 1; CREATE TABLE users (name TEXT)"),
        ("marked-empty.db", "PRAGMA application_id = 252006673"),
        (
            "with-sqlx.db",
            "CREATE TABLE _sqlx_migrations (version BIGINT, description TEXT, success BOOLEAN, checksum BLOB); \
             INSERT INTO _sqlx_migrations VALUES (1, 'users', TRUE, x'00')",
        ),
    ] {
        let (path, url) = beside(store, name);
        let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
        sqlx::raw_sql(made).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let before = fs::read(&path).unwrap();
        for access in ALL {
            let error = refused_for(access, &url).await;
            assert!(matches!(error, OpenError::Foreign), "{name}: {error:?}");
            let error = storage::probe(&url, OpenOptions { access, ..OPTIONS }).await;
            assert!(matches!(error, Err(OpenError::Foreign)), "{name}: {error:?}");
        }
        let copy = storage::backup(&url, &path.with_extension("copy")).await;
        assert!(matches!(copy, Err(BackupError::Open(OpenError::Foreign))), "{name}: {copy:?}");
        assert!(!path.with_extension("copy").exists(), "{name}");
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
        assert!(!path.with_extension("db-wal").exists(), "{name}");
    }
}

/// For example, it was made of the output of `.dump`.
async fn a_file_without_an_application_id_gets_one(store: &TestStore) {
    let mark = || store.texts("SELECT CAST(application_id AS TEXT) FROM pragma_application_id");
    assert_eq!(mark().await, [0x7263_7074.to_string()], "a new one is marked");
    store.execute("PRAGMA application_id = 0").await;
    let reader = OpenOptions { access: Access::Read, ..OPTIONS };
    storage::open(store.database.url(), reader).await.unwrap();
    assert_eq!(mark().await, ["0"]);
    store.reopened().await;
    assert_eq!(mark().await, [0x7263_7074.to_string()]);
}

/// SQLite would begin an empty log, and the contents of the removed one would be lost silently.
async fn a_removed_log_is_detected(store: &TestStore) {
    store.hear([about("order-1")]).await;
    let (log, _) = beside(store, "receiptd.db-wal");
    let kept = log.with_extension("kept");
    fs::rename(&log, &kept).unwrap();
    for access in ALL {
        let error = refused_for(access, store.database.url()).await;
        assert!(matches!(error, OpenError::LogRemoved { .. }), "{error:?}");
    }
    fs::rename(&kept, &log).unwrap();
    store.reopened().await;
}

/// SQLite would silently begin a new database, or mix the two.
async fn a_log_of_another_file_is_detected(store: &TestStore) {
    store.hear([about("order-1")]).await;
    let (damaged, url) = beside(store, "damaged.db");
    let (log, kept) = (beside(store, "receiptd.db-wal").0, damaged.with_extension("db-wal"));
    let backup = damaged.with_extension("backup");
    storage::backup(store.database.url(), &backup).await.unwrap();
    for contents in [vec![], vec![0; 8192], fs::read(backup).unwrap()] {
        fs::copy(&log, &kept).unwrap();
        fs::write(&damaged, &contents).unwrap();
        for access in ALL {
            let error = refused_for(access, &url).await.to_string();
            assert!(error.contains("was truncated or overwritten"), "{error}");
        }
        assert_eq!(fs::read(&kept).unwrap(), fs::read(&log).unwrap());
        assert_eq!(fs::read(&damaged).unwrap(), contents);
    }
}

/// The schema and the contents of a store.
async fn contents(store: &TestStore) -> Vec<String> {
    store
        .texts(match store.database {
            Database::Sqlite { .. } => "SELECT type || name || COALESCE(sql, '') FROM sqlite_schema ORDER BY 1",
            Database::Postgres { .. } => {
                "SELECT relkind::text || relname::text || COALESCE((SELECT string_agg(attname::text, ' ' ORDER BY attnum) \
                 FROM pg_attribute WHERE attrelid = pg_class.oid), '') \
                 FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
            }
        })
        .await
}

async fn only_migrating_changes_the_schema(store: &TestStore) {
    let (next, url) = (next::schema(), store.database.url());
    let before = contents(store).await;
    for access in [Access::Read, Access::Write] {
        let options = OpenOptions { access, ..OPTIONS };
        let Err(error) = next.open(url, options).await else { panic!("it was opened for {access:?}") };
        let OpenError::Older { found, known } = error else { panic!("{error:?}") };
        assert_eq!((found, known), (next::number(Schema::CURRENT), next::number(next)));
        assert!(error.to_string().contains("receiptd migrate"), "{error}");
        let probed = next.probe(url, options).await;
        assert!(matches!(probed, Err(OpenError::Older { .. })), "{probed:?}");
    }
    assert_eq!(contents(store).await, before);
    let migrating = OpenOptions { access: Access::Migrate, ..OPTIONS };
    assert!(next.probe(url, migrating).await.unwrap());
    assert_eq!(contents(store).await, before);
    next.open(url, migrating).await.unwrap();
    assert_ne!(contents(store).await, before);

    let url = match &store.database {
        Database::Sqlite { .. } => {
            let (path, url) = beside(store, "empty.db");
            fs::write(path, "").unwrap();
            url
        }
        Database::Postgres { url, .. } => {
            store.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
            url.clone()
        }
    };
    for access in [Access::Read, Access::Write] {
        let error = refused_for(access, &url).await;
        assert!(matches!(error, OpenError::Empty), "{error:?}");
    }
    storage::open(&url, migrating).await.unwrap();
}

async fn a_store_that_is_opened_to_read_cannot_write(store: &TestStore) {
    store.hear([about("order-1")]).await;
    let reader = OpenOptions { access: Access::Read, ..OPTIONS };
    let reader = storage::open(store.database.url(), reader).await.unwrap();
    assert!(reader.messages.find(&id("order-1")).await.unwrap().is_some());
    assert!(put(&reader, &[about("order-2").into()]).await.is_err());
    assert!(reader.health.beat(time(1)).await.is_err());
    assert_eq!(store.find("order-2").await, None);
    reader.health.close().await;
}
