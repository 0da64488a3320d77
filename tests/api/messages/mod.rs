//! `GET /v1/messages/{correlationId}`: one message, and the reasons for its status.

mod list;
mod notifications;
mod pace;
mod wait;

use harness::{Client, Database, Raw, Sample, TestServer, both, by_hand, encoded, message_path, sqlite};
use serde_json::{Value, json};

both!(
    the_timeline_states_the_effect_of_each_notification,
    a_message_without_an_id_is_known_by_its_transaction,
    any_text_is_an_id,
);
sqlite!(an_unknown_message_is_not_found, a_message_has_the_documented_members, a_message_may_be_overdue);

async fn the_timeline_states_the_effect_of_each_notification(database: &Database) {
    let server = TestServer::start(database).await;
    let sample = Sample::of("order-1").on("WhatsApp");
    // In an order in which they did not happen.
    for (status, code, time) in [
        ("Read", "7502", "13:15:03"),
        ("Submitted", "7501", "13:15:01"),
        ("Delivered", "7500", "13:15:02"),
        ("Delivered", "7500", "13:15:04"),
        ("Exploded", "9999", "13:15:05"),
    ] {
        server.posts(sample.clone().says(status, code).at(&format!("2026-05-20T{time}Z"))).await.is_acknowledged();
    }
    let message = server.message("order-1").await;
    assert_eq!((&message["status"], &message["final"]), (&json!("read"), &json!(true)));
    assert_eq!((&message["code"], &message["statusAt"]), (&json!("7502"), &json!("2026-05-20T13:15:03.000Z")));
    assert_eq!(message["notificationCount"], 5);
    let told = |entry: &Value| ["at", "status", "effect", "why"].map(|name| entry[name].as_str().unwrap().to_owned());
    let told: Vec<_> = message["timeline"].as_array().unwrap().iter().map(told).collect();
    let unknown = "neither its status text nor its code is known: stored, without effect on the status";
    let expected = [
        ["2026-05-20T13:15:01.000Z", "submitted", "applied", "the first report about this message"],
        ["2026-05-20T13:15:02.000Z", "delivered", "applied", "delivered outranks submitted"],
        ["2026-05-20T13:15:03.000Z", "read", "applied", "read outranks delivered"],
        ["2026-05-20T13:15:04.000Z", "delivered", "superseded", "read outranks delivered"],
        ["2026-05-20T13:15:05.000Z", "unknown", "unknown", unknown],
    ];
    assert_eq!(told, expected);
    server.stop().await;
}

async fn a_message_without_an_id_is_known_by_its_transaction(database: &Database) {
    let server = TestServer::start(database).await;
    let sample = Sample::of("order-1").transaction("T-1");
    server.posts(sample.clone().without_correlation_id()).await.is_acknowledged();
    let alone = server.message("txn:T-1").await;
    assert_eq!((&alone["correlationId"], &alone["status"]), (&json!("txn:T-1"), &json!("delivered")));
    assert_eq!(server.ids("").await, ["txn:T-1"]);
    // Then the owner of the transaction becomes known. The old address leads to the owner from now on.
    server.posts(sample.says("Submitted", "7501").at("2026-05-20T13:15:01Z")).await.is_acknowledged();
    for id in ["txn:T-1", "order-1"] {
        let message = server.message(id).await;
        assert_eq!((&message["correlationId"], &message["status"]), (&json!("order-1"), &json!("delivered")));
        assert_eq!(message["timeline"].as_array().unwrap().len(), 2);
    }
    let kept = server.items(&format!("{}/notifications", message_path("txn:T-1"))).await;
    assert_eq!(kept.len(), 2);
    assert_eq!(server.ids("").await, ["order-1"]);
    server.gets(&message_path("txn:T-2")).await.is_problem(404, "not-found");
    server.stop().await;
}

async fn any_text_is_an_id(database: &Database) {
    let server = TestServer::start(database).await;
    let longest = "x".repeat(512);
    let ids = [
        "a/b",
        "/",
        "//a//",
        "a b",
        " a ",
        "a+b",
        "100%",
        "a%2Fb",
        "%",
        "é✓\u{1F4E6}",
        "?a=b&c#d",
        "...",
        "a\\b",
        "\"'<>",
        "a\nb",
        "txn:",
        &longest,
    ];
    for id in ids {
        server.posts(Sample::of(id).transaction("T-1")).await.is_acknowledged();
        let message = server.message(id).await;
        assert_eq!(message["correlationId"], id);
        assert_eq!(server.items(&format!("{}/notifications", message_path(id))).await.len(), 1, "{id:?}");
    }
    assert_eq!(server.ids("").await.len(), ids.len());
    // Fully percent-encoded, as some programs spell it.
    assert_eq!(server.gets("/v1/messages/a%2Fb").await.is(200).json()["correlationId"], "a/b");
    assert_eq!(server.gets("/v1/messages/a%252Fb").await.is(200).json()["correlationId"], "a%2Fb");
    assert_eq!(server.gets("/v1/messages/a+b").await.is(200).json()["correlationId"], "a+b");
    // HTTP clients read these as parent folders, so the test needs a raw connection.
    for dots in ["..", "."] {
        server.posts(Sample::of(dots)).await.is_acknowledged();
        let (address, path) = (server.address, message_path(dots));
        let answer = by_hand(move || {
            let mut raw = Raw::connect(address);
            raw.sends(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
            raw.answer()
        })
        .await;
        assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap()["correlationId"], dots);
    }
    server.stop().await;
}

async fn an_unknown_message_is_not_found(database: &Database) {
    let server = TestServer::start(database).await;
    let long = "x".repeat(4000);
    for id in ["order-1", "a/b", "é", "\0", "txn:", long.as_str()] {
        for path in [message_path(id), format!("{}/notifications", message_path(id))] {
            let problem = server.gets(&path).await.is_problem(404, "not-found");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("there is no message with the correlation id"), "{detail}");
        }
    }
    server.gets(&format!("/v1/messages/{}%FF", encoded("order-1"))).await.is_problem(404, "not-found");
    server.stop().await;
}

async fn a_message_has_the_documented_members(database: &Database) {
    let server = TestServer::start(database).await;
    let sample = Sample::of("order-1").says("Un-Delivered", "7203").with("messageCount", "2");
    server.posts(sample.with("Description", "Unknown Subscriber address")).await.is_acknowledged();
    let mut message = server.message("order-1").await;
    let verdict = json!({
        "sentence": "Not delivered: this number does not exist.", "side": "recipient", "resend": "corrected",
        "advice": "Check the number with the recipient. Sending again to this number will not help."
    });
    for (member, value) in [
        ("correlationId", json!("order-1")),
        ("transactionId", json!("transaction-of-order-1")),
        ("origin", json!("observed")),
        ("channel", json!("sms")),
        ("from", Value::Null),
        ("to", json!("447700900123")),
        ("callbackData", Value::Null),
        ("status", json!("failed")),
        ("final", json!(true)),
        ("failure", json!("permanent")),
        ("code", json!("7203")),
        ("reason", json!("Unknown Subscriber address")),
        ("segments", json!(2)),
        ("overdue", json!(false)),
        ("statusAt", json!("2026-05-20T13:15:04.749Z")),
        ("notificationCount", json!(1)),
        ("verdict", verdict),
        ("recipients", Value::Null),
        ("recipientCount", Value::Null),
    ] {
        assert_eq!(message.as_object_mut().unwrap().remove(member), Some(value), "{member}");
    }
    for time in ["createdAt", "updatedAt"] {
        is_time(&message.as_object_mut().unwrap().remove(time).unwrap());
    }
    let mut timeline = message.as_object_mut().unwrap().remove("timeline").unwrap();
    assert_eq!(message, json!({}), "more than the contract names");
    is_time(&timeline[0].as_object_mut().unwrap().remove("receivedAt").unwrap());
    let entry = json!([{
        "at": "2026-05-20T13:15:04.749Z", "type": "notification", "status": "failed", "failure": "permanent",
        "code": "7203", "reason": "Unknown Subscriber address", "detail": null, "effect": "applied",
        "why": "the first report about this message", "transactionId": "transaction-of-order-1",
        "to": "447700900123", "source": "notify", "times": 1
    }]);
    assert_eq!(timeline, entry);
    server.stop().await;
}

async fn a_message_may_be_overdue(database: &Database) {
    let server = TestServer::on(database).with("overdue.sms", "0").start().await;
    let overdue = async |client: &Client, id| client.message(id).await["overdue"].clone();
    server.posts(Sample::of("late").says("Submitted", "7501")).await.is_acknowledged();
    server.posts(Sample::of("there")).await.is_acknowledged();
    server.posts(Sample::of("elsewhere").says("Submitted", "7501").on("Email")).await.is_acknowledged();
    assert_eq!(overdue(&server, "late").await, true);
    assert_eq!(overdue(&server, "there").await, false);
    assert_eq!(overdue(&server, "elsewhere").await, false);
    server.stop().await;
}

/// RFC 3339 in UTC with milliseconds.
#[track_caller]
fn is_time(value: &Value) {
    let text = value.as_str().unwrap();
    let digits = text.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(digits, "0000-00-00T00:00:00.000Z", "{text}");
}
