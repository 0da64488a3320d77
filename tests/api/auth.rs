//! API tokens: which token may use which operation.

use harness::{Client, Database, Operation, Platform, Sample, Strangers, TestServer, asked, operations, sms, sqlite};
use reqwest::{Method, RequestBuilder};

sqlite!(
    each_scope_opens_its_operations_and_no_others,
    a_request_without_the_scope_changes_nothing,
    requests_without_a_valid_token_are_rejected,
    no_token_opens_the_notify_url,
);

const TOKENS: &str = "reader:read:r3ad-s3cret, shop:send:s3nd-s3cret, both:read+send:b0th-s3cret, graphs:metrics:m3trics-s3cret, \
     ops:admin:4dmin-s3cret";

/// The callers and their scopes. A caller without a token, and one with an unknown token, have none.
const CALLERS: [(Option<&str>, &[&str]); 7] = [
    (None, &[]),
    (Some("wr0ng-s3cret"), &[]),
    (Some("r3ad-s3cret"), &["read"]),
    (Some("s3nd-s3cret"), &["send"]),
    (Some("b0th-s3cret"), &["read", "send"]),
    (Some("m3trics-s3cret"), &["metrics"]),
    (Some("4dmin-s3cret"), &["read", "send", "metrics", "admin"]),
];

/// The scope that each operation requires. Empty if it requires none. An operation without a line makes the test fail.
const SCOPES: [(&str, &str); 45] = [
    ("head /notify", ""),
    ("get /notify", ""),
    ("post /notify", ""),
    ("head /notify/{token}", ""),
    ("get /notify/{token}", ""),
    ("post /notify/{token}", ""),
    ("post /notify-check", ""),
    ("post /notify-check/{token}", ""),
    ("post /v1/messages", "send"),
    ("get /v1/messages", "read"),
    ("post /v1/messages/search", "read"),
    ("post /v1/messages/cancel", "send"),
    ("post /v1/messages/again", "send"),
    ("post /v1/find", "read"),
    ("get /v1/messages/{correlationId}", "read"),
    ("get /v1/messages/{correlationId}/notifications", "read"),
    ("post /v1/messages/{correlationId}/cancel", "send"),
    ("get /v1/views", "read"),
    ("post /v1/views", "read"),
    ("delete /v1/views/{id}", "read"),
    ("get /v1/stats", "read"),
    ("get /v1/overview", "read"),
    ("get /v1/statuses", "read"),
    ("get /v1/codes", "read"),
    ("get /v1/events", "read"),
    ("get /v1/export", "read"),
    ("post /v1/import", "admin"),
    ("post /v1/rebuild", "admin"),
    ("get /v1/inbound", "read"),
    ("get /v1/inbound/{fingerprint}", "read"),
    ("get /v1/quarantine", "read"),
    ("get /v1/quarantine/{fingerprint}", "read"),
    ("post /v1/quarantine/retry", "admin"),
    ("get /v1/audit", "admin"),
    ("get /v1/audit/verify", "admin"),
    ("post /v1/erase", "admin"),
    ("post /session", ""),
    ("delete /session", ""),
    ("head /health/live", ""),
    ("get /health/live", ""),
    ("head /health/ready", ""),
    ("get /health/ready", ""),
    ("get /metrics", "metrics"),
    ("get /openapi.json", ""),
    ("get /docs", ""),
];

/// A request that the operation would accept.
fn request(client: &Client, operation: Operation) -> RequestBuilder {
    let path = operation.path.replace("{correlationId}", "order-1").replace("{fingerprint}", &"0".repeat(32));
    let path = path.replace("{id}", &"0".repeat(16));
    let method: Method = operation.method.to_uppercase().parse().unwrap();
    let request = client.request(method, &path.replace("{token}", "t0ken"));
    match (operation.method, operation.path) {
        ("post", "/v1/messages") => {
            request.header("content-type", "application/json").body(sms("order-1", "Hello. [sim:silent]").to_string())
        }
        ("post", "/v1/messages/search") => request.header("content-type", "application/json").body("{}"),
        ("post", "/v1/messages/cancel") => {
            request.header("content-type", "application/json").body(r#"{"filter":{},"reason":"x"}"#)
        }
        ("post", "/v1/messages/again") => {
            let body = r#"{"filter":{},"act":"019ac8d2-4ddf-7a5e-9d0c-2f1f6f3b7a11","reason":"x"}"#;
            request.header("content-type", "application/json").body(body)
        }
        ("post", "/v1/views") => {
            let body = r#"{"of":"messages","name":"Failed","filter":{"status":"failed"}}"#;
            request.header("content-type", "application/json").body(body)
        }
        ("post", "/v1/find") => request.header("content-type", "application/json").body(r#"{"text":"order-1"}"#),
        ("post", "/v1/erase") => {
            request.header("content-type", "application/json").body(r#"{"to":"447700900999","dryRun":true}"#)
        }
        ("post", "/session") => request.header("content-type", "application/json").body(r#"{"token":"r3ad-s3cret"}"#),
        ("post", "/v1/import") => request.header("content-type", "application/json").body("[]"),
        ("post", path) if path.starts_with("/notify") => request.body(Sample::of("order-2").body()),
        _ => request,
    }
}

async fn each_scope_opens_its_operations_and_no_others(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let mut lines = SCOPES.to_vec();
    for operation in operations() {
        let name = format!("{} {}", operation.method, operation.path);
        let at = lines.iter().position(|(known, _)| *known == name);
        let (_, scope) = lines.swap_remove(at.unwrap_or_else(|| panic!("{name} has no line in SCOPES")));
        assert_eq!(operation.scope().unwrap_or_default(), scope, "{name} is described otherwise");
        for (token, scopes) in CALLERS {
            let caller = token.map_or_else(|| server.client(), |token| server.with_token(token));
            // The body is not read to its end, since the events have none.
            let status = request(&caller, operation).send().await.unwrap().status().as_u16();
            let who = format!("{name} with {scopes:?}: {status}");
            match (scope, scopes) {
                ("", _) => assert!(status < 400, "{who}"),
                (_, []) => assert_eq!(status, 401, "{who}"),
                (scope, scopes) if scopes.contains(&scope) => {
                    assert!([200, 202, 404, 409].contains(&status), "{who}");
                }
                _ => assert_eq!(status, 403, "{who}"),
            }
        }
    }
    assert!(lines.is_empty(), "there is no operation {lines:?}");
    server.stop().await;
    platform.stop().await;
}

async fn a_request_without_the_scope_changes_nothing(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").with("api.tokens", TOKENS).start().await;
    let [reader, shop, ops] = ["r3ad-s3cret", "s3nd-s3cret", "4dmin-s3cret"].map(|token| server.with_token(token));
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    reader.sends(&sms("order-2", "Hello.")).await.is_problem(403, "forbidden");
    server.sends(&sms("order-2", "Hello.")).await.is_problem(401, "unauthorized");
    shop.posts_to("/v1/erase", r#"{"to":"447700900123"}"#).await.is_problem(403, "forbidden");
    shop.posts_to("/v1/import", format!("[{}]", Sample::of("order-3").body())).await.is_problem(403, "forbidden");
    assert_eq!(ops.ids("").await, ["order-1"]);
    assert_eq!(ops.message("order-1").await["to"], "447700900123");
    let problem = shop.gets("/v1/messages").await.is_problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("read"), "{problem}");
    server.stop().await;
}

async fn requests_without_a_valid_token_are_rejected(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").with("api.tokens", TOKENS).start().await;
    let wrong = [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer r3ad-s3cre"),
        Some("Bearer r3ad-s3crett"),
        Some("Bearer R3AD-S3CRET"),
        Some("Bearer reader"),
        Some("Bearer reader:read:r3ad-s3cret"),
        Some("Basic r3ad-s3cret"),
        Some("r3ad-s3cret"),
    ];
    let mut strangers = Strangers::of(&server);
    let mut count = 0;
    for operation in operations().filter(|operation| operation.scope().is_some()) {
        for header in wrong {
            count += 1;
            let request = request(strangers.next(), operation);
            let request = header.into_iter().fold(request, |request, header| request.header("authorization", header));
            let answer = asked(request).await;
            answer.is_problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!answer.body.contains("s3cre"), "{}", answer.body);
        }
    }
    assert_eq!(server.with_token("m3trics-s3cret").metric("receiptd_api_unauthorized_total").await, count);
    // The scheme is not case-sensitive.
    let request = server.request(Method::GET, "/v1/messages").header("authorization", "bearer  r3ad-s3cret");
    assert_eq!(asked(request).await.is(200).json()["items"].as_array().unwrap().len(), 0);
    server.stop().await;
}

async fn no_token_opens_the_notify_url(database: &Database) {
    let server =
        TestServer::on(database).with("api.tokens", TOKENS).with("notify.bearer", "n0tify-s3cret").start().await;
    server.with_token("4dmin-s3cret").posts(Sample::of("order-1")).await.is_problem(401, "unauthorized");
    server.with_token("n0tify-s3cret").posts(Sample::of("order-1")).await.is_acknowledged();
    server.with_token("n0tify-s3cret").gets("/v1/messages").await.is_problem(401, "unauthorized");
    assert_eq!(server.with_token("4dmin-s3cret").ids("").await, ["order-1"]);
    server.stop().await;
}
