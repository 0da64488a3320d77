//! What receiptd was asked to send, in the answer about a message.

use harness::{Database, Platform, Sample, TestServer, both, sms, sqlite};
use serde_json::{Value, json};

both!(a_message_shows_what_was_sent_to_those_who_may_see_it);
sqlite!(an_erasure_removes_what_was_sent);

async fn a_message_shows_what_was_sent_to_those_who_may_see_it(database: &Database) {
    let platform = Platform::start();
    let tokens = "all:admin:a-token, agent:read+content:c-token, reader:read:r-token, shop:content:s-token";
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", tokens).start().await;
    let (all, agent, reader) =
        (server.with_token("a-token"), server.with_token("c-token"), server.with_token("r-token"));
    let mut message = sms("order-1", "Your parcel is here.");
    message["sendAt"] = json!("2030-05-20T13:15:00Z");
    message["expireAt"] = json!("2030-05-21T13:15:00Z");
    all.sends(&message).await.is(202);
    let submission = |content: Value| json!({ "sendAt": "2030-05-20T13:15:00.000Z", "expireAt": "2030-05-21T13:15:00.000Z", "content": content });
    for client in [&all, &agent] {
        assert_eq!(client.message("order-1").await["submission"], submission(json!({"text": "Your parcel is here."})));
    }
    assert_eq!(reader.message("order-1").await["submission"], submission(Value::Null));
    // The scope alone is no permission to read.
    server.with_token("s-token").gets("/v1/messages/order-1").await.is_problem(403, "forbidden");
    // A list shows no texts, and a message of another system has none.
    assert!(all.items("/v1/messages").await[0].get("submission").is_none());
    server.posts(Sample::of("order-2")).await.is_acknowledged();
    assert!(all.message("order-2").await.get("submission").is_none());
    server.stop().await;
    platform.stop().await;
}

async fn an_erasure_removes_what_was_sent(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    server.sends(&sms("order-1", "Your parcel is here.")).await.is(202);
    let sent = server.gets("/v1/messages/order-1?wait=final").await.is(200).json();
    assert_eq!(sent["submission"]["content"], json!({"text": "Your parcel is here."}));
    server.posts_to("/v1/erase", r#"{"to":"+447700900123"}"#).await.is(200);
    assert!(server.message("order-1").await.get("submission").is_none());
    server.stop().await;
    platform.stop().await;
}
