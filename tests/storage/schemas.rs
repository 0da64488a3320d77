//! A store with the schema of any version continues to work, with the same answers.
//!
//! `tests/storage/schemas` contains the same messages as each version wrote them, as statements of SQLite. A test
//! writes the file of a new schema if it is missing. Once a schema is released, its file is never changed.

use std::{collections::BTreeSet, fs, path::PathBuf};

use harness::{notifications_of, put};
use receiptd::{
    domain::{
        Actor, Archived, Arrival, Channel, Dimension, Dispatch, Event, Failure, Inbound, PageLimit, Source,
        StatsRequest, Unreadable,
    },
    storage::{Migration, Schema, Settlement, Store},
};
use serde_json::json;

use crate::{
    chain::verify,
    make::{about, about_transaction, claimed, enqueue, id, number, settle, submission, submission_with, time},
    next,
    store::{Database, OPTIONS, TestStore},
};

both!(
    a_store_of_every_schema_gives_the_same_answers,
    a_migration_keeps_everything_of_the_previous_version,
    a_migration_that_breaks_the_previous_version_is_detected,
);
only!(sqlite in sqlite_alone: the_current_schema_has_a_fixture);

fn kept(schema: Schema) -> PathBuf {
    let number = next::number(schema);
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/storage/schemas/{number:04}.sql"))
}

/// The schemas that led to this one, in order, and this one.
fn steps_to(schema: Schema) -> impl Iterator<Item = Schema> {
    (1..=schema.migrations().len()).map(move |steps| Schema::of(&schema.migrations()[..steps]))
}

impl TestStore {
    /// Creates the database again, as the version with this schema did. The open store is of no use meanwhile.
    async fn becomes(&self, schema: Schema) {
        match &self.database {
            // The file stays, since it is open.
            Database::Sqlite { .. } => {
                for kind in ["trigger", "table"] {
                    let drops =
                        "SELECT 'DROP ' || type || ' ' || name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'";
                    let drops = self.texts(&format!("{drops} AND type = '{kind}'")).await;
                    self.execute(drops.join("; ")).await;
                }
            }
            Database::Postgres { .. } => self.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await,
        }
        schema.open(self.database.url(), OPTIONS).await.unwrap().health.close().await;
    }

    /// Inserts the data that the program with that schema had written.
    async fn is_filled(&self, schema: Schema) {
        let statements = fs::read_to_string(kept(schema)).unwrap();
        self.execute(match self.database {
            Database::Sqlite { .. } => statements,
            // The fixture contains the ids of the blocks.
            Database::Postgres { .. } => {
                statements.replace("X'", "'\\x") + "; SELECT setval('notification_blocks_id_seq', 1000)"
            }
        })
        .await;
    }
}

/// Messages in every state that a store can contain.
async fn fill(store: &TestStore) {
    store.hear([about("heard-1").of("t-1").says(Event::Submitted).at(10).to("447700900123").received(1_000)]).await;
    store.hear([about("heard-1").of("t-1").says(Event::Read).at(30).to("447700900123").received(2_000)]).await;
    store.hear([about("heard-1").of("t-1").says(Event::Delivered).at(20).to("447700900123").received(3_000)]).await;
    store.hear([about("heard-1").of("t-1").says(Event::Delivered).at(20).to("447700900123").received(4_000)]).await;
    let failed = about("heard-2").says(Event::Failed(Failure::Permanent)).at(5).to("447700900124");
    let failed = failed.with(|notification| {
        notification.code = Some("7203".to_owned());
        notification.reason = Some("Unknown Subscriber address".to_owned());
        notification.callback_data = Some("shop 7; it's here".to_owned());
        notification.segments = Some(2);
    });
    store.hear([failed]).await;
    store.hear([about("heard-2").on(Channel::Email).says(Event::Unknown).at(6).to("ann@example.com")]).await;
    // One notification that another message will own, and one without an owner.
    store.hear([about_transaction("t-3").says(Event::Delivered).at(40)]).await;
    store.hear([about("heard-3").of("t-3").says(Event::Submitted).at(35)]).await;
    store.hear([about_transaction("t-4").on(Channel::Voice).says(Event::Progress)]).await;
    let inbound = Inbound {
        channel: Some(Channel::Sms),
        event: "MO".to_owned(),
        sender: Some(number("447700900125")),
        transaction_id: Some("t-5".to_owned()),
    };
    store
        .hear([Arrival::Inbound(Archived::first_arrival(
            inbound,
            b"{\"message\":\"Hi\"}".into(),
            Source::Notify,
            time(50),
        ))])
        .await;
    let unreadable = Unreadable("the body is not UTF-8".to_owned());
    store
        .hear([Arrival::Quarantined(Archived::first_arrival(unreadable, b"\xff\0".into(), Source::Notify, time(51)))])
        .await;
    // Sent messages, one in each state.
    for (name, dispatch) in [
        ("sent-accepted", Dispatch::Accepted),
        ("sent-rejected", Dispatch::Rejected),
        ("sent-unconfirmed", Dispatch::Unconfirmed),
        ("sent-delivered", Dispatch::Accepted),
    ] {
        enqueue(store, &submission(name), 100).await;
        let claim = claimed(store, 110).await.pop().unwrap();
        let mut settlement = Settlement::new(dispatch, time(120));
        settlement.failure = (dispatch == Dispatch::Rejected).then_some(Failure::Permanent);
        settle(store, &claim, &settlement).await;
    }
    store.hear([about("sent-delivered").says(Event::Delivered).at(130)]).await;
    enqueue(store, &submission("sent-sending"), 140).await;
    assert_eq!(claimed(store, 150).await.len(), 1);
    for (name, due) in [("sent-cancelled", 200), ("sent-queued", 210), ("sent-later", 9_000_000)] {
        enqueue(store, &submission_with(&json!({"correlationId": name, "callbackData": "late"})), due).await;
    }
    store.outbox.cancel(&id("sent-cancelled"), time(220), &Actor::server()).await.unwrap();
}

/// All answers of the store, one per line.
async fn answers(store: &Store) -> Vec<String> {
    let (limit, mut lines) = (PageLimit::new(PageLimit::MAX).unwrap(), Vec::new());
    for message in store.messages.list(&receiptd::domain::Filter::default(), None, limit).await.unwrap().items {
        let mut notifications = notifications_of(store, &message.correlation_id).await.unwrap();
        notifications.sort_unstable_by_key(|recorded| recorded.fingerprint);
        let steps = store.messages.dispatch_events(&message.correlation_id).await.unwrap();
        lines.push(format!("{message:?} {notifications:?} {steps:?}"));
    }
    let by = vec![Dimension::Channel, Dimension::Status, Dimension::Code, Dimension::Hour];
    let mut counts = store.messages.stats(&StatsRequest { by, ..StatsRequest::default() }).await.unwrap();
    counts.sort_unstable_by_key(|stats| format!("{stats:?}"));
    lines.push(format!("{counts:?}"));
    lines.push(format!("{:?}", store.inbound.list(None, limit).await.unwrap().items));
    lines.push(format!("{:?}", store.quarantine.list(None, limit).await.unwrap().items));
    lines.push(format!("{:?}", store.outbox.next_due().await.unwrap()));
    lines
}

/// Actions after the upgrade: repetitions, new notifications, and further dispatch.
async fn goes_on(store: &Store) {
    let again = about("heard-1").of("t-1").says(Event::Read).at(30).to("447700900123").received(9_000);
    let late = about("heard-4").of("t-4").on(Channel::Voice).says(Event::Delivered).at(60);
    let settled = about("sent-unconfirmed").says(Event::Submitted).at(300);
    put(store, &[again.into(), late.into(), settled.into()]).await.unwrap();
    let claims = store.outbox.claim(&Channel::Sms, 9, time(1_000), time(2_000)).await.unwrap();
    let names: Vec<_> = claims.iter().map(|claim| claim.submission.correlation_id.as_str()).collect();
    assert_eq!(names, ["sent-queued"]);
    store.outbox.settle(&[(claims[0].clone(), Settlement::new(Dispatch::Accepted, time(1_100)))]).await.unwrap();
    store.outbox.expire_leases(time(5_000), false).await.unwrap();
}

async fn a_store_of_every_schema_gives_the_same_answers(store: &TestStore) {
    fill(store).await;
    let before = answers(store).await;
    goes_on(store).await;
    let after = answers(store).await;
    assert!(before.len() > 15 && before != after);
    for schema in steps_to(Schema::CURRENT) {
        for later in [Schema::CURRENT, next::schema()] {
            let step = format!("from schema {} to {}", next::number(schema), next::number(later));
            store.becomes(schema).await;
            store.is_filled(schema).await;
            let messages = store.texts("SELECT correlation_id FROM messages").await.len();
            let upgraded = later.open(store.database.url(), OPTIONS).await.unwrap();
            // On SQLite, the first commit counts the messages that the statements have inserted.
            upgraded.health.beat(time(1)).await.unwrap();
            assert_eq!(answers(&upgraded).await, before, "{step}");
            if next::number(later) > next::number(Schema::CURRENT) {
                assert_eq!(store.migrated_messages().await, messages);
            }
            goes_on(&upgraded).await;
            assert_eq!(answers(&upgraded).await, after, "{step}, afterwards");
            assert_eq!(verify(&upgraded, None).await.finding, None, "{step}");
            upgraded.health.close().await;
        }
    }
}

/// Columns with their types, and unique keys, each after the name of its table: all of them, and those that a writer
/// must know.
async fn structure(store: &TestStore) -> [BTreeSet<String>; 2] {
    let (columns, needed, keys) = match store.database {
        Database::Sqlite { .. } => (
            "SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table'",
            "SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND c.\"notnull\" AND c.dflt_value IS NULL",
            "SELECT m.name || '. (' || (SELECT group_concat(name, ', ') FROM pragma_index_info(i.name)) || ')' \
             FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table' AND i.\"unique\"",
        ),
        Database::Postgres { .. } => (
            "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns \
             WHERE table_schema = 'public'",
            "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns \
             WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL",
            "SELECT tablename || '. ' || substring(indexdef FROM '\\(.*') FROM pg_indexes \
             WHERE schemaname = 'public' AND indexdef LIKE 'CREATE UNIQUE%'",
        ),
    };
    let (columns, needed, keys) = (store.texts(columns).await, store.texts(needed).await, store.texts(keys).await);
    [columns, needed].map(|columns| columns.into_iter().chain(keys.clone()).collect())
}

/// What the migrations from `before` to `after` take away from the previous version, and what they ask of it. While
/// instances are replaced one by one, both versions write at the same time.
async fn broken_by(store: &TestStore, before: Schema, after: Schema) -> Vec<String> {
    store.becomes(before).await;
    let [had, needed] = structure(store).await;
    after.open(store.database.url(), OPTIONS).await.unwrap().health.close().await;
    let [has, needs] = structure(store).await;
    let table = |of: &str| of.split('.').next().unwrap().to_owned();
    let tables: BTreeSet<_> = had.iter().map(|of| table(of)).collect();
    let taken_away = had.difference(&has).map(|of| format!("takes away {of}"));
    let asked = needs.difference(&needed).filter(|of| tables.contains(&table(of))).map(|of| format!("asks for {of}"));
    taken_away.chain(asked).collect()
}

async fn a_migration_keeps_everything_of_the_previous_version(store: &TestStore) {
    let schemas: Vec<_> = steps_to(next::schema()).collect();
    for step in schemas.windows(2) {
        let [before, after] = [step[0], step[1]];
        let broken = broken_by(store, before, after).await;
        assert_eq!(broken, Vec::<String>::new(), "the migration to {}", next::number(after));
        // The previous version can still write its data.
        store.is_filled(before).await;
    }
}

async fn a_migration_that_breaks_the_previous_version_is_detected(store: &TestStore) {
    for (statement, found) in [
        ("ALTER TABLE quarantine DROP COLUMN reason", ["takes away quarantine.reason"].as_slice()),
        ("ALTER TABLE recipients RENAME TO addressees", &["takes away recipients.recipient"]),
        ("CREATE UNIQUE INDEX once ON inbound (event, received_at)", &["asks for inbound. (event, received_at)"]),
        (
            "DROP TABLE heartbeat; CREATE TABLE heartbeat (id BIGINT NOT NULL, at BIGINT NOT NULL, host BIGINT NOT NULL)",
            &["takes away heartbeat. (id)", "asks for heartbeat.host"],
        ),
    ] {
        let breaking = next::schema_with(&[Migration { name: "breaking", sqlite: statement, postgres: statement }]);
        let broken = broken_by(store, Schema::CURRENT, breaking).await;
        for expected in found {
            assert!(broken.iter().any(|broken| broken.starts_with(expected)), "{statement}: {broken:?}");
        }
    }
}

/// Its file contains what the current program writes. It must be committed with the migration.
async fn the_current_schema_has_a_fixture(store: &TestStore) {
    let path = kept(Schema::CURRENT);
    if path.exists() {
        return;
    }
    fill(store).await;
    let mut statements = Vec::new();
    // Triggers fill the others.
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
                  AND name NOT IN ('_sqlx_migrations', 'heartbeat', 'counters', 'status_events', 'status_events_begin', 'message_changes') ORDER BY name";
    for table in store.texts(tables).await {
        let columns = store.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
        let values: Vec<_> = columns.iter().map(|column| format!("quote({column})")).collect();
        let insert = format!("INSERT INTO {table} ({}) VALUES (", columns.join(", "));
        let row = format!("SELECT '{insert}' || {} || ');' FROM {table}", values.join(" || ', ' || "));
        statements.extend(store.texts(&row).await);
    }
    fs::write(&path, statements.join("\n") + "\n").unwrap();
    panic!("{} was missing and is written now; commit it with the migration", path.display());
}
