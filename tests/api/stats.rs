//! `GET /v1/stats`: counts of messages.

use harness::{Database, Sample, TestServer, both, sms, sqlite};
use serde_json::json;

both!(messages_are_counted_by_any_properties, messages_that_receiptd_sent_are_counted_by_sender);
sqlite!(invalid_counts_are_rejected);

async fn messages_are_counted_by_any_properties(database: &Database) {
    let server = TestServer::start(database).await;
    let stats = async |query: &str| server.items(&format!("/v1/stats{query}")).await;
    assert_eq!(stats("").await, Vec::<serde_json::Value>::new());
    for n in 0..3 {
        server.posts(Sample::of(&format!("sms-{n}")).says("Submitted", "7501")).await.is_acknowledged();
    }
    server.posts(Sample::of("seen").on("WhatsApp").says("Read", "7502")).await.is_acknowledged();
    // A changed status is counted again, and a repetition is not counted.
    for _ in 0..2 {
        server.posts(Sample::of("sms-1").says("Un-Delivered", "7203")).await.is_acknowledged();
    }
    let expected = [
        json!({"channel": "sms", "status": "failed", "count": 1}),
        json!({"channel": "sms", "status": "submitted", "count": 2}),
        json!({"channel": "whatsapp", "status": "read", "count": 1}),
    ];
    assert_eq!(stats("").await, expected);
    assert_eq!(stats("?by=channel,status").await, expected);
    let expected = [("7203", 1), ("7501", 2), ("7502", 1)].map(|(code, count)| json!({"code": code, "count": count}));
    assert_eq!(stats("?by=code").await, expected);
    assert_eq!(stats("?by=channel&status=submitted").await, [json!({"channel": "sms", "count": 2})]);
    assert_eq!(stats("?by=status&channel=sms&code=7203").await, [json!({"status": "failed", "count": 1})]);
    assert_eq!(stats("?channel=pigeon").await, Vec::<serde_json::Value>::new());
    let created = server.message("seen").await["createdAt"].as_str().unwrap().to_owned();
    let per_day = stats("?by=day").await;
    let day = per_day[0]["day"].as_str().unwrap();
    assert!(created.starts_with(day), "{created} is on {day}, or the day changed meanwhile");
    assert_eq!(per_day.iter().map(|item| item["count"].as_i64().unwrap()).sum::<i64>(), 4);
    let hour = stats("?by=hour,status").await[0]["hour"].as_str().unwrap().to_owned();
    assert!(hour.ends_with(":00:00.000Z") && created[..13] >= hour[..13], "{hour}");
    assert_eq!(stats(&format!("?by=channel&until={hour}")).await, Vec::<serde_json::Value>::new());
    assert_eq!(stats(&format!("?by=status&since={hour}")).await.len(), 3);
    server.stop().await;
}

async fn messages_that_receiptd_sent_are_counted_by_sender(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    for (id, from) in [("order-1", "ACME"), ("order-2", "Shop"), ("order-3", "ACME")] {
        let mut message = sms(id, "Hello.");
        message["from"] = from.into();
        server.sends(&message).await.is(202);
        server.posts(Sample::of(id).says("Failed", "7203")).await.is_acknowledged();
    }
    server.posts(Sample::of("observed").says("Failed", "7203")).await.is_acknowledged();
    let stats = async |query: &str| server.items(&format!("/v1/stats{query}")).await;
    let expected =
        [json!({"from": null, "count": 1}), json!({"from": "ACME", "count": 2}), json!({"from": "Shop", "count": 1})];
    assert_eq!(stats("?by=from").await, expected);
    assert_eq!(stats("?by=status&from=ACME").await, [json!({"status": "failed", "count": 2})]);
    assert_eq!(server.ids("?from=ACME").await, ["order-3", "order-1"]);
    assert_eq!(server.ids("?from=ACME&status=failed&limit=1").await, ["order-3"]);
    assert_eq!(server.ids("?from=acme").await, [""; 0]);
    assert_eq!(server.ids("?from=ACME&origin=observed").await, [""; 0]);
    server.gets(&format!("/v1/stats?from={}", "x".repeat(64))).await.blames(&["/from"]);
    server.stop().await;
}

async fn invalid_counts_are_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    for (query, pointers) in [
        ("by=colour", &["/by"][..]),
        ("by=", &["/by"]),
        ("by=day,day", &["/by"]),
        ("since=2026-05-20T13:30:00Z", &["/since"]),
        ("until=soon&status=gone", &["/until", "/status"]),
        ("to=447700900123&final=true", &["/to", "/final"]),
    ] {
        server.gets(&format!("/v1/stats?{query}")).await.blames(pointers);
    }
    server.stop().await;
}
