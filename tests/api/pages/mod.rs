//! The pages for people. Each shows what its twin of the API answers.

mod again;
mod failures;
mod glossary;
mod numbers;
mod retry;
mod saved_views;
mod twins;

use harness::{Database, Page, Platform, Sample, TestServer, message_path, sms, sqlite};
use reqwest::Method;
use serde_json::json;
use twins::assert_shows;

sqlite!(
    nobody_sees_what_the_token_does_not_permit,
    what_others_wrote_is_text_on_a_page,
    a_problem_is_a_page_that_says_what_to_do,
    the_files_of_pages_are_kept_by_browsers,
    the_box_finds_whatever_is_at_hand,
    more_messages_than_the_box_shows_have_an_address_that_names_nobody,
    a_queued_message_is_cancelled_from_its_page,
);

const TOKENS: &str = "desk:read:r3ad-s3cret, shop:read+send:s3nd-s3cret, till:send:t1ll-s3cret, ops:admin:4dmin-s3cret";

async fn nobody_sees_what_the_token_does_not_permit(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", TOKENS).start().await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let (desk, till, ops) = (
        server.logs_in("r3ad-s3cret").await,
        server.logs_in("t1ll-s3cret").await,
        server.logs_in("4dmin-s3cret").await,
    );
    for path in ["/messages", "/messages/order-1", "/inbound", "/quarantine"] {
        let page = desk.opens(path).await.is(200);
        assert!(!page.shows("Audit log"), "{path}");
        assert!(ops.opens(path).await.is(200).shows("Audit log"), "{path}");
        let refused = till.opens(path).await.is(403);
        assert!(refused.shows("lacks the scope read") && !refused.shows("order-1"), "{path}: {}", refused.text);
        server.opens(path).await.is(401);
    }
    desk.opens("/audit").await.is(403);
    ops.opens("/audit").await.is(200);
    // Programs are answered as before.
    server.gets("/v1/messages").await.is_problem(401, "unauthorized");
    server.stop().await;
}

async fn what_others_wrote_is_text_on_a_page(database: &Database) {
    let server = TestServer::start(database).await;
    let hostile = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";
    let id = format!("o/rder {hostile}?#%");
    let sample = Sample::of(&id).transaction(hostile).calls_back(hostile).to(hostile).on(hostile);
    let sample = sample.with("Description", hostile).with("additionalInfo", hostile).with("code", hostile);
    server.posts(sample.with("deliveryStatus", "Failed")).await.is_acknowledged();
    server.posts(hostile).await.is_acknowledged();
    server.posts(format!(r#"{{"event":"MO","from":"x","message":{hostile:?}}}"#)).await.is_acknowledged();
    let list = server.opens("/messages").await.is(200);
    let path = list.rows().pop().unwrap();
    assert_eq!(format!("/v1{path}"), message_path(&id).replace("%2D", "-").replace("%2E", "."));
    for path in [&path, "/inbound", "/quarantine", "/messages"] {
        let page = server.opens(path).await.is(200);
        assert!(page.shows("<script>alert(1)</script>"), "{path}: {}", page.text);
        let body = &page.answer.body;
        assert_eq!(body.matches("<script").count(), 1, "{path}: only the script of the page");
        assert!(!body.contains("<img"), "{path}");
    }
    server.stop().await;
}

async fn a_problem_is_a_page_that_says_what_to_do(database: &Database) {
    let server = TestServer::start(database).await;
    let absent = server.opens("/messages/order-404").await.is(404);
    assert!(absent.shows("there is no message with the correlation id \"order-404\""), "{}", absent.text);
    let wrong = server.opens("/messages?status=gone&since=yesterday&colour=red").await.is(422);
    for name in ["status", "since", "colour"] {
        assert!(wrong.shows(name), "{name}: {}", wrong.text);
    }
    assert!(wrong.shows("must be one of"), "{}", wrong.text);
    server.opens("/messages?status=&channel=").await.is(200);
    server.opens("/assets/app-0.css").await.is(404);
    server.stop().await;
}

async fn the_files_of_pages_are_kept_by_browsers(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", TOKENS).start().await;
    let page = server.opens("/messages").await.is(401);
    let files = page.attributes("href").into_iter().chain(page.attributes("src"));
    let files: Vec<_> = files.filter(|path| path.starts_with("/assets/")).collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        let answer = server.request(Method::GET, &file).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{file}");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert!(!answer.text().await.unwrap().is_empty(), "{file}");
    }
    server.stop().await;
}

async fn the_box_finds_whatever_is_at_hand(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    server.posts(Sample::of("order-2").transaction("t-2").says("Failed", "7203")).await.is_acknowledged();
    server.posts(Sample::of("order-3").to("447700900999")).await.is_acknowledged();
    server.posts(r#"{"event":"MO","from":"447700900123","message":"Where is it?"}"#).await.is_acknowledged();
    let find = async |text: &str| server.submits("/find", &[("q", text)]).await;
    assert_eq!(find(" order-1 ").await.leads_to(), "/messages/order-1");
    assert_eq!(find("t-2").await.leads_to(), "/messages/order-2");
    assert_eq!(find(&Sample::of("order-3").body()).await.leads_to(), "/messages/order-3");
    assert_eq!(find("").await.leads_to(), "/messages");
    let person = find("+44 (7700) 900123").await.is(200);
    assert_eq!(person.rows(), ["/messages/order-2", "/messages/order-1"]);
    assert!(
        person.shows("Not delivered: this number does not exist.") && person.shows("Where is it?"),
        "{}",
        person.text
    );
    for text in ["7203", "+44 7700 900000", "07700 900123", "order-404"] {
        let page = find(text).await.is(200);
        let twin = server.posts_to("/v1/find", json!({ "text": text }).to_string()).await.is(200).json();
        for found in twin["found"].as_array().unwrap() {
            let ids =
                found["messages"].as_array().unwrap().iter().map(|message| message["correlationId"].as_str().unwrap());
            let paths: Vec<_> = ids.map(|id| format!("/messages/{id}")).collect();
            assert!(paths.iter().all(|path| page.rows().contains(path)), "{text}: {paths:?}");
            assert_shows(&page, &found["codes"], text, &[]);
        }
        for advice in twin["advice"].as_array().unwrap() {
            assert_shows(&page, &advice["advice"], text, &[]);
        }
        for tried in twin["tried"].as_array().unwrap() {
            assert_shows(&page, &tried["value"], text, &[]);
        }
    }
    server.stop().await;
}

async fn more_messages_than_the_box_shows_have_an_address_that_names_nobody(database: &Database) {
    let server = TestServer::start(database).await;
    for n in 0..23 {
        server.posts(Sample::of(&format!("order-{n}")).to("447700900777")).await.is_acknowledged();
    }
    server.posts(Sample::of("another")).await.is_acknowledged();
    let page = server.submits("/find", &[("q", "+447700900777")]).await.is(200);
    assert!(page.rows().len() < 23 && page.shows("All of them"), "{}", page.text);
    let links = page.attributes("href");
    let all = links.iter().find(|link| link.starts_with("/messages?view=")).unwrap();
    assert!(!all.contains("7700900777"), "{all}");
    let page = server.opens(&format!("{all}&limit=20")).await.is(200);
    assert!(page.shows("Only those to"), "{}", page.text);
    assert!(page.attributes("href").iter().all(|link| !link.contains("7700900777")), "{}", page.text);
    let next = page.attributes("href").into_iter().find(|link| link.contains("cursor=")).unwrap();
    assert_eq!(page.rows().len() + server.opens(&next).await.is(200).rows().len(), 23);
    server.opens("/messages?view=changed").await.is(400);
    server.stop().await;
}

async fn a_queued_message_is_cancelled_from_its_page(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let (desk, shop) = (server.logs_in("r3ad-s3cret").await, server.logs_in("s3nd-s3cret").await);
    let mut message = sms("order-1", "Hello.");
    message["sendAt"] = "2099-01-01T00:00:00Z".into();
    shop.sends(&message).await.is(202);
    assert!(!desk.opens("/messages/order-1").await.is(200).shows("Cancel this message"));
    desk.submits("/messages/order-1/cancel", &[]).await.is(403);
    assert!(shop.opens("/messages/order-1").await.is(200).shows("Cancel this message"));
    assert_eq!(shop.submits("/messages/order-1/cancel", &[]).await.leads_to(), "/messages/order-1");
    let page: Page = shop.opens("/messages/order-1").await.is(200);
    assert!(page.shows("Cancelled here") && !page.shows("Cancel this message"), "{}", page.text);
    assert_eq!(shop.message("order-1").await["status"], "cancelled");
    server.stop().await;
    platform.stop().await;
}
