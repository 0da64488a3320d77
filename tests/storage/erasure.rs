//! An erased person is found nowhere, and everything else is unchanged.

use std::fmt::Write;

use receiptd::{
    clock::Clock,
    domain::{
        Actor, Archived, Arrival, Dispatch, Event, Inbound, Message, PageLimit, Person, Source, Status, Unreadable,
        ViewedList,
    },
    maintenance::{Eraser, ErasureView},
    storage::{Cancellation, Settlement},
};
use serde_json::json;

use crate::{
    chain::verify,
    make::{about, claimed, enqueue, id, leased, number, settle, submission_with, time},
    saved_views::view,
    store::{Database, TestStore},
};

both!(
    no_data_of_the_person_remains,
    one_of_several_recipients_is_erased_and_the_others_stay,
    waiting_messages_are_cancelled_and_dispatched_ones_remain,
    a_dry_run_changes_nothing,
    many_messages_are_erased,
    the_person_is_erased_in_every_encoding,
    messages_to_others_stay_without_the_person,
    a_recipient_in_an_unusual_spelling_is_erased,
    the_person_is_erased_from_values_beside_a_body,
    messages_to_others_are_not_searched_for_a_short_id,
);
only!(sqlite in files: no_file_contains_the_number_any_more);

const NUMBER: &str = "447700900123";

async fn erase(store: &TestStore, dry_run: bool) -> ErasureView {
    let person = Person::new("+44 7700 900123").unwrap();
    let eraser = Eraser::new(store, Clock::new(|| time(5_000)));
    let view = eraser.erase(&person, &Actor::named("ops"), dry_run).await.unwrap();
    let verdict = store.verdict().await;
    assert!(verdict.sound, "{:?}", verdict.finding);
    view
}

/// All texts and all bodies of all tables, as one text.
pub(crate) async fn everything(store: &TestStore) -> String {
    let mut all = String::new();
    let everything = PageLimit::new(PageLimit::MAX).unwrap();
    let ids = store.repair.ids(None, everything).await.unwrap();
    for (_, stored) in store.messages.notifications_of(&ids, None, everything).await.unwrap() {
        writeln!(all, "{:?} {}", stored.notification, String::from_utf8_lossy(&stored.body)).unwrap();
    }
    for table in [
        "messages",
        "recipients",
        "recipient_standings",
        "outbox",
        "dispatch_events",
        "status_events",
        "inbound",
        "quarantine",
        "audit_log",
        "saved_views",
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
            Database::Postgres { .. } if ["inbound", "quarantine"].contains(&table) => {
                format!("SELECT t::text || CONVERT_FROM(body, 'UTF8') FROM {table} t")
            }
            Database::Postgres { .. } => format!("SELECT t::text FROM {table} t"),
        };
        all += &store.texts(&query).await.join("\n");
    }
    all
}

async fn no_data_of_the_person_remains(store: &TestStore) {
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
        .hear([Arrival::Inbound(Archived::first_arrival(
            sender,
            b"{\"message\":\"I am Dana\"}".to_vec(),
            Source::Notify,
            time(1),
        ))])
        .await;
    let odd = |body: &str| {
        Arrival::Quarantined(Archived::first_arrival(
            Unreadable("odd".to_owned()),
            body.into(),
            Source::Notify,
            time(1),
        ))
    };
    store.hear([odd("to=+44 7700 900123"), odd("to=+447700900999")]).await;
    let other = about("other").to("447700900999");
    store.hear([other.clone()]).await;
    let named = [("to", "+44 7700 900123"), ("status", "failed")];
    for (owner, view) in [
        ("desk", view(1, ViewedList::Messages, "Complaint of today", &named)),
        ("shop", view(2, ViewedList::Messages, "About 44-7700-900123", &[("status", "failed")])),
        ("shop", view(3, ViewedList::Messages, "Another customer", &[("to", "447700900999")])),
    ] {
        store.saved_views.save(owner, &view).await.unwrap();
    }
    let vouched = store.verdict().await.head.unwrap();
    let before = store.message("heard").await;

    assert_eq!(erase(store, true).await.saved_views, 2);
    let erased = erase(store, false).await;
    let expected = ErasureView {
        messages: 2,
        notifications: 2,
        dispatch_events: 1,
        status_events: 1,
        requests: 1,
        cancelled: 0,
        inbound: 1,
        quarantine: 1,
        saved_views: 2,
        under_way: 0,
        compressed: 0,
        found: true,
    };
    assert_eq!(erased, expected);
    let left = everything(store).await.to_lowercase();
    assert!(!left.contains(NUMBER) && !left.contains("dana"), "{left}");
    assert!(left.contains("447700900999"));
    assert_eq!(store.saved_views.saved("desk").await.unwrap(), []);
    assert_eq!(store.saved_views.saved("shop").await.unwrap().len(), 1);
    let message = store.message("heard").await;
    let erased = Some("erased".to_owned());
    assert_eq!(message, Message { recipient: Some(number("erased")), callback_data: erased, ..before });
    assert_eq!(store.notifications("other").await, [other.recorded()]);
    assert!(verify(store, Some(&vouched)).await.sound, "an earlier head still verifies");
    assert_eq!(
        store.texts("SELECT actor || ' ' || action || ' ' || CAST(count AS TEXT) FROM audit_log ORDER BY at").await,
        ["server sent 1", "ops erased 7"]
    );
    assert_eq!(erase(store, false).await, ErasureView::default(), "nothing remains to be erased");
}

async fn one_of_several_recipients_is_erased_and_the_others_stay(store: &TestStore) {
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

async fn waiting_messages_are_cancelled_and_dispatched_ones_remain(store: &TestStore) {
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

async fn many_messages_are_erased(store: &TestStore) {
    store.hear((0..90).map(|n| about(&format!("order-{n}")).to(NUMBER))).await;
    assert_eq!(erase(store, false).await.messages, 90);
    assert!(!everything(store).await.contains(NUMBER));
    assert_eq!(store.texts("SELECT DISTINCT recipient FROM messages").await, ["erased"]);
}

fn odd(body: impl Into<Vec<u8>>) -> Arrival {
    Arrival::Quarantined(Archived::first_arrival(Unreadable("odd".to_owned()), body.into(), Source::Notify, time(1)))
}

fn inbound(sender: &str, body: impl Into<Vec<u8>>) -> Arrival {
    let inbound = Inbound { channel: None, event: "MO".to_owned(), sender: Some(number(sender)), transaction_id: None };
    Arrival::Inbound(Archived::first_arrival(inbound, body.into(), Source::Notify, time(1)))
}

async fn the_person_is_erased_in_every_encoding(store: &TestStore) {
    let wide = |unit: fn(u16) -> [u8; 2]| format!("+{NUMBER}").encode_utf16().flat_map(unit).collect::<Vec<_>>();
    let bodies = [
        format!("to=%2B{NUMBER}").into_bytes(),
        br#"{"to":"\u002b\u0034\u00347700900123"}"#.to_vec(),
        br#"{"inner":"{\"to\":\"\\u002b447700900123\"}"}"#.to_vec(),
        "{\"to\":\"\u{202A}+44\u{A0}7700\u{2011}900123\u{202C}\"}".into(),
        "{\"to\":\"＋４４７７００９００１２３\"}".into(),
        format!("{{\"to\":\"{NUMBER}@s.whatsapp.net\"}}").into_bytes(),
        b"{\"to\":\"00447700900123\"}".to_vec(),
        b"eyJ0byI6Iis0NDc3MDA5MDAxMjMifQ==".to_vec(),
        wide(u16::to_le_bytes),
        wide(u16::to_be_bytes),
        br#"{"to":["447700900999",447700900123]}"#.to_vec(),
        br#"{"447700900123":"tel:+44-7700-900123"}"#.to_vec(),
        b"to=%252B44%25207700%2520900123".to_vec(),
        b"<to>&#43;44&#x37;700900123</to>".to_vec(),
        br#"{"udh":"2b343437373030393030313233"}"#.to_vec(),
        b"to=44,7700,900123".to_vec(),
        "⁺⁴⁴ ⁷⁷⁰⁰ ⁹⁰⁰¹²³".into(),
    ];
    for body in &bodies {
        store.hear([odd(body.clone()), inbound("447700900999", body.clone())]).await;
    }
    let compressed = b"\x1F\x8B\x08\0\0".to_vec();
    store.hear([odd("to=+447700900124"), odd("n=1447700900123"), odd(compressed), inbound("447700900999", "Hi")]).await;
    let view = erase(store, false).await;
    assert_eq!((view.quarantine, view.inbound, view.compressed, view.found), (17, 17, 1, true));
    let erased = "SELECT sender FROM inbound WHERE length(body) = 15";
    assert_eq!(store.texts(erased).await, vec!["447700900999"; 17], "another person sent it");
    assert_eq!(erase(store, false).await, ErasureView { compressed: 1, ..ErasureView::default() });
}

async fn messages_to_others_stay_without_the_person(store: &TestStore) {
    let about_bob = |name: &str| about(name).to("447700900999").at(1).body("{}");
    let named = about_bob("in-a-body").body(format!("{{\"on behalf of\":\"+{NUMBER}\"}}"));
    let data = about_bob("in-the-data").with(|it| it.callback_data = Some(format!("for {NUMBER}")));
    let plain = about_bob("not-at-all").with(|it| it.callback_data = Some("for Bob".to_owned()));
    store.hear([named.with(|it| it.callback_data = Some("order 7".to_owned())), data, plain.clone()]).await;
    let text = json!({"correlationId": "text", "to": "447700900999", "text": format!("Dana has {NUMBER} now")});
    enqueue(store, &submission_with(&text), 9_000_000).await;

    let would = erase(store, true).await;
    let view = erase(store, false).await;
    assert_eq!(view, would);
    assert_eq!((view.messages, view.notifications, view.requests, view.under_way), (2, 2, 0, 1));
    assert_eq!(store.message("text").await.status, Status::Queued, "it is a message to another person");
    for (name, data) in [("in-a-body", "order 7"), ("in-the-data", "erased")] {
        let message = store.message(name).await;
        assert_eq!((message.recipient, message.callback_data.as_deref()), (Some(number("447700900999")), Some(data)));
        let notification = store.notifications(name).await.remove(0).notification;
        assert_eq!(notification.recipient, Some(number("447700900999")), "{name}");
        assert_eq!(notification.callback_data.as_deref(), Some(data), "{name}");
    }
    assert_eq!(store.notifications("not-at-all").await, [plain.recorded()]);
    store.outbox.cancel(&id("text"), time(9), &Actor::server()).await.unwrap();
    assert_eq!(erase(store, false).await.requests, 1);
    assert!(!everything(store).await.contains(NUMBER));
    assert_eq!(erase(store, false).await, ErasureView::default());
}

/// Stored unchanged, since a comma stands more often between two numbers than within one.
async fn a_recipient_in_an_unusual_spelling_is_erased(store: &TestStore) {
    const ODD: &str = "44,7700,900123";
    assert_ne!(number(ODD), number(NUMBER));
    store.hear([about("alone").to(ODD).at(1).with(|it| it.callback_data = Some("Dana's order".to_owned()))]).await;
    for (name, first, second) in [("a", ODD, "447700900999"), ("b", "447700900999", ODD), ("c", NUMBER, ODD)] {
        store.hear([about(name).to(first).at(1)]).await;
        store.hear([about(name).to(second).at(2).says(Event::Read)]).await;
    }
    store.hear([inbound(ODD, "Hi")]).await;
    let would = erase(store, true).await;
    let view = erase(store, false).await;
    assert_eq!(view, would);
    assert_eq!((view.messages, view.notifications, view.inbound), (4, 5, 1));
    let left = everything(store).await;
    assert!(!left.contains(ODD) && !left.contains(NUMBER) && !left.contains("Dana"), "{left}");
    assert_eq!(store.message("alone").await.recipient, Some(number("erased")));
    assert_eq!(store.texts("SELECT sender FROM inbound").await, ["erased"]);
    for name in ["a", "b"] {
        let mut recipients: Vec<_> = store.notifications(name).await;
        recipients.sort_unstable_by_key(|recorded| recorded.notification.recipient.clone());
        let recipients: Vec<_> = recipients.iter().map(|it| it.notification.recipient.clone().unwrap()).collect();
        assert_eq!(recipients, [number("447700900999"), number("erased")], "{name}");
    }
    assert_eq!(erase(store, false).await, ErasureView::default());
}

async fn the_person_is_erased_from_values_beside_a_body(store: &TestStore) {
    let event = || Inbound { channel: None, event: format!("MO from {NUMBER}"), sender: None, transaction_id: None };
    let why = Unreadable(format!("+{NUMBER} is no status"));
    let said = about("order-1").to("447700900999").with(|it| it.status_text = format!("sent on by {NUMBER}"));
    store.hear([Arrival::Inbound(Archived::first_arrival(event(), b"{}".to_vec(), Source::Notify, time(1)))]).await;
    store
        .hear([
            Arrival::Quarantined(Archived::first_arrival(why, b"{}".to_vec(), Source::Notify, time(1))),
            said.into(),
        ])
        .await;
    let view = erase(store, false).await;
    assert_eq!((view.notifications, view.inbound, view.quarantine), (1, 1, 1));
    assert!(!everything(store).await.contains(NUMBER));
    assert_eq!(store.notifications("order-1").await.remove(0).notification.status_text, "erased");
}

async fn messages_to_others_are_not_searched_for_a_short_id(store: &TestStore) {
    let priced = about("order-1").to("447700900999").body("{\"price\":1001}");
    store.hear([priced.clone(), about("order-2").to("1001")]).await;
    let eraser = Eraser::new(store, Clock::new(|| time(5_000)));
    let view = eraser.erase(&Person::new("1001").unwrap(), &Actor::named("ops"), false).await.unwrap();
    assert_eq!((view.messages, view.notifications), (1, 1));
    assert_eq!(store.notifications("order-1").await, [priced.recorded()]);
}

/// The number of messages. A quarter of them are to the person.
const MANY: usize = 800;

async fn no_file_contains_the_number_any_more(store: &TestStore) {
    let padded = |n: usize, number: &str| {
        format!("{{\"to\":\"+{number}\",\"x\":\"{}\",\"again\":\"{number}\"}}", "x".repeat(n * 97 % 1_500))
    };
    // Their ids are in no order, so that pages are split and rows are moved, and leave copies behind.
    let scattered = (0..MANY).map(|n| (n, n.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let heard = scattered.map(|(n, id)| {
        let number = if n % 4 == 0 { NUMBER.to_owned() } else { format!("4477009{:05}", n % 90_000 + 1_000) };
        let told = about(&format!("order-{id:x}")).to(&number).body(padded(n, &number));
        [told.clone().at(1), told.at(2).says(Event::Read)]
    });
    for batch in heard.collect::<Vec<_>>().chunks(20) {
        store.hear(batch.concat()).await;
    }
    for n in 0..20 {
        store.hear([odd(padded(n * 7, NUMBER)), inbound(NUMBER, padded(n * 5, NUMBER))]).await;
        let text = json!({"correlationId": format!("sent-{n}"), "text": padded(n % 7, NUMBER)});
        enqueue(store, &submission_with(&text), 9_000_000).await;
    }
    let folder = std::path::Path::new(store.database.url().strip_prefix("sqlite://").unwrap()).parent().unwrap();
    let holders = || {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let holds = |path: &std::path::PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(NUMBER.len()).any(|window| window == NUMBER.as_bytes())
        };
        files.filter(holds).collect::<Vec<_>>()
    };
    assert!(!holders().is_empty());
    assert_eq!(erase(store, false).await.messages, i64::try_from(MANY / 4 + 20).unwrap());
    assert_eq!(holders(), Vec::<std::path::PathBuf>::new());
}
