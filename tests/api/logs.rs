//! Log lines hold no secret, no number, no address and no body, not even for a developer who wants to see everything.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Database, Platform, Program, Sample, asked, eventually, free_address, sms, whatsapp};

both!(nothing_personal_and_no_secret_is_logged);

const PERSONAL: [&str; 6] =
    ["7700900777", "planted.dana", "planted words", "planted callback", "planted sender", "planted garbage"];
const SECRETS: [&str; 7] = [
    "planted-password",
    "planted-api-token",
    "planted-path-token",
    "planted-hub-secret",
    "planted-bearer",
    "planted-service-key",
    "planted-guess",
];

async fn nothing_personal_and_no_secret_is_logged(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::start();
    let address = free_address();
    let url = format!("http://{address}/notify/planted-path-token");
    // The test server lets everybody in, with any password.
    let database_url = database.url().replacen("://postgres@", "://postgres:planted-password@", 1);
    let settings = [
        ("RUST_LOG", "debug"),
        ("RECEIPTD_DATABASE_URL", &database_url),
        ("RECEIPTD_DATABASE__TIMEOUT_SECONDS", "1"),
        ("RECEIPTD_API_TOKENS", "ops:admin:planted-api-token"),
        ("RECEIPTD_NOTIFY__PATH_TOKEN", "planted-path-token"),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "planted-service-key"),
        ("RECEIPTD_WEBEX__BASE_URL", &platform.url),
        ("RECEIPTD_PUBLIC_URL", &url),
        ("RECEIPTD_SEND__TIMEOUT_SECONDS", "1"),
    ];
    let (program, client) = Program::serve(folder.path(), address, &settings).await;
    let ops = client.with_token("planted-api-token");
    let post = async |body: String| client.posts_to("/notify/planted-path-token", body).await;
    // What goes well.
    let sample = Sample::of("order-1").to("447700900777").with("additionalInfo", "planted words");
    post(sample.body()).await.is_acknowledged();
    post(sample.on("Email").to("planted.dana@example.org").body()).await.is_acknowledged();
    post(r#"{"event":"MO","from":"447700900777","message":"planted words"}"#.to_owned()).await.is_acknowledged();
    for (id, word) in [("ours", ""), ("refused", "[sim:answer=7004]"), ("hung", "[sim:answer=hang]")] {
        for mut message in [sms(id, &format!("planted words {word}")), whatsapp(&format!("w-{id}"), "planted words")] {
            message["to"] = json!("+447700900777");
            message["from"] = json!("planted sender");
            message["callbackData"] = json!("planted callback");
            ops.sends(&message).await.is(202);
        }
    }
    ops.gets("/v1/messages?to=%2B447700900777").await.is(200);
    ops.gets("/v1/messages/ours?wait=final").await.is(200);
    let given_up = async || {
        let message = ops.message("hung").await;
        let mut steps = message["timeline"].as_array().unwrap().iter();
        steps.any(|step| step["status"] == "unconfirmed").then_some(())
    };
    eventually("the hand-over that hangs to be given up", given_up).await;
    // What does not.
    post("planted garbage of 447700900777".to_owned()).await.is_acknowledged();
    client.posts_to("/notify/planted-guess", "planted garbage").await.is(401);
    client.with_token("planted-guess").gets("/v1/messages/447700900777").await.is(401);
    ops.gets("/v1/messages/planted-guess?since=447700900777").await.is(422);
    ops.sends(&json!({ "to": "447700900777", "planted garbage": "planted words" })).await.is(422);
    ops.posts_to("/v1/messages", "planted garbage").await.is(400);
    asked(client.request(Method::PUT, "/notify/planted-path-token?to=447700900777")).await.is(405);
    let outage = database.fails().await;
    post(Sample::of("order-3").to("447700900777").body()).await.asks_to_try_again();
    outage.end().await;
    let ended = program.ends_on("TERM").await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let log = ended.out + &ended.err;
    for words in ["served a request", "handed a message to the platform", "was not understood", "was not committed"] {
        assert!(log.contains(words), "{words} is missing in:\n{log}");
    }
    for planted in PERSONAL.into_iter().chain(SECRETS) {
        let line = log.lines().find(|line| line.contains(planted));
        assert_eq!(line, None, "{planted}");
    }
    platform.stop().await;
}
