//! `POST /v1/messages/cancel`, and its page.

use std::time::Duration;

use harness::{Database, Platform, Sample, TestServer, both, sms, sqlite};
use receiptd::{
    clock::Clock,
    domain::{Actor, Filter, Status},
    send::{BulkAct, BulkCancel, Sender},
    storage::{self, Access, OpenOptions},
};
use serde_json::{Value, json};

both!(all_messages_of_a_filter_are_cancelled_with_a_reason);
sqlite!(what_cannot_be_cancelled_is_refused, it_can_be_stopped_after_each_step, a_page_shows_the_risk_and_the_progress,);

const TOKENS: &str = "shop:send:s3nd-s3cret, both:read+send:b0th-s3cret, ops:admin:4dmin-s3cret";

/// A message that waits.
fn later(id: &str, channel: &str) -> Value {
    let mut message = sms(id, "Hello.");
    message["channel"] = channel.into();
    message["sendAt"] = "2099-01-01T00:00:00Z".into();
    if channel == "whatsapp" {
        message["from"] = "a_1".into();
    }
    message
}

/// A server with messages that wait, and one that does not.
async fn with_messages(database: &Database, platform: &Platform) -> TestServer {
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let shop = server.with_token("s3nd-s3cret");
    for n in 0..5 {
        shop.sends(&later(&format!("order-{n}"), "sms")).await.is(202);
    }
    shop.sends(&later("chat-1", "whatsapp")).await.is(202);
    server.posts(Sample::of("observed")).await.is_acknowledged();
    server
}

async fn all_messages_of_a_filter_are_cancelled_with_a_reason(database: &Database) {
    let platform = Platform::start();
    let server = with_messages(database, &platform).await;
    let (shop, ops) = (server.with_token("b0th-s3cret"), server.with_token("4dmin-s3cret"));
    let asks = async |request: Value| shop.posts_to("/v1/messages/cancel", request.to_string()).await;
    let filter = json!({ "channel": "sms", "to": "+447700900123" });
    let preview = asks(json!({ "filter": filter, "dryRun": true })).await.is(200).json();
    assert_eq!(preview, json!({ "count": 5, "more": false, "tried": 0 }));
    assert_eq!(ops.ids("?status=queued").await.len(), 6, "a preview changes nothing");
    let done = asks(json!({ "filter": filter, "reason": " Wrong text " })).await.is(200);
    let lines: Vec<Value> = done.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [json!({ "cancelled": 5, "tooLate": 0, "finished": true })]);
    assert_eq!(ops.ids("?status=queued").await, ["chat-1"]);
    assert_eq!(ops.ids("?status=cancelled").await.len(), 5);
    let entries = ops.items("/v1/audit?action=cancelled").await;
    let details: Vec<_> = entries.iter().filter_map(|entry| entry["details"].as_str()).collect();
    assert_eq!(details, ["channel=sms to=(not recorded); reason: Wrong text"]);
    let counted: i64 = entries.iter().map(|entry| entry["count"].as_i64().unwrap()).sum();
    assert_eq!(counted, 5);
    assert!(entries.iter().all(|entry| entry["actor"] == "both"), "{entries:?}");
    // Nothing is left.
    let again = asks(json!({ "filter": filter, "reason": "again" })).await.is(200);
    assert_eq!(again.body, "{\"cancelled\":0,\"tooLate\":0,\"finished\":true}\n");
    server.stop().await;
    platform.stop().await;
}

async fn what_cannot_be_cancelled_is_refused(database: &Database) {
    let platform = Platform::start();
    let server = with_messages(database, &platform).await;
    let shop = server.with_token("s3nd-s3cret");
    for (request, pointer) in [
        (json!({ "filter": { "status": "failed" }, "reason": "x" }), "/filter/status"),
        (json!({ "filter": { "origin": "observed" }, "reason": "x" }), "/filter/origin"),
        (json!({ "filter": { "limit": 7 }, "reason": "x" }), "/filter/limit"),
        (json!({ "filter": { "colour": "red" }, "reason": "x" }), "/filter/colour"),
        (json!({ "filter": { "status": 7 }, "reason": "x" }), "/filter/status"),
        (json!({ "filter": [] , "reason": "x" }), "/filter"),
        (json!({ "filter": {} }), "/reason"),
        (json!({ "filter": {}, "reason": " \n" }), "/reason"),
        (json!({ "filter": {}, "reason": "x".repeat(201) }), "/reason"),
        (json!({ "reason": "x" }), ""),
    ] {
        shop.posts_to("/v1/messages/cancel", request.to_string()).await.blames(&[pointer]);
    }
    assert_eq!(server.with_token("4dmin-s3cret").ids("?status=queued").await.len(), 6);
    // A message may have this id.
    server.posts(Sample::of("cancel")).await.is_acknowledged();
    assert_eq!(server.with_token("4dmin-s3cret").message("cancel").await["status"], "delivered");
    server.stop().await;
    platform.stop().await;
}

async fn it_can_be_stopped_after_each_step(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let lines: Vec<_> = (0..150).map(|n| later(&format!("order-{n}"), "sms").to_string()).collect();
    server.sends_lines(lines.join("\n")).await;
    let options = OpenOptions { connections: 2, timeout: Duration::from_secs(30), access: Access::Write };
    let store = storage::open(database.url(), options).await.unwrap();
    let (clock, actor) = (Clock::system(), Actor::named("ops"));
    let sender = Sender::new(store.outbox.clone(), clock.clone(), None);
    let filter = Filter::default();
    let mut bulk = BulkCancel::new(store.messages.clone(), sender, actor, filter, clock.now()).unwrap();
    let progress = bulk.step().await.unwrap();
    assert_eq!((progress.cancelled, progress.finished), (100, false));
    drop(bulk);
    let queued = server.every_item("/v1/messages").await;
    let queued = queued.iter().filter(|message| message["status"] == Status::Queued.as_str()).count();
    assert_eq!(queued, 50);
    store.health.close().await;
    server.stop().await;
    platform.stop().await;
}

async fn a_page_shows_the_risk_and_the_progress(database: &Database) {
    let platform = Platform::start();
    let server = with_messages(database, &platform).await;
    let both = server.logs_in("b0th-s3cret").await;
    assert!(!both.opens("/messages").await.is(200).shows("Cancel all of these"));
    assert!(both.opens("/messages?status=queued").await.is(200).shows("Cancel all of these"));
    let page = both.opens("/cancel?status=queued&channel=sms").await.is(200);
    assert!(page.shows("Cancel 5 messages?") && page.shows("None of them has been tried yet"), "{}", page.text);
    let path = "/cancel?status=queued&channel=sms";
    both.submits(path, &[("reason", "")]).await.is(422);
    let done = both.submits(path, &[("reason", "Wrong text")]).await.is(200);
    assert!(done.shows("Done. 5 cancelled"), "{}", done.text);
    assert!(done.answer.body.ends_with("</html>"), "{}", done.answer.body);
    let none = both.opens(path).await.is(200);
    assert!(none.shows("No message of this filter waits here.") && !none.shows("Cancel them"), "{}", none.text);
    assert_eq!(both.ids("?status=queued").await, ["chat-1"]);
    // To see how many there are, a token has to read.
    let shop = server.logs_in("s3nd-s3cret").await;
    shop.opens(path).await.is(403);
    both.opens("/cancel?status=failed").await.is(422);
    server.stop().await;
    platform.stop().await;
}
