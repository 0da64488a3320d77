//! Whatever is done to chained rows behind the store's back is found, and the row is named.

use receiptd::{
    audit::Finding,
    domain::{Dispatch, Event, Failure},
    storage::Settlement,
};

use crate::{
    make::{about, about_transaction, leased, settle, time, transaction},
    store::{Database, TestStore},
};

both!(
    every_altered_column_of_a_notification_is_found,
    every_altered_column_of_a_step_is_found,
    every_altered_column_of_a_link_is_found,
    removed_rows_are_named,
    inserted_rows_are_named,
    rows_that_changed_places_are_found,
    what_is_put_right_again_is_sound,
);

/// Two messages of which everything is known, one of them sent by us; one duplicate, one adoption.
async fn fill(store: &TestStore) {
    let claim = leased(store, "order-1", 1_000).await;
    let mut rejected = Settlement::new(Dispatch::Rejected, time(1_020));
    rejected.failure = Some(Failure::Permanent);
    rejected.event.code = Some("7203".to_owned());
    rejected.event.reason = Some("refused".to_owned());
    rejected.event.transaction_id = Some(transaction("t-1"));
    store.hear([about_transaction("t-1").at(1_001)]).await;
    settle(store, &claim, &rejected).await;
    for name in ["order-1", "order-2"] {
        let full =
            about(name).of(&format!("t-{name}")).to("447700900123").says(Event::Failed(Failure::Transient)).at(7);
        let full = full.with(|it| {
            it.code = Some("7207".to_owned());
            it.reason = Some("absent".to_owned());
            it.detail = Some("detail".to_owned());
            it.segments = Some(2);
            it.callback_data = Some("A-1001".to_owned());
        });
        store.hear([full.clone(), about(name).says(Event::Read)]).await;
        store.hear([full]).await;
    }
    for table in ["notifications", "dispatch_events", "links"] {
        store.execute(format!("CREATE TABLE spare_{table} AS SELECT * FROM {table}")).await;
    }
}

async fn finding(store: &TestStore, statement: &str) -> Finding {
    store.execute(statement).await;
    let verdict = store.verdict().await;
    assert!(!verdict.sound && verdict.head.is_none(), "not found: {statement}");
    for table in ["notifications", "dispatch_events", "links"] {
        store.execute(format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM spare_{table}")).await;
    }
    verdict.finding.unwrap()
}

async fn columns(store: &TestStore, table: &str) -> Vec<String> {
    let columns = match store.database {
        Database::Sqlite { .. } => format!("SELECT name || ' ' || type FROM pragma_table_info('{table}')"),
        Database::Postgres { .. } => format!(
            "SELECT column_name || ' ' || UPPER(data_type) FROM information_schema.columns WHERE table_name = '{table}'"
        ),
    };
    store.texts(&columns).await
}

/// Something else in a column of this type.
fn other(store: &TestStore, column: &str) -> String {
    let (name, r#type) = column.split_once(' ').unwrap();
    match r#type {
        "BIGINT" => format!("{name} = COALESCE({name}, 0) + 1"),
        "TEXT" => format!("{name} = COALESCE({name}, '') || 'x'"),
        _ => format!("{name} = {}", store.bytes(&"5a".repeat(32))),
    }
}

async fn every_altered_column_of_a_notification_is_found(store: &TestStore) {
    fill(store).await;
    let columns = columns(store, "notifications").await;
    assert!(columns.len() > 18, "{columns:?}");
    for column in columns {
        let change = other(store, &column);
        let found = finding(
            store,
            &format!("UPDATE notifications SET {change} WHERE correlation_id = 'order-2' AND event = 'failed'"),
        )
        .await;
        assert_eq!(found.table, "notifications", "{change}");
        if !column.starts_with("correlation_id") && !column.starts_with("fingerprint") {
            assert_eq!(found.what, "altered", "{change}");
            assert!(found.key.starts_with("order-2 "), "{change}: {}", found.key);
        }
    }
}

async fn every_altered_column_of_a_step_is_found(store: &TestStore) {
    fill(store).await;
    for column in columns(store, "dispatch_events").await {
        let change = other(store, &column);
        let found = finding(
            store,
            &format!("UPDATE dispatch_events SET {change} WHERE correlation_id = 'order-1' AND step = 3"),
        )
        .await;
        assert_eq!(found.table, "dispatch_events", "{change}");
        if !column.starts_with("correlation_id") && !column.starts_with("step") {
            assert_eq!((found.what.as_str(), found.key.as_str()), ("altered", "order-1 3"), "{change}");
        }
    }
}

async fn every_altered_column_of_a_link_is_found(store: &TestStore) {
    fill(store).await;
    for column in columns(store, "links").await {
        for sequence in [1, 3] {
            let change = other(store, &column).replace("sequence + 1", "sequence + 100").replace("0) + 1", "0) + 100");
            let found = finding(store, &format!("UPDATE links SET {change} WHERE sequence = {sequence}")).await;
            assert_eq!(found.table, "links", "{change}");
        }
    }
    let found = finding(store, "DELETE FROM links WHERE sequence = 3").await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("removed", "links"));
    assert!(found.key.ends_with(" 3"), "{}", found.key);
    // Without the last link, its rows are nobody's.
    let last = "(SELECT MAX(sequence) FROM spare_links)";
    let found = finding(store, &format!("DELETE FROM links WHERE sequence = {last}")).await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("altered", "notifications"), "it was a repetition");
}

async fn removed_rows_are_named(store: &TestStore) {
    fill(store).await;
    let found = finding(store, "DELETE FROM notifications WHERE correlation_id = 'order-2' AND event = 'read'").await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("removed", "notifications"));
    assert!(found.key.starts_with("order-2 "), "{}", found.key);
    let found = finding(store, "DELETE FROM dispatch_events WHERE step = 2").await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("removed", "dispatch_events"));
    assert_eq!(found.key, "order-1 2");
    // Of a message that is gone as a whole, the digest of its id is left.
    let found = finding(
        store,
        "DELETE FROM notifications WHERE correlation_id = 'order-2'; DELETE FROM messages WHERE correlation_id = 'order-2'",
    )
    .await;
    assert_eq!(found.what, "removed");
    assert!(found.key.starts_with("sha256:"), "{}", found.key);
}

async fn inserted_rows_are_named(store: &TestStore) {
    fill(store).await;
    let fresh = store.bytes(&"5a".repeat(16));
    let found = finding(
        store,
        &format!(
            "INSERT INTO notifications SELECT correlation_id, {fresh}, received_at, source, times, uncorrelated, \
             transaction_id, channel, recipient, event, failure, status_text, code, reason, detail, event_at, segments, \
             callback_data, body FROM spare_notifications WHERE correlation_id = 'order-2' AND event = 'read'"
        ),
    )
    .await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("inserted", "notifications"));
    assert_eq!(found.key, format!("order-2 {}", "5a".repeat(8)));
    let found = finding(
        store,
        "INSERT INTO dispatch_events (correlation_id, step, at, dispatch) VALUES ('order-3', 1, 1, 'queued')",
    )
    .await;
    assert_eq!((found.what.as_str(), found.key.as_str()), ("inserted", "order-3 1"));
}

async fn rows_that_changed_places_are_found(store: &TestStore) {
    fill(store).await;
    let swapped = "UPDATE notifications SET body = (SELECT s.body FROM spare_notifications s WHERE s.correlation_id = \
                   notifications.correlation_id AND s.event <> notifications.event) WHERE correlation_id = 'order-2'";
    let found = finding(store, swapped).await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("altered", "notifications"));
    let swapped = "UPDATE links SET records = (SELECT s.records FROM spare_links s WHERE s.sequence = \
                   5 - links.sequence AND s.writer = links.writer) WHERE sequence IN (2, 3)";
    assert_eq!(finding(store, swapped).await.table, "links");
}

async fn what_is_put_right_again_is_sound(store: &TestStore) {
    fill(store).await;
    finding(store, "DELETE FROM notifications; DELETE FROM dispatch_events").await;
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
}
