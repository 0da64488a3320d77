//! The settings with which a commit survives a power failure, as the writing sessions see them: a trigger records them.

use harness::{eventually, put};
use receiptd::{
    domain::{Archived, Arrival, Source, Unreadable},
    storage::OpenError,
};
use sqlx::{Connection, SqliteConnection};

use crate::{
    make::{about, time},
    store::{Database, TestStore, open},
};

only!(sqlite in sqlite: every_commit_is_synced, the_log_shrinks_after_a_long_read);
only!(postgres in postgres: a_weaker_default_does_not_weaken_durability, a_server_that_loses_commits_is_refused);

async fn every_commit_is_synced(store: &TestStore) {
    store
        .execute(
            "CREATE TABLE seen (setting TEXT NOT NULL); \
             CREATE TRIGGER see_beat AFTER INSERT ON heartbeat BEGIN \
                 INSERT INTO seen SELECT 'synchronous ' || synchronous FROM pragma_synchronous; END; \
             CREATE TRIGGER see_append AFTER INSERT ON notifications BEGIN \
                 INSERT INTO seen SELECT 'synchronous ' || synchronous FROM pragma_synchronous; END;",
        )
        .await;
    let reopened = store.reopened().await;
    for writer in [&**store, &reopened] {
        writer.health.beat(time(1)).await.unwrap();
    }
    store.hear([about("order-1")]).await;
    // 2 is FULL.
    assert_eq!(store.texts("SELECT DISTINCT setting FROM seen").await, ["synchronous 2"]);
    assert_eq!(store.texts("SELECT setting FROM seen").await.len(), 2);
    assert_eq!(store.texts("PRAGMA journal_mode").await, ["wal"]);
}

/// While another process reads, the log cannot restart.
async fn the_log_shrinks_after_a_long_read(store: &TestStore) {
    const MIB: u64 = 1 << 20;
    let log = format!("{}-wal", store.database.url().strip_prefix("sqlite://").unwrap());
    let size = || std::fs::metadata(&log).unwrap().len();
    let large = |n: usize| {
        let body = vec![b'x'; 1 << 20];
        Arrival::Quarantined(Archived::first_arrival(
            Unreadable(format!("large {n}")),
            [body, n.to_string().into()].concat(),
            Source::Notify,
            time(1),
        ))
    };
    let mut reader = SqliteConnection::connect(store.database.url()).await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT * FROM messages").fetch_all(&mut *reading).await.unwrap();
    for n in 0..40 {
        store.hear([large(n)]).await;
    }
    assert!(size() > 36 * MIB, "{}", size());
    reading.rollback().await.unwrap();
    eventually("the log is merged, and a commit begins it anew", async || {
        store.hear([about("order-1")]).await;
        (size() <= 32 * MIB).then_some(())
    })
    .await;
}

const SEE: &str = "
    CREATE TABLE seen (setting text NOT NULL);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen VALUES ('synchronous_commit ' || current_setting('synchronous_commit'));
        RETURN new;
    END $$;
    CREATE TRIGGER see_beat AFTER INSERT OR UPDATE ON heartbeat FOR EACH ROW EXECUTE FUNCTION see();
    CREATE TRIGGER see_append AFTER INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION see();";

const WEAKEN: &str = "DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET synchronous_commit = off', current_database());
    END $$";

async fn a_weaker_default_does_not_weaken_durability(store: &TestStore) {
    store.execute(SEE).await;
    store.execute(WEAKEN).await;
    assert_eq!(store.texts("SELECT current_setting('synchronous_commit')").await, ["off"], "for everybody else");
    let Database::Postgres { url, .. } = &store.database else { panic!("a test of Postgres") };
    let separator = if url.contains('?') { '&' } else { '?' };
    for url in [url.clone(), format!("{url}{separator}options=-c%20synchronous_commit%3Doff")] {
        let reopened = open(&url).await.unwrap();
        put(&reopened, &[about(&crate::make::fresh()).into()]).await.unwrap();
        reopened.health.beat(time(1)).await.unwrap();
    }
    let seen = store.texts("SELECT setting FROM seen").await;
    assert_eq!(seen, ["synchronous_commit on"; 4]);
}

/// These two settings apply to a whole server, which other tests use too. So a function replaces them here.
async fn a_server_that_loses_commits_is_refused(store: &TestStore) {
    store
        .execute(
            "CREATE SCHEMA stand_in;
             CREATE TABLE stand_in.off (name text);
             CREATE FUNCTION stand_in.current_setting(wanted text) RETURNS text LANGUAGE sql AS $$
                 SELECT CASE WHEN wanted IN (SELECT name FROM stand_in.off) THEN 'off'
                 ELSE pg_catalog.current_setting(wanted) END $$;
             DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = stand_in, pg_catalog, public',
                 current_database()); END $$",
        )
        .await;
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        let statement = match name {
            "fsync" => "INSERT INTO stand_in.off VALUES ('fsync')",
            "full_page_writes" => "UPDATE stand_in.off SET name = 'full_page_writes'",
            _ => "UPDATE stand_in.off SET name = 'synchronous_commit'",
        };
        store.execute(statement).await;
        let Err(error) = open(store.database.url()).await else { panic!("opened without {name}") };
        let OpenError::NotDurable { setting, value } = &error else { panic!("{error:?}") };
        assert_eq!((*setting, value.as_str()), (name, "off"));
        assert!(error.to_string().contains(name));
    }
}
