//! The answers to the platform while nothing can be stored: it is asked to retry soon, and nothing is lost.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use harness::{Answer, Database, Sample, TestServer, both, eventually, sqlite};
use tokio::task::JoinSet;

both!(an_outage_is_reported_and_ends);
sqlite!(a_full_queue_is_reported_at_once, too_many_queued_bytes_are_reported_at_once, a_slow_store_is_reported_in_time);

/// The platform gives up after this time.
const PLATFORM_WAITS: Duration = Duration::from_secs(10);

async fn an_outage_is_reported_and_ends(database: &Database) {
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
    // The platform tries again, and now the body is accepted.
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

async fn a_full_queue_is_reported_at_once(database: &Database) {
    const POSTS: usize = 12;
    let server =
        TestServer::on(database).with("notify.queue_requests", "3").with("notify.batch_rows", "1").start().await;
    let outage = database.fails().await;
    let began = Instant::now();
    let mut posts: JoinSet<_> = (0..POSTS).map(|n| post(&server, Sample::of(&format!("order-{n}")))).collect();
    // One is being committed and three wait, or will wait. There is no room for any other.
    for _ in 4..POSTS {
        posts.join_next().await.unwrap().unwrap().asks_to_try_again();
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    outage.end().await;
    let statuses: Vec<_> = posts.join_all().await.into_iter().map(|answer| answer.status).collect();
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert!([3, 4].contains(&taken), "{statuses:?}");
    assert_eq!(server.ids("").await.len(), taken);
    let busy = server.metric("receiptd_notify_requests_total{outcome=\"busy\"}").await;
    assert_eq!(usize::try_from(busy).unwrap(), POSTS - taken);
    server.posts(Sample::of("late")).await.is_acknowledged();
    server.stop().await;
}

async fn too_many_queued_bytes_are_reported_at_once(database: &Database) {
    let server =
        TestServer::on(database).with("notify.queue_bytes", "10000").with("notify.batch_rows", "1").start().await;
    let outage = database.fails().await;
    let mut posts: JoinSet<_> = ["order-1", "order-2"].map(|id| post(&server, Sample::of(id))).into_iter().collect();
    let waiting = async || (server.metric("receiptd_commit_queue_rows").await > 0).then_some(());
    eventually("one to wait", waiting).await;
    // There is room for this one, but only if no other one is waiting.
    let large = Sample::of("large").with("additionalInfo", "x".repeat(9900 - Sample::of("large").body().len()));
    server.posts(large.clone()).await.asks_to_try_again();
    outage.end().await;
    while let Some(answer) = posts.join_next().await {
        answer.unwrap().is_acknowledged();
    }
    server.posts(large).await.is_acknowledged();
    server.stop().await;
}

async fn a_slow_store_is_reported_in_time(database: &Database) {
    let server = TestServer::on(database)
        .with("notify.answer_within_seconds", "1")
        .with("database.timeout_seconds", "30")
        .start()
        .await;
    let outage = database.fails().await;
    let began = Instant::now();
    server.posts(Sample::of("order-1")).await.asks_to_try_again();
    server.gets("/health/ready").await.asks_to_try_again();
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    outage.end().await;
    let again = async || (server.posts(Sample::of("order-1")).await.status == 200).then_some(());
    eventually("the store to commit again", again).await;
    // Whether or not the first attempt was stored, there is one notification.
    assert_eq!(server.items("/v1/messages/order-1/notifications").await.len(), 1);
    server.stop().await;
}

fn post(server: &TestServer, sample: Sample) -> impl Future<Output = Answer> + use<> {
    let client = server.client();
    async move { client.posts(sample).await }
}
