//! `POST /v1/import`: loads notifications that never arrived.

use std::{collections::BTreeSet, time::Duration};

use harness::{
    Client, Database, Platform, Program, Sample, TestServer, asked, both, eventually, fixtures, free_address, sqlite,
};
use receiptd::simulator::Settings;
use reqwest::Method;
use serde_json::{Value, json};

both!(
    an_outage_is_repaired_from_the_platforms_export,
    an_import_counts_new_known_and_unreadable_rows,
    an_export_can_be_imported_unchanged
);
sqlite!(
    every_layout_is_read,
    every_encoding_is_read_or_rejected_with_its_name,
    a_file_in_another_format_is_rejected,
    a_file_without_any_understood_row_is_rejected,
    long_rows_are_imported_completely,
    a_row_that_is_an_array_is_read_element_by_element
);

async fn import(server: &Client, query: &str, file: impl Into<reqwest::Body>) -> Value {
    server.posts_to(&format!("/v1/import{query}"), file).await.is(200).json()
}

/// The server is down for a while, the platform drops notifications meanwhile, and its export of them restores
/// everything.
async fn an_outage_is_repaired_from_the_platforms_export(database: &Database) {
    const MESSAGES: usize = 90;
    let settings =
        Settings { notify_delay: Duration::from_millis(3), duplicates: 0.1, reorder: 0.2, ..Settings::calm() };
    let platform = Platform::with(settings);
    let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
    // The real program, since nothing must listen while it is down.
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
    // The other formats contain only notifications that are known by now.
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

async fn an_import_counts_new_known_and_unreadable_rows(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let lines =
        [Sample::of("order-1").body(), Sample::of("order-2").body(), "{}".to_owned(), Sample::of("order-2").body()];
    let report = import(&server, "", lines.join("\n")).await;
    let why = "the body has no known format";
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
    // With the format given, the contents need not look like it.
    let report = import(&server, "?format=ndjson", format!("\n{}\n", Sample::of("order-3").body())).await;
    assert_eq!(report["new"], 1);
    assert_eq!(server.ids("").await.len(), 4);
    server.stop().await;
}

/// Everything in the lists and the export, without the values that differ with each import.
async fn told(server: &Client) -> Vec<Value> {
    let mut told = Vec::new();
    for of in ["notifications", "inbound", "quarantine"] {
        let export = server.gets(&format!("/v1/export?format=ndjson&of={of}")).await.is(200).body;
        let mut lines: Vec<_> = export.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        told.extend(lines.iter().map(|line| serde_json::from_str(line).unwrap()));
    }
    told
}

async fn an_export_can_be_imported_unchanged(database: &Database) {
    let server = TestServer::start(database).await;
    for _ in 0..2 {
        server.posts(Sample::of("order-1").pretty()).await.is_acknowledged();
    }
    server.posts(Sample::of("order-1").says("Submitted", "7501").at("2026-05-20T13:15:00Z")).await.is_acknowledged();
    server
        .posts(Sample::of("=order-2").with("Description", "a;-b\n=c").says("Un-Delivered", "7203"))
        .await
        .is_acknowledged();
    server.posts(Sample::of("order-3").without_correlation_id()).await.is_acknowledged();
    server.posts(r#"{"event":"MO","from":"447700900123","message":"=1;\"+2\" 👋"}"#).await.is_acknowledged();
    server.posts(&b"not \xff JSON"[..]).await.is_acknowledged();
    server.posts("=1+2").await.is_acknowledged();
    let before = told(&server).await;
    assert_eq!(before.len(), 7);
    for format in ["ndjson", "csv", "csv&bom=true"] {
        let other = Database::in_a_file();
        let restored = TestServer::start(&other).await;
        for of in ["notifications", "inbound", "quarantine"] {
            let file = server.gets(&format!("/v1/export?of={of}&format={format}")).await.is(200).body;
            let count = before
                .iter()
                .filter(|one| match of {
                    "notifications" => one.get("statusText").is_some(),
                    "inbound" => one.get("event").is_some(),
                    _ => one.get("bodyBase64").is_some(),
                })
                .count();
            for (new, known) in [(count, 0), (0, count)] {
                let report = import(&restored, "", file.clone()).await;
                let expected = json!({"new": new, "known": known, "unreadable": 0, "unreadableRows": []});
                assert_eq!(report, expected, "{of} as {format}");
            }
            // In the store from which it was exported, it is known.
            assert_eq!(import(&server, "", file).await["known"], count, "{of} as {format}");
        }
        assert_eq!(told(&restored).await, before, "{format}");
        for id in ["order-1", "=order-2"] {
            let [was, is] = [server.message(id).await, restored.message(id).await];
            assert_eq!((&was["status"], &was["createdAt"]), (&is["status"], &is["createdAt"]));
        }
        restored.stop().await;
    }
    let page = server.gets("/v1/quarantine").await.is(200).body;
    assert_eq!(import(&server, "", page).await["known"], 2, "a page of the list is as good");
    for (path, what) in [
        ("/v1/export?format=ndjson", "messages"),
        ("/v1/export?format=csv", "messages"),
        ("/v1/export?of=failures", "messages"),
        ("/v1/messages", "messages"),
    ] {
        let file = server.gets(path).await.is(200).body;
        let refused = server.posts_to("/v1/import", file).await.is_problem(422, "not-an-export");
        assert!(refused["detail"].as_str().unwrap().contains(&format!("export of {what}")), "{path}: {refused}");
    }
    assert_eq!(told(&server).await, before);
    server.stop().await;
}

async fn every_encoding_is_read_or_rejected_with_its_name(database: &Database) {
    let server = TestServer::start(database).await;
    let one = |n: usize| Sample::of(&format!("order-{n}")).body();
    let table = |n: usize, between: &str| {
        format!("Trans ID{between}Payload\r\n1{between}\"{}\"\r\n", one(n).replace('"', "\"\""))
    };
    let utf_16 = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let files: Vec<Vec<u8>> = vec![
        Sample::of("order-0").pretty().into_bytes(),
        format!("[{}]", Sample::of("order-1").pretty()).into_bytes(),
        format!("\u{feff}{}{}", one(2), one(2)).into_bytes(),
        table(3, ";").into_bytes(),
        table(4, "\t").into_bytes(),
        format!("sep=;\r\n{}", table(5, ";")).into_bytes(),
        utf_16(&format!("\u{feff}{}", table(6, "\t")), u16::to_le_bytes),
        utf_16(&table(7, ","), u16::to_be_bytes),
        utf_16(&one(8), u16::to_le_bytes),
    ];
    for (n, file) in files.iter().enumerate() {
        let report = import(&server, "", file.clone()).await;
        assert_eq!((&report["new"], &report["unreadable"]), (&1.into(), &0.into()), "file {n}: {report}");
    }
    assert_eq!(server.ids("").await.len(), files.len());
    for (file, name) in [
        (&b"\x1f\x8b\x08\0\0\0"[..], "gzip"),
        (b"PK\x03\x04\x14\0", "Excel workbook"),
        (b"<!doctype html><html>", "HTML"),
    ] {
        let refused = server.posts_to("/v1/import", file).await.is_problem(422, "not-an-export");
        assert!(refused["detail"].as_str().unwrap().contains(name), "{name}: {refused}");
    }
    // An export without rows.
    for file in ["", " \n", "[]", "Payload\n", "{\"items\":[],\"nextCursor\":null}"] {
        let report = import(&server, "", file).await;
        assert_eq!(report, json!({"new": 0, "known": 0, "unreadable": 0, "unreadableRows": []}), "{file:?}");
    }
    assert_eq!(server.items("/v1/quarantine").await, [] as [Value; 0]);
    server.stop().await;
}

async fn a_file_without_any_understood_row_is_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    for file in ["{\"a\":1}\n{\"a\":2}\n", "[1,2]", "Payload\n1\n2\n", "{\n\"a\"\n:1}{\n}"] {
        let refused = server.posts_to("/v1/import", file).await.is_problem(422, "not-an-export");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("nothing in the file could be understood: 2 rows"), "{detail}");
    }
    assert!(server.items("/v1/quarantine").await.len() > 4, "it is stored");
    // A single understood row makes the import succeed, even if it is known.
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    assert_eq!(import(&server, "", format!("{{\"a\":1}}\n{}", Sample::of("order-1").body())).await["known"], 1);
    server.stop().await;
}

async fn long_rows_are_imported_completely(database: &Database) {
    let server = TestServer::start(database).await;
    let long = "x".repeat(900_000);
    let lines: Vec<_> =
        (0..9).map(|n| Sample::of(&format!("order-{n}")).with("additionalInfo", long.clone()).body()).collect();
    assert_eq!(import(&server, "", lines.join("\n")).await["new"], 9);
    server.stop().await;
}

async fn a_row_that_is_an_array_is_read_element_by_element(database: &Database) {
    let server = TestServer::start(database).await;
    let one = |n: usize| Sample::of(&format!("order-{n}")).body();
    let array = format!("[{},[{}],7]", one(1), one(2));
    let table = format!("Payload\n\"{}\"\n\"{}\"\n", array.replace('"', "\"\""), one(3).replace('"', "\"\""));
    let report = import(&server, "", table).await;
    assert_eq!((&report["new"], &report["known"], &report["unreadable"]), (&3.into(), &0.into(), &1.into()));
    assert_eq!(report["unreadableRows"][0]["row"], 1);
    let kept = server.items("/v1/quarantine").await;
    assert_eq!(kept.iter().map(|one| &one["body"]).collect::<Vec<_>>(), ["7"]);
    // Also in its wrapping, and more rows than are committed together.
    let many = (0..450).map(one).collect::<Vec<_>>().join(",");
    let report = import(&server, "", format!("{{\"df_payload\":[{many}]}}\n")).await;
    assert_eq!((&report["new"], &report["known"], &report["unreadable"]), (&447.into(), &3.into(), &0.into()));
    server.stop().await;
}

async fn a_file_in_another_format_is_rejected(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken,shop:read+send:sh0p").start().await;
    let (admin, other) = (server.with_token("t0ken"), server.with_token("sh0p"));
    other.posts_to("/v1/import", "{}").await.is_problem(403, "forbidden");
    admin.posts_to("/v1/import?format=xls&of=x", "{}").await.blames(&["/format", "/of"]);
    let refused = async |file: String| admin.posts_to("/v1/import", file).await.is_problem(422, "not-an-export");
    assert!(refused("a,b\n1,2\n".to_owned()).await["detail"].as_str().unwrap().contains("columns payload="));
    // The rows before the error are stored, and do no harm when the whole file is imported.
    let half = format!("[{},{{", Sample::of("order-1").body());
    assert!(refused(half).await["detail"].as_str().unwrap().contains("row 2"));
    assert_eq!(admin.ids("").await, ["order-1"]);
    let large = format!("a,b\n{}", "1,2\n".repeat(1 << 20));
    refused(large).await;
    server.stop().await;
}
