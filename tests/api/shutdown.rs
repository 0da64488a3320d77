//! The shutdown of a server: open requests are answered, and acknowledged data is on disk.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use harness::{Database, Sample, TestServer, both, eventually, sqlite};
use tokio::task::JoinSet;

sqlite!(requests_in_flight_are_answered, waiting_requests_are_answered, idle_connections_do_not_delay_the_shutdown);
both!(acknowledged_notifications_survive_a_restart);

async fn requests_in_flight_are_answered(database: &Database) {
    const POSTS: i64 = 20;
    let mut server = TestServer::on(database).with("notify.batch_rows", "1").start().await;
    let outage = database.fails().await;
    let client = server.client();
    let posts =
        tokio::spawn(
            async move { join_all((0..POSTS).map(|n| client.tries(Sample::of(&format!("order-{n}"))))).await },
        );
    // Then one more is being committed, or is about to arrive.
    let waiting = async || (server.metric("receiptd_commit_queue_rows").await == POSTS - 1).then_some(());
    eventually("all but one to wait for their commit", waiting).await;
    server.begins_to_stop();
    outage.end().await;
    let began = Instant::now();
    let answered: Vec<_> = posts.await.unwrap().into_iter().flatten().collect();
    assert!(answered.len() >= 19 && answered.iter().all(|status| *status == 200), "{answered:?}");
    let setup = server.stopped().await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let server = setup.start().await;
    assert!(server.ids("?limit=500").await.len() >= answered.len());
    server.stop().await;
}

async fn waiting_requests_are_answered(database: &Database) {
    let mut server = TestServer::start(database).await;
    server.posts(Sample::of("order-1").says("Submitted", "7501")).await.is_acknowledged();
    let waiting = |_| {
        let client = server.client();
        tokio::spawn(async move { client.gets("/v1/messages/order-1?wait=final&timeout=60").await })
    };
    let waiting: Vec<_> = (0..3).map(waiting).collect();
    // Requests that came later and wait for less are answered by now, so the server has the others too.
    join_all((0..3).map(|_| server.gets("/v1/messages/order-1?wait=final&timeout=1"))).await;
    let began = Instant::now();
    server.begins_to_stop();
    for answer in join_all(waiting).await {
        assert_eq!(answer.unwrap().is(200).json()["status"], "submitted");
    }
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

async fn idle_connections_do_not_delay_the_shutdown(database: &Database) {
    let server = TestServer::start(database).await;
    // The client keeps its connections for the next request.
    join_all((0..8).map(|n| server.posts(Sample::of(&format!("order-{n}"))))).await;
    let (kept, began) = (server.client(), Instant::now());
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    drop(kept);
}

async fn acknowledged_notifications_survive_a_restart(database: &Database) {
    let server = TestServer::start(database).await;
    let acknowledged = Arc::<Mutex<Vec<String>>>::default();
    let count = || acknowledged.lock().unwrap().len();
    let mut posts = JoinSet::new();
    for poster in 0..4 {
        let (client, acknowledged) = (server.client(), acknowledged.clone());
        // During the whole restart. An interrupted post is not repeated, and need not be stored.
        posts.spawn(async move {
            for n in 0.. {
                let id = format!("order-{poster}-{n}");
                if client.tries(Sample::of(&id)).await == Some(200) {
                    acknowledged.lock().unwrap().push(id);
                }
            }
        });
    }
    eventually("some to be acknowledged", async || (count() >= 50).then_some(())).await;
    let setup = server.stopped().await;
    let before = count();
    let server = setup.start().await;
    eventually("more to be acknowledged", async || (count() >= before + 50).then_some(())).await;
    posts.shutdown().await;
    server.stop().await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    let kept = database.texts("SELECT correlation_id FROM notifications WHERE occurrences = 1").await;
    let kept: HashSet<_> = kept.into_iter().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !kept.contains(*id)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}
