//! What every answer has in common: problems, and the id of the request.

use reqwest::Method;

use crate::harness::{Database, Sample, TestServer, asked};

sqlite!(what_is_not_there_is_a_problem_too, each_route_names_its_methods, the_id_of_a_request_comes_back);

async fn what_is_not_there_is_a_problem_too(database: &Database) {
    let server = TestServer::start(database).await;
    for path in ["/", "/v1", "/v1/", "/v1/message", "/v1/messages/", "/v1/messages/a/b", "/notify/a/b", "/%00"] {
        for method in [Method::GET, Method::POST] {
            let answer = asked(server.request(method, path).body(Sample::of("order-1").body())).await;
            answer.is_problem(404, "no-such-path");
        }
    }
    server.stop().await;
}

async fn each_route_names_its_methods(database: &Database) {
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
        // Those that are named are there, and no others.
        for method in [Method::GET, Method::POST, Method::HEAD, Method::PUT, Method::PATCH] {
            let is_named = allowed.split(", ").any(|name| name == method.as_str());
            let answer = asked(server.request(method.clone(), path)).await;
            assert_eq!(answer.status != 405, is_named, "{method} {path}: {}", answer.status);
        }
    }
    server.stop().await;
}

async fn the_id_of_a_request_comes_back(database: &Database) {
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
