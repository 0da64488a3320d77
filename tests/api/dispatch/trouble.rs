//! Errors on the way to the platform: a message that certainly did not arrive is retried, a message that may have
//! arrived is not.

use std::net::Ipv4Addr;

use harness::{Client, Database, Platform, Sample, TestServer, both, eventually, sms, sqlite, whatsapp};
use receiptd::simulator::Settings;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::dispatched;

both!(
    a_message_that_the_platform_does_not_have_is_retried,
    a_message_that_the_platform_may_have_is_not_sent_again,
    a_message_that_was_notified_is_not_retried,
);
sqlite!(a_rejection_is_final_and_has_a_reason, messages_wait_for_an_unreachable_platform);

async fn until(client: &Client, id: &str, status: &str) -> Value {
    eventually(&format!("{id} to be {status}"), async || {
        let message = client.message(id).await;
        (message["status"] == status).then_some(message)
    })
    .await
}

async fn a_rejection_is_final_and_has_a_reason(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    server.sends(&sms("sms", "Hello. [sim:answer=7004]")).await.is(202);
    server.sends(&whatsapp("whatsapp", "Hello. [sim:answer=7004]")).await.is(202);
    server.sends(&sms("http", "Hello. [sim:answer=http-413]")).await.is(202);
    server.sends(&sms("in-form", "Hello. [sim:answer=rejected]")).await.is(202);
    let codes = [("sms", json!("7004")), ("whatsapp", json!("7004")), ("http", Value::Null), ("in-form", Value::Null)];
    for (id, code) in codes {
        let message = until(&server, id, "rejected").await;
        assert_eq!((&message["final"], &message["code"]), (&json!(true), &code), "{message}");
        assert!(message["failure"].is_string() && message["reason"].is_string(), "{message}");
        assert_eq!(dispatched(&message), ["queued", "sending", "rejected"]);
        assert_eq!(platform.accepted(id), 0);
    }
    assert_eq!(platform.report().requests, 4);
    server.stop().await;
    platform.stop().await;
}

async fn a_message_that_the_platform_does_not_have_is_retried(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let cases = [("code", "[sim:answer=7020]", "7020"), ("http", "[sim:answer=http-503]", "HTTP 503")];
    for (id, word, _) in cases {
        server.sends(&sms(id, &format!("Hello. {word}[sim:once][sim:silent]"))).await.is(202);
    }
    for (id, _, trace) in cases {
        let message = until(&server, id, "accepted").await;
        assert_eq!(dispatched(&message), ["queued", "sending", "queued", "sending", "accepted"]);
        let put_off = |entry: &&Value| entry["reason"].as_str().is_some_and(|reason| reason.contains("; retry"));
        let again = message["timeline"].as_array().unwrap().iter().find(put_off).unwrap();
        let (code, reason) = (&again["code"], again["reason"].as_str().unwrap());
        assert!(code == trace || reason.starts_with(trace), "{again}");
        assert!(reason.contains("; retry in "), "{again}");
        assert_eq!(again["why"], "from sending to queued");
        // Earlier errors are not part of the message's current status.
        assert_eq!((&message["code"], &message["failure"]), (&Value::Null, &Value::Null));
        assert_eq!(platform.accepted(id), 1);
    }
    assert_eq!(platform.report().requests, 4);
    server.stop().await;
    platform.stop().await;
}

async fn a_message_that_the_platform_may_have_is_not_sent_again(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("send.timeout_seconds", "1").start().await;
    let words = ["hang", "garbage", "reset", "http-500", "http-502"];
    for word in words {
        server.sends(&sms(word, &format!("Hello. [sim:answer={word}][sim:silent]"))).await.is(202);
    }
    for word in words {
        let message = until(&server, word, "unconfirmed").await;
        assert_eq!(message["final"], false);
        assert_eq!(dispatched(&message), ["queued", "sending", "unconfirmed"]);
        assert!(message["reason"].is_string(), "{message}");
        // It states what would decide the status.
        let last = message["timeline"].as_array().unwrap().last().unwrap();
        let why = last["why"].as_str().unwrap();
        assert!(why.contains("a notification with its correlation id or transaction id decides it"), "{why}");
    }
    // Neither now nor after a restart: others are sent meanwhile, these are not.
    server.sends(&sms("later", "Hello. [sim:silent]")).await.is(202);
    until(&server, "later", "accepted").await;
    let server = server.stopped().await.start().await;
    server.sends(&sms("latest", "Hello. [sim:silent]")).await.is(202);
    until(&server, "latest", "accepted").await;
    let report = platform.report();
    assert_eq!(report.requests, words.len() as u64 + 2);
    for word in ["hang", "garbage", "reset"] {
        assert_eq!(platform.accepted(word), 1, "{word}");
    }
    // The platform has it after all: a notification decides the status.
    for word in words {
        server.posts(Sample::of(word)).await.is_acknowledged();
        let message = server.message(word).await;
        assert_eq!((&message["status"], &message["origin"]), (&json!("delivered"), &json!("sent")));
        assert_eq!(message["timeline"][0]["why"], "the first report about this message");
    }
    server.stop().await;
    platform.stop().await;
}

async fn a_message_that_was_notified_is_not_retried(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let text = "Hello. [sim:answer=http-503][sim:once][sim:silent]";
    let waits = async |id: &str| {
        server.sends(&sms(id, text)).await.is(202);
        let queued_again = async || (dispatched(&server.message(id).await).len() == 3).then_some(());
        eventually("the first attempt to fail", queued_again).await;
    };
    waits("there").await;
    server.posts(Sample::of("there").says("Submitted", "7501")).await.is_acknowledged();
    waits("not-there").await;
    until(&server, "not-there", "accepted").await;
    let had_its_turn = async || (dispatched(&server.message("there").await).len() == 4).then_some(());
    eventually("the dispatch of the other message", had_its_turn).await;
    assert_eq!((platform.accepted("there"), platform.accepted("not-there")), (0, 1));
    assert_eq!(platform.report().requests, 3);
    let message = server.message("there").await;
    assert_eq!(message["status"], "submitted");
    assert_eq!(dispatched(&message), ["queued", "sending", "queued", "accepted"]);
    server.stop().await;
    platform.stop().await;
}

async fn messages_wait_for_an_unreachable_platform(database: &Database) {
    // The port stays reserved, and nothing listens on it yet.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let server = TestServer::on(database).sending_to(&format!("http://{address}")).start().await;
    server.sends(&sms("order-1", "Hello. [sim:silent]")).await.is(202);
    let tried = async || {
        let message = server.message("order-1").await;
        let steps = dispatched(&message);
        (steps.len() >= 3).then_some(message)
    };
    let message = eventually("the first attempt", tried).await;
    let reason = message["timeline"][2]["reason"].as_str().unwrap();
    assert!(reason.starts_with("not sent: "), "{reason}");
    assert!(!message["final"].as_bool().unwrap());
    let listener = socket.listen(16).unwrap().into_std().unwrap();
    let platform = Platform::at(listener, Settings::calm());
    until(&server, "order-1", "accepted").await;
    assert_eq!(platform.accepted("order-1"), 1);
    server.stop().await;
    platform.stop().await;
}
