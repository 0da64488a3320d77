//! `GET /v1/audit` and `POST /v1/erase`.

use harness::{Database, Platform, Sample, TestServer, both, eventually, message_path, put, sms, sqlite};
use receiptd::{
    domain::{Archived, Arrival, Source, Timestamp, Unreadable},
    storage::{self, Access, OpenOptions},
};
use serde_json::{Value, json};

both!(
    a_send_is_in_the_audit_log,
    bulk_sends_and_cancellations_are_in_the_audit_log,
    an_erasure_is_in_the_audit_log_without_the_person,
    a_server_purges_by_itself,
    exports_and_corrections_are_in_the_audit_log,
    an_action_that_cannot_be_audited_fails_and_names_its_message,
    a_committed_message_is_confirmed_even_if_it_cannot_be_read,
    administrators_filter_and_export_the_audit_log,
    reads_are_audited_if_the_settings_require_it,
);
sqlite!(invalid_parameters_are_rejected, without_tokens_the_actor_is_anonymous);

const TOKENS: &str = "shop:send:s3nd-s3cret, app:send:4pp-s3cret, ops:admin:4dmin-s3cret";

/// Action, actor and count of each entry, in order.
async fn audit(ops: &harness::Client) -> Vec<(String, String, i64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = ops.items("/v1/audit").await;
    assert!(items.iter().all(|item| item["at"].as_str().is_some_and(|at| at.ends_with('Z'))), "{items:?}");
    let mut told: Vec<_> =
        items.iter().map(|it| (text(&it["action"]), text(&it["actor"]), it["count"].as_i64().unwrap())).collect();
    told.sort_unstable();
    told
}

fn entry(action: &str, actor: &str, count: i64) -> (String, String, i64) {
    (action.to_owned(), actor.to_owned(), count)
}

async fn a_send_is_in_the_audit_log(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    for (secret, id) in [("s3nd-s3cret", "a"), ("s3nd-s3cret", "b"), ("s3nd-s3cret", "a"), ("4pp-s3cret", "c")] {
        server.with_token(secret).sends(&sms(id, "Hello. [sim:silent]")).await;
    }
    let ops = server.with_token("4dmin-s3cret");
    let sent: i64 = audit(&ops).await.iter().filter(|(_, actor, _)| actor == "shop").map(|(.., count)| count).sum();
    assert_eq!(sent, 2, "a repetition was not sent again");
    assert!(audit(&ops).await.contains(&entry("sent", "app", 1)));
    let page = ops.gets("/v1/audit?limit=1").await.is(200).json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let next = ops.items(&format!("/v1/audit?limit=1&cursor={cursor}")).await;
    assert_eq!(next.len(), 1);
    assert_ne!(next[0], page["items"][0]);
    server.stop().await;
    platform.stop().await;
}

async fn bulk_sends_and_cancellations_are_in_the_audit_log(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").with("api.tokens", TOKENS).start().await;
    let shop = server.with_token("s3nd-s3cret");
    let later = |id: &str| {
        let mut message = sms(id, "Hello.");
        message["sendAt"] = json!("2199-01-01T00:00:00Z");
        message.to_string()
    };
    let lines = [later("a"), later("b"), "{".to_owned(), later("a"), later("c")].join("\n");
    for _ in 0..2 {
        assert_eq!(shop.sends_lines(lines.clone()).await.len(), 5);
    }
    for _ in 0..2 {
        shop.posts_to(&format!("{}/cancel", message_path("b")), "").await.is(200);
    }
    shop.posts_to(&format!("{}/cancel", message_path("d")), "").await.is(404);
    let told = audit(&server.with_token("4dmin-s3cret")).await;
    let count = |action: &str| -> i64 { told.iter().filter(|(it, ..)| it == action).map(|(.., count)| count).sum() };
    assert!(told.iter().all(|(_, actor, _)| actor == "shop"), "{told:?}");
    assert_eq!((count("sent"), count("cancelled")), (3, 1), "repeated requests were done once");
    server.stop().await;
}

async fn an_erasure_is_in_the_audit_log_without_the_person(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", TOKENS).start().await;
    let ops = server.with_token("4dmin-s3cret");
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let number = ops.message("order-1").await["to"].as_str().unwrap().to_owned();
    let request = json!({"to": format!("+{number}"), "dryRun": true}).to_string();
    let would = ops.posts_to("/v1/erase", request).await.is(200).json();
    assert_eq!((&would["messages"], &would["notifications"], &would["underWay"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(ops.message("order-1").await["to"], number.as_str());
    let done = ops.posts_to("/v1/erase", json!({"to": number}).to_string()).await.is(200).json();
    assert_eq!(done, would);
    assert_eq!(done["found"], true);
    let nobody = json!({"to": "+447700900999"}).to_string();
    assert_eq!(ops.posts_to("/v1/erase", nobody).await.is(200).json()["found"], false);
    for national in ["07700900123", "(0)7700 900123"] {
        ops.posts_to("/v1/erase", json!({"to": national}).to_string()).await.blames(&["/to"]);
    }
    let message = ops.message("order-1").await;
    assert_eq!((&message["to"], &message["status"]), (&json!("erased"), &json!("delivered")));
    let notifications = ops.gets(&format!("{}/notifications", message_path("order-1"))).await.is(200).body;
    let told = ops.gets("/v1/audit").await.is(200).body;
    assert!(!notifications.contains(&number) && !told.contains(&number));
    assert_eq!(audit(&ops).await, [entry("erased", "ops", 1)]);
    assert_eq!(ops.gets("/v1/audit/verify").await.is(200).json()["sound"], true);
    assert!(ops.ids(&format!("?to={number}")).await.is_empty());
    server.stop().await;
}

async fn a_server_purges_by_itself(database: &Database) {
    let options = OpenOptions { connections: 2, timeout: std::time::Duration::from_secs(5), access: Access::Create };
    let store = storage::open(database.url(), options).await.unwrap();
    let old = Archived::first_arrival(
        Unreadable("odd".to_owned()),
        b"old".to_vec(),
        Source::Notify,
        Timestamp::from_micros(1),
    );
    put(&store, &[Arrival::Quarantined(old)]).await.unwrap();
    let server = TestServer::on(database).with("retention.quarantine_days", "30").start().await;
    server.posts("new").await.is_acknowledged();
    let gone = async || (server.items("/v1/quarantine").await.len() == 1).then_some(());
    eventually("the old one is purged", gone).await;
    assert_eq!(server.items("/v1/quarantine").await[0]["body"], "new");
    assert_eq!(audit(&server.client()).await, [entry("purged", "server", 1)]);
    server.stop().await;
}

async fn without_tokens_the_actor_is_anonymous(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    server.sends(&sms("order-1", "Hello.")).await.is(202);
    assert_eq!(audit(&server.client()).await, [entry("sent", "anonymous", 1)]);
    server.stop().await;
}

async fn invalid_parameters_are_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    server.gets("/v1/audit?status=failed").await.is_problem(422, "invalid-request");
    server.posts_to("/v1/erase", r#"{"to":" "}"#).await.blames(&["/to"]);
    server.posts_to("/v1/erase", r#"{"to":"erased"}"#).await.blames(&["/to"]);
    server.posts_to("/v1/erase", r#"{"to":"447700900123","to":"447700900124"}"#).await.blames(&["/to"]);
    let twice = r#"{"to":"447700900123","dryRun":false,"dryRun":true}"#;
    server.posts_to("/v1/erase", twice).await.blames(&["/dryRun"]);
    server.posts_to("/v1/erase", r#"["447700900123",false]"#).await.blames(&[""]);
    server.posts_to("/v1/erase", r#"{"to":"447700900123""#).await.is_problem(400, "not-json");
    server.posts_to("/v1/erase", format!("\"{}\"", "x".repeat(70_000))).await.is_problem(413, "body-too-large");
    server.posts_to("/v1/erase", r#"{"for":"447700900123"}"#).await.blames(&[""]);
    server.gets("/v1/erase").await.is_problem(405, "method-not-allowed");
    server.stop().await;
}

async fn exports_and_corrections_are_in_the_audit_log(database: &Database) {
    let server =
        TestServer::on(database).with("api.tokens", "ops:admin:4dmin-s3cret, eye:read:r3ad-s3cret").start().await;
    let ops = server.with_token("4dmin-s3cret");
    for n in 0..3 {
        server.posts(Sample::of(&format!("order-{n}"))).await.is_acknowledged();
    }
    let eye = server.with_token("r3ad-s3cret");
    assert_eq!(eye.gets("/v1/export?of=notifications&format=ndjson").await.is(200).body.lines().count(), 3);
    let line = Sample::of("order-4").body();
    ops.posts_to("/v1/import?format=ndjson", line).await.is(200);
    ops.posts_to("/v1/rebuild?dryRun=true", "").await.is(200);
    ops.posts_to("/v1/rebuild", "").await.is(200);
    ops.posts_to("/v1/quarantine/retry", "").await.is(200);
    let expected = [
        entry("exported", "eye", 3),
        entry("imported", "ops", 1),
        entry("rebuilt", "ops", 0),
        entry("retried", "ops", 0),
    ];
    assert_eq!(audit(&ops).await, expected);
    assert_eq!(
        ops.items("/v1/audit").await.into_iter().filter(|it| it["details"] == "notifications as ndjson").count(),
        1
    );
    server.stop().await;
}

/// A message without its own id, which is not due while the test runs.
fn nameless() -> Value {
    json!({ "channel": "sms", "from": "ACME", "to": "+447700900123", "text": "Hello.", "sendAt": "2199-01-01T00:00:00Z" })
}

async fn an_action_that_cannot_be_audited_fails_and_names_its_message(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    let mut known = nameless();
    known["correlationId"] = json!("order-1");
    server.sends(&known).await.is(202);
    database.execute("ALTER TABLE audit_log RENAME TO elsewhere").await;
    let mut named = Vec::new();
    let problem = server.sends(&nameless()).await.is_problem(503, "unavailable");
    named.push(problem["correlationId"].clone());
    let lines = server.sends_lines(format!("{0}\n{0}\n", nameless())).await;
    assert!(lines.iter().all(|line| line["status"] == 503), "{lines:?}");
    named.extend(lines.iter().map(|line| line["correlationId"].clone()));
    server.posts_to(&format!("{}/cancel", message_path("order-1")), "").await.is_problem(503, "unavailable");
    assert_eq!(server.ids("").await, ["order-1"]);
    assert_eq!(server.message("order-1").await["status"], "queued");
    database.execute("ALTER TABLE elsewhere RENAME TO audit_log").await;
    // Sent again as the answers say. Each is sent once, even if the first attempt had been accepted.
    for (id, status) in named.iter().flat_map(|id| [(id, 202), (id, 200)]) {
        let mut again = nameless();
        again["correlationId"] = id.clone();
        let taken = server.sends(&again).await.is(status).json();
        assert_eq!(taken["correlationId"], *id);
    }
    server.posts_to(&format!("{}/cancel", message_path("order-1")), "").await.is(200);
    assert_eq!(server.ids("").await.len(), 4);
    let told = audit(&server.client()).await;
    let count = |action: &str| -> i64 { told.iter().filter(|(it, ..)| it == action).map(|(.., count)| count).sum() };
    assert_eq!((count("sent"), count("cancelled")), (4, 1));
    server.stop().await;
}

async fn a_committed_message_is_confirmed_even_if_it_cannot_be_read(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    database.execute("ALTER TABLE notifications RENAME TO elsewhere").await;
    let taken = server.sends(&nameless()).await.is(202).json();
    assert_eq!((&taken["status"], &taken["timeline"][0]["status"]), (&json!("queued"), &json!("queued")));
    let mut again = nameless();
    again["correlationId"] = taken["correlationId"].clone();
    let problem = server.sends(&again).await.is_problem(503, "unavailable");
    assert_eq!(problem["correlationId"], taken["correlationId"]);
    assert!(problem["detail"].as_str().unwrap().contains("was accepted before"), "{problem}");
    let lines = server.sends_lines(format!("{again}\n{}\n", nameless())).await;
    assert_eq!((&lines[0]["correlationId"], &lines[0]["status"]), (&taken["correlationId"], &json!(503)));
    assert_eq!((&lines[1]["new"], &lines[1]["status"]), (&json!(true), &json!("queued")));
    database.execute("ALTER TABLE elsewhere RENAME TO notifications").await;
    assert_eq!(server.ids("").await.len(), 2);
    server.stop().await;
}

async fn administrators_filter_and_export_the_audit_log(database: &Database) {
    let tokens = "ops:admin+read:4dmin-s3cret-of-0ps, eye:read:r3ad-s3cret-of-eye, chief:admin:4dmin-s3cret-0f-chief";
    let server = TestServer::on(database).with("api.tokens", tokens).start().await;
    let (ops, eye) = (server.with_token("4dmin-s3cret-of-0ps"), server.with_token("r3ad-s3cret-of-eye"));
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    eye.gets("/v1/export?to=%2B447700900123&status=delivered").await.is(200);
    ops.posts_to("/v1/rebuild", "").await.is(200);
    let actions = async |query: &str| -> Vec<String> {
        let items = ops.items(&format!("/v1/audit?{query}")).await;
        items.iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions("actor=eye").await, ["exported"]);
    assert_eq!(actions("action=rebuilt").await, ["rebuilt"]);
    assert_eq!(actions("actor=eye&action=rebuilt").await, Vec::<String>::new());
    assert_eq!(actions("until=2020-01-01T00:00:00Z").await, Vec::<String>::new());
    assert_eq!(actions("since=2020-01-01T00:00:00Z").await.len(), 2);
    ops.gets("/v1/audit?action=seen").await.blames(&["/action"]);
    // The entry states which rows were exported, and contains nothing of the person.
    let details = ops.items("/v1/audit?actor=eye").await[0]["details"].clone();
    assert_eq!(details, "messages as csv, to=(not recorded) status=delivered");

    let problem = eye.gets("/v1/export?of=audit").await.is_problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("admin"), "{problem}");
    let csv = ops.gets("/v1/export?of=audit&action=exported").await.is(200).body;
    let rows: Vec<_> = csv.lines().collect();
    assert_eq!(rows[0], "at,actor,osUser,action,count,details");
    assert!(rows.iter().any(|row| row.contains(",eye,,exported,1,")), "{csv}");
    let lines = ops.gets("/v1/export?of=audit&format=ndjson&actor=ops").await.is(200).body;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["actor"] == "ops"), "{lines:?}");
    assert!(lines.iter().any(|line| line["action"] == "rebuilt"), "{lines:?}");
    ops.gets("/v1/export?of=audit&status=failed").await.blames(&["/status"]);
    assert!(ops.items("/v1/audit?actor=ops").await.iter().any(|it| it["details"] == "audit as csv, action=exported"));
    server.stop().await;
}

async fn reads_are_audited_if_the_settings_require_it(database: &Database) {
    let tokens = "ops:admin+read:4dmin-s3cret-of-0ps, eye:read:r3ad-s3cret-of-eye";
    let server = TestServer::on(database).with("api.tokens", tokens).with("audit.record_reads", "true").start().await;
    let (ops, eye) = (server.with_token("4dmin-s3cret-of-0ps"), server.with_token("r3ad-s3cret-of-eye"));
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    server.posts("odd").await.is_acknowledged();
    eye.gets("/v1/messages?to=447700900123&status=delivered").await.is(200);
    for _ in 0..2 {
        eye.message("order-1").await;
    }
    eye.gets("/v1/messages/nothing").await.is(404);
    eye.gets("/v1/messages/order-1/notifications").await.is(200);
    eye.items("/v1/inbound").await;
    let kept = eye.items("/v1/quarantine").await[0]["fingerprint"].as_str().unwrap().to_owned();
    eye.gets(&format!("/v1/quarantine/{kept}")).await.is(200);
    let entries = ops.items("/v1/audit?actor=eye&action=read").await;
    let mut told: Vec<_> =
        entries.iter().map(|it| (it["details"].as_str().unwrap(), it["count"].as_i64().unwrap())).collect();
    told.sort_unstable();
    let quarantined = format!("quarantine {kept}");
    let expected = [
        ("inbound", 1),
        ("message order-1", 2),
        ("messages to status", 1),
        ("notifications of order-1", 1),
        ("quarantine", 1),
        (quarantined.as_str(), 1),
    ];
    assert_eq!(told, expected);
    // A read that cannot be recorded returns nothing.
    database.execute("ALTER TABLE audit_log RENAME TO elsewhere").await;
    eye.gets(&message_path("order-1")).await.is_problem(503, "unavailable");
    database.execute("ALTER TABLE elsewhere RENAME TO audit_log").await;
    eye.message("order-1").await;
    server.stop().await;
}
