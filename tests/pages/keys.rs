//! The keys of the pages.

use harness::{Database, sqlite};

use crate::{browser::Browser, filled};

sqlite!(the_keys_are_shown_and_move_the_focus);

const ESCAPE: &str = "\u{E00C}";

async fn the_keys_are_shown_and_move_the_focus(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "r3ad-s3cret").await;
    browser.goes_to("/messages").await;
    browser.does_not_see("moves to the box").await;
    browser.presses(&["?"]).await;
    browser.sees("moves to the box").await;
    browser.suits_everyone("keys").await;
    browser.presses(&[ESCAPE]).await;
    browser.does_not_see("moves to the box").await;
    browser.clicks("Keys").await;
    browser.sees("moves to the box").await;
    browser.clicks("Close").await;
    // In a field, a key is a letter.
    browser.presses(&["/", "?", "j", "\u{E007}"]).await;
    browser.sees("Nothing found for “?j”").await;
    browser.close().await;
    server.stop().await;
}
