//! Common parts of all answers: problems, and the request id.

use harness::{Database, Sample, TestServer, asked, sqlite};
use reqwest::Method;
use serde_json::json;

sqlite!(
    an_answer_lists_a_limited_number_of_errors,
    an_unknown_path_is_a_problem,
    each_route_states_its_methods,
    the_request_id_is_returned
);

async fn an_answer_lists_a_limited_number_of_errors(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    let members = |count: usize| {
        let unknown = (0..count).map(|n| format!("\"unknown-{n}\":1"));
        let unknown = unknown.collect::<Vec<_>>().join(",");
        format!(r#"{{"channel":"sms","from":"ACME","to":"+447700900123","text":"Hello.",{unknown}}}"#)
    };
    let errors = |problem: &serde_json::Value| problem["errors"].as_array().unwrap().len();
    let answer = server.posts_to("/v1/messages", members(100)).await.is_problem(422, "invalid-request");
    assert_eq!((errors(&answer), &answer["detail"]), (100, &"100 fields are not valid; see errors".into()));
    let answer = server.posts_to("/v1/messages", members(50_000)).await;
    assert!(answer.body.len() < 50_000, "{}", answer.body.len());
    let answer = answer.is_problem(422, "invalid-request");
    assert_eq!(errors(&answer), 100);
    assert_eq!(answer["detail"], "50000 fields are not valid; errors names the first 100");
    let line = &server.sends_lines(members(50_000)).await[0];
    assert_eq!((errors(line), &line["status"]), (100, &422.into()));
    // Names and values are returned, but with a limited length.
    let long = json!({ "x".repeat(500_000): 1, "channel": "x".repeat(100_000), "é".repeat(300): 1 });
    let answer = server.sends(&long).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.len() < 10_000, "{}", answer.body.len());
    let query = (0..1000).fold(String::new(), |query, n| format!("{query}&x{n}=1"));
    let answer = server.gets(&format!("/v1/messages?a=1{query}")).await.is_problem(422, "invalid-request");
    assert_eq!(errors(&answer), 100);
    server.stop().await;
}

async fn an_unknown_path_is_a_problem(database: &Database) {
    let server = TestServer::start(database).await;
    // A page is read only.
    asked(server.request(Method::POST, "/").body(Sample::of("order-1").body())).await.is_problem(404, "no-such-path");
    for path in ["/v1", "/v1/", "/v1/message", "/v1/messages/", "/v1/messages/a/b", "/notify/a/b", "/%00"] {
        for method in [Method::GET, Method::POST] {
            let answer = asked(server.request(method, path).body(Sample::of("order-1").body())).await;
            answer.is_problem(404, "no-such-path");
        }
    }
    server.stop().await;
}

async fn each_route_states_its_methods(database: &Database) {
    let server = TestServer::start(database).await;
    for (path, allowed) in [
        ("/notify", "POST, HEAD, GET"),
        ("/notify/", "POST, HEAD, GET"),
        ("/notify/t0ken/", "POST, HEAD, GET"),
        ("/notify/t0ken", "POST, HEAD, GET"),
        ("/notify-check", "POST"),
        ("/v1/messages", "POST, GET"),
        ("/v1/messages/order-1", "GET"),
        ("/v1/messages/order-1/notifications", "GET"),
        ("/v1/inbound", "GET"),
        ("/v1/quarantine", "GET"),
        ("/health/live", "GET, HEAD"),
        ("/health/ready", "GET, HEAD"),
        ("/metrics", "GET"),
    ] {
        let answer = asked(server.request(Method::DELETE, path)).await;
        answer.is_problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
        // The listed methods exist, and no others.
        for method in [Method::GET, Method::POST, Method::HEAD, Method::PUT, Method::PATCH] {
            let is_named = allowed.split(", ").any(|name| name == method.as_str());
            let answer = asked(server.request(method.clone(), path)).await;
            assert_eq!(answer.status != 405, is_named, "{method} {path}: {}", answer.status);
        }
    }
    server.stop().await;
}

async fn the_request_id_is_returned(database: &Database) {
    let server = TestServer::start(database).await;
    let id_for = async |path: &str, given: Option<&[u8]>| {
        let request = server.request(Method::GET, path);
        let request = given.into_iter().fold(request, |request, id| request.header("x-request-id", id));
        asked(request).await.header("x-request-id").unwrap().to_owned()
    };
    let longest = "x".repeat(64);
    for usable in ["a", "7", "0af7651916cd43dd8448eb211c80319c", "a-b_c.D", &longest] {
        for path in ["/health/live", "/v1/messages/order-1", "/nowhere", "/notify"] {
            assert_eq!(id_for(path, Some(usable.as_bytes())).await, usable, "{path}");
        }
    }
    let mut drawn = Vec::new();
    for unusable in
        [None, Some(&b""[..]), Some(b"a b"), Some(b"a\"b"), Some("é".as_bytes()), Some(b"\xff"), Some(&[b'x'; 65])]
    {
        let id = id_for("/health/live", unusable).await;
        assert!(uuid::Uuid::parse_str(&id).is_ok(), "{id}");
        drawn.push(id);
    }
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 7, "each request has its own");
    server.stop().await;
}
