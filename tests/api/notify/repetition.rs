//! Repeated notifications.

use futures_util::future::join_all;
use harness::{Database, Sample, TestServer, asked, both};
use reqwest::Method;
use serde_json::json;

use super::authentication::sha256;

both!(
    a_duplicate_is_counted,
    bodies_that_are_not_understood_are_not_duplicates,
    a_signed_body_that_is_replayed_is_stored_once,
    order_does_not_matter
);

async fn a_duplicate_is_counted(database: &Database) {
    let server = TestServer::start(database).await;
    for _ in 0..3 {
        server.posts(Sample::of("order-1")).await.is_acknowledged();
    }
    // Another spelling of the same event is the same event.
    server.posts(Sample::of("order-1").says("DELIVERED", "7500").with("Description", "Delivered")).await.is(200);
    let message = server.message("order-1").await;
    assert_eq!(message["notificationCount"], 1);
    assert_eq!(message["timeline"].as_array().unwrap().len(), 1);
    assert_eq!(message["timeline"][0]["times"], 4);
    for _ in 0..2 {
        server.posts("?").await.is_acknowledged();
        server.posts(r#"{"event":"MO","from":"447700900123"}"#).await.is_acknowledged();
    }
    for list in ["/v1/quarantine", "/v1/inbound"] {
        let items = server.items(list).await;
        assert_eq!((items.len(), items[0]["times"].as_i64()), (1, Some(2)), "{list}");
    }
    server.stop().await;
}

async fn bodies_that_are_not_understood_are_not_duplicates(database: &Database) {
    let server = TestServer::start(database).await;
    let sample = || Sample::of("order-1");
    let click = |link: &str| sample().says("Clicked", "7528").with("Description", link);
    let bodies = [
        sample().says("STAGE_1", "1").with("Description", "").body(),
        sample().says("STAGE_2", "1").with("Description", "").body(),
        sample().at("soon").body(),
        sample().at("later").body(),
        click("https://example.com/a|203.0.113.7").body(),
        click("https://example.com/b|203.0.113.7").body(),
    ];
    for body in bodies.iter().chain(&bodies) {
        server.posts(body.clone()).await.is_acknowledged();
    }
    let kept = server.items("/v1/messages/order-1/notifications").await;
    let mut kept: Vec<_> = kept.iter().map(|one| (one["body"].as_str().unwrap(), one["times"].as_i64())).collect();
    kept.sort_unstable();
    let mut expected: Vec<_> = bodies.iter().map(|body| (body.as_str(), Some(2))).collect();
    expected.sort_unstable();
    assert_eq!(kept, expected);
    let message = server.message("order-1").await;
    let timeline = message["timeline"].as_array().unwrap();
    let told =
        |text: &str| timeline.iter().any(|entry| entry["detail"].as_str().is_some_and(|detail| detail.contains(text)));
    assert!(told("the time of the event cannot be read: soon") && told("https://example.com/b"), "{message:#}");
    server.stop().await;
}

/// A client that has seen a signed body can post it again, as often as it likes.
async fn a_signed_body_that_is_replayed_is_stored_once(database: &Database) {
    const TIMES: i64 = 1000;
    let server = TestServer::on(database).with("notify.hub_secrets", "hub-s3cret");
    let server = server.with("http.connections_per_address", "2000").start().await;
    let body = Sample::of("order-1").body();
    let signature = sha256("hub-s3cret", &body);
    let post = || {
        let request = server.request(Method::POST, "/notify").header("x-hub-signature", &signature);
        asked(request.body(body.clone()))
    };
    for answer in join_all((0..TIMES).map(|_| post())).await {
        answer.is_acknowledged();
    }
    let kept = server.items("/v1/messages/order-1/notifications").await;
    assert_eq!((kept.len(), kept[0]["times"].as_i64()), (1, Some(TIMES)));
    let message = server.message("order-1").await;
    assert_eq!((&message["notificationCount"], &message["timeline"][0]["times"]), (&json!(1), &json!(TIMES)));
    assert_eq!(server.ids("").await, ["order-1"]);
    server.stop().await;
}

async fn order_does_not_matter(database: &Database) {
    let server = TestServer::start(database).await;
    let events = [("Submitted", "7501", "01"), ("Delivered", "7500", "02"), ("Read", "7502", "03")];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut told = Vec::new();
    for (n, order) in orders.into_iter().enumerate() {
        let id = format!("order-{n}");
        for event in order {
            let (status, code, second) = events[event];
            let sample = Sample::of(&id).on("WhatsApp").transaction(&id).says(status, code);
            server.posts(sample.at(&format!("2026-05-20T13:15:{second}Z"))).await.is_acknowledged();
        }
        let message = server.message(&id).await;
        let timeline = message["timeline"].as_array().unwrap().iter();
        let entries = timeline.map(|entry| format!("{} {} {}", entry["status"], entry["effect"], entry["why"]));
        told.push((message["status"].clone(), entries.collect::<Vec<_>>()));
    }
    assert_eq!(told[0].0, "read");
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    server.stop().await;
}
