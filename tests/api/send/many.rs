//! `POST /v1/messages` with one message per line.

use std::time::Duration;

use harness::{Database, Platform, Raw, TestServer, asked, both, by_hand, eventually, sms, sqlite};
use reqwest::Method;
use serde_json::{Value, json};

use super::NOWHERE;

both!(
    each_line_is_answered_in_order,
    the_same_lines_again_send_nothing_twice,
    ten_thousand_lines_are_accepted,
    an_interrupted_upload_can_be_repeated,
);
sqlite!(
    a_line_that_is_too_long_does_not_end_the_others,
    received_lines_are_answered_while_the_client_pauses,
    a_client_that_does_not_read_is_not_read_from,
    a_shutdown_states_the_line_to_continue_with,
    errors_before_the_first_line_have_a_status,
);

/// A message that is accepted, and not due while the test runs.
fn far(id: &str) -> Value {
    let mut message = sms(id, "Hello.");
    message["sendAt"] = json!("2199-01-01T00:00:00Z");
    message
}

fn lines(messages: impl IntoIterator<Item = Value>) -> String {
    let lines: Vec<_> = messages.into_iter().map(|message| message.to_string() + "\n").collect();
    lines.concat()
}

async fn each_line_is_answered_in_order(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let body = [
        far("order-1").to_string(),
        "{".to_owned(),
        String::new(),
        "  \r".to_owned(),
        "[]".to_owned(),
        format!("{}\r", far("order-2")),
        json!({ "channel": "sms", "from": "ACME", "to": "soon" }).to_string(),
        far("order-1").to_string(),
        sms("order-1", "Hello!").to_string(),
        far("order-3").to_string(),
    ];
    let answers = server.sends_lines(body.join("\n")).await;
    let told = |answer: &Value| {
        let told = answer["code"].as_str().map_or_else(
            || format!("{} {} {}", answer["correlationId"], answer["status"], answer["new"]),
            |code| format!("{} {code}", answer["status"]),
        );
        (answer["line"].as_u64().unwrap(), told.replace('"', ""))
    };
    let expected = [
        (1, "order-1 queued true"),
        (2, "400 not-json"),
        (5, "422 invalid-request"),
        (6, "order-2 queued true"),
        (7, "422 invalid-request"),
        (8, "order-1 queued false"),
        (9, "409 conflict"),
        (10, "order-3 queued true"),
    ];
    assert_eq!(
        answers.iter().map(told).collect::<Vec<_>>(),
        expected.map(|(line, told)| (line, told.to_owned())),
        "{answers:#?}"
    );
    let pointers = |answer: &Value| -> Vec<String> {
        answer["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (pointers(&answers[2]), pointers(&answers[4])),
        (vec![String::new()], vec!["/to".into(), "/text".into()])
    );
    assert_eq!(answers[4]["type"], "urn:receiptd:problem:invalid-request");
    for (member, value) in [("channel", "sms"), ("to", "447700900123"), ("origin", "sent")] {
        assert_eq!(answers[0][member], value, "{}", answers[0]);
    }
    server.stop().await;
}

async fn the_same_lines_again_send_nothing_twice(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let body = lines((0..50).map(|n| sms(&format!("order-{n}"), "Hello. [sim:until=delivered]")));
    for new in [true, false] {
        let answers = server.sends_lines(body.clone()).await;
        assert!(answers.len() == 50 && answers.iter().all(|answer| answer["new"] == new), "{answers:#?}");
        for n in 0..50 {
            server.gets(&format!("/v1/messages/order-{n}?wait=final")).await.is(200);
        }
    }
    assert_eq!(server.sends_lines(body).await[7]["status"], "delivered");
    assert_eq!((platform.accepted("order-7"), platform.report().requests), (1, 50));
    server.stop().await;
    platform.stop().await;
}

async fn ten_thousand_lines_are_accepted(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let message = |n: u64| match n % 100 {
        99 => json!({ "channel": "sms" }),
        _ => far(&format!("order-{n}")),
    };
    let answers = server.sends_lines(lines((0..10_000).map(message))).await;
    assert_eq!(answers.len(), 10_000);
    for (n, answer) in (0..).zip(&answers) {
        assert_eq!(answer["line"], n + 1);
        match n % 100 {
            99 => assert_eq!(answer["code"], "invalid-request"),
            _ => assert_eq!(answer["correlationId"], format!("order-{n}")),
        }
    }
    server.stop().await;
}

async fn an_interrupted_upload_can_be_repeated(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let all = lines((0..400).map(|n| far(&format!("order-{n}"))));
    let (address, half) = (server.address, all[..all.len() / 2].to_owned());
    by_hand(move || {
        let mut client = Raw::connect(address);
        client.sends(format!("{}content-length: {}\r\n\r\n{half}", HEAD, half.len() * 2));
    })
    .await;
    // The last line of the first half is incomplete, so it is not a message.
    let taken = || async { server.ids("?limit=500").await.len() };
    eventually("some to be accepted", async || (taken().await > 0).then_some(())).await;
    let answers = server.sends_lines(all).await;
    assert_eq!(answers.len(), 400);
    assert!(answers.iter().all(|answer| answer["status"] == "queued"), "{answers:#?}");
    assert!(answers.iter().any(|answer| answer["new"] == false), "nothing of the first upload was stored");
    assert_eq!(taken().await, 400);
    server.stop().await;
}

const HEAD: &str = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

async fn a_line_that_is_too_long_does_not_end_the_others(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let long = sms("order-2", &"x".repeat(5 * 1024 * 1024));
    let mut body = lines([far("order-1"), long, far("order-3")]).into_bytes();
    body.extend(b"\"\xff\"\n");
    body.extend(far("order-5").to_string().into_bytes());
    let answers = server.sends_lines(body).await;
    let told: Vec<_> = answers.iter().map(|answer| answer["code"].as_str().unwrap_or("taken")).collect();
    assert_eq!(told, ["taken", "body-too-large", "taken", "not-json", "taken"], "{answers:#?}");
    server.stop().await;
}

async fn received_lines_are_answered_while_the_client_pauses(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let address = server.address;
    by_hand(move || {
        let mut client = Raw::connect(address);
        client.sends(format!("{HEAD}transfer-encoding: chunked\r\n\r\n"));
        client.reads_until("200 OK");
        for n in 1..=3 {
            let line = lines([far(&format!("order-{n}"))]);
            let (begin, end) = line.split_at(20);
            client.sends(chunk(begin));
            client.sends(chunk(end));
            client.reads_until(&format!("\"line\":{n}"));
        }
        client.sends("0\r\n\r\n");
        client.reads_until("0\r\n\r\n");
    })
    .await;
    server.stop().await;
}

/// Otherwise the answers would fill the memory.
async fn a_client_that_does_not_read_is_not_read_from(database: &Database) {
    const MOST: usize = 64 * 1024 * 1024;
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let address = server.address;
    let poured = by_hand(move || {
        let mut client = Raw::connect(address);
        client.sends(format!("{HEAD}content-length: {MOST}\r\n\r\n"));
        client.pours("7\n".repeat(4096).as_bytes(), MOST, Duration::from_secs(25))
    })
    .await;
    assert!(poured < MOST / 2, "{poured} bytes were read although no answer was read");
    server.stop().await;
}

async fn a_shutdown_states_the_line_to_continue_with(database: &Database) {
    let mut server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let address = server.address;
    let mut client = by_hand(move || {
        let mut client = Raw::connect(address);
        client.sends(format!("{HEAD}transfer-encoding: chunked\r\n\r\n{}", chunk(&lines([far("order-1")]))));
        client.reads_until("\"line\":1");
        client
    })
    .await;
    server.begins_to_stop();
    by_hand(move || client.reads_until("send this line and all later ones again")).await;
    server.stop().await;
}

async fn errors_before_the_first_line_have_a_status(database: &Database) {
    let posts = |server: &TestServer, token: &str| {
        let request = server.client().with_token(token).request(Method::POST, "/v1/messages");
        request.header("content-type", "application/x-ndjson; charset=utf-8").body(lines([far("order-1")]))
    };
    let tokens = "shop:send:s3nd,desk:read:r3ad";
    let server = TestServer::on(database).with("api.tokens", tokens).start().await;
    asked(posts(&server, "another")).await.is_problem(401, "unauthorized");
    asked(posts(&server, "r3ad")).await.is_problem(403, "forbidden");
    asked(posts(&server, "s3nd")).await.is_problem(409, "sending-not-configured");
    server.stop().await;
    let server = TestServer::on(database).with("api.tokens", tokens).sending_to(NOWHERE).start().await;
    asked(posts(&server, "s3nd")).await.is(200);
    server.stop().await;
}
