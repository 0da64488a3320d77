//! The next version migrates a store: while others use it, after an error, and after it was stopped.

use std::time::Duration;

use harness::put;
use receiptd::{
    domain::Event,
    storage::{Access, Migration, OpenError, OpenOptions, Store},
};
use sqlx::{Connection, PgConnection};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    chain::verify,
    make::{about, about_transaction, enqueue, id, submission},
    next,
    store::{Database, OPTIONS, TestStore, open},
};

both!(
    the_previous_version_continues_after_a_migration,
    a_migration_that_failed_is_resumed,
    a_migration_that_was_stopped_is_resumed,
    instances_that_start_together_migrate_once,
);
only!(postgres in postgres_alone: writers_of_the_previous_version_continue_during_a_migration);

/// The time limit of every statement of an instance: requests are answered within it.
const ANSWER: Duration = Duration::from_secs(9);

async fn assert_sound(store: &Store) {
    assert_eq!(verify(store, None).await.finding, None);
}

async fn the_previous_version_continues_after_a_migration(store: &TestStore) {
    store.hear([about("order-1"), about_transaction("t-2").says(Event::Submitted)]).await;
    let upgraded = next::open(store.database.url()).await.unwrap();
    assert_eq!(store.migrated_messages().await, 2);
    store.hear([about("order-1").at(9), about("order-2").of("t-2")]).await;
    enqueue(store, &submission("sent-1"), 100).await;
    put(&upgraded, &[about("order-3").into(), about("sent-1").into()]).await.unwrap();
    for instance in [store, &upgraded] {
        for (name, notifications) in [("order-1", 2), ("order-2", 2), ("order-3", 1), ("sent-1", 1)] {
            let message = instance.messages.find(&id(name)).await.unwrap().unwrap();
            assert_eq!(message.notification_count, notifications, "{name}");
        }
        assert_sound(instance).await;
    }
}

/// Cannot be run while there is a table `obstacle`. The statements before it must not remain then.
const NOTES: Migration = Migration {
    name: "notes",
    sqlite: "CREATE TABLE notes (correlation_id TEXT NOT NULL PRIMARY KEY); \
             INSERT INTO notes SELECT correlation_id FROM messages; \
             CREATE TABLE obstacle (at BIGINT);",
    postgres: "CREATE TABLE notes (correlation_id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY); \
               INSERT INTO notes SELECT correlation_id FROM messages; \
               CREATE TABLE obstacle (at BIGINT);",
};

async fn a_migration_that_failed_is_resumed(store: &TestStore) {
    store.hear([about("order-1")]).await;
    store.execute("CREATE TABLE obstacle (at BIGINT)").await;
    let (schema, url) = (next::schema_with(&[next::CAMPAIGNS, NOTES]), store.database.url());
    let wanted = next::number(schema);
    // All migrations are one transaction on SQLite, and each of them is one on Postgres.
    let missing = match store.database {
        Database::Sqlite { .. } => 2,
        Database::Postgres { .. } => 1,
    };
    for _ in 0..2 {
        let Err(OpenError::Migrate(reason)) = schema.open(url, OPTIONS).await else { panic!("it was migrated") };
        let reason = reason.to_string();
        assert!(reason.starts_with(&format!("migration {wanted}: ")) && reason.contains("obstacle"), "{reason}");
        let Err(error) = schema.open(url, OpenOptions { access: Access::Read, ..OPTIONS }).await else {
            panic!("it was opened")
        };
        let OpenError::Older { found, known } = error else { panic!("{error:?}") };
        assert_eq!((wanted - found, known), (missing, wanted));
        store.execute("CREATE TABLE notes (at BIGINT); DROP TABLE notes").await;
    }
    // Instances of the previous version continue.
    store.hear([about("order-2")]).await;
    store.execute("DROP TABLE obstacle").await;
    let upgraded = schema.open(url, OPTIONS).await.unwrap();
    assert_eq!(store.texts("SELECT correlation_id FROM notes ORDER BY 1").await, ["order-1", "order-2"]);
    assert_eq!(i64::try_from(store.migrated_messages().await).unwrap(), missing);
    assert_sound(&upgraded).await;
}

/// For example, the program was killed: its connections end.
async fn a_migration_that_was_stopped_is_resumed(store: &TestStore) {
    store.hear((0..5_000).map(|n| about(&format!("order-{n}")))).await;
    let mut patience = Duration::from_millis(1);
    let upgraded = loop {
        match timeout(patience, next::open(store.database.url())).await {
            Ok(opened) => break opened.unwrap(),
            Err(_) => patience *= 2,
        }
    };
    assert!(patience > Duration::from_millis(1), "it was never stopped");
    assert_eq!(store.migrated_messages().await, 5_000);
    assert_sound(&upgraded).await;
}

async fn instances_that_start_together_migrate_once(store: &TestStore) {
    store.hear((0..500).map(|n| about(&format!("order-{n}")))).await;
    let mut starting = JoinSet::new();
    for _ in 0..3 {
        let url = store.database.url().to_owned();
        starting.spawn(async move { next::open(&url).await });
    }
    let instances: Vec<_> = starting.join_all().await.into_iter().map(Result::unwrap).collect();
    assert_eq!(store.migrated_messages().await, 500);
    for instance in &instances {
        assert_sound(instance).await;
    }
}

/// An instance of the previous version. It appends until it is stopped, and then returns the number of notifications.
struct Writer {
    wrote: watch::Receiver<usize>,
    stop: CancellationToken,
    work: JoinHandle<()>,
}

impl Writer {
    fn start(url: &str, name: usize) -> Self {
        let (url, (progress, wrote)) = (url.to_owned(), watch::channel(0));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let work = tokio::spawn(async move {
            let instance = open(&url).await.unwrap();
            for number in 0.. {
                if stopped.is_cancelled() {
                    break;
                }
                let heard = [about(&format!("writer-{name}/{number}")).into()];
                timeout(ANSWER, put(&instance, &heard)).await.unwrap().unwrap();
                progress.send_modify(|wrote| *wrote += 1);
            }
        });
        Self { wrote, stop, work }
    }

    /// Waits until it has made progress.
    async fn gets_on(&mut self) {
        let now = *self.wrote.borrow();
        self.wrote.wait_for(|wrote| *wrote >= now + 3).await.unwrap();
    }

    async fn stops(self) -> usize {
        self.stop.cancel();
        self.work.await.unwrap();
        *self.wrote.borrow()
    }
}

/// Waits until a session waits for a table.
async fn a_session_waits(store: &TestStore) {
    let waiting = "SELECT relation::regclass::text FROM pg_locks JOIN pg_database d ON d.oid = database \
                   WHERE NOT granted AND locktype = 'relation' AND datname = current_database()";
    while store.texts(waiting).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn writers_of_the_previous_version_continue_during_a_migration(store: &TestStore) {
    store.hear((0..5_000).map(|n| about(&format!("before-{n}")))).await;
    let url = store.database.url().to_owned();
    let mut writers: Vec<_> = (0..3).map(|name| Writer::start(&url, name)).collect();
    for writer in &mut writers {
        writer.gets_on().await;
    }

    // A long transaction of another session, for which the migration must wait.
    let mut holder = PgConnection::connect(&url).await.unwrap();
    let mut long = holder.begin().await.unwrap();
    sqlx::query("UPDATE messages SET updated_at = updated_at WHERE correlation_id = 'before-1'")
        .execute(&mut *long)
        .await
        .unwrap();
    let opening = tokio::spawn(async move { next::open(&url).await });
    a_session_waits(store).await;
    for writer in &mut writers {
        writer.gets_on().await;
    }
    long.commit().await.unwrap();
    let upgraded = opening.await.unwrap().unwrap();
    for writer in &mut writers {
        writer.gets_on().await;
    }

    let mut wrote = 0;
    for writer in writers {
        wrote += writer.stops().await;
    }
    let count = |table: &str| format!("SELECT COUNT(*)::text FROM {table} WHERE correlation_id LIKE 'writer-%'");
    for table in ["messages", "notifications"] {
        assert_eq!(store.texts(&count(table)).await, [wrote.to_string()], "{table}");
    }
    assert!(store.migrated_messages().await >= 5_000);
    assert_sound(&upgraded).await;
    upgraded.health.close().await;
}
