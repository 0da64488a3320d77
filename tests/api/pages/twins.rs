//! Each page shows every value that its twin answers, and its rows are those of its twin.

use std::time::Duration;

use harness::{Database, Page, Platform, Sample, SetClock, TestServer, encoded, eventually, message_path, sms, sqlite};
use serde_json::{Value, json};

use super::numbers::each_number_leads_to_its_rows;

sqlite!(
    the_overview_shows_what_the_api_answers_and_each_number_leads_to_its_rows,
    the_page_of_a_message_shows_what_the_api_answers,
    the_rows_of_each_list_are_those_of_the_api,
    a_list_is_read_to_its_end_by_its_links,
);

/// Members that are said as a fact, with its name, since a number or a word alone would be found by chance.
const FACTS: [(&str, &str); 7] = [
    ("final", "Final"),
    ("overdue", "Overdue"),
    ("segments", "Segments"),
    ("notificationCount", "Notifications"),
    ("recipientCount", "Recipients"),
    ("channel", "Channel"),
    ("transactionId", "Transaction id"),
];

/// Fails unless the page shows every value. Members without a fact are searched for in the whole page.
#[track_caller]
pub(super) fn assert_shows(page: &Page, value: &Value, place: &str, facts: &[(&str, &str)]) {
    match value {
        // A word such as `true` alone would be found by chance: these are facts.
        Value::Null | Value::Bool(_) => {}
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| assert_shows(page, item, &format!("{place}/{at}"), &[]));
        }
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                let place = format!("{place}/{name}");
                match facts.iter().find(|(known, _)| known == name) {
                    Some((_, label)) => {
                        let words = match member {
                            Value::Bool(true) => "yes".to_owned(),
                            Value::Bool(false) => "no".to_owned(),
                            Value::String(text) => text.clone(),
                            other => other.to_string(),
                        };
                        let fact = page.fact(label).unwrap_or_default();
                        assert!(
                            fact.to_lowercase().starts_with(&words.to_lowercase()),
                            "{place} is {member}, and {label} is {fact:?}"
                        );
                    }
                    None => assert_shows(page, member, &place, &[]),
                }
            }
        }
        Value::Number(number) => {
            let words = number.as_f64().unwrap().to_string();
            assert!(page.shows(&words), "{place}: {number}: {}", page.text);
        }
        Value::String(text) => assert!(page.shows(text), "{place}: {text:?}: {}", page.text),
    }
}

/// The notifications of a message, as all of them do.
async fn heard(server: &TestServer, id: &str) {
    let sample = Sample::of(id).calls_back("shop 7").with("additionalInfo", "provider said 17");
    for sample in [
        sample.clone().says("Submitted", "7501").at("2026-05-20T13:15:02.000Z"),
        sample.clone().says("Failed", "7203").at("2026-05-20T13:15:08.912Z"),
        sample.clone().says("Submitted", "7501").at("2026-05-20T13:15:02.000Z"),
        sample.clone().says("Submitted", "7501").at("2026-05-20T13:15:09.000Z"),
        sample.says("Pondering", "4711").at("2026-05-20T13:15:10.000Z"),
    ] {
        server.posts(sample).await.is_acknowledged();
    }
}

async fn the_page_of_a_message_shows_what_the_api_answers(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    heard(&server, "order-1").await;
    for to in ["447700900001", "447700900002"] {
        server.posts(Sample::of("order-2").to(to).says("Failed", "7207")).await.is_acknowledged();
    }
    server.posts(Sample::of("x").without_correlation_id()).await.is_acknowledged();
    server.sends(&sms("order-3", "Hello.")).await.is(202);
    let delivered = async || (server.status_of("order-3").await? == "delivered").then_some(());
    eventually("the message to be delivered", delivered).await;
    for id in ["order-1", "order-2", "txn:transaction-of-x", "order-3"] {
        let page = server.opens(&format!("/messages/{}", encoded(id))).await.is(200);
        let mut message = server.message(id).await;
        // The page says these times in words: `tests/api/messages/pace.rs`.
        message.as_object_mut().unwrap().remove("pace");
        assert!(!message["timeline"].as_array().unwrap().is_empty(), "{id}");
        assert_shows(&page, &message, id, &FACTS);
        let notifications = server.items(&format!("{}/notifications", message_path(id))).await;
        assert!(!notifications.is_empty(), "{id}");
        assert_shows(&page, &notifications.into(), &format!("{id}/notifications"), &[]);
    }
    let page = server.opens("/messages/order-1").await;
    assert!(page.shows("This decides. Failed outranks submitted."), "{}", page.text);
    assert!(page.shows("Changed nothing: failed outranks submitted."), "{}", page.text);
    assert!(page.shows("received 2 times"), "{}", page.text);
    server.stop().await;
    platform.stop().await;
}

async fn the_rows_of_each_list_are_those_of_the_api(database: &Database) {
    let server = TestServer::start(database).await;
    heard(&server, "order-1").await;
    server.posts(Sample::of("order-2").to("dana@example.org").on("Email")).await.is_acknowledged();
    server.posts(Sample::of("order/3 ?").says("Submitted", "7501")).await.is_acknowledged();
    server.posts("not understood, and <kept>").await.is_acknowledged();
    server.posts(r#"{"event":"MO","from":"447700900777","message":"Where is my parcel?"}"#).await.is_acknowledged();
    for query in ["", "?status=failed", "?channel=email&final=true", "?code=7501", "?status=read", "?limit=1"] {
        let page = server.opens(&format!("/messages{query}")).await.is(200);
        let items = server.items(&format!("/v1/messages{query}")).await;
        let paths = items.iter().map(|item| message_path(item["correlationId"].as_str().unwrap()));
        let decoded = |path: String| path.replace("%2D", "-");
        assert_eq!(page.rows(), paths.map(|path| decoded(path).replacen("/v1", "", 1)).collect::<Vec<_>>(), "{query}");
        for item in &items {
            for member in ["correlationId", "createdAt", "to", "channel", "status", "failure", "code"] {
                assert_shows(&page, &item[member], &format!("{query} {member}"), &[]);
            }
            assert!(page.shows(item["verdict"]["sentence"].as_str().unwrap()), "{query}: {item}");
        }
    }
    for (path, twin) in [("/inbound", "/v1/inbound"), ("/quarantine", "/v1/quarantine"), ("/audit", "/v1/audit")] {
        let (items, page) = (server.items(twin).await, server.opens(path).await.is(200));
        assert_eq!(page.answer.body.matches("data-row").count(), items.len(), "{path}");
        assert_shows(&page, &items.into(), path, &[]);
    }
    assert_eq!(server.items("/v1/quarantine").await.len() + server.items("/v1/inbound").await.len(), 2);
    server.stop().await;
}

async fn a_list_is_read_to_its_end_by_its_links(database: &Database) {
    let server = TestServer::start(database).await;
    for n in 0..7 {
        server.posts(Sample::of(&format!("order-{n}"))).await.is_acknowledged();
    }
    let (mut path, mut rows) = ("/messages?status=delivered&limit=3".to_owned(), Vec::new());
    loop {
        let page = server.opens(&path).await.is(200);
        rows.extend(page.rows());
        let next = page.attributes("href").into_iter().find(|href| href.contains("cursor="));
        match next.filter(|_| page.answer.body.contains("rel=\"next\"")) {
            Some(next) => path = next,
            None => break,
        }
    }
    let expected: Vec<_> = (0..7).rev().map(|n| format!("/messages/order-{n}")).collect();
    assert_eq!(rows, expected);
    server.stop().await;
}

async fn the_overview_shows_what_the_api_answers_and_each_number_leads_to_its_rows(database: &Database) {
    let clock = SetClock::default();
    let server = TestServer::on(database).by(clock.clock()).start().await;
    // The same hours of the last week.
    server.posts(Sample::of("earlier").says("Failed", "7203")).await.is_acknowledged();
    clock.goes_forward(Duration::from_hours(7 * 24));
    heard(&server, "order-1").await;
    for n in 2..14 {
        server.posts(Sample::of(&format!("order-{n}")).says("Failed", "7105")).await.is_acknowledged();
    }
    server.posts(Sample::of("order-14").on("Email").to("dana@example.org")).await.is_acknowledged();
    server.posts(Sample::of("order-15").on("WhatsApp").says("Read", "7502")).await.is_acknowledged();
    server.posts("not understood").await.is_acknowledged();
    let overview = server.gets("/v1/overview").await.is(200).json();
    assert_eq!(overview["messages"], json!({ "count": 15, "usual": 1.0 }));
    assert_eq!(overview["statuses"]["failed"], json!({ "count": 13, "usual": 1.0 }));
    assert_eq!(overview["failures"][0]["code"], "7105");
    assert_eq!(
        overview["failures"][1],
        json!({
            "channel": "sms", "code": "7203", "meaning": "this number does not exist.", "count": 1, "usual": 1.0
        })
    );
    assert_eq!(overview["quarantine"], json!({ "count": 1, "more": false }));
    assert_eq!(overview["hours"].as_array().unwrap().len(), 24);
    let page = server.opens("/").await.is(200);
    assert_shows(&page, &overview, "overview", &[]);
    assert!(page.shows("above usual"), "{}", page.text);
    let followed = each_number_leads_to_its_rows(&server, &page).await;
    assert!(followed > 10, "{followed} numbers");
    server.opens("/?hours=169").await.is(422);
    server.stop().await;
}
