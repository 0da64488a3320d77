//! `POST /notify-check`: returns how a body is understood, and stores nothing.

use harness::{Database, Sample, TestServer, both, fixtures, sqlite};
use serde_json::json;

both!(it_returns_the_interpretation_and_stores_nothing);
sqlite!(it_requires_the_credentials_of_the_notify_url);

async fn it_returns_the_interpretation_and_stores_nothing(database: &Database) {
    let server = TestServer::start(database).await;
    let check = async |body: Vec<u8>| server.posts_to("/notify-check", body).await.is(200).json();
    let read = check(Sample::of("order-1").says("Read", "7502").body().into()).await;
    assert_eq!(read, json!({ "kind": "notification", "status": "read" }));
    let (_, inbound) = fixtures("inbound").into_iter().find(|(name, _)| name == "sms.json").unwrap();
    assert_eq!(check(inbound).await["kind"], "inbound");
    let read = check(b"{".to_vec()).await;
    assert_eq!(read["kind"], "quarantine");
    assert!(read["reason"].as_str().is_some_and(|reason| reason.contains("not JSON")), "{read}");
    let read = check(format!("[{}, 7]", Sample::of("order-2").body()).into()).await;
    let elements = json!([
        { "kind": "notification", "status": "delivered" },
        { "kind": "quarantine", "reason": "the body is not a JSON object" },
    ]);
    assert_eq!(read, json!({ "kind": "array", "count": 2, "elements": elements }));
    let (_, foreign) = fixtures("notify").into_iter().find(|(name, _)| name.starts_with("foreign-")).unwrap();
    server.posts_to("/notify-check", foreign).await.is_problem(422, "foreign-notification");
    for list in ["/v1/messages", "/v1/inbound", "/v1/quarantine"] {
        assert!(server.items(list).await.is_empty(), "{list}");
    }
    server.stop().await;
}

async fn it_requires_the_credentials_of_the_notify_url(database: &Database) {
    let server = TestServer::on(database).with("notify.path_token", "t0ken").with("notify.bearer", "b3arer").start();
    let server = server.await;
    let sample = || Sample::of("order-1");
    server.posts_to("/notify-check", sample()).await.is_problem(401, "unauthorized");
    server.posts_to("/notify-check/t0ken", sample()).await.is_problem(401, "unauthorized");
    server.with_token("b3arer").posts_to("/notify-check/another", sample()).await.is_problem(401, "unauthorized");
    let read = server.with_token("b3arer").posts_to("/notify-check/t0ken", sample()).await.is(200).json();
    assert_eq!(read, json!({ "kind": "notification", "status": "delivered" }));
    let answer = server.gets("/notify-check").await;
    answer.is_problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
    server.stop().await;
}
