//! The page of failures: what it adds up is what `/v1/stats` counts, and each number leads to its rows.

use std::{collections::BTreeMap, time::Duration};

use harness::{Database, Sample, SetClock, TestServer, sms, sqlite};

use super::numbers::each_number_leads_to_its_rows;

sqlite!(
    failures_are_those_of_the_counts_and_each_number_leads_to_its_rows,
    failures_of_messages_that_receiptd_sent_are_counted_by_sender,
    the_period_of_failures_is_chosen,
    without_failures_the_page_says_so,
);

/// Failures on two days, and a message that arrived.
async fn with_failures(database: &Database, clock: &SetClock) -> TestServer {
    let server = TestServer::on(database).by(clock.clock()).start().await;
    let failed = |id: String, code: &str| Sample::of(&id).says("Failed", code);
    for n in 0..3 {
        server.posts(failed(format!("early-{n}"), "7203")).await.is_acknowledged();
    }
    clock.goes_forward(Duration::from_hours(3 * 24));
    for n in 0..5 {
        server.posts(failed(format!("late-{n}"), "7105")).await.is_acknowledged();
    }
    server.posts(failed("mail".to_owned(), "7203").on("Email").to("dana@example.org")).await.is_acknowledged();
    server.posts(failed("odd".to_owned(), "4711")).await.is_acknowledged();
    server.posts(failed("bare".to_owned(), "")).await.is_acknowledged();
    server.posts(Sample::of("arrived")).await.is_acknowledged();
    server
}

async fn failures_are_those_of_the_counts_and_each_number_leads_to_its_rows(database: &Database) {
    let server = with_failures(database, &SetClock::default()).await;
    let page = server.opens("/failures").await.is(200);
    let twin = page.attributes("href").into_iter().find(|link| link.starts_with("/v1/stats")).unwrap();
    let counts = server.items(&twin).await;
    let mut by_code: BTreeMap<String, i64> = BTreeMap::new();
    for row in counts.iter().filter(|row| row["status"] == "failed") {
        let code = format!("{} {}", row["code"].as_str().unwrap_or("no code"), row["channel"].as_str().unwrap());
        *by_code.entry(code).or_default() += row["count"].as_i64().unwrap();
    }
    let expected = [("4711 sms", 1), ("7105 sms", 5), ("7203 email", 1), ("7203 sms", 3), ("no code sms", 1)]
        .map(|(code, count)| (code.to_owned(), count));
    assert_eq!(by_code, expected.into());
    for words in [
        "Webex Connect has no profile of this customer.",
        "This number does not exist.",
        "Not in the list of codes",
        "No code was reported.",
        "Sending again: only when it is corrected",
    ] {
        assert!(page.shows(words), "{words}: {}", page.text);
    }
    assert!(!page.shows("By sender"), "another system sent all of them");
    assert!(each_number_leads_to_its_rows(&server, &page).await > 12, "{}", page.text);
    server.stop().await;
}

async fn failures_of_messages_that_receiptd_sent_are_counted_by_sender(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    for (id, from) in [("order-1", "ACME"), ("order-2", "ACME"), ("order-3", "Shop")] {
        let mut message = sms(id, "Hello.");
        message["from"] = from.into();
        server.sends(&message).await.is(202);
        server.posts(Sample::of(id).says("Failed", "7203")).await.is_acknowledged();
    }
    server.posts(Sample::of("observed").says("Failed", "7105")).await.is_acknowledged();
    let page = server.opens("/failures").await.is(200);
    for words in ["By sender", "ACME", "Shop", "Sent by another system"] {
        assert!(page.shows(words), "{words}: {}", page.text);
    }
    let twins: Vec<_> = page.attributes("href").into_iter().filter(|link| link.starts_with("/v1/stats")).collect();
    let (senders, others): (Vec<_>, Vec<_>) = twins.iter().partition(|link| link.contains("from"));
    assert!(!others.is_empty(), "a row for each sender and hour would be too many: {twins:?}");
    let mut by_sender = BTreeMap::new();
    for row in server.items(senders[0]).await {
        assert_eq!(row["status"], "failed", "{row}");
        by_sender.insert(row["from"].as_str().map(str::to_owned), row["count"].as_i64().unwrap());
    }
    let expected = [(None, 1), (Some("ACME"), 2), (Some("Shop"), 1)];
    assert_eq!(by_sender, expected.map(|(sender, count)| (sender.map(str::to_owned), count)).into());
    for (sender, count) in expected {
        let words = format!("{} {count} {count}", sender.unwrap_or("Sent by another system"));
        assert!(page.shows(&words), "{words}: {}", page.text);
    }
    assert!(each_number_leads_to_its_rows(&server, &page).await > 12, "{}", page.text);
    let page = server.opens("/failures?from=ACME").await.is(200);
    assert!(!page.shows("Shop") && !page.shows("7105"), "{}", page.text);
    assert!(each_number_leads_to_its_rows(&server, &page).await > 8, "{}", page.text);
    server.stop().await;
}

async fn the_period_of_failures_is_chosen(database: &Database) {
    let clock = SetClock::default();
    let server = with_failures(database, &clock).await;
    let links = server.opens("/failures").await.is(200).attributes("href");
    let day = links.iter().find(|link| link.starts_with("/failures?since=") && link.contains('T')).unwrap();
    let page = server.opens(day).await.is(200);
    assert!(page.shows("7105") && !page.text.contains("early") && page.shows("by hour"), "{}", page.text);
    assert!(each_number_leads_to_its_rows(&server, &page).await > 8, "{}", page.text);
    let page = server.opens("/failures?channel=email&since=").await.is(200);
    assert!(page.shows("7203") && !page.shows("7105"), "{}", page.text);
    for wrong in ["since=1999-01-01", "since=2026-05-20T13:30:00Z", "colour=red", "by=day", "to=447700900123"] {
        server.opens(&format!("/failures?{wrong}")).await.is(422);
    }
    server.stop().await;
}

async fn without_failures_the_page_says_so(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let page = server.opens("/failures").await.is(200);
    assert!(page.shows("No message of this period has failed."), "{}", page.text);
    server.stop().await;
}
