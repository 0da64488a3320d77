//! On Postgres, an instance of the next version migrates the schema while one of the previous version writes.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    schemas::RULE_SINCE,
    store::{TestStore, open},
};

only!(postgres in postgres: writers_of_the_previous_version_continue_during_a_migration);

/// The time limit of every statement of an instance: requests are answered within it.
const ANSWER: Duration = Duration::from_secs(9);

/// How the version with that schema appends a notification.
const APPEND: [&str; 2] = [
    "INSERT INTO notifications (correlation_id, fingerprint, received_at, source, occurrences, uncorrelated, channel, event, \
         status_text, body) \
     VALUES ($1, decode(md5($1), 'hex'), 1000, 'notify', 1, 0, 'sms', 'delivered', 'Delivered', '\\x7b7d') \
     ON CONFLICT (correlation_id, fingerprint) DO UPDATE SET occurrences = notifications.occurrences + excluded.occurrences",
    "INSERT INTO messages (correlation_id, channel, status, precedence, status_at, is_final, created_at, updated_at) \
     VALUES ($1, 'sms', 'delivered', '\\x50' || decode(md5($1), 'hex'), 0, 1, 1000, 1000) \
     ON CONFLICT (correlation_id) DO UPDATE SET updated_at = excluded.updated_at",
];

async fn append(connection: &mut PgConnection, id: &str) {
    let mut unit = connection.begin().await.unwrap();
    for statement in APPEND {
        sqlx::query(statement).bind(id).execute(&mut *unit).await.unwrap();
    }
    unit.commit().await.unwrap();
}

/// Appends until it is stopped, and then returns the number of appended notifications.
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
            let mut connection = PgConnection::connect(&url).await.unwrap();
            for number in 0.. {
                if stopped.is_cancelled() {
                    break;
                }
                let id = format!("writer-{name}/{number}");
                timeout(ANSWER, append(&mut connection, &id)).await.unwrap();
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
    store.becomes(RULE_SINCE).await;
    store
        .execute(
            "INSERT INTO messages (correlation_id, channel, status, precedence, status_at, is_final, created_at, \
                 updated_at) SELECT 'before-' || n, 'sms', 'delivered', '\\x50', 0, 1, n, n FROM generate_series(1, 20000) n",
        )
        .await;
    let url = store.database.url().to_owned();
    let mut writers: Vec<_> = (0..3).map(|name| Writer::start(&url, name)).collect();
    for writer in &mut writers {
        writer.gets_on().await;
    }

    // A long transaction of another session, for which the migration must wait.
    let mut holder = PgConnection::connect(&url).await.unwrap();
    let mut long = holder.begin().await.unwrap();
    sqlx::query("UPDATE messages SET updated_at = 2000 WHERE correlation_id = 'before-1'")
        .execute(&mut *long)
        .await
        .unwrap();
    let opening = tokio::spawn(async move { open(&url).await });
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
    let counted = store.texts("SELECT SUM(count)::text FROM counters").await;
    assert_eq!(counted, [(20_000 + wrote).to_string()], "messages written during the migration are counted");
    upgraded.health.close().await;
}
