//! `POST /v1/messages/again`, and its page.

use std::time::Duration;

use harness::{Client, Database, Page, Platform, Sample, SetClock, TestServer, both, eventually, sms, sqlite};
use receiptd::{
    clock::Clock,
    domain::{Actor, Filter, Status},
    send::{Act, BulkAct, BulkAgain, BulkAgainParts, Sender},
    storage::{self, Access, OpenOptions},
    webex::{SmsApi, codes::Resend},
};
use serde_json::{Value, json};

both!(what_can_be_sent_again_is_sent_once);
sqlite!(
    what_cannot_be_done_is_refused,
    a_preview_is_for_those_who_may_read,
    an_act_from_the_future_is_refused,
    a_preview_says_how_far_it_has_looked,
    a_stopped_act_is_completed_when_it_is_repeated,
    a_page_shows_the_risk_and_sends_nothing_twice,
);

const TOKENS: &str = "shop:send:s3nd-s3cret, both:read+send:b0th-s3cret, ops:admin:4dmin-s3cret";

async fn becomes(ops: &Client, id: &str, status: &str) {
    let is_there = async || (ops.message(id).await["status"] == status).then_some(());
    eventually(&format!("{id} to be {status}"), is_there).await;
}

/// The lines of an answer that grows.
async fn done(client: &Client, request: Value) -> Vec<Value> {
    let answer = client.posts_to("/v1/messages/again", request.to_string()).await.is(200);
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn preview(client: &Client, filter: Value) -> Value {
    let request = json!({ "filter": filter, "dryRun": true }).to_string();
    client.posts_to("/v1/messages/again", request).await.is(200).json()
}

/// A server with three messages that failed, and one of each kind that is not simply sent again.
async fn with_messages(database: &Database, platform: &Platform, clock: &SetClock) -> TestServer {
    let server = TestServer::on(database).by(clock.clock()).sending_to(&platform.url).with("api.tokens", TOKENS);
    let server = server.start().await;
    let ops = server.with_token("4dmin-s3cret");
    for n in 0..3 {
        let mut message = sms(&format!("failed-{n}"), "Hello. [sim:fail=7207]");
        if n == 0 {
            message["expireAt"] = json!(clock.clock().now().plus(Duration::from_hours(48)));
        }
        ops.sends(&message).await.is(202);
        becomes(&ops, &format!("failed-{n}"), "failed").await;
    }
    let mut short = sms("short", "Your code is 4711. [sim:fail=7207]");
    short["expireAt"] = json!(clock.clock().now().plus(Duration::from_hours(1)));
    let mut erased = sms("erased", "Hello. [sim:fail=7207]");
    erased["to"] = "+447700900999".into();
    for (message, status) in [
        (sms("arrived", "Hello. [sim:until=delivered]"), "delivered"),
        (short, "failed"),
        (erased, "failed"),
        (sms("blocked", "Hello. [sim:fail=7109]"), "failed"),
    ] {
        ops.sends(&message).await.is(202);
        becomes(&ops, message["correlationId"].as_str().unwrap(), status).await;
    }
    clock.goes_forward(Duration::from_hours(2));
    ops.posts_to("/v1/erase", json!({ "to": "+447700900999" }).to_string()).await.is(200);
    let mut waits = sms("waits", "Hello.");
    waits["sendAt"] = "2099-01-01T00:00:00Z".into();
    ops.sends(&waits).await.is(202);
    waits["correlationId"] = "cancelled".into();
    ops.sends(&waits).await.is(202);
    ops.posts_to("/v1/messages/cancelled/cancel", "").await.is(200);
    server.posts(Sample::of("observed").says("Failed", "7207")).await.is_acknowledged();
    server
}

async fn what_can_be_sent_again_is_sent_once(database: &Database) {
    let (platform, clock) = (Platform::start(), SetClock::default());
    let server = with_messages(database, &platform, &clock).await;
    let (shop, ops) = (server.with_token("b0th-s3cret"), server.with_token("4dmin-s3cret"));
    let planned = preview(&shop, json!({})).await;
    let act = planned["act"].clone();
    let expected = json!({
        "act": act, "count": 4, "mayArriveTwice": 1, "wouldFailAgain": 0, "useless": 1, "underWay": 1, "gone": 1, "expired": 1,
        "cancelled": 1, "notOurs": 1, "more": false
    });
    assert_eq!(planned, expected);
    let before = ops.every_item("/v1/messages").await.len();
    assert_eq!(before, 10, "a preview sends nothing");
    let named = preview(&shop, json!({ "status": "cancelled" })).await;
    assert_eq!((&named["count"], &named["cancelled"]), (&json!(1), &json!(0)));

    let request = json!({ "filter": {}, "act": act, "reason": "operator outage" });
    let sent = json!({ "sent": 3, "already": 0, "leftOut": 6, "refused": 0, "finished": true });
    assert_eq!(done(&shop, request.clone()).await, [sent]);
    let known = json!({ "sent": 0, "already": 3, "leftOut": 6, "refused": 0, "finished": true });
    assert_eq!(done(&shop, request.clone()).await, [known]);
    let mut twice = request;
    twice["evenTwice"] = true.into();
    let last = json!({ "sent": 1, "already": 3, "leftOut": 5, "refused": 0, "finished": true });
    assert_eq!(done(&shop, twice).await, [last]);
    let another = preview(&shop, json!({ "correlationId": "failed-*" })).await["act"].clone();
    assert_ne!(another, act);
    let request = json!({ "filter": { "correlationId": "failed-*" }, "act": another, "reason": "somebody else" });
    let known = json!({ "sent": 0, "already": 3, "leftOut": 0, "refused": 0, "finished": true });
    assert_eq!(done(&shop, request).await, [known]);

    let messages = ops.every_item("/v1/messages").await;
    assert_eq!(messages.len(), before + 4);
    let ids = messages.iter().filter_map(|message| message["correlationId"].as_str());
    let mut ends = Vec::new();
    for id in ids.filter(|id| id.len() == act.as_str().unwrap().len()) {
        let new = ops.message(id).await;
        assert!(new["submission"]["content"]["text"].as_str().unwrap().starts_with("Hello."), "{new}");
        ends.extend(new["submission"]["expireAt"].as_str().map(str::to_owned));
    }
    let first = ops.message("failed-0").await;
    assert_eq!(ends, [first["submission"]["expireAt"].as_str().unwrap()], "it ends with the first one");
    let entries = ops.items("/v1/audit?action=sent").await;
    let details: Vec<_> = entries.iter().filter_map(|entry| entry["details"].as_str()).collect();
    let recorded = format!("again, act {}: all; reason: operator outage", act.as_str().unwrap());
    let of_act = details.iter().filter(|details| **details == recorded.as_str()).count();
    assert_eq!((of_act, details.len()), (3, 4), "{details:?}");
    let counted: i64 = entries.iter().map(|entry| entry["count"].as_i64().unwrap()).sum();
    assert_eq!(counted, 9 + 4, "each message is counted once");
    server.stop().await;
    platform.stop().await;
}

async fn what_cannot_be_done_is_refused(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let shop = server.with_token("b0th-s3cret");
    let act = preview(&shop, json!({ "status": "failed" })).await["act"].clone();
    for (request, pointer) in [
        (json!({ "filter": { "origin": "observed" }, "act": act, "reason": "x" }), "/filter/origin"),
        (json!({ "filter": { "limit": 7 }, "act": act, "reason": "x" }), "/filter/limit"),
        (json!({ "filter": { "status": "gone" }, "act": act, "reason": "x" }), "/filter/status"),
        (json!({ "filter": {}, "reason": "x" }), "/act"),
        (json!({ "filter": {}, "act": "order-1", "reason": "x" }), "/act"),
        (json!({ "filter": {}, "act": act }), "/reason"),
        (json!({ "filter": {}, "act": act, "reason": "x", "sure": true }), ""),
    ] {
        shop.posts_to("/v1/messages/again", request.to_string()).await.blames(&[pointer]);
    }
    server.stop().await;
    platform.stop().await;
    let silent = TestServer::on(database).start().await;
    let request = json!({ "filter": {}, "act": act, "reason": "x" }).to_string();
    silent.posts_to("/v1/messages/again", request).await.is_problem(409, "sending-not-configured");
    silent.stop().await;
}

async fn a_preview_is_for_those_who_may_read(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let shop = server.with_token("s3nd-s3cret");
    let request = json!({ "filter": {}, "dryRun": true }).to_string();
    for path in ["/v1/messages/again", "/v1/messages/cancel"] {
        shop.posts_to(path, request.clone()).await.is_problem(403, "forbidden");
        server.with_token("b0th-s3cret").posts_to(path, request.clone()).await.is(200);
    }
    // An act is in the audit log.
    let act = preview(&server.with_token("b0th-s3cret"), json!({})).await["act"].clone();
    assert_eq!(done(&shop, json!({ "filter": {}, "act": act, "reason": "x" })).await.len(), 1);
    server.stop().await;
    platform.stop().await;
}

async fn an_act_from_the_future_is_refused(database: &Database) {
    let (platform, clock) = (Platform::start(), SetClock::default());
    let server = TestServer::on(database).by(clock.clock()).sending_to(&platform.url).start().await;
    let act = Act::plan(clock.clock().now().plus(Duration::from_mins(1))).to_string();
    let request = json!({ "filter": {}, "act": act, "reason": "x" });
    server.posts_to("/v1/messages/again", request.to_string()).await.blames(&["/act"]);
    server.submits("/again", &[("act", &act), ("reason", "x")]).await.is(422);
    clock.goes_forward(Duration::from_mins(1));
    assert_eq!(done(&server.client(), request).await.len(), 1);
    server.stop().await;
    platform.stop().await;
}

/// More messages of other systems than are counted.
const OTHERS: &str = "\
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) \
    INSERT INTO messages (correlation_id, channel, status, precedence, status_at, is_final, created_at, updated_at) \
    SELECT 'other-' || i, 'sms', 'failed', x'', 0, 1, (unixepoch() - 60) * 1000000 + i, (unixepoch() - 60) * 1000000 + i FROM n";

/// As many complaints about messages that receiptd sent: it cannot help to send these again.
const COMPLAINTS: &str = "UPDATE messages SET dispatch = 'accepted', status = 'complained'";

async fn a_preview_says_how_far_it_has_looked(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    database.execute_now(OTHERS).await;
    let others = preview(&server.client(), json!({})).await;
    assert!(others["more"] == false && others["notOurs"].as_i64().unwrap() >= 10_000, "{others}");
    let page = server.opens("/again").await.is(200);
    assert!(page.shows("No message of this filter can be sent again.") && !page.shows("Why?"), "{}", page.text);
    assert!(page.shows("at least 10,000 of other systems"), "{}", page.text);
    database.execute_now(COMPLAINTS).await;
    let ours = preview(&server.client(), json!({})).await;
    assert!(ours["more"] == true && ours["count"] == 0, "{ours}");
    let page = server.opens("/again").await.is(200);
    for words in
        ["Go on with the older ones?", "Only the newest 10,000 were looked at", "at least 10,000 for which", "Why?"]
    {
        assert!(page.shows(words), "{words}: {}", page.text);
    }
    server.stop().await;
    platform.stop().await;
}

async fn a_stopped_act_is_completed_when_it_is_repeated(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let later = |n: u32| {
        let mut message = sms(&format!("order-{n}"), "Hello. [sim:silent]");
        message["sendAt"] = "2099-01-01T00:00:00Z".into();
        message.to_string()
    };
    server.sends_lines((0..150).map(later).collect::<Vec<_>>().join("\n")).await;
    let all = json!({ "filter": {}, "reason": "wrong time" });
    server.posts_to("/v1/messages/cancel", all.to_string()).await.is(200);
    let act = Act::parse(preview(&server.client(), json!({})).await["act"].as_str().unwrap()).unwrap();
    let filter = Filter { status: Some(Status::Cancelled), ..Filter::default() };
    let options = OpenOptions { connections: 2, timeout: Duration::from_secs(30), access: Access::Write };
    let store = storage::open(database.url(), options).await.unwrap();
    let clock = Clock::system();
    let parts = BulkAgainParts {
        messages: store.messages.clone(),
        submissions: store.submissions.clone(),
        sender: Sender::new(store.outbox.clone(), clock.clone(), Some(SmsApi::V2)),
        actor: Actor::named("ops"),
        judge: Box::new(|_| Resend::Later),
    };
    let mut bulk = BulkAgain::new(parts, filter, act, false, clock.now()).unwrap();
    let progress = bulk.step().await.unwrap();
    assert_eq!((progress.sent, progress.finished), (100, false));
    drop(bulk);
    let request = json!({ "filter": { "status": "cancelled" }, "act": act.to_string(), "reason": "go on" });
    let lines = done(&server.client(), request).await;
    let expected = json!({ "sent": 50, "already": 100, "leftOut": 0, "refused": 0, "finished": true });
    assert_eq!(lines.last(), Some(&expected));
    assert_eq!(server.every_item("/v1/messages").await.len(), 300);
    store.health.close().await;
    server.stop().await;
    platform.stop().await;
}

async fn a_page_shows_the_risk_and_sends_nothing_twice(database: &Database) {
    let (platform, clock) = (Platform::start(), SetClock::default());
    let server = with_messages(database, &platform, &clock).await;
    let ops = server.logs_in("4dmin-s3cret").await;
    assert!(!ops.opens("/messages").await.is(200).shows("Send all of these again"));
    assert!(ops.opens("/messages?status=failed").await.is(200).shows("Send all of these again"));
    let none = ops.opens("/again?status=queued").await.is(200);
    assert!(none.shows("No message of this filter can be sent again.") && !none.shows("Why?"), "{}", none.text);
    let page: Page = ops.opens("/again?channel=sms").await.is(200);
    for words in [
        "Send 4 messages again?",
        "1 of them may arrive twice: the first one has arrived, or may still arrive.",
        "1 for which it cannot help",
        "1 whose text was erased or purged",
        "1 cancelled before",
        "1 of other systems",
        "Messages that were already sent again in this way are not sent once more.",
        "Also send those that may arrive twice",
    ] {
        assert!(page.shows(words), "{words}: {}", page.text);
    }
    let act = page.answer.body.split("name=\"act\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let submits = async |fields: &[(&str, &str)]| ops.submits("/again?channel=sms", fields).await;
    submits(&[("act", act), ("reason", "")]).await.is(422);
    submits(&[("reason", "outage")]).await.is(422);
    let fields = [("act", act), ("reason", "outage")];
    let sent = submits(&fields).await.is(200);
    assert!(sent.shows("Done. 3 sent as new messages, 6 left out"), "{}", sent.text);
    let again = submits(&fields).await.is(200);
    assert!(again.shows("Done. 0 sent as new messages, 3 were sent again before"), "{}", again.text);
    let shop = server.logs_in("s3nd-s3cret").await;
    shop.opens("/again?channel=sms").await.is(403);
    server.stop().await;
    platform.stop().await;
}
