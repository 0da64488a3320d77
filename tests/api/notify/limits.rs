//! How much the notify URL reads, and for how long.

use std::time::{Duration, Instant};

use harness::{Database, Raw, Sample, TestServer, asked, by_hand, eventually, sqlite};
use reqwest::Method;
use tokio::time::timeout;

sqlite!(
    a_body_at_the_limit_is_taken_and_one_beyond_is_not,
    a_declared_length_beyond_the_limit_is_refused_before_the_body_comes,
    a_flood_is_cut_off,
    a_body_that_stops_coming_is_asked_for_again,
    a_slow_body_leaves_less_time_for_the_store,
    large_bodies_that_do_not_come_stand_in_the_way_of_large_ones_only,
    strangers_take_no_room_for_large_bodies,
);

const LIMIT: usize = 2000;

async fn a_body_at_the_limit_is_taken_and_one_beyond_is_not(database: &Database) {
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

async fn a_declared_length_beyond_the_limit_is_refused_before_the_body_comes(database: &Database) {
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

async fn a_flood_is_cut_off(database: &Database) {
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
        // Without end, as far as we are concerned.
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

async fn a_body_that_stops_coming_is_asked_for_again(database: &Database) {
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
    assert!(server.items("/v1/quarantine").await.is_empty(), "half a body is nothing to keep");
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
        // This is how slow it is.
        std::thread::sleep(Duration::from_millis(2500));
        raw.sends(rest);
        (raw.answer(), began.elapsed())
    })
    .await;
    assert_eq!(answer.status, 503);
    // With a time of its own for each, reading and storing would take 5.5 s.
    assert!(took < Duration::from_millis(5300), "{took:?}");
    outage.end().await;
    server.stop().await;
}

async fn large_bodies_that_do_not_come_stand_in_the_way_of_large_ones_only(database: &Database) {
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
    // Those that stall are cut off, so the platform's next attempt is taken.
    eventually("room for large ones", async || (post().await == 200).then_some(())).await;
    drop(stalled);
    server.stop().await;
}

/// What can be checked without the body is checked before it is read.
async fn strangers_take_no_room_for_large_bodies(database: &Database) {
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
