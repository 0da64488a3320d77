//! A person who is erased is found nowhere any more, and everything else is as it was.

use receiptd::{
    audit::{Eraser, ErasureView},
    clock::Clock,
    domain::{Actor, Arrival, Dispatch, Event, Inbound, Kept, Message, Person, Source, Status, Unreadable},
    storage::{Cancellation, Settlement},
};
use serde_json::json;

use crate::{
    chain::verify,
    make::{about, claimed, enqueue, id, leased, number, settle, submission_with, time},
    store::{Database, TestStore},
};

both!(
    nothing_of_the_person_is_left,
    one_of_several_recipients_goes_and_the_others_stay,
    what_waits_is_called_back_and_what_is_under_way_waits,
    a_dry_run_changes_nothing,
    many_messages_go,
);

const NUMBER: &str = "447700900123";

async fn erase(store: &TestStore, dry_run: bool) -> ErasureView {
    let person = Person::new("+44 7700 900123").unwrap();
    let eraser = Eraser::new(store, Clock::new(|| time(5_000)));
    let view = eraser.erase(&person, &Actor::named("ops"), dry_run).await.unwrap();
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
    view
}

/// Every text and every body of every table, in one.
async fn everything(store: &TestStore) -> String {
    let mut all = String::new();
    for table in [
        "messages",
        "notifications",
        "recipients",
        "recipient_standings",
        "outbox",
        "dispatch_events",
        "changes",
        "inbound",
        "quarantine",
        "trail",
    ] {
        let query = match store.database {
            Database::Sqlite { .. } => {
                let columns = store
                    .texts(&format!(
                        "SELECT name FROM pragma_table_info('{table}') WHERE type <> 'BLOB' OR name = 'body'"
                    ))
                    .await;
                let texts: Vec<_> = columns.iter().map(|name| format!("COALESCE(CAST({name} AS TEXT), '')")).collect();
                format!("SELECT {} FROM {table}", texts.join(" || ' ' || "))
            }
            Database::Postgres { .. } if ["inbound", "quarantine", "notifications"].contains(&table) => {
                format!("SELECT t::text || CONVERT_FROM(body, 'UTF8') FROM {table} t")
            }
            Database::Postgres { .. } => format!("SELECT t::text FROM {table} t"),
        };
        all += &store.texts(&query).await.join("\n");
    }
    all
}

async fn nothing_of_the_person_is_left(store: &TestStore) {
    let message = json!({"correlationId": "sent", "text": "Dear Dana", "callbackData": "dana's order"});
    enqueue(store, &submission_with(&message), 1_000).await;
    let claim = claimed(store, 1_000).await.remove(0);
    let mut rejected = Settlement::new(Dispatch::Queued, time(2_000));
    rejected.event.reason = Some(format!("the number {NUMBER} is odd"));
    settle(store, &claim, &rejected).await;
    let heard = about("heard").of("t-1").to(NUMBER).says(Event::Read).at(7).body(format!("{{\"to\":\"+{NUMBER}\"}}"));
    let heard = heard.with(|it| {
        it.callback_data = Some("dana's order".to_owned());
        it.detail = Some(format!("|{NUMBER}|"));
        it.reason = Some("Read".to_owned());
    });
    store.hear([heard.clone(), heard, about("sent").says(Event::Submitted).body("{\"text\":\"Dear Dana\"}")]).await;
    let sender = Inbound { channel: None, event: "MO".to_owned(), sender: Some(number(NUMBER)), transaction_id: None };
    store
        .hear([Arrival::Inbound(Kept::now(sender, b"{\"message\":\"I am Dana\"}".to_vec(), Source::Notify, time(1)))])
        .await;
    let odd = |body: &str| {
        Arrival::Quarantined(Kept::now(Unreadable("odd".to_owned()), body.into(), Source::Notify, time(1)))
    };
    store.hear([odd("to=+44 7700 900123"), odd("to=+447700900999")]).await;
    let other = about("other").to("447700900999");
    store.hear([other.clone()]).await;
    let vouched = store.verdict().await.head.unwrap();
    let before = store.message("heard").await;

    let view = erase(store, false).await;
    let expected = ErasureView {
        messages: 2,
        notifications: 2,
        dispatch_events: 1,
        changes: 1,
        requests: 1,
        cancelled: 0,
        inbound: 1,
        quarantine: 1,
        under_way: 0,
    };
    assert_eq!(view, expected);
    let left = everything(store).await.to_lowercase();
    assert!(!left.contains(NUMBER) && !left.contains("dana"), "{left}");
    assert!(left.contains("447700900999"));
    let message = store.message("heard").await;
    let erased = Some("erased".to_owned());
    assert_eq!(message, Message { recipient: Some(number("erased")), callback_data: erased, ..before });
    assert_eq!(store.notifications("other").await, [other.recorded()]);
    assert!(verify(store, Some(&vouched)).await.sound, "a head from before vouches still");
    assert_eq!(
        store.texts("SELECT actor || ' ' || deed || ' ' || CAST(count AS TEXT) FROM trail ORDER BY at").await,
        ["server sent 1", "ops erased 5"]
    );
    assert_eq!(erase(store, false).await, ErasureView::default(), "nothing is left to erase");
}

async fn one_of_several_recipients_goes_and_the_others_stay(store: &TestStore) {
    for (name, first, second) in [("a", NUMBER, "447700900999"), ("b", "447700900999", NUMBER)] {
        store.hear([about(name).to(first).at(1)]).await;
        store.hear([about(name).to(second).at(2).says(Event::Read)]).await;
    }
    let view = erase(store, false).await;
    assert_eq!((view.messages, view.notifications), (2, 2));
    for name in ["a", "b"] {
        let mut recipients: Vec<_> = store.notifications(name).await;
        recipients.sort_unstable_by_key(|recorded| recorded.notification.recipient.clone());
        let recipients: Vec<_> = recipients.iter().map(|it| it.notification.recipient.clone().unwrap()).collect();
        assert_eq!(recipients, [number("447700900999"), number("erased")], "{name}");
        let message = store.message(name).await;
        assert!(message.other_recipients);
        assert_eq!(message.status, Status::Delivered);
    }
    assert!(!everything(store).await.contains(NUMBER));
}

async fn what_waits_is_called_back_and_what_is_under_way_waits(store: &TestStore) {
    let under_way = leased(store, "under-way", 1_000).await;
    enqueue(store, &submission_with(&json!({"correlationId": "waiting"})), 9_000_000).await;
    assert_eq!(erase(store, true).await.cancelled, 1);
    let view = erase(store, false).await;
    assert_eq!((view.messages, view.cancelled, view.under_way), (1, 1, 1));
    assert_eq!(store.message("waiting").await.status, Status::Cancelled);
    assert_eq!(store.outbox.cancel(&id("waiting"), time(9), &Actor::server()).await.unwrap(), Cancellation::Already);
    settle(store, &under_way, &Settlement::new(Dispatch::Accepted, time(2_000))).await;
    let view = erase(store, false).await;
    assert_eq!((view.messages, view.requests, view.under_way), (1, 1, 0));
    assert!(!everything(store).await.contains(NUMBER));
}

async fn a_dry_run_changes_nothing(store: &TestStore) {
    store.hear([about("order-1").to(NUMBER)]).await;
    let before = everything(store).await;
    let would = erase(store, true).await;
    assert_eq!(everything(store).await, before);
    assert_eq!(erase(store, false).await, would);
    assert_eq!((would.messages, would.notifications), (1, 1));
}

async fn many_messages_go(store: &TestStore) {
    store.hear((0..90).map(|n| about(&format!("order-{n}")).to(NUMBER))).await;
    assert_eq!(erase(store, false).await.messages, 90);
    assert!(!everything(store).await.contains(NUMBER));
    assert_eq!(store.texts("SELECT DISTINCT recipient FROM messages").await, ["erased"]);
}
