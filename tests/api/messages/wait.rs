//! `GET /v1/messages/{correlationId}?wait=final`: the answer comes when the status is final.

use std::time::{Duration, Instant};

use harness::{Database, Follower, Platform, Sample, TestServer, both, sms, sqlite};

both!(
    it_answers_when_the_message_turns_final,
    it_answers_when_it_is_final_for_every_recipient,
    it_answers_when_the_time_is_over,
);
sqlite!(waiting_for_an_unknown_message_is_not_found, it_waits_for_a_message_that_was_just_sent);

async fn it_answers_when_the_message_turns_final(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1").says("Submitted", "7501")).await.is_acknowledged();
    let began = Instant::now();
    let waiting = tokio::spawn({
        let client = server.client();
        async move { client.gets("/v1/messages/order-1?wait=final&timeout=60").await }
    });
    // Changes of other messages do not end the wait.
    server.posts(Sample::of("order-2")).await.is_acknowledged();
    server.posts(Sample::of("order-1").at("2026-05-20T13:16:00Z")).await.is_acknowledged();
    let message = waiting.await.unwrap().is(200).json();
    assert_eq!((message["status"].as_str(), message["final"].as_bool()), (Some("delivered"), Some(true)));
    assert_eq!(message["timeline"].as_array().unwrap().len(), 2);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // And at once if it is final already.
    let began = Instant::now();
    server.gets("/v1/messages/order-2?wait=final&timeout=60").await.is(200);
    assert!(began.elapsed() < Duration::from_secs(5));
    server.stop().await;
}

async fn it_answers_when_it_is_final_for_every_recipient(database: &Database) {
    let server = TestServer::start(database).await;
    let to = |recipient: &str| Sample::of("order-1").to(recipient);
    let mut follower = Follower::of(&server, "").await;
    server.posts(to("447700900001").says("Un-Delivered", "7203")).await.is_acknowledged();
    // Notifications that are projected together have one event.
    server.message("order-1").await;
    server.posts(to("447700900002").says("Submitted", "7501")).await.is_acknowledged();
    let waiting = tokio::spawn({
        let client = server.client();
        async move { client.gets("/v1/messages/order-1?wait=final&timeout=60").await }
    });
    let open = server.gets("/v1/messages/order-1?wait=final&timeout=0").await.is(200).json();
    assert_eq!((open["status"].as_str(), open["final"].as_bool()), (Some("failed"), Some(false)));
    server.posts(to("447700900002")).await.is_acknowledged();
    let message = waiting.await.unwrap().is(200).json();
    assert_eq!((message["status"].as_str(), message["final"].as_bool()), (Some("failed"), Some(true)));
    assert_eq!(message["timeline"].as_array().unwrap().len(), 3);
    for is_final in [true, false, true] {
        let event = follower.next().await.unwrap();
        assert_eq!((event["status"].as_str(), event["final"].as_bool()), (Some("failed"), Some(is_final)));
    }
    drop(follower);
    server.stop().await;
}

async fn it_answers_when_the_time_is_over(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1").says("Submitted", "7501")).await.is_acknowledged();
    for seconds in [0, 1] {
        let began = Instant::now();
        let answer = server.gets(&format!("/v1/messages/order-1?wait=final&timeout={seconds}")).await.is(200);
        let took = began.elapsed();
        assert_eq!(answer.json()["status"], "submitted");
        assert!(took >= Duration::from_secs(seconds) && took < Duration::from_secs(seconds + 4), "{took:?}");
    }
    server.stop().await;
}

async fn waiting_for_an_unknown_message_is_not_found(database: &Database) {
    let server = TestServer::start(database).await;
    server.gets("/v1/messages/order-1?wait=final&timeout=60").await.is_problem(404, "not-found");
    server.posts(Sample::of("order-1").says("Submitted", "7501")).await.is_acknowledged();
    for (query, pointers) in [
        ("wait=forever", &["/wait"][..]),
        ("wait=", &["/wait"]),
        ("wait=final&timeout=61", &["/timeout"]),
        ("wait=final&timeout=-1", &["/timeout"]),
        ("wait=final&timeout=1.5", &["/timeout"]),
        ("wait=final&timeout=", &["/timeout"]),
        ("timeout=soon&wait=x", &["/timeout", "/wait"]),
        ("wiat=final", &["/wiat"]),
    ] {
        server.gets(&format!("/v1/messages/order-1?{query}")).await.blames(pointers);
    }
    server.stop().await;
}

async fn it_waits_for_a_message_that_was_just_sent(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    server.sends(&sms("order-1", "Hello. [sim:until=delivered]")).await.is(202);
    let message = server.gets("/v1/messages/order-1?wait=final&timeout=30").await.is(200).json();
    assert_eq!(message["status"], "delivered");
    server.stop().await;
    platform.stop().await;
}
