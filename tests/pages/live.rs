//! What is new since a page was made.

use harness::{Database, Sample, sqlite};

use crate::{browser::Browser, filled};

sqlite!(
    what_is_new_is_counted_and_shown_only_on_a_click,
    a_pause_is_seen_and_misses_nothing,
    a_lost_connection_is_shown_and_misses_nothing,
);

async fn what_is_new_is_counted_and_shown_only_on_a_click(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "r3ad-s3cret").await;
    browser.goes_to("/messages?status=failed").await;
    browser.sees("Live").await;
    let before = browser.rows().await;
    server.posts(Sample::of("new-1")).await.is_acknowledged();
    server.posts(Sample::of("new-2").says("Failed", "7203")).await.is_acknowledged();
    // The filter of the page does not admit the other one.
    browser.sees("1 new or changed").await;
    assert_eq!(browser.rows().await, before, "nothing moves");
    browser.clicks("1 new or changed").await;
    browser.sees("new-2").await;
    assert_eq!(browser.rows().await, server.with_token("r3ad-s3cret").ids("?status=failed").await);
    browser.goes_to("/").await;
    browser.sees("Live").await;
    server.posts(Sample::of("new-3")).await.is_acknowledged();
    server.posts(Sample::of("new-4")).await.is_acknowledged();
    browser.sees("2 new or changed").await;
    browser.close().await;
    server.stop().await;
}

async fn a_pause_is_seen_and_misses_nothing(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "r3ad-s3cret").await;
    browser.goes_to("/messages").await;
    browser.sees("Live").await;
    browser.clicks("Pause").await;
    browser.sees("Paused: what is new is not counted").await;
    server.posts(Sample::of("new-1")).await.is_acknowledged();
    // The events have reached everybody who follows them.
    assert_eq!(server.with_token("r3ad-s3cret").message("new-1").await["status"], "delivered");
    browser.does_not_see("new or changed").await;
    browser.clicks("Resume").await;
    browser.sees("1 new or changed").await;
    browser.sees("Live").await;
    browser.close().await;
    server.stop().await;
}

async fn a_lost_connection_is_shown_and_misses_nothing(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "r3ad-s3cret").await;
    browser.goes_to("/messages").await;
    browser.sees("Live").await;
    server.posts(Sample::of("new-1")).await.is_acknowledged();
    browser.sees("1 new or changed").await;
    let stopped = server.stopped().await;
    browser.sees("Connection lost, connecting again").await;
    let server = stopped.start().await;
    server.posts(Sample::of("new-2")).await.is_acknowledged();
    browser.sees("2 new or changed").await;
    browser.sees("Live").await;
    browser.close().await;
    server.stop().await;
}
