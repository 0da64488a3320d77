//! Sending, from the request to the platform and back, on a simulated platform or on one that only records.

mod channels;
mod credentials;
mod restart;
mod trouble;
mod wire;

use harness::{Database, Platform, TestServer, both, eventually, sms, whatsapp};
use receiptd::simulator::Settings;
use serde_json::{Value, json};

both!(messages_are_sent_once_and_reported_delivered, a_notification_may_arrive_before_the_answer);

async fn messages_are_sent_once_and_reported_delivered(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    server.sends(&sms("by-sms", "Hello. [sim:until=delivered]")).await.is(202);
    server.sends(&whatsapp("by-whatsapp", "Hello. [sim:until=read]")).await.is(202);
    for (id, outcome) in [("by-sms", "delivered"), ("by-whatsapp", "read")] {
        eventually(outcome, async || (server.status_of(id).await? == outcome).then_some(())).await;
        // Notifications may have arrived before the outcome was stored.
        let steps = async || {
            let message = server.message(id).await;
            let steps = dispatched(&message);
            (steps.last() == Some(&"accepted".to_owned())).then_some((message, steps))
        };
        let (message, steps) = eventually("the outcome to be stored", steps).await;
        assert_eq!(steps, ["queued", "sending", "accepted"]);
        assert_eq!((&message["origin"], &message["final"]), (&json!("sent"), &json!(true)));
        assert!(message["transactionId"].is_string());
        assert_eq!(platform.accepted(id), 1);
    }
    assert_eq!(platform.report().requests, 2);
    server.stop().await;
    platform.stop().await;
}

async fn a_notification_may_arrive_before_the_answer(database: &Database) {
    let platform = Platform::with(Settings { early: 1.0, ..Settings::calm() });
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    for n in 0..5 {
        server.sends(&sms(&format!("order-{n}"), "Hello. [sim:until=submitted]")).await.is(202);
    }
    for n in 0..5 {
        let id = format!("order-{n}");
        let accepted = async || {
            let message = server.message(&id).await;
            (dispatched(&message).last() == Some(&"accepted".to_owned())).then_some(message)
        };
        let message = eventually("the outcome to be stored", accepted).await;
        assert_eq!(message["status"], "submitted", "the first notification decides: {message}");
        assert_eq!(message["notificationCount"], 1);
        assert_eq!(platform.accepted(&id), 1);
    }
    server.stop().await;
    platform.stop().await;
}

/// The dispatch steps in the timeline. A claim that was returned before its request is left out, since this depends on
/// the speed of the machine.
fn dispatched(message: &Value) -> Vec<String> {
    let mut steps = Vec::new();
    for entry in message["timeline"].as_array().unwrap().iter().filter(|entry| entry["type"] == "dispatch") {
        if entry["reason"].as_str().is_some_and(|reason| reason.ends_with("; it was not sent")) {
            assert_eq!(steps.pop().as_deref(), Some("sending"));
        } else {
            steps.push(entry["status"].as_str().unwrap().to_owned());
        }
    }
    steps
}
