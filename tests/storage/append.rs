//! Appended arrivals are stored completely and unchanged.

use harness::{notifications_of, put};
use receiptd::{
    domain::{Channel, Event, Failure, Notification, Source, StoredNotification},
    storage::Store,
};

use crate::{
    chain::verify,
    make::{about, about_transaction, id, time},
    repair::arrived,
    store::TestStore,
};

both!(
    a_posted_notification_can_be_read_again,
    every_field_can_be_read_again,
    absent_fields_stay_absent,
    bodies_are_stored_byte_by_byte,
    unusual_texts_can_be_read_again,
    a_duplicate_is_stored_once_and_counted,
    the_first_arrival_of_a_duplicate_is_stored,
    different_notifications_are_all_stored,
    a_large_batch_is_stored_at_once,
    an_empty_batch_is_accepted,
);

/// As another process reads them.
async fn read_back(store: &Store, name: &str) -> Vec<StoredNotification> {
    let mut notifications = notifications_of(store, &id(name)).await.unwrap();
    notifications.sort_unstable_by_key(|recorded| recorded.fingerprint);
    notifications
}

const POSTED: &str = r#"{"deliveryInfoNotification":{"deliveryInfo":{"timeStamp":"2026-05-20T14:15:34.123+01:00",
  "Description":"Unknown Subscriber address","code":"7203","messageCount":"2","deliveryChannel":"SMS",
  "additionalInfo":"provider's own words","destination":"+447700900123","deliveryStatus":"Un-Delivered",
  "memberOfTomorrow":{"kept":[1,2,3]}},"carrier":"USTMO","transid":"t-1","callbackData":"order A-1001",
  "correlationid":"order-1","anotherOne":null}}"#;

async fn a_posted_notification_can_be_read_again(store: &TestStore) {
    let posted = arrived(POSTED.into(), Source::Notify, 1_000).unwrap();
    put(store, &[receiptd::domain::Arrival::Notification(posted.clone())]).await.unwrap();

    let reopened = store.reopened().await;
    assert_eq!(read_back(&reopened, "order-1").await, [posted]);
    let message = reopened.messages.find(&id("order-1")).await.unwrap().unwrap();
    assert_eq!(message.code.as_deref(), Some("7203"));
    assert_eq!(message.failure, Some(Failure::Permanent));
    assert_eq!(message.created_at, time(1_000));
}

async fn every_field_can_be_read_again(store: &TestStore) {
    let everything = |notification: &mut Notification| {
        notification.channel = Some(Channel::from_name("Pigeon Post"));
        notification.status_text = "Un-Delivered".into();
        notification.code = Some("7207".to_owned());
        notification.reason = Some("absent".to_owned());
        notification.detail = Some("1|2|smtp; 421".to_owned());
        notification.segments = Some(i64::MAX);
        notification.callback_data = Some("{\"order\":\"A-1001\"}".to_owned());
    };
    let notification = about("order-1").of("t-1").to("+44 7700 900123").says(Event::Failed(Failure::Transient));
    let notification = notification.at(-1).received(7).with(everything);
    store.hear([notification.clone()]).await;
    assert_eq!(read_back(&store.reopened().await, "order-1").await, [notification.recorded()]);
}

async fn absent_fields_stay_absent(store: &TestStore) {
    let bare = about("order-1").with(|notification| notification.channel = None);
    store.hear([bare.clone()]).await;
    assert_eq!(read_back(&store.reopened().await, "order-1").await, [bare.recorded()]);
    let message = store.message("order-1").await;
    assert_eq!(
        (message.transaction_id, message.recipient, message.channel, message.status_at),
        (None, None, None, None)
    );
    assert_eq!((message.code, message.reason, message.segments, message.callback_data), (None, None, None, None));
}

async fn bodies_are_stored_byte_by_byte(store: &TestStore) {
    let mebibyte = format!("{{\"pad\":\"{}\"}}", "0123456789abcdef".repeat(65_536));
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let bodies: [&[u8]; 14] = [
        br#"{"a":"\u0000","b":"\\u0000"}"#,
        "{\"emoji\":\"👋🏽 \u{FFFD} \u{FFFE} \u{10FFFF}\"}".as_bytes(),
        br#"{"lone":"\ud83d","swapped":"\udc4b\ud83d"}"#,
        "\u{FEFF}{\"mark\":true}".as_bytes(),
        b" \t\r\n{ \"spaces\" : 1.50e+1 }\n\n",
        br#"{"quotes":"'\"\\ '' \/ $1 %s"}"#,
        b"[]",
        b"",
        // The body of a notification need not be UTF-8.
        b"{\"latin\":\"\xe9\"}",
        b"{\"half\":\"\xed\xa0\xbd\"}",
        b"{\"cut\":\"\xf0\x9f\x98\"}",
        b"{\"nul\":\"\xc0\x80\"}",
        &every_byte,
        mebibyte.as_bytes(),
    ];
    let mut at = 0;
    let notifications = bodies.map(|body| {
        at += 1;
        about("order-1").at(at).body(body)
    });
    store.hear(notifications.clone()).await;

    let reopened = store.reopened().await;
    let stored = read_back(&reopened, "order-1").await;
    assert_eq!(stored.len(), bodies.len());
    assert_eq!(verify(&reopened, None).await.finding, None);
    for notification in notifications {
        let sent = notification.recorded();
        let kept = stored.iter().find(|kept| kept.fingerprint == sent.fingerprint).unwrap();
        assert!(
            kept.body == sent.body,
            "{:?}",
            String::from_utf8_lossy(&sent.body).chars().take(40).collect::<String>()
        );
    }
}

async fn unusual_texts_can_be_read_again(store: &TestStore) {
    for (n, text) in ["'; DROP TABLE messages; --", "\u{FFFD}", "ÅÄÖ", "👋🏽", " ", "\u{1}\u{7f}", "null", "12", "1e5"]
        .into_iter()
        .enumerate()
    {
        let name = format!("{text}{n}");
        let everywhere = |notification: &mut Notification| {
            notification.channel = Some(Channel::from_name(&format!("channel {text}")));
            notification.status_text = text.into();
            notification.code = Some(text.to_owned());
            notification.reason = Some(text.to_owned());
            notification.detail = Some(text.to_owned());
            notification.callback_data = Some(text.to_owned());
        };
        let notification = about(&name).of(&format!("transaction {n}{text}")).to(&format!("user {text} at home"));
        let notification = notification.with(everywhere);
        store.hear([notification.clone()]).await;
        assert_eq!(read_back(store, &name).await, [notification.recorded()], "{text:?}");
        assert_eq!(store.message(&name).await.callback_data.as_deref(), Some(text));
    }
}

async fn a_duplicate_is_stored_once_and_counted(store: &TestStore) {
    let delivered = about("order-1").of("t-1").at(20);
    let read = about("order-1").of("t-1").says(Event::Read).at(30);
    store.hear([delivered.clone(), read.clone(), delivered.clone()]).await;
    store.hear([delivered.clone()]).await;
    store.hear([delivered.clone(), delivered.clone()]).await;

    let times = |event| async move {
        let stored = store.notifications("order-1").await;
        stored
            .iter()
            .filter(|recorded| recorded.notification.event == event)
            .map(|recorded| recorded.occurrences)
            .collect()
    };
    let (delivered, read): (Vec<_>, Vec<_>) = (times(Event::Delivered).await, times(Event::Read).await);
    assert_eq!((delivered.as_slice(), read.as_slice()), ([5].as_slice(), [1].as_slice()));
    assert_eq!(store.message("order-1").await.notification_count, 2);
}

async fn the_first_arrival_of_a_duplicate_is_stored(store: &TestStore) {
    let first = about("order-1").of("t-1").at(20).received(1_000).body("{\"n\":1}");
    let again = about("order-1").of("t-1").at(20).received(2_000).body("{\"n\":2}");
    store.hear([first.clone()]).await;
    store.hear([again]).await;
    assert_eq!(store.notifications("order-1").await, [StoredNotification { occurrences: 2, ..first.recorded() }]);
    let message = store.message("order-1").await;
    assert_eq!((message.created_at, message.updated_at), (time(1_000), time(2_000)));
    // In one batch too.
    let first = about_transaction("t-2").at(20).received(1_000).body("{\"n\":1}");
    let again = about_transaction("t-2").at(20).received(2_000).body("{\"n\":2}");
    store.hear([first.clone(), again]).await;
    assert_eq!(store.notifications("txn:t-2").await, [StoredNotification { occurrences: 2, ..first.recorded() }]);
}

async fn different_notifications_are_all_stored(store: &TestStore) {
    let base = about("order-1").of("t-1").to("447700900123").at(20);
    let code = |code: &str| base.clone().with(|notification| notification.code = Some(code.to_owned()));
    let reason = |text: &str| base.clone().with(|notification| notification.reason = Some(text.to_owned()));
    let different = [
        base.clone(),
        base.clone().of("t-2"),
        base.clone().to("447700900124"),
        base.clone().at(21),
        base.clone().says(Event::Read),
        code("7500"),
        reason("7500"),
        about("order-1").to("447700900123").at(20),
    ];
    store.hear(different.clone()).await;
    assert_eq!(store.notifications("order-1").await.len(), different.len());
    // Statuses that differ only in upper and lower case or in punctuation are equal.
    store.hear([base.with(|notification| notification.status_text = "DELIVER-ED".into())]).await;
    assert_eq!(store.message("order-1").await.notification_count, 8);
}

async fn a_large_batch_is_stored_at_once(store: &TestStore) {
    let batch = (0..1_000).map(|n| about(&format!("order-{}", n % 100)).of(&format!("t-{n}")).at(n));
    store.hear(batch).await;
    let message = store.message("order-7").await;
    assert_eq!((message.notification_count, message.status_at), (10, Some(time(907))));
    assert_eq!(message.transaction_id.unwrap().as_str(), "t-907");
}

async fn an_empty_batch_is_accepted(store: &TestStore) {
    put(store, &[]).await.unwrap();
    store.hear([about_transaction("t-1")]).await;
    assert_eq!(store.ids(&receiptd::domain::Filter::default()).await, ["txn:t-1"]);
}
