//! A store that an earlier version wrote goes on where that left it.

use receiptd::{
    domain::{Channel, Dispatch, Status},
    storage::Enqueued,
};

use crate::{
    make::{claimed, enqueue, id, next_due, submission, time},
    store::{Database, TestStore, open},
};

both!(what_waits_in_an_outbox_without_channels_is_sent);

/// Undoes what the store did when it was opened, and makes it as the first version did. Which migrations were run is
/// noted in a table that stays, but for those after the first.
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

/// One that waits, and one that is being handed over.
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

async fn what_waits_in_an_outbox_without_channels_is_sent(store: &TestStore) {
    downgrade(store).await;
    let dispatched = match store.database {
        Database::Sqlite { .. } => "x'0A'",
        Database::Postgres { .. } => "'\\x0A'",
    };
    store.execute(OF_THE_FIRST_VERSION.replace("DISPATCHED", dispatched)).await;

    let upgraded = open(store.database.url()).await.unwrap();
    assert_eq!(upgraded.outbox.next_due().await.unwrap(), [(Channel::Sms, time(1_000))]);
    assert_eq!(enqueue(&upgraded, &submission("order-1"), 1_000).await, Enqueued::Same);
    let claims = claimed(&upgraded, 1_000).await;
    assert_eq!(claims.iter().map(|claim| &claim.submission).collect::<Vec<_>>(), [&submission("order-1")]);
    assert_eq!(upgraded.outbox.abandon(time(2_000), false).await.unwrap(), [id("order-1"), id("order-2")]);
    assert_eq!(next_due(&upgraded).await, None);
    let message = store.message("order-2").await;
    assert_eq!((message.status, message.dispatch), (Status::Unconfirmed, Some(Dispatch::Unconfirmed)));
    assert_eq!(store.messages.dispatch_events(&id("order-2")).await.unwrap().len(), 3);
}
