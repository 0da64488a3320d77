//! Exports, imports, rebuilds, the quarantine, and status events, with the database and through a server.

use std::fs;

use harness::{Program, Sample, database::block_on, eventually, program::receiptd};
use serde_json::{Value, json};

use super::{ends, run, serve};

#[test]
fn an_export_is_written_completely() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts(Sample::of("order-1")).await.is_acknowledged();
        server.client.posts(Sample::of("order-2").says("Un-Delivered", "7203")).await.is_acknowledged();
        for shown in server.both(&["export"]).await {
            let shown = shown.is(0);
            assert_eq!(shown.out.lines().count(), 3, "{}", shown.out);
            assert!(shown.out.starts_with("correlationId,") && shown.err.is_empty(), "{shown:?}");
        }
        for shown in server.both(&["export", "--of", "failures", "--format", "ndjson", "--output", "failures"]).await {
            assert!(shown.is(0).out.is_empty());
            let file = fs::read_to_string(server.folder.path().join("failures")).unwrap();
            let line: Value = serde_json::from_str(&file).unwrap();
            assert_eq!((&line["correlationId"], &line["code"]), (&"order-2".into(), &"7203".into()));
        }
        for shown in server.both(&["export", "--of", "notifications", "--status", "delivered"]).await {
            shown.is(0).prints(&["order-1", "deliveryInfoNotification"]);
        }
        for shown in server.both(&["export", "--of", "all", "--output", "all"]).await {
            shown.is(2).complains("must be one of messages, failures");
            assert!(!server.folder.path().join("all").exists());
        }
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn an_import_reports_rows_and_can_be_repeated() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts(Sample::of("order-1")).await.is_acknowledged();
        let folder = server.folder.path();
        let lines = [Sample::of("order-1").body(), Sample::of("order-2").body(), "?".to_owned()];
        fs::write(folder.join("lines"), lines.join("\n")).unwrap();
        let report = run(folder, &["import", "lines", "--format", "ndjson", "--json"]).await.is(0).json();
        assert_eq!((&report["new"], &report["known"], &report["unreadable"]), (&1.into(), &1.into(), &1.into()));
        for shown in server.both(&["import", "lines", "--format", "ndjson"]).await {
            shown.is(0).prints(&["0 new, 2 known, 1 unreadable", "row 3: the body is not JSON"]);
        }
        fs::write(
            folder.join("failed.csv"),
            format!("Id,Body\n1,\"{}\"\n", Sample::of("order-3").body().replace('"', "\"\"")),
        )
        .unwrap();
        for shown in server.both(&["import", "failed.csv"]).await {
            assert_ne!(shown.code, Some(0), "no column is called Payload");
            shown.complains("columns payload=HEADER");
        }
        let mapped = server.both(&["import", "failed.csv", "--columns", "payload=Body", "--json"]).await;
        let new: Vec<Value> = mapped.into_iter().map(|shown| shown.is(0).json()["new"].clone()).collect();
        assert_eq!(new, [json!(1), json!(0)]);
        run(folder, &["import", "none.csv"]).await.is(1).complains("none.csv cannot be read");
        fs::write(folder.join("nothing"), "{\n  \"a\": 1\n}\n").unwrap();
        fs::write(folder.join("packed"), b"\x1f\x8b\x08\0\0\0").unwrap();
        for (file, why) in [("nothing", "nothing in the file could be understood"), ("packed", "gzip")] {
            for shown in server.both(&["import", file]).await {
                shown.is(1).complains(why);
            }
        }
        for format in ["csv", "ndjson"] {
            for of in ["notifications", "inbound"] {
                let nothing = ["export", "--of", of, "--format", format, "--status", "read", "--output", "exported"];
                let nothing = if of == "inbound" { [&nothing[..5], &nothing[7..]].concat() } else { nothing.to_vec() };
                run(folder, &nothing).await.is(0);
                for shown in server.both(&["import", "exported"]).await {
                    assert_eq!(shown.is(0).out, "the file has no rows; nothing was loaded\n", "{of} as {format}");
                }
            }
            for of in ["notifications", "quarantine"] {
                for shown in server.both(&["export", "--of", of, "--format", format, "--output", "exported"]).await {
                    shown.is(0);
                    for shown in server.both(&["import", "exported"]).await {
                        shown.is(0).prints(&["0 new", "0 unreadable"]);
                    }
                }
            }
            run(folder, &["export", "--format", format, "--output", "exported"]).await.is(0);
            for shown in server.both(&["import", "exported"]).await {
                shown.is(1).complains("receiptd export --of notifications");
            }
        }
        run(folder, &["import", "lines", "--columns", "code=x"]).await.is(2).complains("must be payload=HEADER");
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn quarantine_and_inbound_are_listed_shown_and_read_again() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts("not JSON").await.is_acknowledged();
        server.client.posts(r#"{"event":"MO","from":"447700900123","message":"Hi"}"#).await.is_acknowledged();
        for (list, words) in [("quarantine", "not JSON"), ("inbound", "447700900123")] {
            let fingerprint = server.client.items(&format!("/v1/{list}")).await[0]["fingerprint"].clone();
            let fingerprint = fingerprint.as_str().unwrap();
            for shown in server.both(&[list]).await {
                shown.is(0).prints(&["received", fingerprint]);
            }
            for shown in server.both(&[list, "list", "--json"]).await {
                assert_eq!(shown.is(0).json()["items"].as_array().unwrap().len(), 1);
            }
            for shown in server.both(&[list, "show", fingerprint]).await {
                shown.is(0).prints(&[words, "by notify"]);
            }
            for shown in server.both(&[list, "show", "0"]).await {
                shown.is(1).complains("no body has the fingerprint");
            }
        }
        for shown in server.both(&["quarantine", "retry"]).await {
            shown.is(0).prints(&["0 notifications and 0 inbound understood, 1 left in quarantine"]);
        }
        for shown in server.both(&["quarantine", "retry", "--json"]).await {
            assert_eq!(shown.is(0).json(), json!({"notifications": 0, "inbound": 0, "left": 1}));
        }
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn a_rebuild_reports_its_changes() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts(Sample::of("order-1")).await.is_acknowledged();
        for shown in server.both(&["rebuild", "--dry-run"]).await {
            shown.is(0).prints(&["1 messages examined, 0 would be altered"]);
        }
        let nothing = json!({"messages": 1, "altered": 0, "transitions": [], "first": []});
        for shown in server.both(&["rebuild", "--json"]).await {
            assert_eq!(shown.is(0).json(), nothing);
        }
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn status_events_are_followed_directly_and_through_a_server() {
    block_on(async {
        let server = serve(&[]).await;
        let folder = server.folder.path();
        let follow = ["messages", "--follow", "--json", "--channel", "sms", "--to", "+44 7700 900123"];
        let remote = [&follow[..], &["--server", &server.url, "--token", "t0ken"]].concat();
        let followers = [&follow[..], &remote].map(|arguments| Program::start(&mut receiptd(folder, arguments)));
        // The start of a follower cannot be observed, so new events are made until one has been seen.
        for (place, follower) in followers.iter().enumerate() {
            let mut n = 0;
            eventually("a change to be told", async || {
                n += 1;
                server.client.posts(Sample::of(&format!("order-{n}-{place}"))).await.is_acknowledged();
                let printed = follower.printed();
                let told: Value = serde_json::from_str(printed.lines().next()?).ok()?;
                assert_eq!((&told["status"], &told["channel"]), (&"delivered".into(), &"sms".into()), "{printed}");
                Some(())
            })
            .await;
        }
        drop(followers);
        for shown in server.both(&["messages", "--follow", "--to", "07700 900123"]).await {
            shown.is(2).complains("write it as in +447700900123");
        }
        let mut unauthorized = receiptd(folder, &remote[..remote.len() - 1]);
        ends(unauthorized.arg("another")).await.is(1).complains("401");
        server.program.ends_on("TERM").await.is(0);
    });
}
