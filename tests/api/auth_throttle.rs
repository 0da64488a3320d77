//! Guesses from an address are limited in every way of sending them, and valid requests are not affected.

use std::time::{Duration, Instant};

use harness::{
    Database, Program, Raw, Sample, TestServer, asked, by_hand,
    certificates::{Authority, Files},
    eventually, free_address, sqlite,
};
use reqwest::Method;
use tokio::task::JoinSet;

sqlite!(
    guesses_at_the_notify_url_are_delayed_and_valid_secrets_are_not,
    guesses_at_the_api_are_rejected_unread,
    a_client_with_a_good_token_is_not_locked_out_by_its_neighbours,
    a_script_with_an_old_token_does_not_lock_others_out,
    the_api_and_the_notify_url_count_guesses_separately,
    a_request_without_a_token_is_not_a_guess,
    guesses_of_clients_that_do_not_wait_are_limited,
    guesses_over_http_2_are_limited,
    guesses_are_logged_once_a_minute_per_address,
);

/// Number of wrong secrets that are answered at once.
const FREE: usize = 10;
const WAIT: Duration = Duration::from_secs(1);
const OVER_LIMIT: &str = "receiptd_auth_throttled_total";

async fn guesses_at_the_notify_url_are_delayed_and_valid_secrets_are_not(database: &Database) {
    let server = TestServer::on(database).with("notify.bearer", "b3arer").with("notify.path_token", "t0ken").start();
    let server = server.await;
    let guesser = server.at_address([127, 2, 0, 1]);
    let wrong =
        [(Method::POST, "/notify/t0ken"), (Method::POST, "/notify-check/t0ken"), (Method::GET, "/notify/wrong")];
    for n in 0..FREE {
        let (method, path) = wrong[n % wrong.len()].clone();
        asked(guesser.request(method, path)).await.is(401);
    }
    let began = Instant::now();
    // Eight wait for their answers, and the others are rejected.
    let mut waiting: JoinSet<_> = (0..20)
        .map(|n| {
            let request = guesser.with_token(&format!("guess-{n}")).request(Method::POST, "/notify/t0ken");
            async move { (request.send().await.ok().map(|answer| answer.status().as_u16()), began.elapsed()) }
        })
        .collect();
    let mut beside = 0;
    while began.elapsed() < WAIT / 2 {
        let good = guesser.with_token("b3arer").posts_to("/notify/t0ken", Sample::of("order-1")).await;
        good.is_acknowledged();
        let other = server.at_address([127, 2, 1, u8::try_from(beside % 200 + 1).unwrap()]);
        other.posts_to("/notify/t0ken", "").await.is_problem(401, "unauthorized");
        beside += 1;
    }
    assert!(beside > 2, "only {beside} while the guesses waited");
    let mut answered = 0;
    while let Some(guess) = waiting.join_next().await {
        let (status, took) = guess.unwrap();
        if let Some(status) = status {
            assert_eq!(status, 401);
            assert!(took >= WAIT, "{took:?}");
            answered += 1;
        }
    }
    assert_eq!(answered, 8);
    assert_eq!(server.metric(OVER_LIMIT).await, 12);
    let good = guesser.with_token("b3arer").posts_to("/notify/t0ken", Sample::of("order-2")).await;
    good.is_acknowledged();
    server.stop().await;
}

async fn guesses_at_the_api_are_rejected_unread(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken").start().await;
    let guesser = server.at_address([127, 2, 0, 1]);
    let status = async |token: &str| asked(guesser.with_token(token).request(Method::GET, "/v1/messages")).await.status;
    for n in 0..FREE {
        assert_eq!(status(&format!("guess-{n}")).await, 401);
    }
    // The valid one among them is not distinguished from the others.
    let (mut looked_at, began) = (0, Instant::now());
    for n in 0..50 {
        let guess = if n == 25 { "t0ken".to_owned() } else { format!("another-{n}") };
        match status(&guess).await {
            429 => {}
            401 => looked_at += 1,
            other => panic!("{guess}: {other}"),
        }
    }
    assert!(looked_at <= 1 + began.elapsed().as_secs(), "{looked_at}");
    let answer = asked(guesser.with_token("x").request(Method::GET, "/v1/messages")).await;
    answer.is_problem(429, "too-many-requests");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(server.with_token("t0ken").ids("").await, [""; 0]);
    server.stop().await;
}

async fn a_client_with_a_good_token_is_not_locked_out_by_its_neighbours(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken,dev:read:an0ther").start().await;
    let client = server.at_address([127, 2, 0, 1]);
    let status = async |token: &str| asked(client.with_token(token).request(Method::GET, "/v1/messages")).await.status;
    assert_eq!(status("t0ken").await, 200);
    let (mut looked_at, began) = (0, Instant::now());
    for n in 0..50 * FREE {
        match status(&format!("guess-{n}")).await {
            401 => looked_at += 1,
            429 => assert_eq!(status("t0ken").await, 200),
            other => panic!("{other}"),
        }
        if looked_at == FREE {
            assert_eq!(status("an0ther").await, 200, "another good one");
        }
    }
    let most = 10 * (FREE + 1 + usize::try_from(began.elapsed().as_secs()).unwrap());
    assert!((10 * FREE..=most).contains(&looked_at), "{looked_at}");
    assert_eq!(status("an0ther").await, 200);
    server.stop().await;
}

async fn a_script_with_an_old_token_does_not_lock_others_out(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken").start().await;
    let client = server.at_address([127, 2, 0, 1]);
    let status = async |token: &str| asked(client.with_token(token).request(Method::GET, "/v1/messages")).await.status;
    for _ in 0..5 * FREE {
        assert_eq!(status("0ld-t0ken").await, 401);
    }
    assert_eq!(status("t0ken").await, 200);
    server.stop().await;
}

async fn the_api_and_the_notify_url_count_guesses_separately(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken").with("notify.path_token", "s3cret");
    let server = server.start().await;
    let client = server.at_address([127, 2, 0, 1]);
    for _ in 0..FREE {
        client.posts_to("/notify/wrong", "").await.is(401);
    }
    for n in 0..FREE {
        client.with_token(&format!("guess-{n}")).gets("/v1/messages").await.is(401);
    }
    client.with_token("one-more").gets("/v1/messages").await.is_problem(429, "too-many-requests");
    client.posts_to("/notify/s3cret", Sample::of("order-1")).await.is_acknowledged();
    let other = server.at_address([127, 2, 0, 2]);
    for n in 0..2 * FREE {
        asked(other.with_token(&format!("guess-{n}")).request(Method::GET, "/v1/messages")).await;
    }
    let began = Instant::now();
    other.posts_to("/notify/wrong", "").await.is(401);
    assert!(began.elapsed() < WAIT, "{:?}", began.elapsed());
    server.stop().await;
}

async fn a_request_without_a_token_is_not_a_guess(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken").start().await;
    let client = server.at_address([127, 2, 0, 1]);
    for _ in 0..3 * FREE {
        client.gets("/metrics").await.is_problem(401, "unauthorized");
    }
    assert_eq!(client.with_token("t0ken").gets("/metrics").await.status, 200);
    server.stop().await;
}

async fn guesses_of_clients_that_do_not_wait_are_limited(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken").start().await;
    let address = server.address;
    by_hand(move || {
        for n in 0..200 {
            let head =
                format!("GET /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer guess-{n}\r\n\r\n");
            Raw::connect(address).sends(head.repeat(5));
        }
    })
    .await;
    // They come from the address of the valid client, which has not sent its token yet.
    let good = server.at_address([127, 2, 0, 9]).with_token("t0ken");
    let seen = async || {
        let unread = good.metric(OVER_LIMIT).await;
        let looked_at = good.metric("receiptd_api_unauthorized_total").await;
        (unread >= 100).then_some((unread, looked_at))
    };
    let (unread, looked_at) = eventually("the guesses to be counted", seen).await;
    assert!(looked_at < 70, "{looked_at} were looked at, {unread} were not");
    server.stop().await;
}

async fn guesses_over_http_2_are_limited(database: &Database) {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let files = Files::of(&authority.issues(2091), folder.path());
    let server =
        TestServer::on(database).with("api.tokens", "ops:admin:t0ken").over_tls(&files, &authority).start().await;
    let began = Instant::now();
    let requests: JoinSet<_> = (0..500)
        .map(|n| {
            let request = server.with_token(&format!("guess-{n}")).request(Method::GET, "/v1/messages");
            async move { request.send().await.unwrap().status().as_u16() }
        })
        .collect();
    let statuses = requests.join_all().await;
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert!(looked_at <= FREE + 1 + usize::try_from(began.elapsed().as_secs()).unwrap(), "{looked_at}");
    assert!(statuses.iter().all(|status| [401, 429].contains(status)));
    server.stop().await;
}

async fn guesses_are_logged_once_a_minute_per_address(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        [("RECEIPTD_DATABASE_URL", database.url()), ("RECEIPTD_NOTIFY__PATH_TOKEN", "the-path-token-of-this-test")];
    let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
    for n in 0..8 {
        client.posts_to(&format!("/notify-check/gu3ss-{n}"), "").await.is_problem(401, "unauthorized");
    }
    let log = program.logged();
    assert_eq!(log.matches("wrong secrets were sent").count(), 1, "{log}");
    assert!(log.contains("127.0.0.1") && !log.contains("gu3ss"), "{log}");
    assert_eq!(client.metric("receiptd_notify_requests_total{outcome=\"unauthorized\"}").await, 8);
    assert_eq!(client.metric("receiptd_notify_denied_total{method=\"path_token\"}").await, 8);
    assert_eq!(program.ends_on("TERM").await.code, Some(0));
}
