//! An SQLite file that is removed, renamed, replaced, truncated or overwritten while it is open stores nothing more,
//! and the error states the reason.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use harness::{eventually, put};
use receiptd::{
    domain::{Archived, Arrival, AuditFilter, PageLimit, Source, Unreadable},
    storage::{self, StorageError, Store},
};
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;

use crate::{
    make::{about, id, time},
    store::{TestStore, open},
};

only!(
    sqlite in sqlite: missing_files_store_nothing_more,
    files_changed_by_another_program_store_nothing_more,
    a_hole_in_a_long_log_is_detected,
    regular_use_by_other_processes_is_not_a_loss,
    the_contents_of_the_log_are_in_the_database_after_a_restart,
    a_log_of_another_process_is_not_changed,
    a_long_idle_time_is_not_a_loss,
    a_file_can_be_opened_while_others_close_it,
    a_long_log_is_merged_between_commits,
);

/// Checks that every method fails with the reason.
async fn refuses_everything(store: &Store, reason: &str) {
    let limit = PageLimit::default();
    for (what, error) in [
        ("check", store.health.check_files().err()),
        ("beat", store.health.beat(time(1)).await.err()),
        ("append", put(store, &[about("order-2").into()]).await.err()),
        ("find", store.messages.find(&id("order-1")).await.err()),
        ("list", store.messages.list(&receiptd::domain::Filter::default(), None, limit).await.err()),
        ("inbound", store.inbound.list(None, limit).await.err()),
        ("due", store.outbox.next_due().await.err()),
        ("feed", store.status_events.end().await.err()),
        ("audit_log", store.audit_log.list(&AuditFilter::default(), None, limit).await.err()),
    ] {
        let error = error.unwrap_or_else(|| panic!("{what} went through"));
        assert!(matches!(error, StorageError::Lost(_)), "{what}: {error:?}");
        assert!(error.to_string().contains(reason), "{what}: {error}");
    }
}

/// A store on its own file beside that of `store`, with some data.
async fn another(store: &TestStore, name: &str) -> (Store, String) {
    let url = store.database.url().replace("receiptd.db", name);
    let another = open(&url).await.unwrap();
    put(&another, &[about("order-1").into()]).await.unwrap();
    another.health.check_files().unwrap();
    (another, url.strip_prefix("sqlite://").unwrap().to_owned())
}

fn replace(path: &Path) {
    let new = path.with_extension("new");
    fs::copy(path, &new).unwrap();
    fs::rename(new, path).unwrap();
}

async fn missing_files_store_nothing_more(store: &TestStore) {
    for (part, file) in [("", "the database file"), ("-wal", "(-wal)"), ("-shm", "(-shm)")] {
        type Loss = fn(&Path);
        let losses: [(&str, Loss); 3] = [
            ("removed or renamed", |path| fs::remove_file(path).unwrap()),
            ("removed or renamed", |path| fs::rename(path, path.with_extension("elsewhere")).unwrap()),
            ("replaced", replace),
        ];
        for (number, (what, lose)) in losses.into_iter().enumerate() {
            let (open, path) = another(store, &format!("lost{number}{part}.db")).await;
            lose(Path::new(&format!("{path}{part}")));
            refuses_everything(&open, file).await;
            refuses_everything(&open, what).await;
            // Even if the file returns: it is not known what was written meanwhile.
            fs::write(format!("{path}{part}"), "").unwrap();
            refuses_everything(&open, what).await;
        }
    }
}

/// In place, so that the inode stays the same.
async fn files_changed_by_another_program_store_nothing_more(store: &TestStore) {
    type Loss = fn(&Path);
    let losses: [(&str, &str, &str, Loss); 10] = [
        ("", "the database file", "truncated", |path| cut(path, 0)),
        ("", "the database file", "truncated", |path| cut(path, fs::metadata(path).unwrap().len() / 2)),
        ("", "the database file", "truncated", |path| cut(path, fs::metadata(path).unwrap().len() - 1)),
        ("", "the database file", "overwritten", zero),
        ("", "the database file", "overwritten", |path| overwrite(path, "foreign.db")),
        ("", "the database file", "overwritten", |path| overwrite(path, "backup.db")),
        ("-wal", "(-wal)", "truncated", |path| cut(path, 0)),
        ("-wal", "(-wal)", "truncated", |path| cut(path, 100)),
        ("-wal", "(-wal)", "overwritten", zero),
        ("-shm", "(-shm)", "truncated", |path| cut(path, 0)),
    ];
    let beside = |name: &str| store.database.url().replace("receiptd.db", name);
    let path_of = |name: &str| beside(name).strip_prefix("sqlite://").unwrap().to_owned();
    // As large as ours, so that its length does not reveal it.
    let mut foreign = SqliteConnection::connect(&format!("{}?mode=rwc", beside("foreign.db"))).await.unwrap();
    let made = "PRAGMA journal_mode = WAL; CREATE TABLE users AS SELECT zeroblob(1000000) AS name";
    sqlx::raw_sql(made).execute(&mut foreign).await.unwrap();
    foreign.close().await.unwrap();
    storage::backup(store.database.url(), Path::new(&path_of("backup.db"))).await.unwrap();
    for (number, (part, file, what, lose)) in losses.into_iter().enumerate() {
        let (open, path) = another(store, &format!("lost{number}.db")).await;
        lose(Path::new(&format!("{path}{part}")));
        refuses_everything(&open, file).await;
        refuses_everything(&open, what).await;
        // The shutdown does no further harm.
        let contents = || ["", "-wal"].map(|part| fs::read(format!("{path}{part}")).unwrap());
        let before = contents();
        open.health.close().await;
        drop(open);
        assert!(contents() == before, "{number}");
    }
}

/// As if it happened in the middle of a commit.
async fn a_hole_in_a_long_log_is_detected(store: &TestStore) {
    let (open, path) = another(store, "hole.db").await;
    let log = format!("{path}-wal");
    let length = fs::metadata(&log).unwrap().len();
    cut(Path::new(&log), 100);
    cut(Path::new(&log), length);
    refuses_everything(&open, "(-wal) was truncated").await;
    open.health.close().await;
}

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

fn zero(path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    cut(path, 0);
    cut(path, length);
}

fn overwrite(path: &Path, by: &str) {
    fs::copy(path.with_file_name(by), path).unwrap();
}

/// Other processes may read, write, checkpoint, shorten the file and copy it, whatever this process does meanwhile.
async fn regular_use_by_other_processes_is_not_a_loss(store: &TestStore) {
    let url = store.database.url();
    let path = url.strip_prefix("sqlite://").unwrap();
    let connect = async || SqliteConnection::connect(url).await.unwrap();
    let (mut writer, mut reader) = (connect().await, connect().await);
    let grow = "CREATE TABLE filler AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) \
                SELECT i, randomblob(2000) AS bytes FROM n";
    for round in 0..12 {
        let others = async {
            sqlx::raw_sql(grow).execute(&mut writer).await.unwrap();
            // Prevents a part of the log from being merged into the file.
            sqlx::raw_sql("BEGIN; SELECT COUNT(*) FROM filler").execute(&mut reader).await.unwrap();
            for statement in [
                "UPDATE filler SET bytes = randomblob(3000) WHERE i % 2 = 0",
                "PRAGMA wal_checkpoint(PASSIVE)",
                "INSERT INTO filler SELECT i, randomblob(3000) FROM filler",
                "PRAGMA wal_checkpoint(PASSIVE)",
            ] {
                sqlx::raw_sql(statement).execute(&mut writer).await.unwrap();
            }
            sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
            for mode in ["FULL", "RESTART", "TRUNCATE"] {
                let statement = sqlx::AssertSqlSafe(format!("PRAGMA wal_checkpoint({mode})"));
                sqlx::raw_sql(statement).execute(&mut writer).await.unwrap();
            }
            sqlx::raw_sql("DROP TABLE filler; VACUUM; PRAGMA wal_checkpoint").execute(&mut writer).await.unwrap();
            let copy = format!("{path}.copy");
            storage::backup(url, Path::new(&copy)).await.unwrap();
            fs::remove_file(copy).unwrap();
            store.reopened().await.health.close().await;
        };
        let ours = async {
            for n in 0..60 {
                store.hear([about(&format!("order-{round}-{n}"))]).await;
                assert!(store.find(&format!("order-{round}-{n}")).await.is_some());
                store.health.check_files().unwrap();
            }
        };
        tokio::join!(others, ours);
    }
    store.health.check_files().unwrap();
    for connection in [writer, reader] {
        connection.close().await.unwrap();
    }
}

async fn the_contents_of_the_log_are_in_the_database_after_a_restart(store: &TestStore) {
    let (open_one, path) = another(store, "log.db").await;
    fs::remove_file(format!("{path}-wal")).unwrap();
    refuses_everything(&open_one, "restart receiptd").await;
    open_one.health.close().await;
    drop(open_one);
    let again = open(&format!("sqlite://{path}")).await.unwrap();
    assert!(again.messages.find(&id("order-1")).await.unwrap().is_some());
    put(&again, &[about("order-2").into()]).await.unwrap();
}

/// SQLite would delete it when it closes the last connection of this process.
async fn a_log_of_another_process_is_not_changed(store: &TestStore) {
    let (open, path) = another(store, "foreign.db").await;
    let log = format!("{path}-wal");
    replace(Path::new(&log));
    refuses_everything(&open, "replaced").await;
    open.health.close().await;
    assert!(fs::exists(log).unwrap());
}

/// The log stays the same however many connections are opened and closed.
async fn a_long_idle_time_is_not_a_loss(store: &TestStore) {
    let (open_one, path) = another(store, "idle.db").await;
    for _ in 0..3 {
        // A process that opens and closes the file meanwhile never has the last connection.
        open(&format!("sqlite://{path}")).await.unwrap().health.close().await;
        // A cancelled unit of work closes its connection.
        let arrivals = [about("order-2").into()];
        let begun = tokio::time::timeout(std::time::Duration::ZERO, put(&open_one, &arrivals));
        let _ = begun.await;
    }
    put(&open_one, &[about("order-3").into()]).await.unwrap();
    open_one.health.check_files().unwrap();
}

/// SQLite removes the log and its index when the last connection is closed.
async fn a_file_can_be_opened_while_others_close_it(_: &TestStore) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/receiptd.db", folder.path().display());
    open(&url).await.unwrap().health.close().await;
    let mut others = JoinSet::new();
    for _ in 0..3 {
        let url = url.clone();
        others.spawn(async move {
            for _ in 0..60 {
                open(&url).await.unwrap().health.close().await;
            }
        });
    }
    others.join_all().await;
}

/// Each commit is far from long enough to merge the log itself.
async fn a_long_log_is_merged_between_commits(store: &TestStore) {
    let large = |number: u8| {
        let why = Unreadable("it is too large".to_owned());
        Arrival::Quarantined(Archived::first_arrival(why, vec![number; 1 << 20], Source::Notify, time(1)))
    };
    for number in 0..40 {
        store.journal.append(&[large(number)], "UTC").await.unwrap();
    }
    let file = store.database.url().strip_prefix("sqlite://").unwrap().to_owned();
    eventually("the pages of the log are in the file", async || {
        store.journal.append(&[about("order-1").into()], "UTC").await.unwrap();
        (fs::metadata(&file).unwrap().len() > 30 << 20).then_some(())
    })
    .await;
}
