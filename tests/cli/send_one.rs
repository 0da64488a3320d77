//! `receiptd send` with the flags of one message, and `receiptd cancel`.

use std::fs;

use harness::{Client, Program, Recorder, database::block_on, eventually, free_address, program::receiptd};
use serde_json::{Value, json};

use super::{Ended, folder, run, serve};

/// A folder with the settings to send through `platform`.
fn sending_to(platform: &str) -> tempfile::TempDir {
    let folder = folder();
    let settings = format!(
        "public_url = 'http://{}/notify'\n[webex]\nbase_url = '{platform}'\nservice_key = 'k3y'\n",
        free_address()
    );
    fs::write(folder.path().join("receiptd.toml"), settings).unwrap();
    folder
}

#[test]
fn every_member_of_a_message_has_its_flag() {
    block_on(async {
        let recorder = Recorder::answering(r#"{"messageId":"t-1","status":"queued"}"#).await;
        let folder = sending_to(&recorder.url);
        fs::write(folder.path().join("mail.html"), "<b>Hi</b>").unwrap();
        fs::write(folder.path().join("options.json"), r#"{"trackClicks":true}"#).unwrap();
        let send = async |flags: &[&str]| run(folder.path(), &[&["send"], flags].concat()).await;
        let mail = ["--channel", "email", "--from", "orders@example.com", "--to", "dana@example.org"];
        let said = ["--subject", "Hi", "--text", "@not a file", "--html", "@mail.html", "--options", "@options.json"];
        let more =
            ["--set", r#"cc=["ada@example.org"]"#, "--callback-data", "{}", "--expire-at", "2199-01-01T00:00:00Z"];
        let ended = send(&[&mail[..], &said, &more].concat()).await;
        ended.is(2).complains("expireAt");
        send(&[&mail[..], &said, &more[..4]].concat()).await.is(0).prints(&["accepted", "dana@example.org"]);
        let sms = ["--channel", "sms", "--from", "ACME"];
        let template = ["--to", "msisdn:+447700900123", "--template", r#"{"id":"t"}"#, "--set", "validity=3600"];
        send(&[&sms[..], &template].concat()).await.is(0);
        let bodies: Vec<Value> = recorder.requests().into_iter().map(|request| request.body).collect();
        assert_eq!(bodies.len(), 2);
        let mail = bodies[0].to_string();
        for said in ["<b>Hi</b>", "@not a file", "ada@example.org", r#""trackClicks":true"#, r#""subject":"Hi""#] {
            assert!(mail.contains(said), "{said} is not in {mail}");
        }
        assert_eq!((&bodies[1]["validity"], &bodies[1]["template"]), (&json!("3600"), &json!({ "id": "t" })));
        assert!(bodies[1]["to"].to_string().contains(r#""msisdn""#), "{}", bodies[1]);
        for (wrong, words) in [
            (&["--content", "{"][..], "--content is not JSON"),
            (&["--set", "cc"], "is not NAME=JSON"),
            (&["--set", "colour=1"], "colour is not a member of a message"),
            (&["--text", "Hi", "--send-at", "soon"], "sendAt must be a time"),
        ] {
            send(&[&sms[..], &["--to", "+447700900123"], wrong].concat()).await.is(2).complains(words);
        }
        send(&["--html", "@none.html"]).await.is(1).complains("none.html cannot be read");
    });
}

#[test]
fn a_message_is_cancelled_directly_and_through_a_server() {
    block_on(async {
        // Nothing listens there.
        let folder = sending_to("http://127.0.0.1:9");
        let (address, flags) = (free_address(), ["--channel", "whatsapp", "--from", "a_1", "--to", "+447700900123"]);
        let (server, client) = Program::serve(folder.path(), address, &[]).await;
        let url = format!("http://{address}");
        for (n, place) in [&[][..], &["--server", &url]].into_iter().enumerate() {
            let id = format!("order-{n}");
            let later = ["--text", "Hi", "--send-at", "2199-01-01T00:00:00Z", "--correlation-id", &id];
            run(folder.path(), &[&["send"], &flags[..], &later, place].concat()).await.is(0).prints(&["queued"]);
            let cancel = async |id: &str| -> Ended { run(folder.path(), &[&["cancel", id], place].concat()).await };
            cancel(&id).await.is(0).prints(&[&id, "cancelled", "final"]);
            cancel(&id).await.is(0);
            assert_eq!(client.status_of(&id).await.as_deref(), Some("cancelled"));
            cancel("order-9").await.is(1).complains("there is no message with the correlation id \"order-9\"");
            let seen = format!("seen-{n}");
            client.posts(super::Sample::of(&seen)).await.is_acknowledged();
            cancel(&seen).await.is(1).complains("another system sent the message");
        }
        let audit = run(folder.path(), &["audit", "--json"]).await.is(0).json();
        let told = |entry: &Value| {
            let who = if entry["actor"].as_str().unwrap().starts_with("cli:") { "by hand" } else { "by the server" };
            format!("{} {} {who}", entry["count"], entry["action"].as_str().unwrap())
        };
        let mut told: Vec<_> = audit["items"].as_array().unwrap().iter().map(told).collect();
        told.sort_unstable();
        assert_eq!(
            told,
            ["1 cancelled by hand", "1 cancelled by the server", "1 sent by hand", "1 sent by the server"]
        );
        server.ends_on("TERM").await.is(0);
    });
}

#[test]
fn a_dispatched_message_cannot_be_cancelled() {
    block_on(async {
        let recorder = Recorder::answering(r#"{"messageId":"t-1","status":"queued"}"#).await;
        let folder = sending_to(&recorder.url);
        let message = ["send", "--channel", "sms", "--from", "ACME", "--to", "+447700900123", "--text", "Hi"];
        run(folder.path(), &[&message[..], &["--correlation-id", "order-1"]].concat()).await.is(0);
        run(folder.path(), &["cancel", "order-1"]).await.is(1).complains("too late: the message is accepted");
        let server = serve(&[("RECEIPTD_DATABASE_URL", &database(folder.path()))]).await;
        let remote = ["cancel", "order-1", "--server", &server.url, "--token", "t0ken"];
        run(folder.path(), &remote).await.is(1).complains("the message is accepted");
        server.program.ends_on("TERM").await.is(0);
    });
}

fn database(folder: &std::path::Path) -> String {
    format!("sqlite://{}", folder.join("receiptd.db").display())
}

#[test]
fn messages_are_sent_with_and_without_a_server() {
    block_on(async {
        let (platform, simulated) = (folder(), free_address().to_string());
        let quick = ["--duplicates", "0", "--reorder", "0", "--early", "0", "--failures", "0", "--notify-delay", "5"];
        let simulate = [&["simulate", "--listen", &simulated, "--service-key", "k3y"][..], &quick].concat();
        let platform = Program::start(&mut receiptd(platform.path(), &simulate));
        let url = format!("http://{simulated}");
        eventually("the simulator", async || platform.printed().contains(&url).then_some(())).await;
        let address = free_address();
        let notify = format!("http://{address}/notify");
        let settings = format!("public_url = '{notify}'\n[webex]\nbase_url = '{url}'\nservice_key = 'k3y'\n");
        let folder = folder();
        fs::write(folder.path().join("receiptd.toml"), settings).unwrap();
        let (server, client) = Program::serve(folder.path(), address, &[]).await;
        let remote = format!("http://{address}");
        for (n, place) in [&[][..], &["--server", &remote]].into_iter().enumerate() {
            let send = async |id: &str, text: &str, more: &[&str]| {
                let message = ["send", "--channel", "sms", "--from", "ACME", "--to", "+447700900123", "--text", text];
                run(folder.path(), &[&message[..], &["--correlation-id", id], more, place].concat()).await
            };
            let id = format!("order-{n}");
            let shown = send(&id, "Hello. [sim:until=delivered]", &["--wait", "--json"]).await.is(0).json();
            assert_eq!((&shown["status"], &shown["origin"]), (&"delivered".into(), &"sent".into()));
            // An equal message is the same message. A different one is rejected.
            send(&id, "Hello. [sim:until=delivered]", &["--wait"]).await.is(0).prints(&[&id, "delivered", "final"]);
            send(&id, "Hello!", &[]).await.is(1).complains("another message has the correlation id");
            let refused = format!("refused-{n}");
            send(&refused, "Hello. [sim:answer=7004]", &["--wait"])
                .await
                .is(1)
                .complains("the platform rejected the message");
            let failed = format!("failed-{n}");
            send(&failed, "Hello. [sim:fail=7207]", &["--wait"]).await.is(1).complains("the message failed");
            let silent = format!("silent-{n}");
            let ended = send(&silent, "Hello. [sim:until=submitted]", &["--wait", "--timeout", "1"]).await.is(1);
            ended.complains("the message has no final status after 1 seconds");
            ended.prints(&[&silent]);
            send(&"x".repeat(51), "Hello.", &[]).await.is(2).complains("51 bytes");
            send("order", "Hello.", &["--options", "{"]).await.is(2).complains("--options is not JSON");
        }
        let report: Value = Client::of(url).gets("/simulator/report").await.is(200).json();
        assert_eq!(
            report["acceptedByCorrelationId"],
            json!({
                "order-0": 1, "order-1": 1, "failed-0": 1, "failed-1": 1, "silent-0": 1, "silent-1": 1
            })
        );
        assert_eq!(client.ids("").await.len(), 8);
        server.ends_on("INT").await.is(0);
        platform.ends_on("TERM").await.is(0);
    });
}
