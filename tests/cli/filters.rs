//! Filters and counts on the command line, for the database and for a server.

use harness::{Sample, database::block_on};
use serde_json::{Value, json};

use super::{run, serve};

#[test]
fn every_filter_of_the_api_is_a_flag() {
    block_on(async {
        let server = serve(&[("RECEIPTD_OVERDUE__SMS", "0")]).await;
        for sample in [
            Sample::of("order-1").calls_back("shop 7"),
            Sample::of("order-2").calls_back("shop 8").says("Submitted", "7501"),
            Sample::of("mail-3").on("Email").says("Bounce", "7520").to("a@example.org"),
        ] {
            server.client.posts(sample).await.is_acknowledged();
        }
        // Without a server, the settings of the command decide what is overdue.
        std::fs::write(server.folder.path().join("receiptd.toml"), "[overdue]\nsms = 0\n").unwrap();
        for (flags, expected) in [
            (&["--callback-data", "shop*"][..], &["order-2", "order-1"][..]),
            (&["--callback-data", "shop 7"], &["order-1"]),
            (&["--correlation-id", "order-*", "--final", "true"], &["order-1"]),
            (&["--correlation-id", "mail-3"], &["mail-3"]),
            (&["--overdue"], &["order-2"]),
            (&["--overdue", "false"], &["mail-3", "order-1"]),
            (&["--overdue", "--callback-data", "shop 7"], &[]),
            (&["--since", "today", "--until", "now", "--channel", "email"], &["mail-3"]),
            (&["--since", "24h", "--channel", "email"], &["mail-3"]),
            (&["--since", "2026-01-01", "--correlation-id", "order-*"], &["order-2", "order-1"]),
            (&["--until", "yesterday"], &[]),
            (&["--from", "ACME"], &[]),
            (&["--until", "1w"], &[]),
            (&["--origin", "observed", "--channel", "email", "--failure", "permanent"], &[]),
        ] {
            for shown in server.both(&[&["messages", "--json"], flags].concat()).await {
                let page = shown.is(0).json();
                let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| &item["correlationId"]).collect();
                assert_eq!(ids, expected, "{flags:?}");
            }
        }
        for shown in server.both(&["messages", "--overdue", "perhaps", "--correlation-id", ""]).await {
            let shown = shown.is(2);
            shown.complains("must be true or false");
            shown.complains("must not be empty");
        }
        for wrong in ["tomorrow", "24", "1y", "2026-02-30"] {
            run(server.folder.path(), &["messages", "--since", wrong]).await.is(2).complains("such as 24h");
        }
        for since in ["24h", "yesterday", "2026-01-01"] {
            for shown in server.both(&["stats", "--json", "--since", since]).await {
                assert_ne!(shown.is(0).json()["items"], json!([]), "{since}");
            }
        }
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn a_number_is_found_in_any_spelling_and_an_empty_list_is_reported() {
    block_on(async {
        let server = serve(&[]).await;
        for shown in server.both(&["messages"]).await {
            assert_eq!(shown.is(0).out, "no messages\n");
        }
        for (id, to) in [("order-1", "00447700900123"), ("order-2", "\u{202A}+44 7700 900123\u{202C}")] {
            server.client.posts(Sample::of(id).to(to)).await.is_acknowledged();
        }
        for spelling in
            ["447700900123", "+44\u{A0}7700\u{2011}900123", "tel:+447700900123", "447700900123@s.whatsapp.net"]
        {
            for shown in server.both(&["messages", "--to", spelling, "--json"]).await {
                assert_eq!(shown.is(0).json()["items"].as_array().unwrap().len(), 2, "{spelling}");
            }
        }
        for command in [&["messages"][..], &["export"]] {
            for shown in server.both(&[command, &["--to", "07700 900123"]].concat()).await {
                shown.is(2).complains("write it as in +447700900123");
            }
        }
        for nobody in ["447700900124", "userid:07700900123"] {
            for shown in server.both(&["messages", "--to", nobody]).await {
                assert_eq!(shown.is(0).out, "no messages\n");
            }
        }
        for shown in server.both(&["messages", "--channel", "smss"]).await {
            shown.is(0).prints(&["no messages; \"smss\" is not a known channel; the channels are sms, mms"]);
        }
        for shown in server.both(&["messages", "--channel", "Facebook Messenger"]).await {
            assert_eq!(shown.is(0).out, "no messages\n");
        }
        for (command, nothing) in
            [("inbound", "no inbound messages\n"), ("quarantine", "nothing in quarantine\n"), ("audit", "no entries\n")]
        {
            for shown in server.both(&[command]).await {
                assert_eq!(shown.is(0).out, nothing);
            }
        }
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn whatever_is_at_hand_is_found_in_the_database_and_at_a_server() {
    block_on(async {
        let server = serve(&[]).await;
        let sample = Sample::of("order-1").says("Un-Delivered", "7203");
        server.client.posts(sample.clone()).await.is_acknowledged();
        let no_number = "Not delivered: this number does not exist.";
        for (words, printed) in [
            (&["+44", "7700", "900123"][..], &["As recipient: 447700900123", "order-1"][..]),
            (&["order-1"], &["As correlation id: order-1", "receiptd status order-1"]),
            (&["failed: order=order-1"], &["As correlation id: order-1"]),
            (&["7203"], &["As code: 7203", "sms", "This number does not exist."]),
        ] {
            for shown in server.both(&[&["find"], words].concat()).await {
                let shown = shown.is(0);
                // A table may break the line, so only its parts are compared.
                shown.prints(printed);
            }
        }
        for shown in server.both(&["find", "--json", &sample.body()]).await {
            let found = &shown.is(0).json()["found"][0];
            assert_eq!(found["messages"][0]["verdict"]["sentence"], no_number);
        }
        for shown in server.both(&["find", "order-2"]).await {
            shown.is(0).prints(&["No message was found.", "correlation id", "order-2", "Check the spelling."]);
        }
        for shown in server.both(&["find", " "]).await {
            shown.is(2).complains("give a text to find");
        }
        for shown in server.both(&["status", "order-1"]).await {
            shown.is(0).prints(&[no_number, "Check the number with the recipient."]);
        }
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn messages_are_counted_in_the_database_and_at_a_server() {
    block_on(async {
        let server = serve(&[]).await;
        for (id, status) in [("a", "Delivered"), ("b", "Delivered"), ("c", "Read")] {
            server.client.posts(Sample::of(id).says(status, "0")).await.is_acknowledged();
        }
        let item = |status: &str, count: i64| json!({"channel": "sms", "status": status, "count": count});
        let expected = json!({"items": [item("delivered", 2), item("read", 1)]});
        for shown in server.both(&["stats", "--json"]).await {
            assert_eq!(shown.is(0).json(), expected);
        }
        for shown in server.both(&["stats", "--by", "status, code", "--since", "2026-01-01T00:00:00Z"]).await {
            shown.is(0).prints(&["status", "code", "messages", "delivered", "read"]);
        }
        for shown in server.both(&["stats", "--until", "2026-01-01T00:00:00Z", "--json"]).await {
            assert_eq!(shown.is(0).json()["items"], Value::Array(Vec::new()));
        }
        for shown in server.both(&["stats", "--until", "2026-01-01T00:00:00Z"]).await {
            assert_eq!(shown.is(0).out, "no messages\n");
        }
        for shown in server.both(&["stats", "--by", "weather", "--since", "2026-01-01T00:30:00Z"]).await {
            let shown = shown.is(2);
            shown.complains("must be any of channel, status, code, from, day, hour");
            shown.complains("the beginning of an hour");
        }
        assert!(run(server.folder.path(), &["stats", "--help"]).await.is(0).out.contains("--by"));
        server.program.ends_on("TERM").await.is(0);
    });
}
