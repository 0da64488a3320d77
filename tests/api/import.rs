//! `POST /v1/import`: what never arrived is loaded afterwards.

use std::{collections::BTreeSet, time::Duration};

use receiptd::simulator::Settings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Client, Database, Platform, Program, Sample, TestServer, asked, eventually, fixtures, free_address,
};

both!(an_outage_is_repaired_from_the_platforms_export, a_file_tells_new_known_and_unreadable);
sqlite!(every_layout_is_read, a_file_that_is_none_is_refused);

async fn import(server: &Client, query: &str, file: impl Into<reqwest::Body>) -> Value {
    server.posts_to(&format!("/v1/import{query}"), file).await.is(200).json()
}

/// The server is away for a while, the platform gives up on what it has to tell meanwhile, and its report of that brings
/// everything in.
async fn an_outage_is_repaired_from_the_platforms_export(database: &Database) {
    const MESSAGES: usize = 90;
    let settings =
        Settings { notify_delay: Duration::from_millis(3), duplicates: 0.1, reorder: 0.2, ..Settings::calm() };
    let platform = Platform::with(settings);
    let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
    // The real program, since nobody may listen while it is away.
    let start = async || Program::serve(folder.path(), address, &[("RECEIPTD_DATABASE_URL", database.url())]).await;
    let (program, _) = start().await;
    let other = Client::of(platform.url.clone());
    let load = tokio::spawn({
        let other = other.clone();
        async move {
            for n in 0..MESSAGES {
                let to = json!([{"msisdn": ["447700900123"], "correlationId": format!("order-{n}")}]);
                let content = json!({"type": "text", "text": "Hello. [sim:until=delivered]"});
                let notify = format!("http://{address}/notify");
                let message =
                    json!({"channel": "sms", "from": "ACME", "to": to, "content": content, "notifyUrl": notify});
                let request = other.request(Method::POST, "/v2/messages").header("key", "k");
                asked(request.body(message.to_string())).await.is(201);
            }
        }
    });
    let a_third = async || (platform.report().accepted > 30).then_some(());
    eventually("some messages to be sent", a_third).await;
    program.ends_on("TERM").await;
    load.await.unwrap();
    platform.settled().await;
    let (program, server) = start().await;

    let missing = async || {
        let known = server.ids("?status=delivered&limit=500").await.into_iter().collect::<BTreeSet<_>>();
        (0..MESSAGES).filter(|n| !known.contains(&format!("order-{n}"))).count()
    };
    let dropped = platform.report().dropped.len();
    assert!(missing().await > 0 && dropped > 0, "there was no gap");
    let file = other.gets("/simulator/failed?format=csv").await.is(200).body;
    let report = import(&server, "", file).await;
    assert_eq!(missing().await, 0, "{report}");
    assert_eq!(report["new"].as_u64().unwrap() + report["known"].as_u64().unwrap(), dropped as u64);
    // The same in the other forms is all known by now.
    for format in ["csv", "txt", "json"] {
        let file = other.gets(&format!("/simulator/failed?format={format}")).await.is(200).body;
        let report = import(&server, "", file).await;
        assert_eq!(report, json!({"new": 0, "known": dropped, "unreadable": 0, "unreadableRows": []}), "{format}");
    }
    let last = format!("/v1/messages/order-{}/notifications", MESSAGES - 1);
    let told = server.items(&last).await;
    assert!(told.iter().all(|one| one["source"] == "import" && one["times"] == 1), "{told:?}");
    program.ends_on("TERM").await;
    platform.stop().await;
}

async fn a_file_tells_new_known_and_unreadable(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let lines =
        [Sample::of("order-1").body(), Sample::of("order-2").body(), "{}".to_owned(), Sample::of("order-2").body()];
    let report = import(&server, "", lines.join("\n")).await;
    let why = "the body has no known shape";
    let expected = json!({"new": 1, "known": 2, "unreadable": 1, "unreadableRows": [{"row": 3, "reason": why}]});
    assert_eq!(report, expected);
    let kept = server.items("/v1/quarantine").await;
    assert_eq!((&kept[0]["body"], &kept[0]["source"]), (&"{}".into(), &"import".into()));
    assert_eq!(server.message("order-1").await["timeline"][0]["times"], 1);
    assert_eq!(server.message("order-2").await["timeline"][0]["source"], "import");
    let again = import(&server, "", lines.join("\n")).await;
    assert_eq!((&again["new"], &again["known"], &again["unreadable"]), (&0.into(), &3.into(), &1.into()));
    assert_eq!(server.items("/v1/quarantine").await[0]["times"], 1);
    server.stop().await;
}

async fn every_layout_is_read(database: &Database) {
    let server = TestServer::start(database).await;
    let (_, nightly) =
        fixtures("notify").into_iter().find(|(name, _)| name == "failed-notification-export.json").unwrap();
    assert_eq!(import(&server, "", nightly).await["new"], 2);
    let mut writer = csv::WriterBuilder::new().delimiter(b'\t').from_writer(Vec::new());
    writer.write_record(["Trans ID", "Body"]).unwrap();
    writer.write_record(["1", &Sample::of("order-1").pretty()]).unwrap();
    writer.write_record(["2", ""]).unwrap();
    let report = import(&server, "?columns=payload%3Dbody", writer.into_inner().unwrap()).await;
    assert_eq!((&report["new"], &report["unreadable"]), (&1.into(), &1.into()), "{report}");
    assert_eq!(report["unreadableRows"][0], json!({"row": 2, "reason": "it has no payload"}));
    // Told what it is, it need not look like it.
    let report = import(&server, "?format=ndjson", format!("\n{}\n", Sample::of("order-3").body())).await;
    assert_eq!(report["new"], 1);
    assert_eq!(server.ids("").await.len(), 4);
    server.stop().await;
}

async fn a_file_that_is_none_is_refused(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken,shop:read+send:sh0p").start().await;
    let (admin, other) = (server.with_token("t0ken"), server.with_token("sh0p"));
    other.posts_to("/v1/import", "{}").await.is_problem(403, "forbidden");
    admin.posts_to("/v1/import?format=xls&of=x", "{}").await.blames(&["/format", "/of"]);
    let refused = async |file: String| admin.posts_to("/v1/import", file).await.is_problem(422, "not-an-export");
    assert!(refused("a,b\n1,2\n".to_owned()).await["detail"].as_str().unwrap().contains("columns payload="));
    // What came before the fault is there, and does no harm when the whole file comes.
    let half = format!("[{},{{", Sample::of("order-1").body());
    assert!(refused(half).await["detail"].as_str().unwrap().contains("row 2"));
    assert_eq!(admin.ids("").await, ["order-1"]);
    let large = format!("a,b\n{}", "1,2\n".repeat(1 << 20));
    refused(large).await;
    server.stop().await;
}
