//! Limits of the notify URL for the size and the duration of a body.

use std::time::{Duration, Instant};

use harness::{Database, Raw, Sample, TestServer, asked, by_hand, eventually, sqlite};
use reqwest::Method;
use tokio::time::timeout;

sqlite!(
    a_body_at_the_limit_is_accepted_and_a_larger_one_is_not,
    a_declared_length_above_the_limit_is_rejected_before_the_body,
    an_endless_body_is_cut_off,
    a_stalled_body_is_answered_with_a_retry,
    a_slow_body_leaves_less_time_for_the_store,
    stalled_large_bodies_delay_only_large_bodies,
    unauthenticated_clients_reserve_no_memory_for_large_bodies,
);

const LIMIT: usize = 2000;

async fn a_body_at_the_limit_is_accepted_and_a_larger_one_is_not(database: &Database) {
    let server = TestServer::on(database).with("notify.body_limit_bytes", &LIMIT.to_string()).start().await;
    let padded = |id: &str, length: usize| {
        let body = Sample::of(id).body();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    server.posts(padded("order-1", LIMIT)).await.is_acknowledged();
    server.posts(padded("order-2", LIMIT + 1)).await.is_problem(413, "body-too-large");
    assert_eq!(server.ids("").await, ["order-1"]);
    assert_eq!(server.metric("receiptd_notify_requests_total{outcome=\"too_large\"}").await, 1);
    server.stop().await;
}

async fn a_declared_length_above_the_limit_is_rejected_before_the_body(database: &Database) {
    let server = TestServer::start(database).await;
    let address = server.address;
    let answer = by_hand(move || {
        let mut raw = Raw::connect(address);
        raw.sends("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000000\r\n\r\n");
        raw.answer()
    });
    let answer = answer.await;
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("body-too-large"), "{}", answer.body);
    server.stop().await;
}

async fn an_endless_body_is_cut_off(database: &Database) {
    const MORE_THAN_THE_LIMIT: usize = 4 * 1024 * 1024;
    const ENOUGH: Duration = Duration::from_secs(10);
    let server = TestServer::start(database).await;
    let address = server.address;
    let (answer, took) = by_hand(move || {
        let mut raw = Raw::connect(address);
        raw.sends("POST /notify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        raw.pours(chunk.as_bytes(), MORE_THAN_THE_LIMIT, ENOUGH);
        let (answer, began) = (raw.answer(), Instant::now());
        // The body has no end before the timeout.
        raw.pours(chunk.as_bytes(), usize::MAX, ENOUGH);
        (answer, began.elapsed())
    })
    .await;
    assert_eq!(answer.status, 413);
    assert!(took < ENOUGH, "it went on for {took:?}");
    assert_eq!(server.metric("receiptd_notify_requests_total{outcome=\"too_large\"}").await, 1);
    assert!(server.items("/v1/quarantine").await.is_empty());
    server.stop().await;
}

async fn a_stalled_body_is_answered_with_a_retry(database: &Database) {
    let server = TestServer::on(database).with("notify.answer_within_seconds", "1").start().await;
    let address = server.address;
    let (answer, took) = by_hand(move || {
        let mut raw = Raw::connect(address);
        raw.sends("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"deliveryInfo");
        let began = Instant::now();
        (raw.answer(), began.elapsed())
    })
    .await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("\r\nretry-after: "), "{}", answer.head);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(server.items("/v1/quarantine").await.is_empty(), "half a body must not be stored");
    server.stop().await;
}

async fn a_slow_body_leaves_less_time_for_the_store(database: &Database) {
    let server = TestServer::on(database).with("notify.answer_within_seconds", "3").start().await;
    let outage = database.fails().await;
    let address = server.address;
    let (answer, took) = by_hand(move || {
        let (mut raw, body) = (Raw::connect(address), Sample::of("order-1").body());
        let (first, rest) = body.split_at(10);
        let began = Instant::now();
        raw.sends(format!("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{first}", body.len()));
        // The client is this slow.
        std::thread::sleep(Duration::from_millis(2500));
        raw.sends(rest);
        (raw.answer(), began.elapsed())
    })
    .await;
    assert_eq!(answer.status, 503);
    // With separate time limits, reading and storing would take 5.5 s.
    assert!(took < Duration::from_millis(5300), "{took:?}");
    outage.end().await;
    server.stop().await;
}

async fn stalled_large_bodies_delay_only_large_bodies(database: &Database) {
    const STALLED: usize = 80;
    let server = TestServer::on(database).with("notify.answer_within_seconds", "3").start().await;
    let (address, client) = (server.address, server.client());
    let stalled = by_hand(move || {
        let part = format!("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: 30000\r\n\r\n{}", "x".repeat(20_000));
        let connect = |_| {
            let mut raw = Raw::connect(address);
            raw.sends(&part);
            raw
        };
        (0..STALLED).map(connect).collect::<Vec<_>>()
    });
    let stalled = stalled.await;
    for n in 0..20 {
        server.posts(Sample::of(&format!("small-{n}"))).await.is_acknowledged();
    }
    let large = Sample::of("large").with("additionalInfo", "x".repeat(20_000));
    let post = async || client.posts(large.clone()).await.status;
    assert!(timeout(Duration::from_secs(1), post()).await.is_err(), "it has to wait for room");
    // Stalled bodies are disconnected, so the platform's next attempt is accepted.
    eventually("room for large ones", async || (post().await == 200).then_some(())).await;
    drop(stalled);
    server.stop().await;
}

/// Everything that can be checked without the body is checked before it is read.
async fn unauthenticated_clients_reserve_no_memory_for_large_bodies(database: &Database) {
    const STRANGERS: usize = 128;
    for (setting, secret) in [("notify.path_token", "t0ken"), ("notify.bearer", "t0ken"), ("notify.basic", "a:t0ken")] {
        let server = TestServer::on(database).with(setting, secret).start().await;
        let address = server.address;
        let strangers = by_hand(move || {
            let part =
                format!("POST /notify/x HTTP/1.1\r\nhost: x\r\ncontent-length: 30000\r\n\r\n{}", "x".repeat(20_000));
            let connect = |_| {
                let mut raw = Raw::connect(address);
                raw.sends(&part);
                raw
            };
            (0..STRANGERS).map(connect).collect::<Vec<_>>()
        });
        let strangers = strangers.await;
        let large = Sample::of("large").with("additionalInfo", "x".repeat(20_000)).body();
        let request = server.request(Method::POST, "/notify/t0ken").body(large);
        let request = match setting {
            "notify.bearer" => request.bearer_auth("t0ken"),
            "notify.basic" => request.basic_auth("a", Some("t0ken")),
            _ => request,
        };
        let began = Instant::now();
        asked(request).await.is_acknowledged();
        assert!(began.elapsed() < Duration::from_secs(2), "{setting}: {:?}", began.elapsed());
        drop(strangers);
        server.stop().await;
    }
}
