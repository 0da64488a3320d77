//! Properties that must hold for a store after every test.

use std::{collections::BTreeMap, time::Duration};

use harness::{Database, Program, notifications_of, program::receiptd};
use receiptd::{
    domain::{CorrelationId, Message, StoredNotification, Timestamp, outcome},
    storage::{self, Access, OpenOptions, Store},
};
use serde_json::{Value, json};

use crate::kills::Victims;

/// The files are undamaged, the hash chain verifies, statuses match their notifications, and counters equal a recount.
pub(crate) async fn all_is_sound(database: &Database, victims: &Victims<'_>) {
    the_files_are_whole(database).await;
    the_chain_verifies(victims).await;
    let messages = every_message_stands_as_it_was_told(database).await;
    counters_equal_a_recount(&messages, victims).await;
}

/// On a Postgres server that the environment provides, the test must not go below SQL.
pub(crate) async fn the_files_are_whole(database: &Database) {
    if database.is_sqlite() {
        assert_eq!(database.texts("PRAGMA integrity_check").await, ["ok"]);
    } else if database.texts("SELECT current_setting('is_superuser')").await == ["on"] {
        database.execute("CREATE EXTENSION IF NOT EXISTS amcheck").await;
        // The function fails if it finds an error.
        let indexes = "SELECT CAST(bt_index_parent_check(c.oid, true, true) AS text) FROM pg_index i \
            JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam \
            WHERE a.amname = 'btree' AND c.relpersistence = 'p'";
        assert!(database.texts(indexes).await.len() > 100);
        let tables = "SELECT c.relname || ': ' || v.msg FROM pg_class c, verify_heapam(c.oid) v \
            WHERE c.relkind = 'r' AND c.relpersistence = 'p'";
        assert_eq!(database.texts(tables).await, Vec::<String>::new());
    }
}

async fn the_chain_verifies(victims: &Victims<'_>) {
    let mut command = receiptd(victims.folder, &["audit", "verify", "--json"]);
    let verdict = Program::start(command.envs(victims.settings.iter().copied())).ends().await;
    assert_eq!(verdict.code, Some(0), "{verdict:?}");
    let verdict: Value = serde_json::from_str(&verdict.out).unwrap();
    assert_eq!((&verdict["sound"], &verdict["finding"]), (&json!(true), &Value::Null), "{verdict}");
}

/// All messages. Checks that each has the status of its notifications.
async fn every_message_stands_as_it_was_told(database: &Database) -> Vec<Message> {
    harness::project_all(database.url()).await;
    let store = open(database).await;
    let mut messages = Vec::new();
    for id in database.texts("SELECT correlation_id FROM messages").await {
        let id = CorrelationId::new(&id).unwrap();
        let message = store.messages.find(&id).await.unwrap().unwrap();
        stands_as_it_was_told(&message, &notifications_of(&store, &id).await.unwrap());
        messages.push(message);
    }
    messages
}

/// The status is the merged standing of the notifications or, without notifications, that of our dispatch.
fn stands_as_it_was_told(message: &Message, notifications: &[StoredNotification]) {
    let id = &message.correlation_id;
    assert_eq!(message.notification_count, i64::try_from(notifications.len()).unwrap(), "{id}");
    let Some(outcome) = outcome(message.origin(), notifications) else {
        assert_eq!(message.status, message.dispatch.unwrap().status(), "{id}");
        return;
    };
    let standing = &outcome.standing;
    assert_eq!((message.status, message.is_final), (standing.status, outcome.is_final), "{id}");
    assert_eq!((&message.code, &message.reason, message.failure), (&standing.code, &standing.reason, standing.failure));
    assert_eq!((&message.transaction_id, message.segments), (&standing.transaction_id, standing.segments), "{id}");
}

async fn counters_equal_a_recount(messages: &[Message], victims: &Victims<'_>) {
    let mut recount = BTreeMap::new();
    for message in messages {
        let hour = Timestamp::from_micros(message.created_at.hour() * Timestamp::HOUR).to_string();
        let channel = message.channel.as_ref().map(|channel| channel.as_str().to_owned());
        let kind = (channel, message.status.as_str().to_owned(), message.code.clone(), Some(hour));
        *recount.entry(kind).or_insert(0) += 1;
    }
    let (program, client) = Program::serve(victims.folder, victims.address, victims.settings).await;
    let counted = client.items("/v1/stats?by=channel,status,code,hour").await.into_iter().map(|item| {
        let text = |name: &str| item[name].as_str().map(str::to_owned);
        let kind = (text("channel"), text("status").unwrap(), text("code"), text("hour"));
        (kind, item["count"].as_i64().unwrap())
    });
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), recount);
    program.ends_on("TERM").await;
}

pub(crate) async fn open(database: &Database) -> Store {
    let options = OpenOptions { connections: 2, timeout: Duration::from_secs(10), access: Access::Create };
    storage::open(database.url(), options).await.unwrap()
}
