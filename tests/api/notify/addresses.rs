//! The addresses from which the notify URL may be used, if they are limited, and the address of clients behind a proxy.

use harness::{Answer, Database, Raw, Sample, TestServer, asked, by_hand, sqlite};
use reqwest::Method;

sqlite!(
    other_addresses_are_rejected_before_any_check,
    only_a_trusted_proxy_may_name_the_client,
    a_rejected_request_is_answered_before_its_body_ends,
);

const REFUSED: &str = "receiptd_notify_requests_total{outcome=\"address_not_allowed\"}";

async fn other_addresses_are_rejected_before_any_check(database: &Database) {
    let setup = TestServer::on(database).with("notify.allowed_addresses", "192.0.2.0/24, ::1");
    let server = setup.with("notify.path_token", "t0ken").start().await;
    for path in ["/notify", "/notify/", "/notify/t0ken", "/notify/t0ken/", "/notify/another", "/notify-check/t0ken"] {
        server.posts_to(path, Sample::of("order-1")).await.is_problem(403, "address-not-allowed");
    }
    for method in [Method::GET, Method::HEAD] {
        asked(server.request(method, "/notify/t0ken")).await.is(403);
    }
    assert_eq!((server.metric(REFUSED).await, server.ids("").await.len()), (8, 0));
    // The other endpoints have their own authentication.
    server.gets("/health/ready").await.is(200);
    let setup = server.stopped().await.without("notify.allowed_addresses");
    let server = setup.with("notify.allowed_addresses", "192.0.2.1,127.0.0.0/8").start().await;
    server.posts_to("/notify/t0ken", Sample::of("order-1")).await.is_acknowledged();
    server.posts_to("/notify/another", Sample::of("order-2")).await.is_problem(401, "unauthorized");
    asked(server.request(Method::HEAD, "/notify/t0ken")).await.is(200);
    assert_eq!(server.metric(REFUSED).await, 0);
    server.stop().await;
}

async fn only_a_trusted_proxy_may_name_the_client(database: &Database) {
    let posts = async |server: &TestServer, headers: &[(&str, &str)]| -> Answer {
        let request = server.request(Method::POST, "/notify").body(Sample::of("order-1").body());
        asked(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let (good, bad) = ("192.0.2.7", "198.51.100.1");
    let setup = TestServer::on(database).with("notify.allowed_addresses", "192.0.2.0/24");
    // Behind a proxy, a server without tokens starts only with this setting.
    let setup = setup.with("insecure", "true");
    // No proxy is trusted.
    let server = setup.start().await;
    posts(&server, &[("x-forwarded-for", good)]).await.is_problem(403, "address-not-allowed");
    let setup = server.stopped().await.with("trusted_proxies", "198.51.100.0/24, 10.0.0.0/8");
    // Other proxies are trusted.
    let server = setup.start().await;
    posts(&server, &[("x-forwarded-for", good)]).await.is_problem(403, "address-not-allowed");
    let setup = server.stopped().await.without("trusted_proxies").with("trusted_proxies", "127.0.0.1, 10.0.0.0/8");
    let server = setup.start().await;
    for chain in [good, "198.51.100.1, 192.0.2.7", "192.0.2.7, 10.0.0.3", "::ffff:192.0.2.7"] {
        posts(&server, &[("x-forwarded-for", chain)]).await.is_acknowledged();
    }
    for headers in [
        &[][..],
        &[("x-forwarded-for", bad)],
        &[("x-forwarded-for", "192.0.2.7, 198.51.100.1")],
        &[("x-forwarded-for", good), ("x-forwarded-for", bad)],
        &[("x-forwarded-for", bad), ("forwarded", "for=192.0.2.7")],
        &[("forwarded", "for=192.0.2.7")],
        &[("x-real-ip", good)],
    ] {
        posts(&server, headers).await.is_problem(403, "address-not-allowed");
    }
    let server = server.stopped().await.with("proxy_header", "forwarded").start().await;
    posts(&server, &[("forwarded", "for=\"192.0.2.7:4711\";proto=https")]).await.is_acknowledged();
    posts(&server, &[("x-forwarded-for", good)]).await.is_problem(403, "address-not-allowed");
    server.stop().await;
}

async fn a_rejected_request_is_answered_before_its_body_ends(database: &Database) {
    let server = TestServer::on(database).with("notify.allowed_addresses", "192.0.2.0/24").start().await;
    let address = server.address;
    for length in ["content-length: 500000", "transfer-encoding: chunked"] {
        let answer = by_hand(move || {
            let mut raw = Raw::connect(address);
            raw.sends(format!("POST /notify HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n"));
            raw.answer()
        });
        assert_eq!(answer.await.status, 403);
    }
    server.stop().await;
}
