//! Everything that is stored is proved: whatever is altered, removed, added or swapped in any table is named.
//!
//! The tables and their columns are read from the database. A new table without rows in [`fill`] fails the test.

use std::collections::BTreeMap;

use receiptd::{
    audit::Verdict,
    domain::{
        Actor, Archived, Arrival, AuditAction, Channel, Dispatch, Event, Failure, IdempotencyKey, Inbound, JournalSpan,
        PageLimit, Person, Source, Unreadable,
    },
    storage::{OutboxEntry, RequestKey, RetentionKind, Settlement},
};

use crate::{
    chain::verify,
    make::{about, about_transaction, audited, claimed, enqueue, id, leased, settle, submission, time, transaction},
    store::{Database, TestStore},
};

both!(every_change_of_any_row_is_named, a_truncated_end_is_named_by_the_head);

/// Tables and columns that cannot be proved, and why. An empty column stands for all.
const UNPROVABLE: &[(&str, &str, &str)] = &[
    ("heartbeat", "", "it is rewritten to check whether the store can commit, and says nothing"),
    ("_sqlx_migrations", "", "it is compared with the program whenever a store is opened"),
    ("sessions", "", "a log-in ends soon, and proves itself by the secret of its token"),
    ("saved_views", "", "they are names for filters, which people change at will, and say nothing about messages"),
    ("message_changes", "", "it is empty after every commit; a row in it is found"),
    ("counters", "slot", "only the sum over all slots means anything, so a counter may also be 0"),
];

/// A table with its columns.
struct Table {
    name: String,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    r#type: String,
    is_key: bool,
}

impl Table {
    fn keys(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.is_key)
    }
}

fn is_provable(table: &str, column: &str) -> bool {
    !UNPROVABLE.iter().any(|(of, it, _)| *of == table && (it.is_empty() || *it == column))
}

async fn tables(store: &TestStore) -> Vec<Table> {
    let query = match store.database {
        Database::Sqlite { .. } => {
            "SELECT m.name || ' ' || c.name || ' ' || c.type || ' ' || (c.pk > 0) FROM sqlite_master m, \
             pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid"
        }
        Database::Postgres { .. } => {
            "SELECT c.table_name || ' ' || c.column_name || ' ' || UPPER(c.data_type) || ' ' || EXISTS (\
             SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) \
             WHERE i.indisprimary AND i.indrelid = c.table_name::regclass AND a.attname = c.column_name)::int \
             FROM information_schema.columns c WHERE c.table_schema = 'public' \
             ORDER BY c.table_name, c.ordinal_position"
        }
    };
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for line in store.texts(query).await {
        let [table, name, r#type, is_key] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
        let column = Column { name: name.to_owned(), r#type: r#type.to_owned(), is_key: is_key.ends_with('1') };
        tables.entry(table.to_owned()).or_default().push(column);
    }
    tables.into_iter().map(|(name, columns)| Table { name, columns }).collect()
}

/// The conditions that select each row of a table.
async fn rows(store: &TestStore, table: &Table) -> Vec<String> {
    let quoted = |column: &Column| match store.database {
        Database::Sqlite { .. } => format!("'{0} = ' || quote({0})", column.name),
        Database::Postgres { .. } => format!("'{0} = ' || quote_literal({0})", column.name),
    };
    let conditions: Vec<_> = table.keys().map(quoted).collect();
    let conditions = conditions.join(" || ' AND ' || ");
    let filter = if table.name == "counters" { "WHERE count <> 0" } else { "" };
    store.texts(&format!("SELECT {conditions} FROM {} {filter} ORDER BY 1", table.name)).await
}

/// Another value for a column.
fn other(store: &TestStore, column: &Column) -> String {
    match column.r#type.as_str() {
        "BIGINT" | "INTEGER" => format!("COALESCE({}, 0) + 1000003", column.name),
        "TEXT" => format!("COALESCE({}, '') || 'x'", column.name),
        _ => store.bytes(&"5a".repeat(16)),
    }
}

/// All changes of a row: each column altered, the row removed, a copy with another key, and each value swapped with
/// that of another row.
fn changes(store: &TestStore, table: &Table, row: &str, next: Option<&String>) -> Vec<String> {
    let name = &table.name;
    let mut changes = vec![format!("DELETE FROM {name} WHERE {row}")];
    for column in table.columns.iter().filter(|column| is_provable(name, &column.name)) {
        changes.push(format!("UPDATE {name} SET {} = {} WHERE {row}", column.name, other(store, column)));
        if let Some(next) = next.filter(|_| !column.is_key) {
            let of = |row: &str| format!("(SELECT s.{} FROM spare_{name} s WHERE {row})", column.name);
            changes.push(format!(
                "UPDATE {name} SET {0} = CASE WHEN {row} THEN {1} ELSE {2} END WHERE ({row}) OR ({next})",
                column.name,
                of(next),
                of(row),
            ));
        }
    }
    for key in table.keys().filter(|column| is_provable(name, &column.name)) {
        let value = |column: &Column| if column.name == key.name { other(store, column) } else { column.name.clone() };
        let values: Vec<_> = table.columns.iter().map(value).collect();
        changes.push(format!("INSERT INTO {name} SELECT {} FROM {name} WHERE {row}", values.join(", ")));
    }
    changes
}

/// Puts the rows of all tables back.
async fn restore(store: &TestStore, tables: &[Table]) {
    let (before, after) = match store.database {
        Database::Sqlite { .. } => ("BEGIN; ", "DELETE FROM message_changes; COMMIT;"),
        // Without triggers.
        Database::Postgres { .. } => ("SET session_replication_role = replica; BEGIN; ", "COMMIT;"),
    };
    // Messages come first, since their triggers change the counters and the events on SQLite.
    let names = ["messages"].into_iter().chain(tables.iter().map(|table| table.name.as_str()));
    let names = names.filter(|name| is_provable(name, ""));
    let back = names.map(|name| format!("DELETE FROM {name}; INSERT INTO {name} SELECT * FROM spare_{name}; "));
    store.execute([before.to_owned(), back.collect(), after.to_owned()].concat()).await;
}

fn inbound(name: &str) -> Arrival {
    let what = Inbound {
        channel: Some(Channel::Sms),
        event: "MO".to_owned(),
        sender: Some(crate::make::number("447700900777")),
        transaction_id: Some(name.to_owned()),
    };
    Arrival::Inbound(Archived::first_arrival(what, name.as_bytes().to_vec(), Source::Notify, time(1_500)))
}

fn unreadable(body: &str) -> Arrival {
    let why = Unreadable("it is not JSON".to_owned());
    Arrival::Quarantined(Archived::first_arrival(why, body.as_bytes().to_vec(), Source::Notify, time(1_600)))
}

/// Rows in every table, in every state, by ordinary means.
async fn fill(store: &TestStore) {
    // Old rows, of which retention removes some.
    let old = |name: &str| about(name).of(&format!("t-{name}")).to("447700900001").at(5).received(10);
    store.hear([old("purged-1"), old("purged-2").says(Event::Submitted), old("bodiless").received(60)]).await;
    store.hear([about("purged-2").of("t-purged-2").to("447700900002").says(Event::Read).at(9).received(2_000)]).await;
    store.hear([about("removed").of("t-removed").received(1).into(), inbound("old"), unreadable("old")]).await;
    for kind in [RetentionKind::Notifications, RetentionKind::Bodies, RetentionKind::Messages] {
        let before = if kind == RetentionKind::Bodies {
            100
        } else if kind == RetentionKind::Messages {
            5
        } else {
            50
        };
        store.retention.purge(kind, time(0), time(before), 100, &audited(AuditAction::Purged)).await.unwrap();
    }
    // What others sent: to one, to several, repeated, without an id, adopted, and disputed.
    let full = |name: &str| {
        about(name).of(&format!("t-{name}")).to("447700900123").says(Event::Failed(Failure::Transient)).at(7).with(
            |it| {
                it.code = Some("7207".to_owned());
                it.reason = Some("absent".to_owned());
                it.detail = Some("detail".to_owned());
                it.segments = Some(2);
                it.callback_data = Some("A-1001".to_owned());
            },
        )
    };
    store.hear([full("order-1"), full("order-2").received(1_001)]).await;
    store.hear([full("order-1").received(1_900), about("order-1").of("t-order-1").says(Event::Read).at(3)]).await;
    store.hear([about("several").to("447700900123").at(8), about("several").to("447700900456").at(9)]).await;
    store.hear([about("several").to("447700900789").says(Event::Submitted).at(9).received(1_100)]).await;
    store.hear([about_transaction("t-alone").received(1_200)]).await;
    store.hear([about_transaction("t-adopted").received(1_201)]).await;
    store.hear([about("adopted").of("t-adopted").says(Event::Submitted).at(4).received(1_300)]).await;
    store.hear([about("disputed-2").of("t-disputed").received(1_301)]).await;
    store.hear([about("disputed-1").of("t-disputed").says(Event::Read).received(1_302)]).await;
    store.hear([inbound("one"), inbound("two"), unreadable("{"), unreadable("}")]).await;
    store.hear([inbound("one"), unreadable("{")]).await;
    // What receiptd sends: rejected, cancelled, accepted, under way, and waiting.
    let claim = leased(store, "rejected", 3_000).await;
    let mut end = Settlement::new(Dispatch::Rejected, time(3_020));
    end.failure = Some(Failure::Permanent);
    end.event.code = Some("7203".to_owned());
    end.event.reason = Some("refused".to_owned());
    settle(store, &claim, &end).await;
    let claim = leased(store, "accepted", 3_100).await;
    let mut end = Settlement::new(Dispatch::Accepted, time(3_120));
    end.event.transaction_id = Some(transaction("t-accepted"));
    settle(store, &claim, &end).await;
    store.hear([about("accepted").of("t-accepted").to("447700900123").at(3_130).received(3_140)]).await;
    enqueue(store, &submission("cancelled"), 3_200).await;
    store.outbox.cancel(&id("cancelled"), time(3_210), &Actor::named("shop")).await.unwrap();
    enqueue(store, &submission("retried"), 3_300).await;
    let claim = claimed(store, 3_300).await.pop().unwrap();
    let mut again = Settlement::new(Dispatch::Queued, time(3_310));
    again.retry_at = Some(time(9_000_000));
    settle(store, &claim, &again).await;
    enqueue(store, &submission("under-way"), 3_400).await;
    assert_eq!(claimed(store, 3_400).await.len(), 1);
    for key in ["k-1", "k-2"] {
        let key = RequestKey { key: IdempotencyKey::new(key).unwrap(), is_id_drawn: false };
        let name = format!("keyed-{}", key.key.as_str());
        let entry = OutboxEntry { key: Some(key), ..OutboxEntry::new(submission(&name), time(9_000_000)) };
        store.outbox.enqueue(&[entry], time(3_500), &Actor::named("shop")).await.unwrap();
    }
    for name in ["one", "two"] {
        store.keys.key(name, &[7; 32]).await.unwrap();
    }
    store.audit_log.append(&[audited(AuditAction::Read), audited(AuditAction::Exported)]).await.unwrap();
    // A person who is erased, and the end of the oldest events.
    store.hear([full("erased").to("447700900999")]).await;
    let person = Person::new("+447700900999").unwrap();
    store.erasure.erase_messages(&person, &[id("erased")], Some(&audited(AuditAction::Erased))).await.unwrap();
    store.status_events.trim(time(100), PageLimit::new(500).unwrap()).await.unwrap();
    // What waits in the journal, some of it projected.
    for name in ["waits-1", "waits-2"] {
        let arrivals: Vec<Arrival> = [1, 2].map(|n| about(&format!("{name}-{n}")).into()).to_vec();
        let position = store.journal.append(&arrivals, "UTC").await.unwrap();
        if name == "waits-1" {
            let bytes = arrivals[0].size();
            let span = JournalSpan { position, from: 0, to: 1, of: 2, bytes };
            store.projection.project(&[span], &arrivals[..1]).await.unwrap().unwrap();
        }
    }
}

/// Fills the store, verifies it, and saves a copy of every table.
async fn filled(store: &TestStore) -> (Vec<Table>, Verdict) {
    fill(store).await;
    store.health.beat(time(1)).await.unwrap();
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
    let tables = tables(store).await;
    for Table { name, .. } in tables.iter().filter(|table| is_provable(&table.name, "")) {
        store.execute(format!("CREATE TABLE spare_{name} AS SELECT * FROM {name}")).await;
    }
    (tables, verdict)
}

async fn every_change_of_any_row_is_named(store: &TestStore) {
    let (tables, verdict) = filled(store).await;
    let head = verdict.head.unwrap();
    let mut missed = Vec::new();
    for table in &tables {
        if !is_provable(&table.name, "") {
            continue;
        }
        let rows = rows(store, table).await;
        assert!(!rows.is_empty(), "{} has no row: `fill` must add some", table.name);
        let following = rows.iter().cycle().skip(1).map(|next| Some(next).filter(|_| rows.len() > 1));
        let turns = rows.len().min(8);
        for (number, (row, next)) in rows.iter().zip(following).enumerate() {
            let all = changes(store, table, row, next).into_iter().enumerate();
            // Each change is made to one row after another.
            for (_, change) in all.filter(|(change, _)| change % turns == number % turns) {
                if !store.try_execute(&change).await {
                    continue;
                }
                let is_same =
                    store.texts(&format!("SELECT 'changed' WHERE EXISTS ({})", difference(&table.name))).await;
                if !is_same.is_empty() {
                    let found = verify(store, Some(&head)).await.finding;
                    let right = found.as_ref().is_some_and(|found| is_named(&table.name, &found.table));
                    if !right {
                        missed.push(format!("{change}: {found:?}"));
                    }
                }
                restore(store, &tables).await;
            }
        }
    }
    assert_eq!(missed, Vec::<String>::new(), "{}", missed.len());
    let verdict = store.verdict().await;
    assert!(verdict.sound, "restored: {:?}", verdict.finding);
}

/// The rows in which a table differs from its copy.
fn difference(name: &str) -> String {
    format!(
        "SELECT 1 FROM (SELECT * FROM {name} EXCEPT SELECT * FROM spare_{name}) AS more \
         UNION ALL SELECT 1 FROM (SELECT * FROM spare_{name} EXCEPT SELECT * FROM {name}) AS less"
    )
}

/// Whether a finding in `found` names a change of `table`. What is computed for an attested message is attested with it.
fn is_named(table: &str, found: &str) -> bool {
    match table {
        "recipients" | "recipient_standings" => {
            [table, "messages", "recipients", "recipient_standings"].contains(&found)
        }
        // A block contains notifications.
        "notification_blocks" => [table, "notifications"].contains(&found),
        _ => table == found,
    }
}

async fn a_truncated_end_is_named_by_the_head(store: &TestStore) {
    let (_, verdict) = filled(store).await;
    let head = verdict.head.unwrap();
    // Only the link that vouches for all others.
    let last = match store.database {
        Database::Sqlite { .. } => store.texts("SELECT hex(hash) FROM links").await,
        Database::Postgres { .. } => store.texts("SELECT encode(hash, 'hex') FROM links").await,
    };
    let last = last.into_iter().find(|hash| hash.eq_ignore_ascii_case(&head)).unwrap();
    store.execute(format!("DELETE FROM links WHERE hash = {}", store.bytes(&last))).await;
    let finding = store.reopened_verdict(Some(&head)).await.finding.unwrap();
    assert_eq!((finding.what.as_str(), finding.table.as_str(), finding.key), ("removed", "links", head));
}
