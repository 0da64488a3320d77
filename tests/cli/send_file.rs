//! `receiptd send --file`: sends each row of a file once.

use std::{fs, process::Stdio};

use harness::{Client, Platform, Program, database::block_on, eventually, free_address, program::receiptd};
use receiptd::simulator::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Ended, ends, folder, run};

/// A platform, a folder with the settings to send through it, and a server on the same database.
struct Post {
    platform: Platform,
    folder: TempDir,
    address: std::net::SocketAddr,
    server: Option<(Program, Client)>,
}

impl Post {
    /// Without a server yet.
    fn new() -> Self {
        let (platform, folder, address) = (Platform::with(Settings::calm()), folder(), free_address());
        let settings = format!(
            "public_url = 'http://{address}/notify'\n[webex]\nbase_url = '{}'\nservice_key = 'k3y'\n",
            platform.url
        );
        fs::write(folder.path().join("receiptd.toml"), settings).unwrap();
        Self { platform, folder, address, server: None }
    }

    async fn serving() -> Self {
        let mut post = Self::new();
        post.serves().await;
        post
    }

    async fn serves(&mut self) {
        self.server = Some(Program::serve(self.folder.path(), self.address, &[]).await);
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn writes(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn reads(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    async fn sends(&self, file: &str, flags: &[&str]) -> Ended {
        let message = ["send", "--file", file, "--channel", "sms", "--from", "ACME"];
        run(self.folder.path(), &[&message[..], flags].concat()).await
    }

    /// How often the platform accepted each message.
    fn taken(&self) -> Vec<u64> {
        self.platform.report().accepted_by_correlation_id.into_values().collect()
    }

    /// Stops the platform, which fails the test if it accepted a message twice.
    async fn ends(self) {
        if let Some((server, _)) = self.server {
            server.ends_on("TERM").await.is(0);
        }
        self.platform.stop().await;
    }
}

/// These members of a report.
fn counts(report: &Value, names: [&str; 5]) -> [u64; 5] {
    names.map(|name| report[name].as_u64().unwrap_or_else(|| panic!("{name} of {report}")))
}

const COUNTS: [&str; 5] = ["rows", "bad", "duplicates", "new", "alreadySent"];

#[test]
fn a_table_is_sent_once_directly_and_through_a_server() {
    block_on(async {
        let post = Post::serving().await;
        let url = post.url();
        let table = "\u{FEFF}phone;name;city\r\n+447700900123;\"Ada\r\nof {x}\";Rome\r\n447700900124;Bob;Paris\r\n\
                     447700900124;Bob;Paris\r\n";
        post.writes("people.csv", table);
        for (place, greeting) in [
            (&[][..], "Hi {name} {{}} [sim:until=delivered]"),
            (&["--server", &url], "Yo {name} [sim:until=delivered]"),
        ] {
            let flags = ["--delimiter", ";", "--to-column", "phone", "--template-text", greeting];
            let send = async |more: &[&str]| post.sends("people.csv", &[&flags[..], place, more].concat()).await.is(0);
            let before = post.taken().len();
            let first = send(&["--wait", "--json"]).await.json();
            assert_eq!(counts(&first, COUNTS), [3, 0, 1, 2, 0], "{first}");
            assert_eq!((&first["statuses"], &first["settled"]), (&json!({ "delivered": 2 }), &json!(true)));
            let again = send(&[]).await;
            again.prints(&[
                "already sent",
                "everything was sent earlier",
                "--batch",
                "unused columns: city",
                "at line 5",
            ]);
            assert_eq!(post.taken().len(), before + 2);
            let batch = send(&["--batch", "tuesday", "--wait", "--json"]).await.json();
            assert_eq!(counts(&batch, COUNTS), [3, 0, 1, 2, 0], "{batch}");
            assert_eq!(post.taken().len(), before + 4);
        }
        post.ends().await;
    });
}

#[test]
fn invalid_rows_stop_the_file_and_can_be_corrected() {
    block_on(async {
        let post = Post::new();
        post.writes(
            "people.csv",
            "to,text,order\n+447700900123,Hi,1\nsoon,Hi,2\n+447700900124,,3\n+447700900125,Hi\n+447700900126,Ho,1\n",
        );
        let flags = ["--id-column", "order", "--failed", "failed.csv"];
        let kept_back = post.sends("people.csv", &flags).await.is(2);
        kept_back.prints(&[
            "line 3: to must be a number in international form",
            "line 4: text is required",
            "line 5:",
            "has 2 cells, but there are 3 columns",
            "line 6:",
            "of the row at line 2",
            "nothing was sent",
            "4 failed rows are in failed.csv",
        ]);
        kept_back.complains("4 of 5 rows are invalid");
        assert!(post.taken().is_empty());
        let failed = post.reads("failed.csv");
        let lines: Vec<_> = failed.lines().collect();
        assert_eq!((lines.len(), lines[0]), (5, "to,text,order,error,retry"), "{failed}");
        assert!(lines[1].starts_with("soon,Hi,2,") && lines[1].ends_with(",0"), "{failed}");
        post.sends("people.csv", &[&flags[..], &["--skip-bad"]].concat()).await.is(0);
        assert_eq!(post.taken(), [1]);
        // Corrected, with the reasons still in the file.
        let better =
            failed.replace("soon", "+447700900127").replace("124,,", "124,Hey,").replace("125,Hi,,", "125,Hi,5,");
        post.writes("failed.csv", better.replace("126,Ho,1,", "126,Ho,4,"));
        let fed_back = post.sends("failed.csv", &[&flags[..], &["--json"]].concat()).await.is(0).json();
        assert_eq!(counts(&fed_back, COUNTS), [4, 0, 0, 4, 0], "{fed_back}");
        assert_eq!(post.reads("failed.csv").lines().count(), 1, "it is replaced by what failed now");
        assert_eq!(post.taken(), [1; 5]);
        post.ends().await;
    });
}

#[test]
fn each_line_of_ndjson_is_an_object_without_repeated_members() {
    block_on(async {
        let post = Post::new();
        let message = json!({"to": "+447700900123", "text": "Hi"});
        post.writes("pretty.json", serde_json::to_string_pretty(&message).unwrap());
        let kept_back = post.sends("pretty.json", &[]).await.is(2);
        kept_back.prints(&[
            "line 1:",
            "is not JSON: it ends too early, at column 1",
            "each line must be one JSON object",
            "jq -c",
        ]);
        post.writes("array.json", json!([message]).to_string());
        post.sends("array.json", &[]).await.is(2).prints(&["line 1:", "is not a JSON object; each line must be one"]);
        let twice = r#"{"to":"+447700900123","to":"+447700900124","text":"Hi"}"#;
        post.writes("twice.json", format!("{message}\n{twice}\n"));
        post.sends("twice.json", &[]).await.is(2).prints(&["line 2:", "/to is given more than once; give it once"]);
        let options = "to,text,options\n+447700900123,Hi,\"{\"\"a\"\":1,\"\"a\"\":2}\"\n";
        post.writes("options.csv", options);
        post.sends("options.csv", &[]).await.is(2).prints(&["line 2:", "/a is given more than once; give it once"]);
        assert!(post.taken().is_empty());
        post.ends().await;
    });
}

#[test]
fn a_rejected_row_becomes_a_new_message_when_it_is_sent_again() {
    block_on(async {
        let post = Post::serving().await;
        let refused = json!({ "to": "+447700900123", "text": "Hi [sim:answer=7004]" });
        let good = json!({ "to": "+447700900124", "text": "Hi [sim:until=delivered]", "from": "OTHER" });
        let own = json!({ "to": "+447700900125", "text": "Hi [sim:answer=7004]", "correlationId": "order-1" });
        post.writes("all.ndjson", format!("{refused}\n{good}\n{own}\n"));
        let url = post.url();
        let mut file = "all.ndjson".to_owned();
        for (retry, place) in [(1, &[][..]), (2, &["--server", &url])] {
            let flags = ["--wait", "--json", "--failed", "failed.ndjson"];
            let ended = post.sends(&file, &[&flags[..], place].concat()).await.is(1);
            ended.complains("2 rows failed");
            assert_eq!(ended.json()["statuses"]["rejected"], 2);
            "failed.ndjson".clone_into(&mut file);
            let failed: Vec<Value> =
                post.reads(&file).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!((failed.len(), &failed[0]["retry"], &failed[1]["retry"]), (2, &json!(retry), &json!(retry)));
            assert!(failed[0]["error"].as_str().unwrap().contains("rejected"), "{failed:?}");
        }
        let client = &post.server.as_ref().unwrap().1;
        let mut ids = client.ids("?status=rejected").await;
        ids.retain(|id| id.starts_with("order-1"));
        ids.sort_unstable();
        assert_eq!(ids, ["order-1", "order-1~1"]);
        post.ends().await;
    });
}

#[test]
fn a_dry_run_needs_no_settings_and_changes_nothing() {
    block_on(async {
        let folder = folder();
        fs::write(
            folder.path().join("x.csv"),
            "to,channel,name,subject\n+447700900123,,Ada,\ndana@example.org,email,Dana,News\n",
        )
        .unwrap();
        let flags = ["send", "--file", "x.csv", "--channel", "sms", "--from", "a@b.c", "--template-text", "Hi {name}"];
        let shown = run(folder.path(), &[&flags[..], &["--dry-run"]].concat()).await.is(0);
        shown.prints(&["\"text\": \"Hi Ada\"", "rows", "sms", "email", "nothing was sent (--dry-run)"]);
        let json = run(folder.path(), &[&flags[..], &["--dry-run", "--json"]].concat()).await.is(0).json();
        assert_eq!(json["channels"], json!({ "email": 1, "sms": 1 }));
        assert_eq!(json["example"]["to"], "+447700900123");
        assert!(!folder.path().join("receiptd.db").exists());
        run(folder.path(), &flags).await.is(1).complains("sending is not configured");
        let wrong = async |flags: &[&str], words: &str| {
            let all = [&["send", "--file", "x.csv", "--dry-run"][..], flags].concat();
            run(folder.path(), &all).await.is(2).complains(words);
        };
        let columns = "there is no column \"nmae\"; the columns are to, channel, name, subject";
        wrong(&["--template-text", "Hi {nmae}"], columns).await;
        wrong(&["--template-text", "Hi {name"], "has a { without its }").await;
        wrong(&["--id-column", "order"], "there is no column \"order\"").await;
        wrong(&["--delimiter", ";"], "did you mean --delimiter ','?").await;
        wrong(&["--correlation-id", "x"], "cannot be used with").await;
    });
}

#[test]
fn a_file_can_be_read_from_standard_input() {
    block_on(async {
        let post = Post::new();
        let line = |n: usize| json!({ "to": "+447700900123", "text": format!("Hi {n}") }).to_string();
        let lines = (0..600).map(line).collect::<Vec<_>>().join("\n");
        post.writes("x.ndjson", lines);
        for (n, new) in [600, 0].into_iter().enumerate() {
            let flags = ["send", "--file", "-", "--format", "ndjson", "--channel", "sms", "--from", "ACME", "--json"];
            let mut command = receiptd(post.folder.path(), &flags);
            let input = fs::File::open(post.folder.path().join("x.ndjson")).unwrap();
            let report = ends(command.stdin(Stdio::from(input))).await.is(0).json();
            assert_eq!(counts(&report, COUNTS), [600, 0, 0, new, 600 - new], "run {n}: {report}");
            assert_eq!(report["statuses"], json!({ "accepted": 600 }));
        }
        assert_eq!(post.taken(), [1; 600]);
        post.ends().await;
    });
}

const MANY: usize = 1000;

fn many() -> String {
    let row = |n: usize| format!("+447700900{:03},customer {n}\n", n % 1000);
    format!("to,name\n{}", (0..MANY).map(row).collect::<String>())
}

#[test]
fn a_stopped_run_can_be_repeated_and_sends_each_row_once() {
    block_on(async {
        let post = Post::new();
        post.writes("people.csv", many());
        let flags = ["--template-text", "Hello {name}", "--json"];
        let arguments = [&["send", "--file", "people.csv", "--channel", "sms", "--from", "ACME"][..], &flags].concat();
        let program = Program::start(&mut receiptd(post.folder.path(), &arguments));
        eventually("some to be sent", async || (post.taken().len() > 100).then_some(())).await;
        program.ends_on("INT").await.is(1).complains("not all rows");
        assert!(post.taken().len() < MANY);
        let report = post.sends("people.csv", &flags).await.is(0).json();
        assert_eq!(report["rows"], MANY);
        assert!(report["alreadySent"].as_u64().unwrap() > 0, "{report}");
        assert_eq!((&report["statuses"], post.taken()), (&json!({ "accepted": MANY }), vec![1; MANY]));
        post.ends().await;
    });
}

#[test]
fn a_killed_server_loses_and_repeats_nothing() {
    block_on(async {
        let mut post = Post::serving().await;
        post.writes("people.csv", many());
        let url = post.url();
        let flags = ["--template-text", "Hello {name}", "--json", "--server", &url];
        let arguments = [&["send", "--file", "people.csv", "--channel", "sms", "--from", "ACME"][..], &flags].concat();
        let program = Program::start(&mut receiptd(post.folder.path(), &arguments));
        eventually("some to be sent", async || (post.taken().len() > 20).then_some(())).await;
        // As by a power failure.
        drop(post.server.take());
        let ended = program.ends().await;
        // The command may have just finished.
        assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
        post.serves().await;
        let report = post.sends("people.csv", &flags).await.is(0).json();
        assert_eq!(report["new"].as_u64().unwrap() + report["alreadySent"].as_u64().unwrap(), MANY as u64);
        let client = post.server.as_ref().unwrap().1.clone();
        eventually("all to be dispatched", async || {
            client.ids("?status=queued&limit=1").await.is_empty().then_some(())
        })
        .await;
        // A message that was in dispatch at the kill stays so until its lease expires, and is not sent again.
        let mut cut_off = 0;
        for status in ["sending", "unconfirmed"] {
            cut_off += client.ids(&format!("?status={status}&limit=500")).await.len();
        }
        assert!(post.taken().len() + cut_off >= MANY, "{} and {cut_off}", post.taken().len());
        post.ends().await;
    });
}

#[test]
fn a_table_is_read_in_utf_16_with_tabs_and_under_any_case_of_its_name() {
    block_on(async {
        let post = Post::new();
        let table = |between: &str| format!("to{between}text\r\n+447700900123{between}Héllo\r\n");
        let utf_16: Vec<u8> = format!("\u{feff}{}", table(";")).encode_utf16().flat_map(u16::to_le_bytes).collect();
        post.writes("PEOPLE.CSV", table(","));
        post.writes("people.Tsv", table("\t"));
        post.writes("excel.csv", utf_16);
        for (file, flags) in [("PEOPLE.CSV", &[][..]), ("people.Tsv", &[]), ("excel.csv", &["--delimiter", ";"])] {
            let report = post.sends(file, &[&["--dry-run", "--json"], flags].concat()).await.is(0).json();
            assert_eq!((&report["rows"], &report["example"]["text"]), (&1.into(), &"Héllo".into()), "{file}");
        }
        post.writes("packed.csv", b"\x1f\x8b\x08\0\0");
        post.sends("packed.csv", &["--dry-run"]).await.is(1).complains("gzip");
        post.writes("sep.csv", format!("sep=;\r\n{}", table(";")));
        post.sends("sep.csv", &["--dry-run", "--delimiter", ";"]).await.is(2).complains("the file begins with sep=");
        post.ends().await;
    });
}
