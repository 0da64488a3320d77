//! `GET /v1/export`.

use harness::{Answer, Database, Sample, TestServer, both, sqlite};
use reqwest::Method;
use serde_json::Value;

both!(everything_is_exported_in_either_format, more_rows_than_a_page_are_all_exported);
sqlite!(csv_cells_are_never_formulas, invalid_parameters_are_rejected, a_client_that_disconnects_does_no_harm);

/// The lines of an NDJSON export.
async fn lines(server: &TestServer, query: &str) -> Vec<Value> {
    let answer = server.gets(&format!("/v1/export?format=ndjson&{query}")).await.is(200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn records(answer: &Answer) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(answer.body.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn ids(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["correlationId"].as_str().unwrap()).collect()
}

async fn everything_is_exported_in_either_format(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    server.posts(Sample::of("order-1").says("Submitted", "7501").at("2026-05-20T13:15:00Z")).await.is_acknowledged();
    server.posts(Sample::of("order-2").says("Un-Delivered", "7203")).await.is_acknowledged();
    server.posts(r#"{"event":"MO","from":"447700900123"}"#).await.is_acknowledged();
    server.posts("not JSON").await.is_acknowledged();

    let messages = lines(&server, "of=messages").await;
    assert_eq!(ids(&messages), ["order-2", "order-1"]);
    for message in &messages {
        let told = server.message(message["correlationId"].as_str().unwrap()).await;
        for (member, value) in message.as_object().unwrap() {
            assert_eq!(value, &told[member], "{member}");
        }
    }
    let failures = lines(&server, "of=failures").await;
    assert_eq!(
        (ids(&failures), &failures[0]["code"], &failures[0]["failure"]),
        (vec!["order-2"], &"7203".into(), &"permanent".into())
    );
    let notifications = lines(&server, "of=notifications&channel=sms").await;
    assert_eq!(ids(&notifications), ["order-1", "order-1", "order-2"]);
    assert!(notifications.iter().any(|one| one["body"] == Sample::of("order-1").body()), "{notifications:?}");
    assert_eq!(ids(&lines(&server, "of=notifications&status=failed").await), ["order-2"]);
    assert_eq!(lines(&server, "of=inbound").await[0]["from"], "447700900123");
    assert_eq!(lines(&server, "of=quarantine").await[0]["body"], "not JSON");

    let csv = server.gets("/v1/export?of=messages&format=csv").await.is(200);
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    assert!(csv.header("content-disposition").unwrap().contains("receiptd-messages.csv"));
    let records = records(&csv);
    let header: Vec<&String> = messages[0].as_object().unwrap().keys().collect();
    let mut sorted = records[0].clone();
    sorted.sort();
    assert_eq!(sorted.iter().collect::<Vec<_>>(), header, "one header for both, before all else");
    assert_eq!((records.len(), records[2][0].as_str()), (3, "order-1"));
    assert!(server.gets("/v1/export?bom=true").await.is(200).body.starts_with('\u{FEFF}'));
    let none = server.gets("/v1/export?status=read").await.is(200);
    assert_eq!(self::records(&none).len(), 1, "a header, also without rows");
    assert_eq!(lines(&server, "status=read").await, [] as [Value; 0]);
    server.stop().await;
}

async fn more_rows_than_a_page_are_all_exported(database: &Database) {
    const MESSAGES: usize = 1003;
    let server = TestServer::on(database).with("http.connections_per_address", "2000").start().await;
    let posts = (0..MESSAGES).map(|n| {
        let client = server.client();
        async move { client.posts(Sample::of(&format!("order-{n}"))).await.is_acknowledged() }
    });
    futures_util::future::join_all(posts).await;
    for n in 0..600 {
        let second = format!("2026-05-20T{:02}:{:02}:00Z", n / 60, n % 60);
        server.posts(Sample::of("order-7").at(&second)).await.is_acknowledged();
    }
    for (of, count) in [("messages", MESSAGES), ("notifications", MESSAGES + 600)] {
        let mut found: Vec<_> = lines(&server, &format!("of={of}"))
            .await
            .iter()
            .map(|one| format!("{} {}", one["correlationId"], one["at"]))
            .collect();
        assert_eq!(found.len(), count, "{of}");
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), count, "{of}: nothing twice");
    }
    server.stop().await;
}

async fn csv_cells_are_never_formulas(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("=cmd|' /C calc'!A0").with("Description", "@SUM(1)")).await.is_acknowledged();
    let csv = server.gets("/v1/export").await.is(200);
    let record = records(&csv).remove(1);
    assert_eq!(record[0], "'=cmd|' /C calc'!A0");
    assert!(record.contains(&"'@SUM(1)".to_owned()), "{record:?}");
    // In NDJSON, for programs, the value is unchanged.
    assert_eq!(lines(&server, "of=messages").await[0]["correlationId"], "=cmd|' /C calc'!A0");
    server.stop().await;
}

async fn invalid_parameters_are_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    server
        .gets("/v1/export?of=everything&format=xls&limit=3&status=gone")
        .await
        .blames(&["/of", "/format", "/limit", "/status"]);
    server.gets("/v1/export?of=quarantine&channel=sms").await.blames(&["/of"]);
    server.stop().await;
}

async fn a_client_that_disconnects_does_no_harm(database: &Database) {
    let server = TestServer::start(database).await;
    let large = "x".repeat(100_000);
    for n in 0..200 {
        server.posts(Sample::of(&format!("order-{n}")).with("additionalInfo", large.clone())).await.is_acknowledged();
    }
    for _ in 0..20 {
        let mut answer = server.request(Method::GET, "/v1/export?of=notifications").send().await.unwrap();
        assert!(answer.chunk().await.unwrap().is_some());
    }
    server.posts(Sample::of("after")).await.is_acknowledged();
    assert_eq!(lines(&server, "of=messages&status=delivered").await.len(), 201);
    server.stop().await;
}
