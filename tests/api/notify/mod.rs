//! `POST /notify`: every authenticated body is stored.

mod addresses;
mod arrays;
mod authentication;
mod check;
mod limits;
mod outage;
mod repetition;
mod rotation;

use base64::{Engine, prelude::BASE64_STANDARD};
use harness::{Database, Program, Sample, TestServer, asked, both, fixtures, free_address, sqlite};
use reqwest::Method;
use serde_json::json;

both!(
    every_documented_notification_is_acknowledged_and_stored,
    every_documented_inbound_message_is_listed,
    a_body_that_is_not_understood_is_stored_completely,
    a_message_is_visible_right_after_the_answer,
);
sqlite!(
    get_and_head_of_the_notify_url_are_answered,
    additional_slashes_in_the_notify_url_are_ignored,
    a_notification_at_an_unknown_path_is_logged_and_counted,
    reports_of_another_api_are_rejected,
    any_content_type_is_accepted,
    unknown_members_are_harmless,
    other_methods_are_refused
);

async fn every_documented_notification_is_acknowledged_and_stored(database: &Database) {
    let server = TestServer::start(database).await;
    for (name, body) in fixtures("notify").into_iter().filter(|(name, _)| !name.starts_with("foreign-")) {
        let answer = server.posts(body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{name}");
    }
    // Events of another product, and each row of the platform's own export of failures, are not notifications.
    let quarantined = server.items("/v1/quarantine").await.len();
    let strangers = fixtures("notify").iter().filter(|(name, _)| name.starts_with("interact-")).count();
    let export = fixtures("notify").into_iter().find(|(name, _)| name == "failed-notification-export.json").unwrap().1;
    let rows = serde_json::from_slice::<Vec<serde_json::Value>>(&export).unwrap().len();
    assert_eq!(quarantined, strangers + rows);
    // There are four bodies about this message. The copy from Data Streams reports the same event as another body.
    let id = "f623d241-cadf-4a40-87d5-5c5ddf30d09f";
    let message = server.message(id).await;
    assert_eq!((&message["status"], &message["channel"]), (&json!("clicked"), &json!("sms")));
    assert_eq!(message["callbackData"], r#"{"order":"A-1001","tenant":"acme"}"#);
    let kept = server.items(&format!("/v1/messages/{id}/notifications")).await;
    let names = [("sms-submitted.json", 1), ("sms-delivered-data-stream.json", 2), ("sms-clicked.json", 1)];
    assert_eq!(kept.len(), names.len());
    for (one, (name, times)) in kept.iter().zip(names) {
        let posted = fixtures("notify").into_iter().find(|(file, _)| file == name).unwrap().1;
        assert_eq!(one["body"].as_str().unwrap().as_bytes(), posted, "{name}");
        assert_eq!(one["times"], times, "{name}");
    }
    server.stop().await;
}

async fn every_documented_inbound_message_is_listed(database: &Database) {
    let server = TestServer::start(database).await;
    let posted = fixtures("inbound");
    for (name, body) in &posted {
        let answer = server.posts(body.clone()).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{name}");
    }
    let listed = server.items("/v1/inbound?limit=500").await;
    assert_eq!(listed.len(), posted.len());
    // Newest first, each with its unchanged body.
    for (one, (name, body)) in listed.iter().rev().zip(&posted) {
        assert_eq!(one["body"].as_str().unwrap().as_bytes(), body, "{name}");
        assert_eq!(one["times"], 1);
    }
    assert!(server.ids("").await.is_empty() && server.items("/v1/quarantine").await.is_empty());
    server.stop().await;
}

async fn a_body_that_is_not_understood_is_stored_completely(database: &Database) {
    let server = TestServer::start(database).await;
    let bodies: [&[u8]; 9] = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{\"deliveryInfoNotification\":",
        b"status=Delivered&id=7",
        b"\xff\xfe\x00{}",
        b"{\"deliveryInfoNotification\":{\"deliveryInfo\":{\"deliveryStatus\":\"Read\",\"code\":\"7502\"}}}",
        b"\0",
    ];
    let too_long = Sample::of(&"x".repeat(513)).body();
    for body in bodies.into_iter().chain([too_long.as_bytes()]) {
        server.posts(body.to_vec()).await.is_acknowledged();
    }
    let kept = server.items("/v1/quarantine").await;
    assert_eq!(kept.len(), bodies.len() + 1);
    for (one, body) in kept.iter().rev().zip(bodies.into_iter().chain([too_long.as_bytes()])) {
        assert!(one["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{one}");
        let whole = match one["bodyBase64"].as_str() {
            Some(text) => BASE64_STANDARD.decode(text).unwrap(),
            None => one["body"].as_str().unwrap().as_bytes().to_vec(),
        };
        assert_eq!(whole, body, "{one}");
    }
    assert_eq!(server.metric("receiptd_notify_requests_total{outcome=\"quarantined\"}").await, 10);
    server.stop().await;
}

async fn a_message_is_visible_right_after_the_answer(database: &Database) {
    let server = TestServer::start(database).await;
    for n in 0..20 {
        let id = format!("order-{n}");
        server.posts(Sample::of(&id)).await.is_acknowledged();
        assert_eq!(server.message(&id).await["status"], "delivered");
    }
    server.stop().await;
}

async fn get_and_head_of_the_notify_url_are_answered(database: &Database) {
    let server = TestServer::on(database).with("notify.path_token", "t0ken").start().await;
    for method in [Method::HEAD, Method::GET] {
        for path in ["/notify/t0ken", "/notify/t0ken/", "//notify//t0ken"] {
            asked(server.request(method.clone(), path)).await.is(200);
        }
        // So the platform refuses to save such a URL.
        for path in ["/notify", "/notify/", "/notify/another", "/notify//another"] {
            asked(server.request(method.clone(), path)).await.is(401);
        }
    }
    server.stop().await;
    let open = TestServer::start(database).await;
    for path in ["/notify", "/notify/anything"] {
        asked(open.request(Method::GET, path)).await.is(200);
    }
    open.stop().await;
}

/// A 404 would be the end of a notification.
async fn additional_slashes_in_the_notify_url_are_ignored(database: &Database) {
    let server = TestServer::on(database).with("notify.path_token", "t0ken").start().await;
    for path in ["/notify/t0ken", "/notify/t0ken/", "//notify/t0ken", "/notify//t0ken", "///notify///t0ken//"] {
        server.posts_to(path, Sample::of("order-1")).await.is_acknowledged();
        server.posts_to(&path.replace("t0ken", "other"), Sample::of("order-2")).await.is(401);
    }
    assert_eq!(server.message("order-1").await["timeline"][0]["times"], 5);
    for path in ["/notify/", "//notify//"] {
        server.posts_to(path, Sample::of("order-2")).await.is_problem(401, "unauthorized");
    }
    server.posts_to("//notify-check//t0ken?a=1", Sample::of("order-2")).await.is(200);
    for path in ["/notify/t0ken/t0ken", "//v1//messages", "/NOTIFY/t0ken", "//"] {
        server.posts_to(path, Sample::of("order-2")).await.is_problem(404, "no-such-path");
    }
    assert_eq!(server.ids("").await, ["order-1"]);
    server.stop().await;
}

async fn a_notification_at_an_unknown_path_is_logged_and_counted(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let (program, client) =
        Program::serve(folder.path(), free_address(), &[("RECEIPTD_DATABASE_URL", database.url())]).await;
    for path in ["/", "/other/notify/s3cret-token", "/s3cret-token"] {
        client.posts_to(path, Sample::of("order-1")).await.is_problem(404, "no-such-path");
        client.posts_to(path, "{}").await.is_problem(404, "no-such-path");
    }
    let large = Sample::of("order-1").with("additionalInfo", "x".repeat(200_000));
    client.posts_to("/other/notify/s3cret-token", large).await.is_problem(404, "no-such-path");
    let counted = client.metric("receiptd_notify_requests_total{outcome=\"unknown_path\"}").await;
    assert_eq!(counted, 4);
    let log = program.logged();
    assert_eq!(log.matches("posted to an unknown path").count(), 1, "{log}");
    assert!(!log.contains("s3cret") && !log.contains("447700900123"), "{log}");
    assert_eq!(program.ends_on("TERM").await.code, Some(0));
}

async fn reports_of_another_api_are_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    let (_, one) = fixtures("notify").into_iter().find(|(name, _)| name.starts_with("foreign-")).unwrap();
    let report = r#"{"address":"tel:+447700900123","deliveryStatus":"DeliveredToTerminal"}"#;
    let several = format!(r#"{{"deliveryInfoNotification":{{"deliveryInfo":[{report},{report}]}}}}"#);
    for body in [one, several.into_bytes()] {
        server.posts(body).await.is_problem(422, "foreign-notification");
    }
    for list in ["/v1/messages", "/v1/inbound", "/v1/quarantine"] {
        assert!(server.items(list).await.is_empty(), "{list}");
    }
    assert_eq!(server.metric("receiptd_notify_requests_total{outcome=\"foreign\"}").await, 2);
    server.stop().await;
}

async fn any_content_type_is_accepted(database: &Database) {
    let server = TestServer::start(database).await;
    let types = [None, Some("application/json; charset=utf-8"), Some("text/plain"), Some("image/png"), Some("what?")];
    for (n, content_type) in types.into_iter().enumerate() {
        let id = format!("order-{n}");
        let request = server.request(Method::POST, "/notify").body(Sample::of(&id).body());
        let request = match content_type {
            Some(content_type) => request.header("content-type", content_type),
            None => request,
        };
        asked(request).await.is_acknowledged();
        assert_eq!(server.message(&id).await["status"], "delivered", "{content_type:?}");
    }
    server.stop().await;
}

async fn unknown_members_are_harmless(database: &Database) {
    let server = TestServer::start(database).await;
    let sample = Sample::of("order-1").with("newMember", json!({ "deep": [1, null, "x"] })).with("code", 7500);
    server.posts(sample.clone()).await.is_acknowledged();
    server.posts(format!("\u{FEFF}{}", Sample::of("order-2").pretty())).await.is_acknowledged();
    for id in ["order-1", "order-2"] {
        let message = server.message(id).await;
        assert_eq!((&message["status"], &message["code"]), (&json!("delivered"), &json!("7500")));
    }
    let kept = server.items("/v1/messages/order-1/notifications").await;
    assert_eq!(kept[0]["body"], sample.body());
    server.stop().await;
}

async fn other_methods_are_refused(database: &Database) {
    let server = TestServer::on(database).with("notify.path_token", "t0ken").start().await;
    for path in ["/notify", "/notify/t0ken"] {
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let answer = asked(server.request(method, path).body(Sample::of("order-1").body())).await;
            answer.is_problem(405, "method-not-allowed");
            assert_eq!(answer.header("allow"), Some("POST, HEAD, GET"));
        }
    }
    assert!(server.ids("").await.is_empty());
    server.stop().await;
}
