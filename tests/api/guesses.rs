//! Whoever guesses at secrets is slowed, and nobody beside them.

use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::task::JoinSet;

use crate::harness::{Client, Database, TestServer, asked};

sqlite!(guesses_at_the_notify_url_are_slow, guesses_at_the_api_are_slow);

/// So many wrong ones are answered at once.
const FREE: usize = 10;
/// So many are not.
const SLOWED: usize = 20;
const WAIT: Duration = Duration::from_secs(1);

async fn guesses_at_the_notify_url_are_slow(database: &Database) {
    let server = TestServer::on(database).with("notify.bearer", "b3arer").start().await;
    are_slow(&server, Method::POST, "/notify", "b3arer").await;
    server.stop().await;
}

async fn guesses_at_the_api_are_slow(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:read:t0ken").start().await;
    are_slow(&server, Method::GET, "/v1/messages", "t0ken").await;
    server.stop().await;
}

async fn are_slow(server: &TestServer, method: Method, path: &'static str, secret: &str) {
    let status =
        async |client: &Client, token: &str| asked(client.with_token(token).request(method.clone(), path)).await.status;
    let guesser = server.at_address([127, 2, 0, 1]);
    for n in 0..FREE {
        assert_eq!(status(&guesser, &format!("guess-{n}")).await, 401);
    }
    let began = Instant::now();
    let mut waiting: JoinSet<_> = (0..SLOWED)
        .map(|n| {
            let request = guesser.with_token(&format!("another-{n}")).request(method.clone(), path);
            async move { (asked(request).await.status, began.elapsed()) }
        })
        .collect();
    // Meanwhile a good request from the same address, and a wrong one from another, are answered as ever.
    let mut beside = 0;
    while waiting.try_join_next().is_none() {
        assert_eq!(status(&guesser, secret).await, 200);
        let other = server.at_address([127, 2, 1, u8::try_from(beside % 200 + 1).unwrap()]);
        assert_eq!(status(&other, "guess").await, 401);
        beside += 1;
    }
    assert!(beside > 2, "only {beside} while the guesses waited");
    while let Some(guess) = waiting.join_next().await {
        let (status, took) = guess.unwrap();
        assert_eq!(status, 401);
        assert!(took >= WAIT, "{took:?}");
    }
    // However many were wrong before.
    assert_eq!(status(&guesser, secret).await, 200);
}
