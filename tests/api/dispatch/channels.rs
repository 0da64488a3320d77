//! Every channel and every API: from our message to the platform and back, on a platform that accepts only documented
//! spellings.

use std::time::Duration;

use harness::{Database, Platform, SetClock, TestServer, both, eventually, sms, sqlite, whatsapp};
use serde_json::{Value, json};

both!(every_channel_sends_and_receives_notifications);
sqlite!(
    text_messages_use_the_configured_api,
    a_scheduled_message_waits_and_can_be_cancelled,
    an_expired_message_is_not_sent,
    a_violated_rule_is_reported_before_anything_is_sent,
);

/// A message on each channel, and its last status: `delivered`, or the last one that the channel reports.
fn messages() -> Vec<(Value, &'static str)> {
    let said = |channel: &str, from: &str, to: Value, content: Value| json!({"channel": channel, "from": from, "to": to, "content": content});
    let plain = |channel: &str, to: &str| json!({"channel": channel, "from": "a_1", "to": to, "text": "Hello."});
    let call = |content: Value| said("voice", "447700900200", json!("447700900123"), content);
    vec![
        (json!({"channel": "sms", "from": "ACME", "to": "447700900123", "text": "Hello."}), "delivered"),
        (said("mms", "12025550100", json!("12025550143"), json!({"subject": "Hello", "attachments": []})), "delivered"),
        (plain("rcs", "447700900123"), "delivered"),
        (
            json!({"channel": "email", "from": "a@example.com", "to": "dana@example.org", "subject": "Hi", "text": "Hello."}),
            "delivered",
        ),
        (plain("whatsapp", "447700900123"), "delivered"),
        (plain("messenger", "1000000000000001"), "delivered"),
        (plain("apple", "urn:mbid:AQ+/="), "submitted"),
        (said("push", "MO1", json!("user-1"), json!({"android": {"text": "Hello."}})), "delivered"),
        (said("in-app", "MO1", json!("user-1"), json!({"thread_id": "1", "message": {"text": "Hello."}})), "delivered"),
        (plain("instagram", "2000000000000001"), "read"),
        (call(json!({"type": "media", "mediaId": "1"})), "delivered"),
        (call(json!({"callflowid": "184"})), "delivered"),
        (
            call(
                json!({"audio": {"type": "TTS", "style": "NEURAL", "language": "en-GB", "text": "[sim:until=delivered]"}}),
            ),
            "delivered",
        ),
    ]
}

async fn every_channel_sends_and_receives_notifications(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    for (n, (mut message, _)) in messages().into_iter().enumerate() {
        message["correlationId"] = json!(format!("order-{n}"));
        message["callbackData"] = json!("[sim:until=delivered]");
        let answer = server.sends(&message).await.is(202);
        let is_deprecated = message["channel"] == "instagram";
        assert_eq!(answer.json().get("warnings").is_some(), is_deprecated, "{message}");
    }
    for (n, (message, last)) in messages().into_iter().enumerate() {
        let id = format!("order-{n}");
        let reached = async || {
            let status = server.status_of(&id).await?;
            (status == last || matches!(status.as_str(), "rejected" | "failed")).then_some(status)
        };
        let waited = format!("{last} of {}", message["channel"]);
        assert_eq!(eventually(&waited, reached).await, last, "{message}: {}", server.message(&id).await);
        assert_eq!(platform.accepted(&id), 1, "{message}");
    }
    server.stop().await;
    platform.stop().await;
}

async fn text_messages_use_the_configured_api(database: &Database) {
    let platform = Platform::start();
    for api in ["v2", "v1", "sms-v1"] {
        let server = TestServer::on(database).sending_to(&platform.url).with("send.sms_api", api).start().await;
        server.sends(&sms(api, "Hello.")).await.is(202);
        eventually("delivered", async || (server.status_of(api).await? == "delivered").then_some(())).await;
        server.stop().await;
    }
    assert_eq!(platform.report().requests, 3);
    platform.stop().await;
}

async fn a_scheduled_message_waits_and_can_be_cancelled(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let mut later = sms("later", "Hello.");
    later["sendAt"] = json!("2199-01-01T00:00:00Z");
    server.sends(&later).await.is(202);
    // A message that is due at once is sent meanwhile.
    server.sends(&sms("now", "Hello.")).await.is(202);
    eventually("delivered", async || (server.status_of("now").await? == "delivered").then_some(())).await;
    assert_eq!(server.status_of("later").await.unwrap(), "queued");
    let cancelled = server.posts_to("/v1/messages/later/cancel", "").await.is(200);
    assert_eq!((&cancelled.json()["status"], &cancelled.json()["final"]), (&json!("cancelled"), &json!(true)));
    assert_eq!((platform.report().requests, platform.accepted("later")), (1, 0));
    server.stop().await;
    platform.stop().await;
}

async fn an_expired_message_is_not_sent(database: &Database) {
    let platform = Platform::start();
    let clock = SetClock::default();
    let server = TestServer::on(database).by(clock.clock()).sending_to(&platform.url).start().await;
    let mut late = whatsapp("late", "Hello.");
    let now = clock.clock().now();
    late["sendAt"] = json!(now.plus(Duration::from_mins(1)));
    late["expireAt"] = json!(now.plus(Duration::from_mins(2)));
    server.sends(&late).await.is(202);
    clock.goes_forward(Duration::from_mins(3));
    eventually("expired", async || (server.status_of("late").await? == "expired").then_some(())).await;
    assert_eq!(server.message("late").await["final"], true);
    assert_eq!(platform.report().requests, 0);
    // The repetition is still the same message, though it would be too late for a new one.
    server.sends(&late).await.is(200);
    let mut never = sms("never", "Hello.");
    never["expireAt"] = json!("2020-01-01T00:00:00Z");
    server.sends(&never).await.blames(&["/expireAt"]);
    server.stop().await;
    platform.stop().await;
}

async fn a_violated_rule_is_reported_before_anything_is_sent(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let message = json!({
        "channel": "whatsapp", "from": "a_1", "to": "447700900123",
        "content": {"type": "reply", "reply": {"body": {"text": "x".repeat(1025)}, "action": {"buttons": [
            {"type": "reply", "reply": {"id": "1", "title": "A"}}, {"type": "reply", "reply": {"id": "2", "title": "B"}},
            {"type": "reply", "reply": {"id": "3", "title": "C"}}, {"type": "reply", "reply": {"id": "4", "title": "D"}}
        ]}}}
    });
    server.sends(&message).await.blames(&["/content/reply/action/buttons", "/content/reply/body/text"]);
    let mut both = sms("both", "Hello.");
    both["expireAt"] = json!("2199-01-01T00:00:00Z");
    server.sends(&both).await.blames(&["/expireAt"]);
    both["expireAt"] = json!("2020-01-01T00:00:00Z");
    both["validity"] = json!("60");
    server.sends(&both).await.blames(&["/validity"]);
    assert_eq!(platform.report().requests, 0);
    server.stop().await;
    platform.stop().await;
}
