//! Connections: the limit per address, their time limits, and clients that do not read.

use std::{net::SocketAddr, time::Duration};

use harness::{
    Database, Ending, Program, Raw, Sample, TestServer, by_hand,
    certificates::{Authority, Files},
    eventually, free_address, sqlite,
};
use reqwest::Method;

sqlite!(
    clients_that_never_read_are_dropped_and_take_little_memory,
    an_http_2_client_that_grants_no_window_is_dropped,
    a_large_answer_is_read_completely,
    requests_in_a_row_are_answered_in_their_order,
    connections_are_limited_per_address_but_not_for_proxies,
    an_idle_connection_is_closed_after_the_configured_time,
    a_client_gets_100_continue_only_if_the_body_is_needed,
);

const UNREAD: &str = "receiptd_unread_connections_closed_total";
const MEGABYTES: u64 = 120;

async fn clients_that_never_read_are_dropped_and_take_little_memory(database: &Database) {
    const CLIENTS: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let settings = [("RECEIPTD_DATABASE_URL", database.url()), ("RECEIPTD_HTTP__WRITE_TIMEOUT_SECONDS", "3")];
    let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
    let address = client.address();
    client.posts(Sample::of("before")).await.is_acknowledged();
    let before = program.resident();
    let crowd = by_hand(move || {
        let requests = "GET /docs HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2000);
        let connect = |_| {
            let mut raw = Raw::connect(address);
            raw.pours(requests.as_bytes(), requests.len(), Duration::from_millis(50));
            raw
        };
        (0..CLIENTS).map(connect).collect::<Vec<_>>()
    });
    let crowd = crowd.await;
    let mut most = 0;
    eventually("clients that do not read to be dropped", async || {
        most = most.max(program.resident().saturating_sub(before));
        let are_gone = client.metric(UNREAD).await > 0 && program.sockets() < 50;
        are_gone.then_some(())
    })
    .await;
    assert!(most < MEGABYTES << 20, "{} MB for {CLIENTS} connections", most >> 20);
    client.posts(Sample::of("after")).await.is_acknowledged();
    drop(crowd);
    assert_eq!(program.ends_on("TERM").await.code, Some(0));
}

async fn an_http_2_client_that_grants_no_window_is_dropped(database: &Database) {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let files = Files::of(&authority.issues(2091), folder.path());
    let server = TestServer::on(database).with("http.write_timeout_seconds", "2").over_tls(&files, &authority);
    let server = server.start().await;
    let client = server.client_with(|builder| builder.http2_prior_knowledge().http2_initial_stream_window_size(0));
    let answer = client.request(Method::GET, "/docs").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap_err();
    assert_eq!(server.metric(UNREAD).await, 1);
    server.gets("/docs").await.is(200);
    server.stop().await;
}

async fn a_large_answer_is_read_completely(database: &Database) {
    let server = TestServer::start(database).await;
    let body = Sample::of("large").with("additionalInfo", "x".repeat(900_000)).body();
    server.posts(body.clone()).await.is_acknowledged();
    let kept = server.items("/v1/messages/large/notifications").await;
    assert_eq!(kept[0]["body"], body);
    server.stop().await;
}

async fn requests_in_a_row_are_answered_in_their_order(database: &Database) {
    const REQUESTS: usize = 500;
    let server = TestServer::start(database).await;
    let address = server.address;
    let ending = by_hand(move || {
        let mut raw = Raw::connect(address);
        let paths = ["/health/live", "/nowhere", "/docs"];
        let request = |n| format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", paths[n % paths.len()]);
        raw.sends((0..REQUESTS).map(request).collect::<String>());
        raw.stops_talking();
        raw.ending()
    });
    let expected: Vec<u16> = (0..REQUESTS).map(|n| [200, 404, 200][n % 3]).collect();
    assert_eq!(ending.await, Ending::Closed(expected));
    server.stop().await;
}

async fn connections_are_limited_per_address_but_not_for_proxies(database: &Database) {
    const MOST: usize = 5;
    let connects = |address: SocketAddr| {
        let mut raw = Raw::connect(address);
        raw.tries("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").then_some(raw)
    };
    let server = TestServer::on(database).with("http.connections_per_address", &MOST.to_string()).start().await;
    let address = server.address;
    // The client of this test has one of them.
    let crowd = by_hand(move || (0..2 * MOST).filter_map(|_| connects(address)).collect::<Vec<_>>()).await;
    assert_eq!(crowd.len(), MOST - 1);
    let other = server.at_address([127, 2, 0, 1]);
    assert_eq!(other.metric("receiptd_connections_refused_total").await, 6);
    drop(crowd);
    eventually("room for others", async || by_hand(move || connects(address)).await.map(drop)).await;
    let proxied = server.stopped().await.with("trusted_proxies", "127.0.0.1").with("insecure", "true").start().await;
    let address = proxied.address;
    let crowd = by_hand(move || (0..2 * MOST).filter_map(|_| connects(address)).collect::<Vec<_>>()).await;
    assert_eq!(crowd.len(), 2 * MOST);
    drop(crowd);
    proxied.stop().await;
}

async fn an_idle_connection_is_closed_after_the_configured_time(database: &Database) {
    let server = TestServer::on(database).with("http.keep_alive_seconds", "1").start().await;
    let address = server.address;
    let ending = by_hand(move || {
        let mut raw = Raw::connect(address);
        raw.sends("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
        raw.ending()
    });
    assert_eq!(ending.await, Ending::Closed(vec![200]));
    server.stop().await;
}

async fn a_client_gets_100_continue_only_if_the_body_is_needed(database: &Database) {
    let server = TestServer::on(database)
        .sending_to("http://127.0.0.1:9")
        .with("api.tokens", "ops:admin:t0ken")
        .with("notify.bearer", "b3arer")
        .with("webex.notify_auth_id", "AUTH1")
        .start()
        .await;
    let address = server.address;
    let announces = move |line: &str, headers: &str, body: &str| {
        let mut raw = Raw::connect(address);
        let length = if headers.contains("content-length") {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        raw.sends(format!("{line} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n{length}{headers}\r\n"));
        let first = raw.line();
        if !first.contains(" 100 ") {
            return first;
        }
        raw.sends(body);
        format!("{first}{}", raw.answer().status)
    };
    let (json, token) = ("content-type: application/json\r\n", "authorization: Bearer t0ken\r\n");
    let refused = [
        ("POST /v1/messages", json.to_owned(), "401"),
        ("POST /v1/messages", format!("{json}authorization: Bearer wrong\r\n"), "401"),
        ("POST /v1/messages", format!("{token}content-type: text/plain\r\n"), "415"),
        ("POST /v1/messages", format!("{token}{json}content-encoding: gzip\r\n"), "415"),
        ("POST /v1/messages", format!("{token}{json}origin: https://evil.example\r\n"), "403"),
        ("POST /v1/messages", format!("{token}{json}content-length: 100000000\r\n"), "413"),
        ("POST /v1/messages?a=1&a=1", format!("{token}{json}"), "422"),
        ("POST /v1/import", token.to_owned(), "415"),
        ("POST /v1/import?format=x", format!("{token}{json}"), "422"),
        ("POST /notify", "authorization: Bearer wrong\r\n".to_owned(), "401"),
        ("POST /notify", "authorization: Bearer b3arer\r\ncontent-length: 100000000\r\n".to_owned(), "413"),
        ("DELETE /v1/messages", format!("{token}{json}"), "405"),
        ("PUT /nowhere", String::new(), "404"),
    ];
    let sample = Sample::of("order-1").body();
    by_hand(move || {
        for (line, headers, status) in refused {
            let first = announces(line, &headers, "{}");
            assert!(first.starts_with(&format!("HTTP/1.1 {status} ")), "{line} {headers}: {first}");
        }
        for (line, headers, body, status) in [
            ("POST /notify", "authorization: Bearer b3arer\r\n".to_owned(), sample.as_str(), 200),
            ("POST /v1/messages", format!("{token}{json}"), "{}", 422),
            ("POST /v1/import", format!("{token}{json}"), "[]", 200),
        ] {
            let answer = announces(line, &headers, body);
            assert_eq!(answer, format!("HTTP/1.1 100 Continue\r\n\r\n{status}"), "{line}");
        }
    })
    .await;
    server.stop().await;
}
