//! A batch is stored completely or not at all, and a store that returned an error can be used again.

use std::time::Duration;

use harness::{notifications_of, put};
use proptest::prelude::*;
use receiptd::{
    domain::{Archived, Arrival, Draft, Filter, Reference, Source, Unreadable},
    storage::{self, Access, OpenOptions, StorageError},
};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::{
    make::{about, claimed, enqueue, fresh, id, leased, time},
    order::append,
    repair::arrived,
    store::{Database, TestStore},
};

both!(
    a_refused_arrival_fails_its_whole_batch,
    a_value_that_cannot_be_stored_is_refused_without_a_panic,
    every_accepted_message_can_be_stored,
    every_understood_notification_can_be_stored,
    corrupt_data_is_reported_with_its_row,
    a_missing_table_is_a_temporary_error,
    a_cancelled_append_is_stored_completely_or_not_at_all,
);
only!(sqlite in sqlite_alone: another_writer_is_waited_for_up_to_the_timeout);
only!(postgres in postgres_alone: a_cut_connection_is_replaced);

/// An arrival that the databases refuse once `refuse` was called.
pub(crate) fn unwelcome() -> Arrival {
    Arrival::Quarantined(Archived::first_arrival(
        Unreadable("unwelcome".to_owned()),
        b"{".to_vec(),
        Source::Notify,
        time(1_000),
    ))
}

pub(crate) async fn refuse_the_unwelcome(store: &TestStore) {
    match store.database {
        Database::Sqlite { .. } => {
            store
                .execute(
                    "CREATE TRIGGER refuse BEFORE INSERT ON quarantine WHEN new.reason = 'unwelcome' \
                     BEGIN SELECT RAISE(ABORT, 'unwelcome'); END",
                )
                .await;
        }
        Database::Postgres { .. } => {
            store.execute("ALTER TABLE quarantine ADD CHECK (reason <> 'unwelcome')").await;
        }
    }
}

async fn a_refused_arrival_fails_its_whole_batch(store: &TestStore) {
    refuse_the_unwelcome(store).await;
    let batch = [about("order-1").of("t-1").into(), unwelcome(), about("order-2").into()];
    let refused = put(store, &batch).await.unwrap_err();
    assert!(matches!(refused, StorageError::Refused(_)), "{refused:?}");
    assert_eq!(store.ids(&Filter::default()).await, Vec::<String>::new());
    assert_eq!(store.texts("SELECT correlation_id FROM transactions").await, Vec::<String>::new());
    // Without it, the others are stored.
    store.hear([batch[0].clone(), batch[2].clone()]).await;
    assert_eq!(store.ids(&Filter::default()).await, ["order-2", "order-1"]);
}

/// The parser of the wire format replaces NUL, which Postgres cannot store in a text. Another caller might not.
async fn a_value_that_cannot_be_stored_is_refused_without_a_panic(store: &TestStore) {
    let odd = about("order-1").with(|notification| notification.status_text = "Deli\0vered".into());
    match put(store, &[odd.clone().into()]).await {
        Ok(()) => assert_eq!(store.notifications("order-1").await, [odd.recorded()]),
        Err(StorageError::Refused(_)) => assert_eq!(store.find("order-1").await, None),
        Err(error) => panic!("{error:?}"),
    }
    store.hear([about("order-2")]).await;
}

/// A submission that passes its checks can be stored in both databases.
async fn every_accepted_message_can_be_stored(store: &TestStore) {
    let text = || prop_oneof!["\\PC{1,8}", "[\0-\u{7f}]{1,8}", Just("a\0@b".to_owned()), Just("\\u0000".to_owned())];
    let message = (text(), text(), text(), text(), prop_oneof![Just("447700900123".to_owned()), text()]);
    store.for_all(&message, async |(from, text, callback_data, option, bsuid)| {
        let draft = json!({
            "channel": "whatsapp", "from": from, "text": text, "callbackData": callback_data, "to": {"bsuid": bsuid},
            "options": {option: [callback_data]},
        });
        let Ok(accepted) = Draft::new(draft).unwrap().check(|| id(&fresh())) else { return };
        enqueue(store, &accepted, 1_000).await;
        let claims = claimed(store, 1_000).await;
        assert_eq!(claims.iter().map(|claim| &claim.submission).collect::<Vec<_>>(), [&accepted]);
        let message = store.message(accepted.correlation_id.as_str()).await;
        assert_eq!((message.sender, message.callback_data), (Some(accepted.sender), accepted.callback_data));
    });
}

/// A notification that was understood can be stored in both databases.
async fn every_understood_notification_can_be_stored(store: &TestStore) {
    let text = || {
        prop_oneof![
            3 => "\\PC{0,8}".prop_map(Value::from),
            1 => "[\0-\u{7f}]{1,8}".prop_map(Value::from),
            1 => Just(json!("a\0@B")),
            1 => Just(json!("x".repeat(700))),
            1 => any::<i64>().prop_map(Value::from),
            1 => Just(Value::Null),
        ]
    };
    let time_stamp = prop_oneof![
        Just(json!("+262142-12-31T23:59:59.999Z")),
        Just(json!("-262143-01-01T00:00:00Z")),
        Just(json!("1970-01-01T00:00:00Z")),
        text(),
    ];
    let envelope = (text(), text(), text(), text());
    let info = (text(), text(), text(), text(), text(), time_stamp);
    store.for_all(&(envelope, info), async |(envelope, info)| {
        // No two cases report the same event.
        let description = format!("{} {}", fresh(), info.3.as_str().unwrap_or_default());
        let body = json!({"deliveryInfoNotification": {
            "transid": envelope.0, "correlationid": envelope.1, "callbackData": envelope.2, "unheardOf": envelope.3,
            "deliveryInfo": {
                "deliveryChannel": info.0, "destination": info.1, "code": info.2, "Description": description,
                "additionalInfo": info.4, "timeStamp": info.5, "deliveryStatus": envelope.3, "messageCount": info.2,
            },
        }});
        let body = body.to_string().into_bytes();
        let Some(recorded) = arrived(body, Source::Notify, 1_000) else { return };
        append(store, std::slice::from_ref(&recorded)).await;
        let owner = match &recorded.notification.reference {
            Reference::Correlated(id, _) => id.clone(),
            Reference::Transaction(id) => store.messages.owner(id).await.unwrap().unwrap(),
        };
        assert!(store.notifications(owner.as_str()).await.contains(&recorded));
    });
}

async fn corrupt_data_is_reported_with_its_row(store: &TestStore) {
    leased(store, "order-1", 1_000).await;
    store.hear([about("order-1")]).await;
    for statement in [
        "UPDATE messages SET status = 'lost' WHERE correlation_id = 'order-1'",
        "UPDATE notification_blocks SET size = size + 1",
        "UPDATE dispatch_events SET dispatch = 'lost' WHERE correlation_id = 'order-1'",
    ] {
        store.execute(statement).await;
    }
    let place = |error: StorageError| match error {
        StorageError::Corrupt { table, column, row } => (table, column, row),
        error => panic!("{error:?}"),
    };
    let one = id("order-1");
    let found = store.messages.find(&one).await.unwrap_err();
    assert_eq!(place(found), ("messages", "status", one.to_string()));
    let found = notifications_of(store, &one).await.unwrap_err();
    assert_eq!(place(found), ("notification_blocks", "payload", "1".to_owned()));
    let found = store.messages.dispatch_events(&one).await.unwrap_err();
    assert_eq!(place(found), ("dispatch_events", "dispatch", one.to_string()));
}

async fn a_missing_table_is_a_temporary_error(store: &TestStore) {
    store.execute("ALTER TABLE quarantine RENAME TO elsewhere").await;
    let error = put(store, &[about("order-1").into(), unwelcome()]).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    assert_eq!(store.find("order-1").await, None);
    store.execute("ALTER TABLE elsewhere RENAME TO quarantine").await;
    store.hear([about("order-1").into(), unwelcome()]).await;
    store.message("order-1").await;
}

/// As after the platform's ten seconds. Here the time is over after each fraction of a millisecond.
async fn a_cancelled_append_is_stored_completely_or_not_at_all(store: &TestStore) {
    let name = |n: u64| format!("order-{n}");
    let batch = |n: u64| {
        let one = about(&name(n)).of(&format!("t-{n}")).to("447700900123");
        [one.clone().at(1), one.clone().at(2), one.at(3)].map(Arrival::from)
    };
    for n in 0..40 {
        let arrivals = batch(n);
        let given_up = tokio::time::timeout(Duration::from_micros(n * 100), put(store, &arrivals)).await;
        given_up.unwrap_or(Ok(())).unwrap();
        // The next append is not blocked.
        store.hear([about("order-after").at(i64::try_from(n).unwrap())]).await;
    }
    for n in 0..40 {
        let found = store.find(&name(n)).await.map(|message| message.notification_count);
        assert!([None, Some(3)].contains(&found), "{found:?} of 3 notifications of batch {n}");
        store.hear(batch(n)).await;
        assert_eq!(store.message(&name(n)).await.notification_count, 3);
    }
    assert_eq!(store.message("order-after").await.notification_count, 40);
}

async fn another_writer_is_waited_for_up_to_the_timeout(store: &TestStore) {
    let options = OpenOptions { connections: 1, timeout: Duration::from_millis(50), access: Access::Migrate };
    let impatient = storage::open(store.database.url(), options).await.unwrap();
    let mut writer = SqliteConnection::connect(store.database.url()).await.unwrap();
    let writing = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let error = put(&impatient, &[about("order-1").into()]).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    assert!(impatient.health.beat(time(1)).await.is_err());
    // It does not block readers.
    assert_eq!(store.find("order-1").await, None);

    writing.rollback().await.unwrap();
    put(&impatient, &[about("order-1").into()]).await.unwrap();
    store.message("order-1").await;
}

async fn a_cut_connection_is_replaced(store: &TestStore) {
    store.hear([about("order-1")]).await;
    store.cut_connections().await;
    // Each connection that was cut may be reported once, as a temporary error, and never as an error of the content.
    let mut again = 0;
    while let Err(error) = put(store, &[about("order-2").into()]).await {
        assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
        again += 1;
        assert!(again <= 4, "does not heal");
    }
    assert_eq!(store.message("order-2").await.notification_count, 1);
    store.message("order-1").await;
}
