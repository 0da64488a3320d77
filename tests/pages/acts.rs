//! Acts: on all messages of a filter, and from a count to its messages.

use harness::{Database, Platform, TestServer, sms, sqlite};

use crate::{TOKENS, browser::Browser, filled};

sqlite!(
    a_filter_is_cancelled_after_a_preview,
    a_filter_is_sent_again_after_a_preview,
    a_message_is_sent_again_after_a_warning,
    the_quarantine_is_read_again_after_a_preview,
    a_view_is_saved_opened_and_removed,
    a_count_of_failures_leads_to_its_messages,
);

async fn a_filter_is_cancelled_after_a_preview(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let ops = server.with_token("4dmin-s3cret");
    for n in 0..3 {
        let mut message = sms(&format!("order-{n}"), "Hello.");
        message["sendAt"] = "2099-01-01T00:00:00Z".into();
        ops.sends(&message).await.is(202);
    }
    let browser = Browser::logged_in(&server, "4dmin-s3cret").await;
    browser.goes_to("/messages?status=queued").await;
    browser.clicks("Cancel all of these").await;
    browser.sees("Cancel 3 messages?").await;
    browser.suits_everyone("cancel-preview").await;
    browser.types("#reason", "Wrong text").await;
    browser.sees("Done. 3 cancelled").await;
    browser.suits_everyone("cancel-progress").await;
    browser.clicks("The list").await;
    browser.sees("No message matches.").await;
    assert_eq!(ops.ids("?status=cancelled").await.len(), 3);
    browser.close().await;
    server.stop().await;
    platform.stop().await;
}

async fn a_filter_is_sent_again_after_a_preview(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let ops = server.with_token("4dmin-s3cret");
    for (n, outcome) in ["fail=7207", "fail=7207", "until=delivered", "silent"].iter().enumerate() {
        let id = format!("order-{n}");
        ops.sends(&sms(&id, &format!("Your parcel is here. [sim:{outcome}]"))).await.is(202);
    }
    for n in 0..3 {
        ops.gets(&format!("/v1/messages/order-{n}?wait=final")).await.is(200);
    }
    let browser = Browser::logged_in(&server, "4dmin-s3cret").await;
    browser.goes_to("/messages?status=failed").await;
    browser.clicks("Send all of these again").await;
    browser.sees("Send 2 messages again?").await;
    browser.goes_to("/again?channel=sms").await;
    browser.sees("Send 4 messages again?").await;
    browser.suits_everyone("again-preview").await;
    browser.types("#reason", "Operator outage").await;
    browser.sees("Done. 2 sent as new messages, 2 left out").await;
    browser.suits_everyone("again-progress").await;
    assert_eq!(ops.ids("").await.len(), 6);
    browser.close().await;
    server.stop().await;
    platform.stop().await;
}

async fn a_message_is_sent_again_after_a_warning(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let ops = server.with_token("4dmin-s3cret");
    ops.sends(&sms("order-1", "Your parcel is here. [sim:until=delivered]")).await.is(202);
    ops.gets("/v1/messages/order-1?wait=final").await.is(200);
    let browser = Browser::logged_in(&server, "4dmin-s3cret").await;
    browser.goes_to("/messages/order-1").await;
    browser.clicks("Send again").await;
    browser.sees("The recipient would get it twice.").await;
    browser.suits_everyone("again").await;
    browser.ticks("sure").await;
    browser.clicks("Send as a new message").await;
    browser.sees("Accepted for sending").await;
    assert_eq!(ops.items("/v1/messages").await.len(), 2);
    browser.close().await;
    server.stop().await;
    platform.stop().await;
}

async fn the_quarantine_is_read_again_after_a_preview(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "4dmin-s3cret").await;
    browser.goes_to("/quarantine").await;
    browser.clicks("Read everything again").await;
    browser.sees("Read 1 body again?").await;
    browser.suits_everyone("retry-preview").await;
    browser.types("#reason", "After the upgrade").await;
    browser.sees("The quarantine was read again").await;
    browser.suits_everyone("retry-result").await;
    browser.close().await;
    server.stop().await;
}

async fn a_view_is_saved_opened_and_removed(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "r3ad-s3cret").await;
    let search = r#"{"to":"+447700900108"}"#;
    let view = server.with_token("r3ad-s3cret").posts_to("/v1/messages/search", search).await.is(200).json();
    browser.goes_to(&format!("/messages?view={}", view["view"].as_str().unwrap())).await;
    browser.opens_details().await;
    browser.types("#view-name", "Dana’s messages").await;
    browser.sees("or remove saved ones").await;
    assert!(!browser.path().await.contains("900108"));
    browser.goes_to("/messages").await;
    browser.clicks("Dana’s messages").await;
    browser.sees("1 message on this page").await;
    assert_eq!(browser.rows().await, ["order-8"]);
    browser.opens_details().await;
    browser.sees("Everyone who logs in with the token desk sees it.").await;
    browser.suits_everyone("saved-views").await;
    browser.clicks("Remove “Dana’s messages”").await;
    browser.does_not_see("Dana’s messages").await;
    assert_eq!(browser.rows().await, ["order-8"]);
    browser.close().await;
    server.stop().await;
}

async fn a_count_of_failures_leads_to_its_messages(database: &Database) {
    let server = filled(database).await;
    let browser = Browser::logged_in(&server, "r3ad-s3cret").await;
    browser.goes_to("/failures").await;
    browser.chooses("channel", "sms").await;
    browser.clicks("Show").await;
    browser.sees("Failures").await;
    browser.clicks("This number does not exist.").await;
    browser.sees("messages on this page").await;
    let expected = server.with_token("r3ad-s3cret").ids("?status=failed&channel=sms&code=7203").await;
    assert_eq!(browser.rows().await, expected);
    browser.close().await;
    server.stop().await;
}
