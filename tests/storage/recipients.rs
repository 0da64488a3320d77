//! One correlation id for several recipients: one message, which is found by each of them.

use receiptd::domain::{Event, Filter, Status, StoredNotification, by_recipient};

use crate::{
    make::{about, leased, number},
    store::TestStore,
};

both!(
    a_message_is_found_by_each_of_its_recipients,
    recipients_are_stored_in_every_order,
    spellings_of_one_number_are_one_recipient,
    a_recipient_may_become_known_later,
    a_sent_message_keeps_its_recipient_and_adds_others,
);

async fn found_by(store: &TestStore, recipient: &str) -> Vec<String> {
    store.ids(&Filter { recipient: Some(number(recipient)), ..Filter::default() }).await
}

async fn a_message_is_found_by_each_of_its_recipients(store: &TestStore) {
    let mail = |to: &str| about("order-1").of("t-1").to(to);
    store.hear([mail("dana@example.org"), mail("eve@example.org").says(Event::Submitted)]).await;
    store.hear([mail("Fay@Example.org").says(Event::Read), about("order-2").of("t-2").to("eve@example.org")]).await;

    assert_eq!(found_by(store, "dana@example.org").await, ["order-1"]);
    assert_eq!(found_by(store, "EVE@example.org").await, ["order-2", "order-1"]);
    assert_eq!(found_by(store, "fay@example.org").await, ["order-1"]);
    assert_eq!(found_by(store, "gil@example.org").await, Vec::<String>::new());
    assert!(store.message("order-1").await.other_recipients);
    assert!(!store.message("order-2").await.other_recipients);

    let each = by_recipient(&store.notifications("order-1").await).unwrap();
    let each: Vec<_> = each.iter().map(|one| (one.recipient.as_str(), one.standing.status)).collect();
    let expected = [
        ("dana@example.org", Status::Delivered),
        ("eve@example.org", Status::Submitted),
        ("fay@example.org", Status::Read),
    ];
    assert_eq!(each, expected);
}

async fn recipients_are_stored_in_every_order(store: &TestStore) {
    let numbers = ["447700900001", "447700900002", "447700900003"];
    for (case, order) in [[0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 2, 1]].into_iter().enumerate() {
        let name = format!("order-{case}");
        for at in order {
            store.hear([about(&name).to(numbers[at]), about(&name).to(numbers[at])]).await;
        }
    }
    for number in numbers {
        assert_eq!(found_by(store, number).await.len(), 4);
    }
    let recipients = store.texts("SELECT correlation_id FROM recipients").await;
    assert_eq!(recipients.len(), 8, "one of three is in the message");
}

async fn spellings_of_one_number_are_one_recipient(store: &TestStore) {
    let spellings = [
        "447700900123",
        "+44 7700-900123",
        "00447700900123",
        "tel:+44 (0)7700 900123",
        "\u{202A}+44\u{A0}7700 900123\u{202C}",
        "447700900123@s.whatsapp.net",
        "＋４４７７００９００１２３",
    ];
    for (at, spelling) in (1..).zip(spellings) {
        store.hear([about("order-1").to(spelling).at(at)]).await;
    }
    assert!(!store.message("order-1").await.other_recipients);
    for spelling in spellings {
        assert_eq!(found_by(store, spelling).await, ["order-1"], "{spelling}");
    }
}

async fn a_recipient_may_become_known_later(store: &TestStore) {
    store.hear([about("order-1").at(1)]).await;
    assert_eq!(store.message("order-1").await.recipient, None);
    store.hear([about("order-1").to("447700900123").at(2)]).await;
    store.hear([about("order-1").at(3)]).await;
    let message = store.message("order-1").await;
    assert_eq!((message.recipient, message.other_recipients), (Some(number("447700900123")), false));
    assert_eq!(found_by(store, "447700900123").await, ["order-1"]);
}

async fn a_sent_message_keeps_its_recipient_and_adds_others(store: &TestStore) {
    leased(store, "order-1", 1_000).await;
    store.hear([about("order-1").to("447700900123").at(2_000)]).await;
    assert!(!store.message("order-1").await.other_recipients);
    store.hear([about("order-1").to("447700900999").at(3_000)]).await;
    let message = store.message("order-1").await;
    assert_eq!((message.recipient, message.other_recipients), (Some(number("447700900123")), true));
    assert_eq!(found_by(store, "447700900999").await, ["order-1"]);
    let received: Vec<StoredNotification> = store.notifications("order-1").await;
    assert_eq!(received.len(), 2);
}
