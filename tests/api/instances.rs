//! Several servers on one database.

use std::time::{Duration, Instant};

use harness::{Database, Platform, Sample, TestServer, both, eventually, sms};
use receiptd::simulator::Settings;

both!(an_instance_streams_the_events_of_another, several_instances_send_each_message_once);

async fn an_instance_streams_the_events_of_another(database: &Database) {
    let (one, other) = (TestServer::start(database).await, TestServer::start(database).await);
    one.posts(Sample::of("order-1").says("Submitted", "7501")).await.is_acknowledged();
    assert_eq!(other.message("order-1").await["status"], "submitted");
    let began = Instant::now();
    let waiting = tokio::spawn({
        let client = one.client();
        async move { client.gets("/v1/messages/order-1?wait=final&timeout=60").await }
    });
    other.posts(Sample::of("order-1").at("2026-05-20T13:16:00Z")).await.is_acknowledged();
    assert_eq!(waiting.await.unwrap().is(200).json()["status"], "delivered");
    assert!(began.elapsed() < Duration::from_secs(20));
    one.stop().await;
    other.stop().await;
}

async fn several_instances_send_each_message_once(database: &Database) {
    const MESSAGES: usize = 30;
    let platform = Platform::with(Settings { answer_delay: Duration::from_millis(20), ..Settings::calm() });
    let start = async || TestServer::on(database).sending_to(&platform.url).with("send.in_flight", "4").start().await;
    let (one, other) = (start().await, start().await);
    for n in 0..MESSAGES {
        let server = if n % 2 == 0 { &one } else { &other };
        server.sends(&sms(&format!("order-{n}"), "Hello. [sim:silent]")).await.is(202);
    }
    let all = async || (one.ids("?status=accepted&limit=500").await.len() == MESSAGES).then_some(());
    eventually("all to be dispatched", all).await;
    assert_eq!(platform.report().requests, MESSAGES as u64);
    one.stop().await;
    other.stop().await;
    platform.stop().await;
}
