//! The program from outside: its output and its exit codes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod backup;
mod bulk;
mod connect;
mod filters;
mod hangup;
mod output;
mod repair;
mod send_file;
mod send_one;
mod tls;
mod views;

mod audit;

use std::{fs, path::Path, process::Command};

use harness::{
    Client, Program, Sample,
    database::block_on,
    free_address,
    program::{Ended, receiptd},
};
use serde_json::Value;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Runs a command to its end.
async fn run(folder: &Path, arguments: &[&str]) -> Ended {
    ends(&mut receiptd(folder, arguments)).await
}

async fn ends(command: &mut Command) -> Ended {
    Program::start(command).ends().await
}

#[test]
fn every_command_has_a_help_text() {
    block_on(async {
        let folder = folder();
        let help = run(folder.path(), &["--help"]).await.is(0).out;
        let commands =
            help.split("Commands:").nth(1).unwrap().lines().skip(1).map_while(|line| line.split_whitespace().next());
        let commands: Vec<_> = commands.filter(|name| *name != "help").collect();
        for needed in ["serve", "demo", "simulate", "send", "cancel", "status", "messages", "check-config", "migrate"] {
            assert!(commands.contains(&needed), "{needed} is not among {commands:?}");
        }
        for command in commands {
            let help = run(folder.path(), &[command, "--help"]).await.is(0);
            help.prints(&[&format!("Usage: receiptd {command}"), "Options:"]);
            let first = help.out.lines().next().unwrap();
            assert!(first.len() > 10 && !first.starts_with("Usage"), "{command} says {first:?} of itself");
        }
        run(folder.path(), &["--version"]).await.is(0).prints(&["receiptd 0.1"]);
    });
}

#[test]
fn usage_errors_and_failures_have_different_exit_codes() {
    block_on(async {
        let folder = folder();
        for wrong in [
            &[][..],
            &["sned"],
            &["status"],
            &["serve", "--colour"],
            &["demo", "--messages", "many"],
            &["send", "--channel", "sms"],
            &["messages", "--server", "no URL"],
        ] {
            assert!(!run(folder.path(), wrong).await.is(2).err.is_empty(), "{wrong:?}");
        }
        let fails = async |arguments: &[&str], words: &str| run(folder.path(), arguments).await.is(1).complains(words);
        fails(&["serve", "--listen", "here"], "listen must be an address").await;
        fails(&["serve", "--config", "none.toml"], "none.toml cannot be read").await;
        fails(&["status", "x", "--database-url", "mysql://x"], "sqlite:// or postgres://").await;
        fails(&["migrate", "--database-url", "sqlite:///nowhere/x.db"], "cannot be opened").await;
        fails(&["migrate", "--database-url", "sqlite::memory:"], "in memory would lose").await;
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        fails(&["serve", "--listen", &taken.local_addr().unwrap().to_string()], "cannot listen on").await;
        fails(&["status", "x", "--server", "http://127.0.0.1:9"], "does not answer").await;
        // Commands that only read create nothing.
        for look in [&["status", "x"][..], &["messages"]] {
            fails(look, "there is no database at receiptd.db").await;
            assert!(!folder.path().join("receiptd.db").exists());
        }
        // An empty file is not changed by a command that only reads.
        fs::write(folder.path().join("receiptd.db"), "").unwrap();
        for command in
            [&["status", "x"][..], &["messages"], &["export"], &["import", "-"], &["cancel", "x"], &["audit"]]
        {
            fails(command, "run `receiptd migrate`").await;
        }
        let mut serve = receiptd(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        ends(serve.env("RECEIPTD_DATABASE__MIGRATE", "false")).await.is(1).complains("run `receiptd migrate`");
        assert_eq!(fs::metadata(folder.path().join("receiptd.db")).unwrap().len(), 0);
        run(folder.path(), &["migrate"]).await.is(0).prints(&["up to date"]);
        run(folder.path(), &["messages"]).await.is(0);
    });
}

#[test]
fn check_config_shows_the_settings_without_secrets() {
    block_on(async {
        let folder = folder();
        let file = "listen = '0.0.0.0:8080'\npublic_url = 'https://status.example.com/notify/p4th-t0ken-of-the-test'\n\
                    api.tokens = ['ops:admin:4pi-t0ken-of-the-test']\n[notify]\npath_token = 'p4th-t0ken-of-the-test'\n\
                    hub_secrets = ['hub-s3cret-of-the-test']\nbasic = 'user:b4sic-s3cret-of-the-test'\n\
                    [webex]\nregion = 'eu'\nservice_key = 's3rvice-key'\nnotify_auth_id = 'TN0EXMPL7A'\n";
        fs::write(folder.path().join("receiptd.toml"), file).unwrap();
        let mut command = receiptd(folder.path(), &["check-config"]);
        let command = command.env("RECEIPTD_DATABASE_URL", "postgres://user:p4ssword@db.example.com/receiptd");
        let table = ends(command).await.is(0);
        table.prints(&["0.0.0.0:8080", "Postgres", "ops", "path token, signature, basic"]);
        table.prints(&["through https://api.eu.webexconnect.io/", "receiptd.toml, line 10", "RECEIPTD_DATABASE_URL"]);
        table.prints(&["postgres://user:***@db.example.com/receiptd", "https://status.example.com/notify/***"]);
        let json = ends(command.arg("--json")).await.is(0);
        assert_eq!(json.json()["listen"], "0.0.0.0:8080");
        let settings = json.json()["settings"].as_array().unwrap().clone();
        let expected = serde_json::json!({"name": "send.batch", "value": "1", "source": "default"});
        assert!(settings.contains(&expected), "{settings:?}");
        for secret in ["p4th-t0ken", "4pi-t0ken", "hub-s3cret", "b4sic-s3cret", "s3rvice-key", "p4ssword"] {
            for shown in [&table, &json] {
                assert!(!shown.out.contains(secret) && !shown.err.contains(secret), "{secret} in {shown:?}");
            }
        }
        let refused = ends(command.env("RECEIPTD_LOG__FORMAT", "xml").env("RECEIPTD_SEND__ATTEMPTS", "0")).await.is(1);
        refused.complains("log.format must be auto, plain or json");
        refused.complains("send.attempts must be at least 1");
    });
}

#[test]
fn commands_that_only_read_ignore_settings_of_the_server() {
    block_on(async {
        let folder = folder();
        run(folder.path(), &["migrate"]).await.is(0);
        let file = "listen = '0.0.0.0:80'\npublic_url = 'https://hooks.example.com'\nwebex.region = 'mars'\n";
        fs::write(folder.path().join("receiptd.toml"), file).unwrap();
        for command in
            [&["messages"][..], &["stats"], &["quarantine", "list"], &["inbound", "list"], &["audit"], &["migrate"]]
        {
            let ended = ends(receiptd(folder.path(), command).env("RECEIPTD_API_TOKENS_FILE", "/nowhere")).await;
            assert!(ended.code == Some(0) || ended.err.contains("unrecognized"), "{command:?}: {}", ended.err);
        }
        run(folder.path(), &["serve"]).await.is(1).complains("public_url must end with /notify");
        let send = ["send", "--channel", "sms", "--from", "ACME", "--to", "+447700900123", "--text", "x"];
        run(folder.path(), &send).await.is(1).complains("webex.region must be one of");
    });
}

#[test]
fn secrets_of_the_command_line_can_be_read_from_files() {
    block_on(async {
        let server = serve(&[]).await;
        let file = server.folder.path().join("token");
        fs::write(&file, "\u{FEFF}t0ken\n").unwrap();
        let mut command = receiptd(server.folder.path(), &["messages"]);
        let command = command.env("RECEIPTD_SERVER", &server.url).env("RECEIPTD_TOKEN_FILE", &file);
        ends(command.env("RECEIPTD_TOKEN", "")).await.is(0).prints(&["no messages"]);
        ends(command.env("RECEIPTD_TOKEN", "t0ken")).await.is(2).complains("exclude each other");
        ends(command.env("RECEIPTD_TOKEN", "").env("RECEIPTD_TOKEN_FILE", "/nowhere"))
            .await
            .is(1)
            .complains("RECEIPTD_TOKEN_FILE");
        // A flag has priority over all of them, and an empty variable counts as not set.
        ends(command.arg("--token").arg("t0ken")).await.is(0);
        let mut command = receiptd(server.folder.path(), &["messages"]);
        ends(command.env("RECEIPTD_SERVER", "").env("RECEIPTD_CONFIG", "").env("RUST_LOG", "")).await.is(0);
        ends(command.env("RUST_LOG", "receiptd==bad[")).await.is(1).complains("RUST_LOG is not a valid log filter");
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn the_demo_shows_everything_and_ends() {
    block_on(async {
        let folder = folder();
        let demo = run(folder.path(), &["demo", "--messages", "120", "--exit"]).await.is(0);
        demo.prints(&["channel", "delivered", "notifications posted", "The status of one message, with the reasons:"]);
        let count = |line: &str| {
            let mut words = line.split_whitespace();
            let channel = words.next()?;
            let is_channel = receiptd::domain::Channel::known().any(|known| known.as_str() == channel);
            is_channel.then(|| words.filter_map(|word| word.parse::<u64>().ok()).sum::<u64>())
        };
        let counts: Vec<_> = demo.out.lines().filter_map(count).collect();
        assert_eq!((counts.len(), counts.iter().sum::<u64>()), (9, 120), "{}", demo.out);
        assert!(demo.err.is_empty(), "{}", demo.err);
    });
}

/// A running server with some messages, and the ways for commands to reach it.
struct Server {
    folder: TempDir,
    program: Program,
    client: Client,
    url: String,
}

async fn serve(settings: &[(&str, &str)]) -> Server {
    let (folder, address) = (folder(), free_address());
    let settings = [settings, &[("RECEIPTD_API_TOKENS", "ops:admin:t0ken")]].concat();
    let (program, client) = Program::serve(folder.path(), address, &settings).await;
    Server { folder, program, client: client.with_token("t0ken"), url: format!("http://{address}") }
}

impl Server {
    /// Runs a command on the database and through the server.
    async fn both(&self, arguments: &[&str]) -> [Ended; 2] {
        let direct = run(self.folder.path(), arguments).await;
        let remote = [arguments, &["--server", &self.url, "--token", "t0ken"]].concat();
        [direct, run(self.folder.path(), &remote).await]
    }
}

#[test]
fn messages_are_looked_up_in_the_database_and_at_a_server() {
    block_on(async {
        let server = serve(&[]).await;
        for sample in [Sample::of("order-1"), Sample::of("a/b c%").says("Un-Delivered", "7203"), Sample::of("order-3")]
        {
            server.client.posts(sample).await.is_acknowledged();
        }
        for id in ["order-1", "a/b c%"] {
            let told = server.client.message(id).await;
            for shown in server.both(&["status", id]).await {
                let status = told["status"].as_str().unwrap();
                shown.is(0).prints(&[id, status, "447700900123", "final", "applied", "the first report about"]);
            }
            for shown in server.both(&["status", id, "--json"]).await {
                assert_eq!(shown.is(0).json(), told);
            }
        }
        for shown in server.both(&["status", "order-2"]).await {
            shown.is(1).complains("there is no message with the correlation id \"order-2\"");
        }
        for shown in server.both(&["messages"]).await {
            let shown = shown.is(0);
            shown.prints(&["correlation id", "order-1", "order-3", "a/b c%", "7203", "permanent"]);
            let place = |id: &str| shown.out.find(id).unwrap();
            assert!(place("order-3") < place("order-1"), "newest first:\n{}", shown.out);
        }
        for shown in server.both(&["messages", "--status", "failed", "--to", "+44 7700 900123", "--json"]).await {
            let page = shown.is(0).json();
            assert_eq!(
                (page["items"].as_array().unwrap().len(), &page["items"][0]["correlationId"]),
                (1, &"a/b c%".into())
            );
        }
        for shown in server.both(&["messages", "--final", "true", "--limit", "2"]).await {
            let cursor =
                shown.is(0).out.lines().find_map(|line| line.strip_prefix("next page: --cursor ").map(str::to_owned));
            let rest =
                run(server.folder.path(), &["messages", "--limit", "2", "--cursor", &cursor.unwrap()]).await.is(0);
            assert!(rest.out.contains("order-1") && !rest.out.contains("order-3"), "{}", rest.out);
        }
        for shown in server.both(&["messages", "--status", "gone", "--limit", "0"]).await {
            let shown = shown.is(2);
            shown.complains("must be one of");
            shown.complains("must be a number from 1 to 500");
        }
        let mut command = receiptd(server.folder.path(), &["messages"]);
        let command = command.env("RECEIPTD_SERVER", &server.url).env("RECEIPTD_TOKEN", "another");
        ends(command).await.is(1).complains("401");
        ends(command.env("RECEIPTD_TOKEN", "t0ken")).await.is(0).prints(&["order-1"]);
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn log_lines_are_json_without_a_terminal() {
    block_on(async {
        let server = serve(&[]).await;
        let ended = server.program.ends_on("TERM").await.is(0);
        let lines: Vec<Value> = ended.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let address = server.url.strip_prefix("http://").unwrap();
        assert!(lines.iter().any(|line| line["address"] == address), "{}", ended.err);
        assert!(
            lines.iter().any(|line| line["message"].as_str().unwrap().contains("notify URL is open")),
            "{}",
            ended.err
        );
    });
}
