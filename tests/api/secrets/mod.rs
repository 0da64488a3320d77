//! Secrets and personal data are not revealed. They are set wherever possible, and searched for in everything that
//! others can read, also in the log at its most verbose level.

mod planted;

use std::fs;

use harness::{
    Client, Database, Platform, Program, Recorder, Sample, asked, both, eventually, free_address, program::receiptd,
    sms, sqlite, whatsapp,
};
use planted::{Planted, SECRETS, SERVICE_SECRET, secret};
use reqwest::Method;
use serde_json::json;

both!(a_server_reveals_no_secret_on_success_or_failure);
sqlite!(
    a_server_reveals_no_secret_when_secret_files_become_invalid,
    no_error_of_a_command_reveals_a_secret,
    no_help_text_reveals_a_setting,
);

const TALKATIVE: (&str, &str) = ("RUST_LOG", "trace");

async fn a_server_reveals_no_secret_on_success_or_failure(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let planted = Planted::in_folder(folder.path());
    let platform = Platform::start();
    let address = free_address();
    let url = format!("https://{address}/notify/planted-path-token");
    // The test server accepts every client, with any password.
    let database_url = database.url().replacen("://postgres@", "://postgres:planted-password@", 1);
    let (certificate, key) = planted.files.names();
    let mut settings = vec![
        TALKATIVE,
        ("RECEIPTD_DATABASE_URL", &database_url),
        ("RECEIPTD_DATABASE__TIMEOUT_SECONDS", "1"),
        ("RECEIPTD_WEBEX__BASE_URL", &platform.url),
        ("RECEIPTD_PUBLIC_URL", &url),
        ("RECEIPTD_WEBEX__NOTIFY_AUTH_ID", "TN0EXMPL7A"),
        ("RECEIPTD_SEND__TIMEOUT_SECONDS", "1"),
        ("RECEIPTD_TLS__CERTIFICATE", certificate),
        ("RECEIPTD_TLS__KEY", key),
    ];
    let others = ["RECEIPTD_NOTIFY__BEARER", "RECEIPTD_WEBEX__SERVICE_ID"];
    settings.extend(SECRETS.iter().filter(|(name, _)| !others.contains(name)));
    let authority = planted.authority.pem();
    let client = Client::with(format!("https://{address}"), Some(&authority), |builder| builder);
    let program = Program::serve_for(&client, folder.path(), address, &settings).await;
    planted.no_secret_is_in("the list of processes", &program.command_line());
    let ops = client.with_token("planted-api-token");
    let post = async |body: String| {
        let signature = receiptd::webex::signature::sign(body.as_bytes(), &"planted-old-hub-secret".into());
        let request = client.request(Method::POST, "/notify/planted-path-token").header("x-hub-signature", signature);
        planted.heard(asked(request.basic_auth("planted-user", Some("planted-basic")).body(body)).await)
    };
    // Successful requests.
    let sample = Sample::of("order-1").to("447700900777").with("additionalInfo", "planted words");
    post(sample.body()).await.is_acknowledged();
    post(sample.on("Email").to("planted.dana@example.org").body()).await.is_acknowledged();
    post(r#"{"event":"MO","from":"447700900777","message":"planted words"}"#.to_owned()).await.is_acknowledged();
    for (id, word) in [("ours", ""), ("refused", "[sim:answer=7004]"), ("hung", "[sim:answer=hang]")] {
        for mut message in [sms(id, &format!("planted words {word}")), whatsapp(&format!("w-{id}"), "planted words")] {
            message["to"] = json!("+447700900777");
            message["from"] = json!("planted sender");
            message["callbackData"] = json!("planted callback");
            planted.heard(ops.sends(&message).await.is(202));
        }
    }
    planted.heard(ops.gets("/v1/messages?to=%2B447700900777").await.is(200));
    let given_up = async || {
        let message = ops.message("hung").await;
        let mut steps = message["timeline"].as_array().unwrap().iter();
        steps.any(|step| step["status"] == "unconfirmed").then_some(())
    };
    eventually("the hand-over that hangs to be given up", given_up).await;
    // Failing requests.
    post("planted garbage of 447700900777".to_owned()).await.is_acknowledged();
    post(format!("{}planted garbage", "[".repeat(100_000))).await.is_acknowledged();
    for (token, path) in [("planted-path-token", "planted-path-token"), ("planted-guess", "planted-guess")] {
        let request = client.request(Method::POST, &format!("/notify/{path}")).header("x-hub-signature", token);
        planted.heard(asked(request.bearer_auth(token).body("planted garbage")).await.is(401));
    }
    for token in ["planted-guess", "planted-api-token-and-more", "planted-read-token"] {
        let guess = client.with_token(token);
        planted.heard(guess.sends(&sms("guess", "planted words")).await);
        planted.heard(guess.posts_to("/v1/rebuild", "planted garbage").await);
    }
    planted.heard(ops.gets("/v1/messages?since=447700900777&limit=planted").await.is(422));
    planted.heard(ops.sends(&json!({ "to": "447700900777", "planted garbage": "planted words" })).await.is(422));
    planted.heard(ops.posts_to("/v1/messages", "planted garbage").await.is(400));
    planted.heard(asked(client.request(Method::PUT, "/notify/planted-path-token?to=447700900777")).await.is(405));
    planted.heard(ops.gets("/notify/planted-path-token/planted-guess").await.is(404));
    let outage = database.fails().await;
    post(Sample::of("order-3").to("447700900777").body()).await.asks_to_try_again();
    planted.heard(ops.gets("/health/ready").await.is(503));
    outage.end().await;
    let metrics = ops.gets("/metrics").await.is(200).body;
    assert!(metrics.contains("outcome=\"unauthorized\"} 2"), "{metrics}");
    planted.is_not_in("the metrics", &metrics);
    let ended = program.ends_on("TERM").await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let log = ended.out + &ended.err;
    // The libraries log at this level too.
    for part in ["h2::", "hyper_util::", "sqlx::"] {
        assert!(log.contains(&format!("\"target\":\"{part}")), "nothing of {part}");
    }
    for words in [
        "TRACE",
        "served a request",
        "dispatched a message to the platform",
        "was not understood",
        "could not be committed",
    ] {
        assert!(log.contains(words), "{words} is missing in:\n{log}");
    }
    // Each line says what it is a part of.
    for span in ["request", "notify.commit", "dispatch.request", "storage.append", "storage.enqueue", "storage.list"] {
        assert!(log.contains(&format!("\"name\":\"{span}\"")), "no line is in the span {span}");
    }
    assert!(log.contains("\"route\":\"/notify/{token}\""), "no line names its route");
    planted.is_not_in("the log", &log);
    platform.stop().await;
}

async fn a_server_reveals_no_secret_when_secret_files_become_invalid(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let planted = Planted::in_folder(folder.path());
    // A platform that repeats the credentials in its answer.
    let platform = Recorder::saying(401, "{\"code\":\"7001\",\"message\":\"no planted-service-id eyJ planted words\"}");
    let platform = platform.await;
    let address = free_address();
    let url = format!("https://{address}/notify/planted-path-token");
    let (certificate, key) = planted.files.names();
    let others = ["RECEIPTD_NOTIFY__BASIC", "RECEIPTD_WEBEX__SERVICE_KEY"];
    let secrets = SECRETS.into_iter().chain([SERVICE_SECRET]).filter(|(name, _)| !others.contains(name));
    let files: Vec<_> = secrets.map(|secret| Planted::file(folder.path(), secret)).collect();
    let mut settings = vec![
        TALKATIVE,
        ("RECEIPTD_DATABASE_URL", database.url()),
        ("RECEIPTD_WEBEX__BASE_URL", &platform.url),
        ("RECEIPTD_PUBLIC_URL", &url),
        ("RECEIPTD_WEBEX__NOTIFY_AUTH_ID", "TN0EXMPL7A"),
        ("RECEIPTD_TLS__CERTIFICATE", certificate),
        ("RECEIPTD_TLS__KEY_FILE", key),
    ];
    settings.extend(files.iter().map(|(variable, path)| (variable.as_str(), path.as_str())));
    let authority = planted.authority.pem();
    let client = Client::with(format!("https://{address}"), Some(&authority), reqwest::ClientBuilder::http1_only);
    let program = Program::serve_for(&client, folder.path(), address, &settings).await;
    let ops = client.with_token("planted-api-token");
    // Callers with the scope `read` see the platform's error. Others do not.
    ops.sends(&sms("ours", "planted words")).await.is(202);
    let refused = async || (ops.gets("/health/ready").await.status == 503).then_some(());
    eventually("the platform to refuse us", refused).await;
    planted.heard(ops.gets("/health/ready").await).is_problem(503, "credentials-refused");
    // The files become invalid.
    fs::write(key, planted.pair.key.replacen("\nM", "\n!planted-", 1)).unwrap();
    fs::write(folder.path().join(SERVICE_SECRET.0), "planted-no-base64").unwrap();
    let fresh =
        async || Client::with(format!("https://{address}"), Some(&authority), |builder| builder).is_answered().await;
    let complained = async || {
        assert!(fresh().await, "the old certificate does it still");
        let log = program.logged();
        (log.contains("a new certificate cannot be used") && log.contains("a secret cannot be renewed")).then_some(())
    };
    eventually("complaints", complained).await;
    planted.is_not_in("the metrics", &ops.gets("/metrics").await.body);
    planted.no_secret_is_in("the list of processes", &program.command_line());
    let ended = program.ends_on("TERM").await;
    planted.is_not_in("the log", &(ended.out + &ended.err));
}

async fn no_error_of_a_command_reveals_a_secret(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let planted = Planted::in_folder(folder.path());
    let (certificate, key) = planted.files.names();
    let good = [
        TALKATIVE,
        ("RUST_BACKTRACE", "1"),
        ("RECEIPTD_DATABASE_URL", database.url()),
        ("RECEIPTD_WEBEX__BASE_URL", "http://127.0.0.1:9"),
        ("RECEIPTD_PUBLIC_URL", "https://status.example.com/notify/planted-path-token"),
        ("RECEIPTD_WEBEX__NOTIFY_AUTH_ID", "TN0EXMPL7A"),
        ("RECEIPTD_TLS__CERTIFICATE", certificate),
        ("RECEIPTD_TLS__KEY", key),
        secret("RECEIPTD_API_TOKENS"),
        secret("RECEIPTD_NOTIFY__PATH_TOKEN"),
        secret("RECEIPTD_NOTIFY__HUB_SECRETS"),
        secret("RECEIPTD_NOTIFY__BEARER"),
        secret("RECEIPTD_WEBEX__SERVICE_ID"),
        secret("RECEIPTD_WEBEX__SERVICE_SECRET"),
    ];
    let damaged_key = planted.pair.key.replacen("\nM", "\n!planted-", 1);
    let bad = [
        ("RECEIPTD_DATABASE_URL", "mysql://user:planted-password@127.0.0.1/x"),
        ("RECEIPTD_DATABASE_URL", "postgres://user:planted-password@127.0.0.1:9/x"),
        ("RECEIPTD_DATABASE_URL", "postgres://user:planted-pass word@127.0.0.1:planted-port/x"),
        ("RECEIPTD_DATABASE_URL", "planted-password"),
        ("RECEIPTD_PUBLIC_URL", "http://status.example.com/notify/planted-path-token"),
        ("RECEIPTD_PUBLIC_URL", "https://status.example.com/notify/planted-other"),
        ("RECEIPTD_TLS__KEY", &damaged_key),
        ("RECEIPTD_TLS__KEY", "planted-key"),
        ("RECEIPTD_TLS__KEY_FILE", "/nowhere/planted-key"),
        ("RECEIPTD_API_TOKENS", "planted-api-token"),
        ("RECEIPTD_NOTIFY__PATH_TOKEN", "planted-path/token"),
        ("RECEIPTD_NOTIFY__HUB_SECRETS", "planted-1,planted-2,planted-3"),
        ("RECEIPTD_NOTIFY__BASIC", "planted-without-colon"),
        ("RECEIPTD_NOTIFY__ALLOWED_ADDRESSES", "planted-address"),
        ("RECEIPTD_TRUSTED_PROXIES", "planted-address"),
        ("RECEIPTD_WEBEX__SERVICE_SECRET", "planted-no-base64"),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "planted service key"),
        ("RECEIPTD_WEBEX__REGION", "planted-region"),
    ];
    for bad in [None].into_iter().chain(bad.into_iter().map(Some)) {
        // Only errors that are found when the settings are read. A server with valid settings would not end.
        let is_refused = bad.is_some_and(|(name, _)| name != "RECEIPTD_DATABASE_URL");
        let commands: &[&[&str]] = if is_refused {
            &[&["check-config"], &["serve"]]
        } else {
            &[&["check-config"], &["check-config", "--json"], &["migrate"]]
        };
        for arguments in commands {
            let ended = Program::start(receiptd(folder.path(), arguments).envs(good).envs(bad)).ends().await;
            assert!(!is_refused || ended.code == Some(1), "{arguments:?} with {bad:?}");
            planted.is_not_in(&format!("{arguments:?} with {bad:?}"), &(ended.out + &ended.err));
        }
    }
}

async fn no_help_text_reveals_a_setting(_: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let planted = Planted::in_folder(folder.path());
    let help = async |command: &[&str]| {
        let mut program = receiptd(folder.path(), command);
        program.arg("--help");
        program.envs(SECRETS).envs([SERVICE_SECRET, ("RECEIPTD_TLS__KEY", &planted.pair.key)]);
        program.env("RECEIPTD_DATABASE_URL", "postgres://user:planted-password@127.0.0.1/x");
        program.env("RECEIPTD_SERVER", "https://user:planted-password@status.example.com");
        for name in ["RECEIPTD_TOKEN", "RECEIPTD_SIMULATE_KEY", "RECEIPTD_SIMULATE_SECRET"] {
            program.env(name, "planted-token");
        }
        let ended = Program::start(&mut program).ends().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        planted.is_not_in(&format!("the help of {command:?}"), &(ended.out.clone() + &ended.err));
        ended.out
    };
    let all = help(&[]).await;
    let commands = all.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands: Vec<_> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        help(&[command]).await;
    }
}
