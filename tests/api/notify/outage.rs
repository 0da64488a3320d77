//! What the platform hears while nothing can be stored: come again, and soon. Nothing else, and nothing is lost.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::harness::{Answer, Database, Sample, TestServer, eventually};

both!(an_outage_is_told_and_ends);
sqlite!(a_full_queue_is_told_at_once, too_many_bytes_are_told_at_once, a_slow_store_is_told_in_time);

/// The platform gives up after this.
const PLATFORM_WAITS: Duration = Duration::from_secs(10);

async fn an_outage_is_told_and_ends(database: &Database) {
    let server = TestServer::on(database)
        .with("notify.answer_within_seconds", "1")
        .with("database.timeout_seconds", "1")
        .start()
        .await;
    server.posts(Sample::of("before")).await.is_acknowledged();
    server.gets("/health/ready").await.is(200);
    let outage = database.fails().await;
    let began = Instant::now();
    let posts = ["one", "two", "three"].map(|id| server.posts(Sample::of(id)));
    for answer in join_all(posts).await {
        answer.asks_to_try_again();
    }
    assert!(began.elapsed() < PLATFORM_WAITS);
    server.gets("/health/ready").await.asks_to_try_again();
    server.gets("/health/live").await.is(200);
    outage.end().await;
    // The platform tries again, and now it is taken.
    let again = async || (server.posts(Sample::of("one")).await.status == 200).then_some(());
    eventually("the store to commit again", again).await;
    server.posts(Sample::of("two")).await.is_acknowledged();
    server.gets("/health/ready").await.is(200);
    for id in ["before", "one", "two"] {
        assert_eq!(server.message(id).await["status"], "delivered");
        assert_eq!(server.items(&format!("/v1/messages/{id}/notifications")).await.len(), 1);
    }
    server.stop().await;
}

async fn a_full_queue_is_told_at_once(database: &Database) {
    let server = TestServer::on(database).with("notify.queue_rows", "3").with("notify.batch_rows", "1").start().await;
    let outage = database.fails().await;
    // One is being committed, three wait, and there is no room for another.
    let held_up = held_up(&server, 4).await;
    let began = Instant::now();
    server.posts(Sample::of("late")).await.asks_to_try_again();
    assert!(began.elapsed() < Duration::from_secs(1));
    outage.end().await;
    for answer in held_up.await.unwrap() {
        answer.is_acknowledged();
    }
    assert_eq!(server.ids("").await.len(), 4);
    assert_eq!(server.metric("receiptd_notify_requests_total{outcome=\"busy\"}").await, 1);
    server.posts(Sample::of("late")).await.is_acknowledged();
    server.stop().await;
}

async fn too_many_bytes_are_told_at_once(database: &Database) {
    let server =
        TestServer::on(database).with("notify.queue_bytes", "10000").with("notify.batch_rows", "1").start().await;
    let outage = database.fails().await;
    let held_up = held_up(&server, 2).await;
    // There is room for this one, but not beside the two that wait.
    let large = Sample::of("large").with("additionalInfo", "x".repeat(9000));
    server.posts(large.clone()).await.asks_to_try_again();
    outage.end().await;
    for answer in held_up.await.unwrap() {
        answer.is_acknowledged();
    }
    server.posts(large).await.is_acknowledged();
    server.stop().await;
}

async fn a_slow_store_is_told_in_time(database: &Database) {
    let server = TestServer::on(database)
        .with("notify.answer_within_seconds", "1")
        .with("database.timeout_seconds", "30")
        .start()
        .await;
    let outage = database.fails().await;
    let began = Instant::now();
    server.posts(Sample::of("order-1")).await.asks_to_try_again();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    outage.end().await;
    let again = async || (server.posts(Sample::of("order-1")).await.status == 200).then_some(());
    eventually("the store to commit again", again).await;
    // Whether or not the first attempt came through after all, there is one.
    assert_eq!(server.items("/v1/messages/order-1/notifications").await.len(), 1);
    server.stop().await;
}

/// Posts `count` notifications, and returns when the first is with the store and all others wait behind it.
async fn held_up(server: &TestServer, count: i64) -> JoinHandle<Vec<Answer>> {
    let client = server.client();
    let posts = tokio::spawn(async move {
        let bodies = (0..count).map(|n| Sample::of(&format!("order-{n}")));
        join_all(bodies.map(|body| client.posts(body))).await
    });
    eventually("the queue to fill", async || {
        (server.metric("receiptd_commit_queue_rows").await == count - 1).then_some(())
    })
    .await;
    posts
}
