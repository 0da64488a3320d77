//! `/health/live`, `/health/ready`, `/metrics`; and several servers on one database.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    time::Instant,
};

use harness::{Client, Database, Platform, Recorder, Sample, TestServer, both, by_hand, eventually, sms, sqlite};
use serde_json::json;
use tokio::task::JoinSet;

both!(it_is_live_and_ready, metrics_count_and_contain_no_personal_data);
sqlite!(
    a_lost_database_file_is_reported_at_once,
    nothing_is_acknowledged_after_the_database_file_was_truncated_or_overwritten,
    it_is_not_ready_while_the_platform_rejects_the_credentials,
    an_unknown_part_is_rejected
);

async fn it_is_live_and_ready(database: &Database) {
    let server = TestServer::start(database).await;
    assert_eq!(server.gets("/health/live").await.is(200).json(), json!({ "status": "live" }));
    assert_eq!(server.gets("/health/ready").await.is(200).json(), json!({ "status": "ready" }));
    server.stop().await;
}

async fn it_is_not_ready_while_the_platform_rejects_the_credentials(database: &Database) {
    let recorder = Recorder::saying(401, "").await;
    let server = TestServer::on(database).sending_to(&recorder.url).start().await;
    server.gets("/health/ready").await.is(200);
    for n in 0..40 {
        server.sends(&sms(&format!("order-{n}"), "Hello.")).await.is(202);
    }
    let refused = async || (server.gets("/health/ready").await.status == 503).then_some(());
    eventually("the refusal to be seen", refused).await;
    server.gets("/health/ready").await.is_problem(503, "credentials-refused");
    // The notify URL stays available, and the queue is kept.
    server.gets("/health/ready?of=notify").await.is(200);
    server.gets("/health/live").await.is(200);
    server.posts(Sample::of("order-0").says("Submitted", "7501")).await.is_acknowledged();
    assert_eq!(server.ids("?status=queued&limit=500").await.len(), 39);
    let tried = recorder.requests().len();
    assert!(tried < 20, "{tried} requests with refused credentials");
    // The platform accepts them again: one message tries, the others follow.
    recorder.says(201, r#"{"messageId":"M-1","status":"queued"}"#);
    let all = async || (server.ids("?status=accepted&limit=500").await.len() == 39).then_some(());
    eventually("all to be sent", all).await;
    server.gets("/health/ready").await.is(200);
    server.stop().await;
}

async fn an_unknown_part_is_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    server.gets("/health/ready?of=sending").await.is_problem(422, "invalid-request");
    server.stop().await;
}

async fn metrics_count_and_contain_no_personal_data(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    server.posts(r#"{"event":"MO","from":"447700900123"}"#).await.is_acknowledged();
    server.posts("?").await.is_acknowledged();
    server.sends(&sms("order-2", "Hello. [sim:silent]")).await.is(202);
    server.sends(&sms("order-3", "Hello. [sim:answer=7004]")).await.is(202);
    for (name, value) in [
        ("notify_requests_total{outcome=\"notification\"}", 1),
        ("notify_requests_total{outcome=\"inbound\"}", 1),
        ("notify_requests_total{outcome=\"quarantined\"}", 1),
        ("notify_requests_total{outcome=\"unauthorized\"}", 0),
        ("dispatch_attempts_total{outcome=\"accepted\"}", 1),
        ("dispatch_attempts_total{outcome=\"refused\"}", 1),
        ("commit_queue_rows", 0),
        ("commit_batch_rows_count", 3),
    ] {
        let name = format!("receiptd_{name}");
        eventually(&name, async || (server.metric(&name).await == value).then_some(())).await;
    }
    let answer = server.gets("/metrics").await.is(200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    for personal in ["447700900123", "order-", "Hello", "ACME"] {
        assert!(!answer.body.contains(personal), "{}", answer.body);
    }
    server.stop().await;
    platform.stop().await;
}

async fn a_lost_database_file_is_reported_at_once(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    server.gets("/health/ready").await.is(200);
    std::fs::remove_file(database.url().strip_prefix("sqlite://").unwrap()).unwrap();
    server.posts(Sample::of("order-2")).await.asks_to_try_again();
    for path in ["/health/ready", "/health/ready?of=notify", "/v1/messages", "/v1/messages/order-1", "/v1/stats"] {
        let told = server.gets(path).await.is_problem(503, "unavailable");
        assert!(told["detail"].as_str().unwrap().contains("the database file was removed"), "{path}: {told}");
    }
    server.gets("/health/live").await.is(200);
    server.stop().await;
}

/// In place, and while notifications arrive.
async fn nothing_is_acknowledged_after_the_database_file_was_truncated_or_overwritten(_: &Database) {
    for (damage, told) in [
        ("truncate --size=0 receiptd.db", "the database file was truncated"),
        ("truncate --size=$(($(stat --format=%s receiptd.db) / 2)) receiptd.db", "the database file was truncated"),
        (
            "head --bytes=$(stat --format=%s receiptd.db) /dev/zero | dd of=receiptd.db conv=notrunc status=none",
            "the database file was overwritten",
        ),
        // Truncated first, and then overwritten.
        ("cp other.db receiptd.db", "the database file was"),
        ("truncate --size=100 receiptd.db-wal", "the write-ahead log of the database (-wal) was truncated"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("other.db"), "").unwrap();
        Database::at(&folder.path().join("other.db")).execute_now("CREATE TABLE users (name TEXT)").await;
        let server = TestServer::start(&Database::at(&folder.path().join("receiptd.db"))).await;
        let posted = Arc::<Mutex<Vec<(Instant, u16)>>>::default();
        let mut posters: JoinSet<()> = (0..4).map(|name| post(name, server.client(), posted.clone())).collect();
        let count = |since: Option<Instant>, status: u16| {
            let posted = posted.lock().unwrap();
            posted.iter().filter(|(begun, of)| *of == status && since.is_none_or(|since| *begun >= since)).count()
        };
        eventually("some to be acknowledged", async || (count(None, 200) > 5).then_some(())).await;
        let place = folder.path().to_owned();
        let damages = move || Command::new("sh").args(["-ec", damage]).current_dir(place).status().unwrap();
        assert!(by_hand(damages).await.success(), "{damage}");
        let after = Instant::now();
        eventually("some to be refused", async || (count(Some(after), 503) > 50).then_some(())).await;
        assert_eq!(count(Some(after), 200), 0, "{damage}");
        for path in ["/health/ready", "/v1/messages"] {
            let answer = server.gets(path).await.is_problem(503, "unavailable");
            assert!(answer["detail"].as_str().unwrap().contains(told), "{damage}: {path}: {answer}");
        }
        posters.shutdown().await;
        server.stop().await;
    }
}

async fn post(name: usize, client: Client, posted: Arc<Mutex<Vec<(Instant, u16)>>>) {
    for n in 0.. {
        let begun = Instant::now();
        if let Some(status) = client.tries(Sample::of(&format!("order-{name}-{n}"))).await {
            posted.lock().unwrap().push((begun, status));
        }
    }
}
