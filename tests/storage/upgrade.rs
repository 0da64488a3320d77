//! A store of an earlier version continues to work.

use std::time::Duration;

use receiptd::{
    domain::{Channel, Dispatch, Event, Status},
    storage::{EnqueueResult, Store},
};
use tokio::time::timeout;

use crate::{
    chain::verify,
    make::{about, about_transaction, claimed, enqueue, id, leased, next_due, submission, time},
    order::append,
    store::{Database, TestStore, open},
};

both!(
    messages_in_an_outbox_of_the_first_version_are_sent,
    rows_from_before_the_chain_are_verified,
    the_backfill_of_the_chain_can_be_stopped_and_shared,
);

/// Undoes the actions of opening the store, and creates it as the first version did. The table of applied migrations
/// stays, without those after the first.
async fn downgrade(store: &TestStore) {
    let undo = match store.database {
        Database::Sqlite { .. } => {
            let tables = "SELECT 'DROP TABLE ' || name FROM sqlite_master \
                          WHERE type = 'table' AND name <> '_sqlx_migrations' AND name NOT LIKE 'sqlite%'";
            store.texts(tables).await.join("; ")
        }
        Database::Postgres { .. } => "CREATE SCHEMA kept; ALTER TABLE _sqlx_migrations SET SCHEMA kept; \
                                      DROP SCHEMA public CASCADE; ALTER SCHEMA kept RENAME TO public"
            .to_owned(),
    };
    store.execute(undo).await;
    store
        .execute(match store.database {
            Database::Sqlite { .. } => include_str!("../../migrations/sqlite/0001_messages.sql"),
            Database::Postgres { .. } => include_str!("../../migrations/postgres/0001_messages.sql"),
        })
        .await;
    store.execute("DELETE FROM _sqlx_migrations WHERE version > 1").await;
}

/// One message that waits, and one that is in dispatch.
const OF_THE_FIRST_VERSION: &str = r#"
    INSERT INTO messages (correlation_id, dispatch, channel, sender, recipient, status, precedence, status_at, is_final,
        created_at, updated_at) SELECT id, dispatch, 'sms', 'ACME', '447700900123', dispatch, DISPATCHED, 1000, 0, 1000, 1000
        FROM (SELECT 'order-1' AS id, 'queued' AS dispatch UNION ALL SELECT 'order-2', 'sending') AS sent;
    INSERT INTO outbox (correlation_id, request, attempts, due_at, lease_until) SELECT id,
        '{"channel":"sms","correlationId":"' || id || '","from":"ACME","text":"Hello","to":{"msisdn":"+447700900123"}}',
        attempts, due_at, lease_until FROM (SELECT 'order-1' AS id, 0 AS attempts, 1000 AS due_at, NULL AS lease_until
            UNION ALL SELECT 'order-2', 1, NULL, 2000) AS sent;
    INSERT INTO dispatch_events (correlation_id, step, at, dispatch) VALUES ('order-1', 1, 1000, 'queued'),
        ('order-2', 1, 1000, 'queued'), ('order-2', 2, 1000, 'sending');"#;

async fn messages_in_an_outbox_of_the_first_version_are_sent(store: &TestStore) {
    downgrade(store).await;
    let dispatched = match store.database {
        Database::Sqlite { .. } => "x'0A'",
        Database::Postgres { .. } => "'\\x0A'",
    };
    store.execute(OF_THE_FIRST_VERSION.replace("DISPATCHED", dispatched)).await;

    let upgraded = open(store.database.url()).await.unwrap();
    assert_eq!(upgraded.outbox.next_due().await.unwrap(), [(Channel::Sms, time(1_000))]);
    assert_eq!(enqueue(&upgraded, &submission("order-1"), 1_000).await, EnqueueResult::Same);
    let claims = claimed(&upgraded, 1_000).await;
    assert_eq!(claims.iter().map(|claim| &claim.submission).collect::<Vec<_>>(), [&submission("order-1")]);
    assert_eq!(upgraded.outbox.expire_leases(time(2_000), false).await.unwrap(), [id("order-1"), id("order-2")]);
    assert_eq!(next_due(&upgraded).await, None);
    assert!(verify(&upgraded, None).await.sound);
    let message = store.message("order-2").await;
    assert_eq!((message.status, message.dispatch), (Status::Unconfirmed, Some(Dispatch::Unconfirmed)));
    assert_eq!(store.messages.dispatch_events(&id("order-2")).await.unwrap().len(), 3);
}

/// More messages than one commit adds to the chain; one of them is sent, and one is notified twice; and a notification
/// without a message. Returns the number of these rows.
async fn fill(store: &TestStore) -> u64 {
    leased(store, "order-0", 1_000).await;
    store.hear((0..2_500).map(|n| about(&format!("order-{n}")))).await;
    store.hear([about("order-7")]).await;
    store.hear([about_transaction("t-early")]).await;
    2 + 2_500 + 1
}

async fn links(store: &TestStore) -> usize {
    store.texts("SELECT CAST(sequence AS TEXT) FROM links").await.len()
}

async fn assert_sound(instance: &Store, rows: u64) {
    let verdict = verify(instance, None).await;
    assert_eq!((verdict.finding, verdict.rows), (None, rows));
}

async fn rows_from_before_the_chain_are_verified(store: &TestStore) {
    let rows = fill(store).await;
    for undone in [
        "DROP TABLE links",
        "DROP TABLE audit_log",
        "DROP TABLE backfill",
        "DROP INDEX notifications_oldest",
        "DROP INDEX inbound_sender",
        "DELETE FROM _sqlx_migrations WHERE description = 'audit'",
    ] {
        store.execute(undone).await;
    }
    let upgraded = open(store.database.url()).await.unwrap();
    assert_sound(&upgraded, rows).await;
    // New arrivals continue from there: one is counted, and one becomes the owner of a transaction.
    append(&upgraded, &[about("order-7").recorded(), about("order-late").of("t-early").says(Event::Read).recorded()])
        .await;
    assert_sound(&upgraded, rows + 1).await;
    assert_eq!(store.message("order-late").await.notification_count, 2);

    let before = links(store).await;
    drop(store.reopened().await);
    assert_eq!(links(store).await, before, "it is done once");
    store.execute("UPDATE notifications SET detail = 'another' WHERE correlation_id = 'order-9'").await;
    let finding = verify(&upgraded, None).await.finding.unwrap();
    assert_eq!((finding.what.as_str(), finding.table.as_str()), ("altered", "notifications"));
    assert!(finding.key.starts_with("order-9 "), "{}", finding.key);
}

async fn the_backfill_of_the_chain_can_be_stopped_and_shared(store: &TestStore) {
    let rows = fill(store).await;
    // The state after the migration, before any row was added to the chain.
    let unchained = "DELETE FROM links; INSERT INTO backfill (id, chained) VALUES (1, '')";
    store.execute(unchained).await;
    let (one, other) = tokio::join!(open(store.database.url()), open(store.database.url()));
    assert_sound(&one.unwrap(), rows).await;
    assert_sound(&other.unwrap(), rows).await;

    store.execute(unchained).await;
    let mut patience = Duration::from_millis(1);
    let opened = loop {
        match timeout(patience, open(store.database.url())).await {
            Ok(opened) => break opened.unwrap(),
            Err(_) => patience *= 2,
        }
    };
    assert_sound(&opened, rows).await;
}
