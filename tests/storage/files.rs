//! An SQLite file that is removed, renamed or replaced while it is open takes nothing more, and says why.

use std::{fs, path::Path};

use receiptd::{
    domain::{PageLimit, TrailFilter},
    storage::{StorageError, Store},
};

use crate::{
    make::{about, id, time},
    store::{TestStore, open},
};

only!(
    sqlite in sqlite: files_that_are_not_there_any_more_take_nothing_more,
    what_the_log_held_is_in_the_database_after_a_restart,
    a_log_of_another_process_is_left_alone,
    a_long_idle_time_is_no_loss,
);

/// Refuses everything, with the reason.
async fn refuses_everything(store: &Store, reason: &str) {
    let limit = PageLimit::default();
    for (what, error) in [
        ("check", store.health.check_files().err()),
        ("beat", store.health.beat(time(1)).await.err()),
        ("append", store.journal.append(&[about("order-2").into()]).await.err()),
        ("find", store.messages.find(&id("order-1")).await.err()),
        ("list", store.messages.list(&receiptd::domain::Filter::default(), None, limit).await.err()),
        ("inbound", store.shelf.inbound(None, limit).await.err()),
        ("due", store.outbox.next_due().await.err()),
        ("feed", store.feed.end().await.err()),
        ("trail", store.deeds.trail(&TrailFilter::default(), None, limit).await.err()),
    ] {
        let error = error.unwrap_or_else(|| panic!("{what} went through"));
        assert!(matches!(error, StorageError::Lost(_)), "{what}: {error:?}");
        assert!(error.to_string().contains(reason), "{what}: {error}");
    }
}

/// A store on a file of its own beside that of `store`, with something in it.
async fn another(store: &TestStore, name: &str) -> (Store, String) {
    let url = store.database.url().replace("receiptd.db", name);
    let another = open(&url).await.unwrap();
    another.journal.append(&[about("order-1").into()]).await.unwrap();
    another.health.check_files().unwrap();
    (another, url.strip_prefix("sqlite://").unwrap().to_owned())
}

fn replace(path: &Path) {
    let new = path.with_extension("new");
    fs::copy(path, &new).unwrap();
    fs::rename(new, path).unwrap();
}

async fn files_that_are_not_there_any_more_take_nothing_more(store: &TestStore) {
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
            // Even if the file comes back: what was written meanwhile, nobody knows.
            fs::write(format!("{path}{part}"), "").unwrap();
            refuses_everything(&open, what).await;
        }
    }
}

async fn what_the_log_held_is_in_the_database_after_a_restart(store: &TestStore) {
    let (open_one, path) = another(store, "log.db").await;
    fs::remove_file(format!("{path}-wal")).unwrap();
    refuses_everything(&open_one, "restart receiptd").await;
    open_one.health.close().await;
    drop(open_one);
    let again = open(&format!("sqlite://{path}")).await.unwrap();
    assert!(again.messages.find(&id("order-1")).await.unwrap().is_some());
    again.journal.append(&[about("order-2").into()]).await.unwrap();
}

/// SQLite would delete it when it closes the last connection of this process.
async fn a_log_of_another_process_is_left_alone(store: &TestStore) {
    let (open, path) = another(store, "foreign.db").await;
    let log = format!("{path}-wal");
    replace(Path::new(&log));
    refuses_everything(&open, "replaced").await;
    open.health.close().await;
    assert!(fs::exists(log).unwrap());
}

/// The log stays the same however many connections come and go.
async fn a_long_idle_time_is_no_loss(store: &TestStore) {
    let (open_one, path) = another(store, "idle.db").await;
    for _ in 0..3 {
        // Whoever opens and closes beside it is never the last.
        open(&format!("sqlite://{path}")).await.unwrap().health.close().await;
        // A unit of work that is given up closes its connection.
        let arrivals = [about("order-2").into()];
        let begun = tokio::time::timeout(std::time::Duration::ZERO, open_one.journal.append(&arrivals));
        let _ = begun.await;
    }
    open_one.journal.append(&[about("order-3").into()]).await.unwrap();
    open_one.health.check_files().unwrap();
}
