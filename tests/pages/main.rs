//! The pages in a real browser: Debian's chromium, driven over `WebDriver`. What a page contains is checked in `tests/api`;
//! this checks what only a browser can show: logins, scripts, reports of the policy, and how pages look.
//!
//! Screenshots lie in `target/screenshots/`.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod acts;
mod browser;
mod keys;
mod live;
mod webdriver;

use std::time::Duration;

use browser::Browser;
use harness::{Database, Sample, SetClock, TestServer, sqlite};

const TOKENS: &str = "desk:read:r3ad-s3cret, ops:admin:4dmin-s3cret";

sqlite!(
    a_person_logs_in_finds_a_message_and_logs_out,
    the_list_is_filtered_and_its_rows_open,
    an_ended_session_asks_for_the_token_and_returns,
    without_scripts_everything_can_be_read_and_done,
    the_zone_of_times_is_switched_and_remembered,
    an_operation_is_found_by_words,
    every_page_fits_narrow_and_wide_screens_and_has_no_barriers_in_both_themes,
);

async fn filled(database: &Database) -> TestServer {
    filled_by(database, &SetClock::default()).await
}

/// A server that has messages with all kinds of outcomes.
async fn filled_by(database: &Database, clock: &SetClock) -> TestServer {
    let server = TestServer::on(database).with("api.tokens", TOKENS).by(clock.clock()).start().await;
    for n in 0..40 {
        let id = format!("order-{n}");
        let sample = Sample::of(&id).to(&format!("4477009001{n:02}"));
        let sample = sample.on(["SMS", "WhatsApp", "Email"][n % 3]);
        server.posts(sample.clone().says("Submitted", "7501").at("2026-05-20T13:15:02.000Z")).await.is_acknowledged();
        let outcome = match n % 8 {
            0 => sample.says("Failed", "7203").with("Description", "Unknown Subscriber address"),
            1 => sample.says("Failed", "7105"),
            2 => continue,
            _ => sample,
        };
        server.posts(outcome.clone()).await.is_acknowledged();
        server.posts(outcome).await.is_acknowledged();
    }
    server.posts("not understood").await.is_acknowledged();
    server.posts(r#"{"event":"MO","from":"447700900777","message":"Where is my parcel?"}"#).await.is_acknowledged();
    server
}

async fn a_person_logs_in_finds_a_message_and_logs_out(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::open(&server).await;
    browser.goes_to("/messages?status=failed").await;
    browser.sees("Log in").await;
    browser.suits_everyone("login").await;
    browser.types("#token", "wr0ng-s3cret").await;
    browser.sees("This token is not known here").await;
    browser.types("#token", "r3ad-s3cret").await;
    // The page that was wanted.
    browser.sees("Log out desk").await;
    assert_eq!(browser.path().await, "/messages?status=failed");
    browser.types("#q", "order-8").await;
    browser.sees("This decides.").await;
    assert_eq!(browser.path().await, "/messages/order-8");
    browser.types("#q", "+44 7700 900108").await;
    browser.sees("Found for “+44 7700 900108”").await;
    browser.suits_everyone("found").await;
    assert_eq!(browser.path().await, "/find", "the number is not in the address");
    browser.clicks("order-8").await;
    browser.opens_details().await;
    browser.sees("deliveryInfoNotification").await;
    browser.clicks("Log out desk").await;
    browser.sees("Log in").await;
    browser.goes_to("/messages/order-8").await;
    browser.sees("Log in").await;
    browser.close().await;
    server.stop().await;
}

async fn the_list_is_filtered_and_its_rows_open(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "r3ad-s3cret").await;
    browser.goes_to("/messages").await;
    browser.chooses("status", "failed").await;
    browser.chooses("channel", "sms").await;
    browser.clicks("Filter").await;
    let expected = server.with_token("r3ad-s3cret").ids("?status=failed&channel=sms").await;
    assert!(!expected.is_empty());
    browser.sees(&format!("{} messages on this page", expected.len())).await;
    assert_eq!(browser.rows().await, expected);
    browser.clicks(&expected[1]).await;
    browser.sees("This decides.").await;
    browser.goes_back().await;
    assert_eq!(browser.rows().await, expected);
    // With the keyboard.
    browser.presses(&["j", "j", "\u{E007}"]).await;
    browser.sees("This decides.").await;
    browser.close().await;
    server.stop().await;
}

async fn an_ended_session_asks_for_the_token_and_returns(database: &Database) {
    let clock = SetClock::default();
    let server = filled_by(database, &clock).await;
    let browser = Browser::logged_in(&server, "4dmin-s3cret").await;
    browser.goes_to("/audit").await;
    browser.sees("Who did what").await;
    clock.goes_forward(Duration::from_mins(61));
    browser.goes_to("/quarantine").await;
    browser.types("#token", "4dmin-s3cret").await;
    browser.sees("Authentic requests that could not be understood").await;
    browser.close().await;
    server.stop().await;
}

async fn without_scripts_everything_can_be_read_and_done(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::without_scripts(&server).await;
    browser.goes_to("/messages/order-8").await;
    browser.types("#token", "r3ad-s3cret").await;
    browser.sees("This decides.").await;
    browser.sees("13:15:04.749 UTC").await;
    browser.types("#q", "order-0").await;
    browser.sees("order-0").await;
    browser.goes_to("/messages?limit=5").await;
    browser.clicks("Older messages").await;
    browser.sees("Newest messages").await;
    browser.clicks("Log out desk").await;
    browser.sees("Log in").await;
    browser.close().await;
    server.stop().await;
}

async fn the_zone_of_times_is_switched_and_remembered(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "r3ad-s3cret").await;
    browser.is_in_zone("Asia/Tokyo").await;
    browser.goes_to("/messages/order-8").await;
    browser.sees("22:15:04.749").await;
    browser.clicks("Times in Asia/Tokyo").await;
    browser.sees("13:15:04.749 UTC").await;
    browser.goes_to("/messages/order-16").await;
    browser.sees("13:15:04.749 UTC").await;
    browser.clicks("Times in UTC").await;
    browser.sees("22:15:04.749").await;
    browser.close().await;
    server.stop().await;
}

async fn an_operation_is_found_by_words(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::open(&server).await;
    browser.goes_to("/docs").await;
    browser.sees("Lists messages, newest first").await;
    browser.types("#q", "cancels too-late").await;
    browser.does_not_see("Lists messages, newest first").await;
    browser.sees("Cancels a message that is not being dispatched yet").await;
    browser.close().await;
    server.stop().await;
}

async fn every_page_fits_narrow_and_wide_screens_and_has_no_barriers_in_both_themes(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "4dmin-s3cret").await;
    let pages = [
        ("overview", "/"),
        ("messages", "/messages"),
        ("failures", "/failures"),
        ("statuses", "/statuses"),
        ("codes", "/codes?channel=sms"),
        ("docs", "/docs"),
        ("why", "/messages/order-8"),
        ("not-found", "/messages/order-404"),
        ("inbound", "/inbound"),
        ("quarantine", "/quarantine"),
        ("audit", "/audit"),
    ];
    for (name, path) in pages {
        browser.goes_to(path).await;
        browser.suits_everyone(name).await;
    }
    browser.close().await;
    server.stop().await;
}
