//! `GET /v1/events`.

use std::time::Duration;

use futures_util::StreamExt;
use harness::{Database, Follower, Sample, TestServer, asked, both, sms, sqlite};
use receiptd::{
    domain::{PageLimit, Timestamp},
    storage::{self, Access, OpenOptions},
};
use reqwest::Method;
use sse_stream::SseByteStream;

both!(
    every_change_is_streamed_as_it_happens,
    a_message_that_is_replaced_is_an_event,
    a_reconnecting_client_misses_nothing_at_any_instance,
    trimmed_events_are_answered_with_gone
);
sqlite!(
    filters_are_those_of_the_list,
    a_stop_ends_the_stream,
    nothing_but_events_reaches_a_client_as_an_event,
    an_invalid_last_event_id_is_rejected,
    the_streams_of_a_token_are_limited,
);

async fn every_change_is_streamed_as_it_happens(database: &Database) {
    let (one, other) = (TestServer::start(database).await, TestServer::start(database).await);
    let mut followers = [Follower::of(&one, "").await, Follower::of(&other, "").await];
    one.posts(Sample::of("order-1").says("Submitted", "7501")).await.is_acknowledged();
    other.posts(Sample::of("order-1").at("2026-05-20T13:16:00Z").says("Un-Delivered", "7203")).await.is_acknowledged();
    let message = one.message("order-1").await;
    one.posts(Sample::of("order-1").says("Submitted", "7501")).await.is_acknowledged();
    for follower in &mut followers {
        let (first, event) = (follower.next().await.unwrap(), follower.next().await.unwrap());
        assert_eq!(first["status"], "submitted");
        for member in ["correlationId", "origin", "channel", "status", "final", "failure", "code", "reason", "statusAt"]
        {
            assert_eq!(event[member], message[member], "{member}");
        }
        assert_eq!(event["changedAt"], message["updatedAt"]);
        assert_eq!(event["replacedBy"], serde_json::Value::Null);
        assert_eq!(event.as_object().unwrap().len(), 11, "{event}");
    }
    drop(followers);
    one.stop().await;
    other.stop().await;
}

/// The correlation id was unknown at first. A filter that admitted the message also admits its end.
async fn a_message_that_is_replaced_is_an_event(database: &Database) {
    let server = TestServer::start(database).await;
    let mut follower = Follower::of(&server, "?status=delivered").await;
    server.posts(Sample::of("").transaction("t-1").without_correlation_id()).await.is_acknowledged();
    let known = follower.next().await.unwrap();
    assert_eq!((&known["correlationId"], &known["replacedBy"]), (&"txn:t-1".into(), &serde_json::Value::Null));
    server.posts(Sample::of("order-1").transaction("t-1").says("Submitted", "7501")).await.is_acknowledged();
    assert_eq!(follower.changes(1).await, ["order-1 delivered"]);
    let replaced = follower.next().await.unwrap();
    assert_eq!((&replaced["correlationId"], &replaced["replacedBy"]), (&"txn:t-1".into(), &"order-1".into()));
    assert_eq!(server.gets("/v1/messages/txn:t-1").await.is(200).json()["correlationId"], "order-1");
    drop(follower);
    server.stop().await;
}

async fn a_reconnecting_client_misses_nothing_at_any_instance(database: &Database) {
    let (one, other) = (TestServer::start(database).await, TestServer::start(database).await);
    let mut follower = Follower::of(&one, "").await;
    let beginning = follower.last.clone();
    let mut expected = Vec::new();
    for n in 0..12 {
        let server = if n % 2 == 0 { &one } else { &other };
        server.posts(Sample::of(&format!("order-{n}"))).await.is_acknowledged();
        // Each instance projects what it has accepted. Without this, the order of the events would be open.
        server.gets(&format!("/v1/messages/order-{n}")).await.is(200);
        expected.push(format!("order-{n} delivered"));
        if n % 4 == 3 {
            // The connection is cut, and the client reconnects to the other instance.
            let seen = n - 1;
            let told = follower.changes(if n == 3 { 3 } else { 4 }).await;
            assert_eq!(told, expected[seen + 1 - told.len()..=seen]);
            let server = if n == 7 { &one } else { &other };
            follower = Follower::after(server, "", &follower.last).await;
        }
    }
    assert_eq!(follower.changes(1).await, expected[11..]);
    let mut again = Follower::after(&one, "", &beginning).await;
    assert_eq!(again.changes(12).await, expected);
    drop((follower, again));
    one.stop().await;
    other.stop().await;
}

async fn trimmed_events_are_answered_with_gone(database: &Database) {
    let server = TestServer::start(database).await;
    let follower = Follower::of(&server, "").await;
    for n in 0..3 {
        server.posts(Sample::of(&format!("order-{n}"))).await.is_acknowledged();
    }
    let options = OpenOptions { connections: 2, timeout: Duration::from_secs(30), access: Access::Migrate };
    let store = storage::open(database.url(), options).await.unwrap();
    let end = Timestamp::from_micros(i64::MAX);
    harness::eventually("the events to be settled", async || {
        store.status_events.trim(end, PageLimit::default()).await.unwrap();
        let ask = server.request(Method::GET, "/v1/events").header("last-event-id", &follower.last);
        (asked_status(ask).await == 410).then_some(())
    })
    .await;
    for id in [follower.last.as_str(), "9000000000000000000"] {
        let answer = asked(server.request(Method::GET, "/v1/events").header("last-event-id", id)).await;
        let problem = answer.is_problem(410, "gone");
        assert!(problem["detail"].as_str().unwrap().contains("read the list"), "{problem}");
    }
    drop(follower);
    server.stop().await;
}

async fn asked_status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

async fn filters_are_those_of_the_list(database: &Database) {
    let server = TestServer::start(database).await;
    let mut failed = Follower::of(&server, "?status=failed").await;
    let mut mails = Follower::of(&server, "?channel=email&origin=observed").await;
    let mut sent = Follower::of(&server, "?origin=sent&status=delivered").await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    server.posts(Sample::of("order-2").on("email").to("dana@example.org")).await.is_acknowledged();
    server.posts(Sample::of("order-3").says("Un-Delivered", "7203")).await.is_acknowledged();
    assert_eq!(failed.changes(1).await, ["order-3 failed"]);
    assert_eq!(mails.changes(1).await, ["order-2 delivered"]);
    // The filter admits no event, but the position moves on.
    let end = failed.last.clone();
    drop((failed, mails));
    // Filters that the event does not answer: its message is looked up.
    let mut followers = Vec::new();
    for (query, expected) in [
        ("to=447700900199", "order-4 delivered"),
        ("callbackData=shop*&final=true", "order-5 failed"),
        ("transactionId=transaction-of-order-6&code=7502", "order-6 read"),
        ("correlationId=order-6&failure=permanent", "order-6 failed"),
    ] {
        followers.push((Follower::of(&server, &format!("?{query}")).await, expected));
    }
    for sample in [
        Sample::of("order-4").to("447700900199"),
        Sample::of("order-5").says("Un-Delivered", "7203").calls_back("shop 7"),
        Sample::of("order-6").says("Un-Delivered", "7203"),
    ] {
        server.posts(sample).await.is_acknowledged();
    }
    // Otherwise, both notifications could be one change.
    server.message("order-6").await;
    server.posts(Sample::of("order-6").says("Read", "7502")).await.is_acknowledged();
    for (mut follower, expected) in followers {
        assert_eq!(follower.changes(1).await, [expected]);
    }
    server.gets("/v1/events?to=&status=gone&limit=1").await.blames(&["/limit", "/to", "/status"]);
    let strange = asked(server.request(Method::GET, "/v1/events").header("last-event-id", "yesterday")).await;
    strange.blames(&["/Last-Event-ID"]);
    drop(Follower::after(&server, "", &end).await);
    let mut server = server;
    server.begins_to_stop();
    assert_eq!(sent.next().await, None);
    server.stop().await;
}

async fn a_stop_ends_the_stream(database: &Database) {
    let platformless = TestServer::start(database).await;
    platformless.sends(&sms("order-1", "Hello.")).await.is_problem(409, "sending-not-configured");
    let mut follower = Follower::of(&platformless, "").await;
    let began = std::time::Instant::now();
    let mut server = platformless;
    server.begins_to_stop();
    assert_eq!(follower.next().await, None);
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(8), "it waited for the follower");
}

/// The stream as clients read it that do not follow the standard exactly.
async fn nothing_but_events_reaches_a_client_as_an_event(database: &Database) {
    let server = TestServer::start(database).await;
    let response = server.request(Method::GET, "/v1/events").send().await.unwrap();
    let mut blocks = Box::pin(SseByteStream::new(response.bytes_stream()));
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let first = blocks.next().await.unwrap().unwrap();
    assert!(first.id.is_some() && first.data.unwrap().contains("order-1"), "{:?}", first.id);
    drop(blocks);
    server.stop().await;
}

async fn an_invalid_last_event_id_is_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    for id in [&b"yesterday"[..], b"", b"-1", b"1 2", b"\xff\xfe", "é".as_bytes(), b"99999999999999999999"] {
        let request = server.request(Method::GET, "/v1/events").header("last-event-id", id);
        asked(request).await.blames(&["/Last-Event-ID"]);
    }
    server.stop().await;
}

async fn the_streams_of_a_token_are_limited(database: &Database) {
    const MOST: usize = 100;
    let server = TestServer::on(database).with("api.tokens", "one:read:t0ken-1, two:read:t0ken-2").start().await;
    let (one, two) = (server.with_token("t0ken-1"), server.with_token("t0ken-2"));
    let mut followers = Vec::new();
    for _ in 0..MOST {
        followers.push(Follower::of(&one, "").await);
    }
    let answer = one.gets("/v1/events").await;
    answer.is_problem(429, "too-many-requests");
    assert!(answer.header("retry-after").is_some());
    drop(Follower::of(&two, "").await);
    followers.pop();
    let again = async || {
        // The server notices it with the next event.
        server.posts(Sample::of("order-1")).await.is_acknowledged();
        server.posts(Sample::of(&uuid::Uuid::new_v4().to_string())).await.is_acknowledged();
        (asked_status(one.request(Method::GET, "/v1/events")).await == 200).then_some(())
    };
    harness::eventually("the stream to be released", again).await;
    drop(followers);
    server.stop().await;
}
