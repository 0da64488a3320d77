//! `POST /v1/messages/search`, and views of filters.

use std::time::Duration;

use harness::{Answer, Client, Database, Follower, Sample, SetClock, TestServer, both, sqlite};
use serde_json::{Value, json};

both!(a_search_finds_what_the_list_finds, a_view_is_read_by_every_instance_and_by_whatever_takes_filters);
sqlite!(
    a_view_that_was_changed_or_has_ended_is_refused,
    a_view_gives_no_access,
    an_invalid_search_is_rejected,
    a_message_may_be_called_search,
);

async fn searches(client: &Client, body: &Value) -> Answer {
    client.posts_to("/v1/messages/search", body.to_string()).await
}

async fn view(client: &Client, body: &Value) -> String {
    searches(client, body).await.is(200).json()["view"].as_str().unwrap().to_owned()
}

/// Four messages of two persons.
async fn heard(server: &TestServer) {
    for sample in [
        Sample::of("order-1"),
        Sample::of("order-2").says("Un-Delivered", "7203").calls_back("shop 7"),
        Sample::of("order-3").to("447700900124").says("Submitted", "7501"),
        Sample::of("order-4").on("Email").to("dana@example.org").says("Bounce", "7520"),
    ] {
        server.posts(sample).await.is_acknowledged();
    }
}

async fn a_search_finds_what_the_list_finds(database: &Database) {
    let server = TestServer::start(database).await;
    heard(&server).await;
    for (body, expected) in [
        (json!({}), &["order-4", "order-3", "order-2", "order-1"][..]),
        (json!({"to": "+44 7700 900123"}), &["order-2", "order-1"]),
        (json!({"to": "Dana@example.org"}), &["order-4"]),
        (json!({"to": "+447700900123", "final": true, "failure": "permanent"}), &["order-2"]),
        (json!({"callbackData": "shop*"}), &["order-2"]),
        (json!({"correlationId": "order-*", "channel": "sms", "status": "submitted"}), &["order-3"]),
        (json!({"transactionId": "transaction-of-order-1"}), &["order-1"]),
        (json!({"code": "7203", "origin": "observed", "overdue": false}), &["order-2"]),
        (json!({"until": "2020-01-01"}), &[]),
    ] {
        let found = searches(&server, &body).await.is(200).json();
        let ids: Vec<_> = found["items"].as_array().unwrap().iter().map(|item| &item["correlationId"]).collect();
        assert_eq!(ids, expected, "{body}");
        let view = found["view"].as_str().unwrap();
        assert!(!view.contains("7700900123"), "{view}");
        assert_eq!(server.ids(&format!("?view={view}")).await, expected, "{body}");
    }
    // Pages, as of the list.
    let first = searches(&server, &json!({"limit": 3})).await.is(200).json();
    let rest = searches(&server, &json!({"limit": 3, "cursor": first["nextCursor"]})).await.is(200).json();
    assert_eq!((first["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (3, 1));
    server.stop().await;
}

async fn a_view_is_read_by_every_instance_and_by_whatever_takes_filters(database: &Database) {
    let (one, other) = (TestServer::start(database).await, TestServer::start(database).await);
    heard(&one).await;
    let person = view(&one, &json!({"to": "+447700900123"})).await;
    assert_eq!(other.ids(&format!("?view={person}")).await, ["order-2", "order-1"]);
    assert_eq!(other.ids(&format!("?view={person}&status=failed&limit=1")).await, ["order-2"]);
    let rows = other.gets(&format!("/v1/export?format=ndjson&view={person}")).await.is(200).body;
    assert_eq!(rows.lines().count(), 2);
    // Another instance that makes a view has the same key.
    let failed = view(&other, &json!({"status": "failed", "channel": "sms"})).await;
    assert_eq!(one.ids(&format!("?view={failed}")).await, ["order-2"]);
    let counts = one.gets(&format!("/v1/stats?by=code&view={failed}")).await.is(200).json();
    assert_eq!(counts, json!({"items": [{"code": "7203", "count": 1}]}));
    one.gets(&format!("/v1/stats?view={person}")).await.blames(&["/to"]);
    let mut follower = Follower::of(&other, &format!("?view={person}")).await;
    one.posts(Sample::of("order-3").to("447700900124").at("2026-05-20T14:00:00Z")).await.is_acknowledged();
    one.posts(Sample::of("order-2").says("Read", "7502").at("2026-05-20T14:00:00Z")).await.is_acknowledged();
    assert_eq!(follower.changes(1).await, ["order-2 read"]);
    drop(follower);
    // The name of a filter may be given once, in the view or beside it.
    one.gets(&format!("/v1/messages?view={person}&to=447700900124")).await.blames(&["/to"]);
    one.gets(&format!("/v1/export?of=quarantine&view={person}")).await.blames(&["/of"]);
    one.stop().await;
    other.stop().await;
}

async fn a_view_that_was_changed_or_has_ended_is_refused(database: &Database) {
    let clock = SetClock::default();
    let server = TestServer::on(database).by(clock.clock()).with("query.view_days", "2").start().await;
    heard(&server).await;
    let found = searches(&server, &json!({"to": "+447700900123"})).await.is(200).json();
    let view = found["view"].as_str().unwrap();
    let other = if view.ends_with('A') { "B" } else { "A" };
    for changed in [&view[1..], &format!("{}{other}", &view[..view.len() - 1]), "AAAA", "order-1", ""] {
        for path in ["/v1/messages", "/v1/export", "/v1/stats", "/v1/events"] {
            let problem = server.gets(&format!("{path}?view={changed}")).await.is_problem(400, "invalid-view");
            assert!(problem["detail"].as_str().unwrap().contains("POST /v1/messages/search"), "{problem}");
        }
    }
    clock.goes_forward(Duration::from_hours(47));
    assert_eq!(server.ids(&format!("?view={view}")).await, ["order-2", "order-1"]);
    clock.goes_forward(Duration::from_hours(1));
    let problem = server.gets(&format!("/v1/messages?view={view}")).await.is_problem(410, "view-ended");
    assert!(problem["detail"].as_str().unwrap().contains(found["viewEndsAt"].as_str().unwrap()), "{problem}");
    server.stop().await;
}

async fn a_view_gives_no_access(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "reader:read:r-token, sender:send:s-token").start().await;
    let (reader, sender) = (server.with_token("r-token"), server.with_token("s-token"));
    let view = view(&reader, &json!({"status": "failed"})).await;
    for path in ["/v1/messages", "/v1/export", "/v1/stats", "/v1/events"] {
        sender.gets(&format!("{path}?view={view}")).await.is_problem(403, "forbidden");
        server.gets(&format!("{path}?view={view}")).await.is_problem(401, "unauthorized");
    }
    searches(&sender, &json!({})).await.is_problem(403, "forbidden");
    sender.posts_to("/v1/find", r#"{"text":"order-1"}"#).await.is_problem(403, "forbidden");
    server.stop().await;
}

async fn an_invalid_search_is_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    for (body, pointers) in [
        (json!({"stauts": "failed"}), &["/stauts"][..]),
        (json!({"status": "gone", "to": "07700 900123"}), &["/status", "/to"]),
        (json!({"status": 7, "final": "true", "limit": "3"}), &["/final", "/limit", "/status"]),
        (json!({"limit": 2.5}), &["/limit"]),
        (json!({"limit": 1e300}), &["/limit"]),
        (json!({"limit": 0, "to": null}), &["/to"]),
        (json!({"to": ["+447700900123"]}), &["/to"]),
        (json!({"view": "x"}), &["/view"]),
        (json!([]), &[""]),
        (json!("x"), &[""]),
    ] {
        searches(&server, &body).await.blames(pointers);
    }
    let path = "/v1/messages/search";
    server.posts_to(path, "{").await.is_problem(400, "not-json");
    server.posts_to(path, r#"{"to":"1","to":"2"}"#).await.blames(&["/to"]);
    server.posts_to(path, format!(r#"{{"code":"{}"}}"#, "7".repeat(5000))).await.is_problem(413, "body-too-large");
    server.posts_with(path, &[("content-type", "text/plain")], "{}").await.is_problem(415, "unsupported-media-type");
    server.stop().await;
}

async fn a_message_may_be_called_search(database: &Database) {
    let server = TestServer::start(database).await;
    server.gets("/v1/messages/search").await.is_problem(404, "not-found");
    server.posts(Sample::of("search")).await.is_acknowledged();
    assert_eq!(server.message("search").await["status"], "delivered");
    assert_eq!(searches(&server, &json!({})).await.is(200).json()["items"][0]["correlationId"], "search");
    server.stop().await;
}
