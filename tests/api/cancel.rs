//! `POST /v1/messages/{correlationId}/cancel`: cancels a message, or reports why it is too late.

use harness::{Answer, Database, Platform, Sample, TestServer, both, message_path, sms, sqlite};
use serde_json::json;

both!(a_waiting_message_is_cancelled, a_dispatched_message_is_not_cancelled);
sqlite!(cancelling_requires_the_scope_send);

async fn cancels(server: &TestServer, id: &str) -> Answer {
    server.posts_to(&format!("{}/cancel", message_path(id)), "").await
}

async fn a_waiting_message_is_cancelled(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let mut message = sms("a/b", "Hello.");
    message["sendAt"] = json!("2199-01-01T00:00:00Z");
    server.sends(&message).await.is(202);
    for _ in 0..2 {
        let cancelled = cancels(&server, "a/b").await.is(200).json();
        assert_eq!((&cancelled["status"], &cancelled["final"]), (&json!("cancelled"), &json!(true)));
    }
    assert_eq!(server.message("a/b").await["timeline"].as_array().unwrap().len(), 2);
    // It stays cancelled, and its id stays in use.
    assert_eq!(server.sends(&message).await.is(200).json()["status"], "cancelled");
    assert_eq!(platform.report().requests, 0);
    server.stop().await;
    platform.stop().await;
}

async fn a_dispatched_message_is_not_cancelled(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    server.sends(&sms("order-1", "Hello. [sim:until=delivered]")).await.is(202);
    server.gets("/v1/messages/order-1?wait=final").await.is(200);
    let problem = cancels(&server, "order-1").await.is_problem(409, "too-late");
    assert!(problem["detail"].as_str().unwrap().contains("delivered"), "{problem}");
    server.posts(Sample::of("order-2")).await.is_acknowledged();
    cancels(&server, "order-2").await.is_problem(409, "not-ours");
    cancels(&server, "order-3").await.is_problem(404, "not-found");
    server.stop().await;
    platform.stop().await;
}

async fn cancelling_requires_the_scope_send(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "shop:send:s3nd,desk:read:r3ad").start().await;
    let cancel = |token: &str| {
        let client = server.client().with_token(token);
        async move { client.posts_to("/v1/messages/order-1/cancel", "").await }
    };
    cancel("another").await.is_problem(401, "unauthorized");
    cancel("r3ad").await.is_problem(403, "forbidden");
    cancel("s3nd").await.is_problem(404, "not-found");
    server.stop().await;
}
