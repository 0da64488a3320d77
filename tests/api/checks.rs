//! The checks of every API request: no web page of another origin sent it, each parameter is given once, and its body
//! has a supported encoding.

use harness::{Client, Database, Platform, Raw, Sample, TestServer, asked, by_hand, encoded, operations, sms, sqlite};
use reqwest::{Method, RequestBuilder};

sqlite!(
    requests_from_pages_of_another_origin_are_rejected,
    other_host_names_are_rejected_if_no_token_is_required,
    content_types_of_simple_requests_are_rejected,
    a_body_that_is_compressed_or_in_another_charset_is_refused,
    a_parameter_given_twice_is_refused_everywhere,
    the_notify_url_does_not_check_origins,
);

/// A request to each operation of the API that requires a token.
fn api_requests(client: &Client) -> impl Iterator<Item = RequestBuilder> {
    operations().filter(|operation| operation.scope().is_some()).map(|operation| {
        let path = operation.path.replace("{correlationId}", "order-1").replace("{fingerprint}", &"0".repeat(32));
        client.request(operation.method.to_uppercase().parse().unwrap(), &path)
    })
}

async fn requests_from_pages_of_another_origin_are_rejected(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for (name, value) in foreign {
        for request in api_requests(&server) {
            asked(request.header(name, value)).await.is_problem(403, "foreign-origin");
        }
        let request = server.request(Method::POST, "/v1/messages").header(name, value);
        let request = request.header("content-type", "application/json").body(sms("order-2", "Hello.").to_string());
        asked(request).await.is_problem(403, "foreign-origin");
        // Partly percent-encoded, it is still the same path.
        let encoded = server.request(Method::GET, "/%76%31/messages").header(name, value);
        assert_eq!(encoded.send().await.unwrap().status(), 403);
    }
    assert_eq!(server.ids("").await, ["order-1"]);
    // A request of our own origin, or of a typed address, is answered.
    let own = format!("http://{}", server.address);
    for (name, value) in [("origin", own.as_str()), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")] {
        asked(server.request(Method::GET, "/v1/messages").header(name, value)).await.is(200);
    }
    for path in ["/docs", "/openapi.json", "/health/live", "/notify"] {
        asked(server.request(Method::GET, path).header("sec-fetch-site", "cross-site")).await.is(200);
    }
    server.stop().await;
}

async fn other_host_names_are_rejected_if_no_token_is_required(database: &Database) {
    let get = |host: &str, path: &str, token: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n")
    };
    let answers = async |server: &TestServer, host: &'static str, path: &'static str| {
        let address = server.address;
        by_hand(move || {
            let mut raw = Raw::connect(address);
            raw.sends(get(host, path, "t0ken"));
            raw.answer().status
        })
        .await
    };
    let open = TestServer::start(database).await;
    for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0"] {
        for path in ["/v1/messages", "/metrics", "/v1/audit"] {
            assert_eq!(answers(&open, host, path).await, 421, "{host} {path}");
        }
        assert_eq!(answers(&open, host, "/notify").await, 200);
        assert_eq!(answers(&open, host, "/health/ready").await, 200);
    }
    for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080", "127.0.0.1:1"] {
        assert_eq!(answers(&open, host, "/v1/messages").await, 200, "{host}");
    }
    let closed = open.stopped().await.with("api.tokens", "ops:admin:t0ken").start().await;
    assert_eq!(answers(&closed, "receipts.example.com", "/v1/messages").await, 200);
    closed.stop().await;
}

async fn content_types_of_simple_requests_are_rejected(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    let forms =
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data; boundary=x")];
    for media in forms {
        for (path, body) in [
            ("/v1/messages", sms("order-1", "Hello.").to_string()),
            ("/v1/import", format!("[{}]", Sample::of("order-1").body())),
            ("/v1/erase", r#"{"to":"+447700900123"}"#.to_owned()),
        ] {
            let request = server.request(Method::POST, path).body(body);
            let request = media.into_iter().fold(request, |request, media| request.header("content-type", media));
            asked(request).await.is_problem(415, "unsupported-media-type");
        }
    }
    assert_eq!(server.ids("").await, [""; 0]);
    server.stop().await;
}

async fn a_body_that_is_compressed_or_in_another_charset_is_refused(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let posts = async |path: &str, media: &str, encoding: &str| {
        let request =
            server.request(Method::POST, path).header("content-type", media).header("content-encoding", encoding);
        asked(request.body(sms("order-1", "Hello. [sim:silent]").to_string())).await
    };
    for path in ["/v1/messages", "/v1/import", "/v1/erase"] {
        for (media, encoding) in [
            ("application/json", "gzip"),
            ("application/x-ndjson", "br"),
            ("application/json; charset=iso-8859-1", "identity"),
            ("application/x-ndjson;charset=\"utf-16\"", "identity"),
        ] {
            posts(path, media, encoding).await.is_problem(415, "unsupported-media-type");
        }
    }
    assert_eq!(posts("/v1/messages", "application/json; charset=UTF-8", "identity").await.status, 202);
    server.stop().await;
    platform.stop().await;
}

async fn a_parameter_given_twice_is_refused_everywhere(database: &Database) {
    let server = TestServer::start(database).await;
    for request in api_requests(&server) {
        let answer = asked(request.query(&[("limit", "1"), ("x y", ""), ("limit", "1")])).await;
        let problem = answer.is_problem(422, "invalid-request");
        assert_eq!(problem["errors"][0]["pointer"], "/limit", "{problem}");
    }
    server.gets("/health/ready?of=notify&of=notify").await.is_problem(422, "invalid-request");
    server.gets(&format!("/v1/messages?to={0}&{1}={0}", "1", encoded("to"))).await.blames(&["/to"]);
    server.stop().await;
}

async fn the_notify_url_does_not_check_origins(database: &Database) {
    let server = TestServer::start(database).await;
    for (n, (name, value)) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("content-type", "application/json; charset=iso-8859-1"),
        ("content-type", "text/plain"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = Sample::of(&format!("order-{n}")).body();
        asked(server.request(Method::POST, "/notify?a=1&a=1").header(name, value).body(body)).await.is_acknowledged();
    }
    assert_eq!(server.ids("").await.len(), 4);
    server.stop().await;
}
