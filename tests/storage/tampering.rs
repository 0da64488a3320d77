//! Every change of chained rows without the store is detected, and the row is named.

use receiptd::{
    audit::Finding,
    domain::{AuditAction, Dispatch, Event, Failure},
    storage::{RetentionKind, Settlement},
};

use serde_json::json;

use crate::{
    contents::{self, Content},
    make::{about, about_transaction, audited, leased, settle, time, transaction},
    store::{Database, TestStore},
};

both!(
    every_altered_column_of_a_notification_is_found,
    every_altered_value_of_a_notification_is_found,
    every_altered_column_of_a_step_is_found,
    every_altered_column_of_a_link_is_found,
    removed_rows_are_named,
    inserted_rows_are_named,
    rows_that_changed_places_are_found,
    restored_rows_verify_again,
    messages_that_do_not_follow_from_their_rows_are_named,
    messages_whose_status_cannot_be_recomputed_are_counted,
);

const TABLES: [&str; 4] = ["notifications", "notification_blocks", "dispatch_events", "links"];

/// Two messages with all values set, one of them sent; one duplicate, one adoption.
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
    for table in TABLES {
        store.execute(format!("CREATE TABLE spare_{table} AS SELECT * FROM {table}")).await;
    }
}

async fn finding(store: &TestStore, statement: &str) -> Finding {
    store.execute(statement).await;
    finding_of(store, statement).await
}

/// Finds what was just changed, and puts it back.
async fn finding_of(store: &TestStore, statement: &str) -> Finding {
    let verdict = store.verdict().await;
    assert!(!verdict.sound && verdict.head.is_none(), "not found: {statement}");
    for table in TABLES {
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

/// Another value for a column of this type.
fn other(store: &TestStore, column: &str) -> String {
    let (name, r#type) = column.split_once(' ').unwrap();
    match r#type {
        "BIGINT" => format!("{name} = COALESCE({name}, 0) + 100"),
        "TEXT" => format!("{name} = COALESCE({name}, '') || 'x'"),
        _ => format!("{name} = {}", store.bytes(&"5a".repeat(32))),
    }
}

async fn every_altered_column_of_a_notification_is_found(store: &TestStore) {
    fill(store).await;
    let columns = columns(store, "notifications").await;
    assert!(columns.len() > 6, "{columns:?}");
    for column in columns {
        let change = other(store, &column);
        let found = finding(
            store,
            &format!(
                "UPDATE notifications SET {change} WHERE correlation_id = 'order-2' AND transaction_id IS NOT NULL"
            ),
        )
        .await;
        assert_eq!(found.table, "notifications", "{change}");
        if !column.starts_with("correlation_id") && !column.starts_with("fingerprint") {
            assert_eq!(found.what, "altered", "{change}");
            assert!(found.key.starts_with("order-2 "), "{change}: {}", found.key);
        }
    }
}

async fn every_altered_value_of_a_notification_is_found(store: &TestStore) {
    fill(store).await;
    let failed = |content: &Content| content.parsed[3] == "failed";
    for value in 0..12 {
        contents::alter(store, "order-2", |content| {
            if failed(content) {
                let before = &content.parsed[value];
                content.parsed[value] = before.as_i64().map_or_else(|| json!(format!("{before}x")), |n| json!(n + 1));
            }
        })
        .await;
        let found = finding_of(store, &format!("value {value}")).await;
        assert_eq!((found.what.as_str(), found.table.as_str()), ("altered", "notifications"), "{value}");
        assert!(found.key.starts_with("order-2 "), "{value}: {}", found.key);
    }
    for change in [
        |content: &mut Content| content.received_at += 1,
        |content: &mut Content| content.body.push(b' '),
        |content: &mut Content| content.signature.push(b' '),
    ] {
        contents::alter(store, "order-2", change).await;
        let found = finding_of(store, "time or body").await;
        assert_eq!((found.what.as_str(), found.table.as_str()), ("altered", "notifications"));
        assert!(found.key.starts_with("order-2 "), "{}", found.key);
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
            let change = other(store, &column);
            let found = finding(store, &format!("UPDATE links SET {change} WHERE sequence = {sequence}")).await;
            assert_eq!(found.table, "links", "{change}");
        }
    }
    let found = finding(store, "DELETE FROM links WHERE sequence = 3").await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("removed", "links"));
    assert!(found.key.ends_with(" 3"), "{}", found.key);
    // Without the last link, no link records its rows.
    let last = "(SELECT MAX(sequence) FROM spare_links)";
    let found = finding(store, &format!("DELETE FROM links WHERE sequence = {last}")).await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("altered", "notifications"), "it was a repetition");
}

async fn removed_rows_are_named(store: &TestStore) {
    fill(store).await;
    let found =
        finding(store, "DELETE FROM notifications WHERE correlation_id = 'order-2' AND transaction_id IS NULL").await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("removed", "notifications"));
    assert!(found.key.starts_with("order-2 "), "{}", found.key);
    let found = finding(store, "DELETE FROM dispatch_events WHERE step = 2").await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("removed", "dispatch_events"));
    assert_eq!(found.key, "order-1 2");
    // For a message that was removed completely, only the digest of its id is left.
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
            "INSERT INTO notifications SELECT correlation_id, {fresh}, occurrences, uncorrelated, transaction_id, block, 7 \
             FROM spare_notifications WHERE correlation_id = 'order-2' AND transaction_id IS NULL"
        ),
    )
    .await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("inserted", "notifications"));
    assert_eq!(found.key, format!("order-2 {}", "5a".repeat(8)));
    let found = finding(
        store,
        "INSERT INTO dispatch_events (correlation_id, step, salt, at, dispatch, attempts, settled, counted) \
         VALUES ('order-3', 1, 1, 1, 'queued', 0, 0, 0)",
    )
    .await;
    assert_eq!((found.what.as_str(), found.key.as_str()), ("inserted", "order-3 1"));
}

async fn rows_that_changed_places_are_found(store: &TestStore) {
    fill(store).await;
    let swapped = "UPDATE notifications SET position = position + 1000 WHERE correlation_id = 'order-2'; \
                   UPDATE notifications SET position = 1001 - position WHERE correlation_id = 'order-2'";
    let found = finding(store, swapped).await;
    assert_eq!((found.what.as_str(), found.table.as_str()), ("altered", "notifications"));
    let swapped = "UPDATE links SET changes = (SELECT s.changes FROM spare_links s WHERE s.sequence = \
                   5 - links.sequence AND s.writer = links.writer) WHERE sequence IN (2, 3)";
    assert_eq!(finding(store, swapped).await.table, "links");
}

async fn restored_rows_verify_again(store: &TestStore) {
    fill(store).await;
    finding(store, "DELETE FROM notifications; DELETE FROM dispatch_events").await;
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
}

async fn messages_that_do_not_follow_from_their_rows_are_named(store: &TestStore) {
    fill(store).await;
    leased(store, "order-3", 2_000).await;
    store.hear([about("order-4").says(Event::Delivered)]).await;
    for table in ["messages", "counters"] {
        store.execute(format!("CREATE TABLE spare_{table} AS SELECT * FROM {table}")).await;
    }
    assert!(store.verdict().await.sound);
    for (statement, what, table, key) in [
        ("UPDATE messages SET status = 'read' WHERE correlation_id = 'order-4'", "altered", "messages", "order-4"),
        (
            "UPDATE messages SET is_final = 1 - is_final WHERE correlation_id = 'order-4'",
            "altered",
            "messages",
            "order-4",
        ),
        ("UPDATE messages SET code = '7500' WHERE correlation_id = 'order-2'", "altered", "messages", "order-2"),
        ("UPDATE messages SET reason = 'odd' WHERE correlation_id = 'order-2'", "altered", "messages", "order-2"),
        ("UPDATE messages SET status = 'rejected' WHERE correlation_id = 'order-3'", "altered", "messages", "order-3"),
        (
            "UPDATE messages SET dispatch = 'accepted' WHERE correlation_id = 'order-1'",
            "altered",
            "messages",
            "order-1",
        ),
        ("UPDATE messages SET code = '7500' WHERE correlation_id = 'order-3'", "altered", "messages", "order-3"),
        ("UPDATE messages SET reason = 'odd' WHERE correlation_id = 'order-3'", "altered", "messages", "order-3"),
        ("UPDATE messages SET is_final = 1 WHERE correlation_id = 'order-3'", "altered", "messages", "order-3"),
        (
            "UPDATE messages SET transaction_id = 'odd' WHERE correlation_id = 'order-3'",
            "altered",
            "messages",
            "order-3",
        ),
        ("UPDATE messages SET correlation_id = '' WHERE correlation_id = 'order-4'", "removed", "messages", "order-4"),
        ("UPDATE messages SET dispatch = NULL WHERE correlation_id = 'order-1'", "altered", "messages", "order-1"),
        ("DELETE FROM messages WHERE correlation_id = 'order-4'", "removed", "messages", "order-4"),
        ("DELETE FROM messages WHERE correlation_id = 'order-3'", "removed", "messages", "order-3"),
        ("UPDATE counters SET count = count + 1", "altered", "counters", ""),
        ("DELETE FROM counters", "altered", "counters", ""),
    ] {
        store.execute(statement).await;
        let verdict = store.verdict().await;
        let found = verdict.finding.unwrap_or_else(|| panic!("not found: {statement}"));
        assert!(!verdict.sound && verdict.head.is_none());
        assert_eq!((found.what.as_str(), found.table.as_str()), (what, table), "{statement}");
        assert!(found.key.starts_with(key), "{statement}: {found:?}");
        for table in ["messages", "counters"] {
            store.execute(format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM spare_{table}")).await;
        }
        // Triggers have counted the messages again.
        store.execute("DELETE FROM counters; INSERT INTO counters SELECT * FROM spare_counters").await;
        store.forget_changes().await;
        let verdict = store.verdict().await;
        assert!(verdict.sound, "{statement}: {:?}", verdict.finding);
        assert_eq!(verdict.messages, 4);
    }
}

async fn messages_whose_status_cannot_be_recomputed_are_counted(store: &TestStore) {
    store.hear([about("kept").received(9_000), about("purged").received(1_000)]).await;
    store
        .retention
        .purge(RetentionKind::Notifications, time(0), time(5_000), 10, &audited(AuditAction::Purged))
        .await
        .unwrap();
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
    assert_eq!((verdict.messages, verdict.attested), (1, 1));
    // Only messages that receiptd purged may be missing.
    store.execute("CREATE TABLE spare AS SELECT * FROM messages").await;
    store.execute("CREATE TABLE made_up AS SELECT * FROM messages WHERE correlation_id = 'kept'").await;
    store.execute("UPDATE made_up SET correlation_id = 'made-up'").await;
    let elsewhere = format!("UPDATE messages SET precedence = {}", store.bytes(&"5a".repeat(32)));
    for (statement, what, name) in [
        (format!("{elsewhere} WHERE correlation_id = 'kept'"), "altered", "kept"),
        (format!("{elsewhere} WHERE correlation_id = 'purged'"), "altered", "purged"),
        ("INSERT INTO messages SELECT * FROM made_up".to_owned(), "inserted", "made-up"),
    ] {
        store.execute(&statement).await;
        let finding = store.verdict().await.finding.unwrap_or_else(|| panic!("not found: {statement}"));
        let named = (finding.what.as_str(), finding.table.as_str(), finding.key.as_str());
        assert_eq!(named, (what, "messages", name), "{statement}");
        store.execute("DELETE FROM messages; INSERT INTO messages SELECT * FROM spare").await;
    }
}
