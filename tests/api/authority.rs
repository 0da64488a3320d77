//! API tokens: who may do what.

use reqwest::Method;

use crate::harness::{Database, Platform, Sample, TestServer, asked, message_path, sms};

sqlite!(each_scope_opens_its_routes, whoever_shows_no_good_token_is_not_let_in, no_token_opens_the_notify_url);

const TOKENS: &str =
    "reader:read:r3ad-s3cret, shop:send:s3nd-s3cret, both:read+send:b0th-s3cret, ops:admin:4dmin-s3cret";
const SECRETS: [&str; 4] = ["r3ad-s3cret", "s3nd-s3cret", "b0th-s3cret", "4dmin-s3cret"];

/// What each route asks for.
const ROUTES: [(&str, &str); 9] = [
    ("/v1/messages", "send"),
    ("/v1/messages", "read"),
    ("/v1/messages/order-1", "read"),
    ("/v1/messages/order-1/notifications", "read"),
    ("/v1/inbound", "read"),
    ("/v1/quarantine", "read"),
    ("/metrics", "read"),
    ("/v1/audit", "admin"),
    ("/v1/audit/verify", "admin"),
];

async fn each_scope_opens_its_routes(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let scopes = [&["read"][..], &["send"], &["read", "send"], &["read", "send", "admin"]];
    for (path, scope) in ROUTES {
        for (n, (secret, scopes)) in SECRETS.into_iter().zip(scopes).enumerate() {
            let caller = server.with_token(secret);
            let answer = match scope {
                "send" => caller.sends(&sms(&format!("sent-{n}"), "Hello. [sim:silent]")).await,
                _ => caller.gets(path).await,
            };
            if scopes.contains(&scope) {
                assert!([200, 202].contains(&answer.status), "{path} with {scopes:?}: {}", answer.body);
            } else {
                let problem = answer.is_problem(403, "forbidden");
                assert!(problem["detail"].as_str().unwrap().contains(scope), "{problem}");
            }
            assert!(SECRETS.iter().all(|secret| !answer.body.contains(secret)), "{}", answer.body);
        }
    }
    // Who may not send has sent nothing.
    let ops = server.with_token("4dmin-s3cret");
    ops.gets(&message_path("sent-0")).await.is_problem(404, "not-found");
    ops.gets(&message_path("sent-1")).await.is(200);
    server.stop().await;
    platform.stop().await;
}

async fn whoever_shows_no_good_token_is_not_let_in(database: &Database) {
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
    for (path, scope) in ROUTES {
        for header in wrong {
            let method = if scope == "send" { Method::POST } else { Method::GET };
            let request = server.request(method, path).body(sms("order-1", "Hello.").to_string());
            let request = header.into_iter().fold(request, |request, header| request.header("authorization", header));
            let answer = asked(request).await;
            answer.is_problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!answer.body.contains("s3cre"), "{}", answer.body);
        }
    }
    // The scheme is not case-sensitive, and these need no token.
    let request = server.request(Method::GET, "/v1/messages").header("authorization", "bearer  r3ad-s3cret");
    assert_eq!(asked(request).await.is(200).json()["items"].as_array().unwrap().len(), 0);
    for path in ["/health/live", "/health/ready", "/notify"] {
        server.gets(path).await.is(200);
    }
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
