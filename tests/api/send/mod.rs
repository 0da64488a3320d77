//! `POST /v1/messages`: accepts a message, once.

mod many;

use futures_util::future::join_all;
use harness::{Database, Platform, Sample, TestServer, asked, both, eventually, message_path, sms, sqlite, whatsapp};
use reqwest::Method;
use serde_json::{Value, json};

both!(
    the_same_key_and_body_is_the_same_message,
    a_message_is_accepted_and_a_repetition_is_the_same_message,
    another_message_with_the_same_id_is_rejected,
    a_message_sent_many_times_at_once_is_sent_once,
    a_value_that_cannot_be_stored_is_an_error_of_its_field,
);
sqlite!(
    an_invalid_idempotency_key_is_rejected,
    an_id_is_generated_if_none_is_given,
    every_error_names_its_field,
    a_body_that_is_not_a_json_object_is_rejected,
    a_repeated_member_is_rejected_with_its_name,
    json_is_the_only_content_type,
    a_byte_order_mark_is_skipped,
    without_a_platform_no_message_is_accepted,
);

/// Nothing listens at this address, so nothing is ever sent.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

async fn a_message_is_accepted_and_a_repetition_is_the_same_message(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let mut message = sms("order-1", "Hello. [sim:until=delivered]");
    message["callbackData"] = json!(r#"{"order":1}"#);
    let answer = server.sends(&message).await.is(202);
    assert_eq!(answer.header("location"), Some("/v1/messages/order-1"));
    let taken = answer.json();
    for (member, value) in [
        ("correlationId", json!("order-1")),
        ("origin", json!("sent")),
        ("channel", json!("sms")),
        ("from", json!("ACME")),
        ("to", json!("447700900123")),
        ("callbackData", json!(r#"{"order":1}"#)),
        ("overdue", json!(false)),
    ] {
        assert_eq!(taken[member], value, "{member}");
    }
    let first = &taken["timeline"][0];
    assert_eq!(
        (&first["type"], &first["status"], &first["effect"]),
        (&json!("dispatch"), &json!("queued"), &json!("applied"))
    );
    // In every spelling, and in every later state.
    server.gets("/v1/messages/order-1?wait=final").await.is(200);
    let spaced = serde_json::to_string_pretty(&message).unwrap().replace(r#""channel""#, r#""options":null,"channel""#);
    let with = |member: &str, value: Value| {
        let mut other = message.clone();
        other[member] = value;
        other.to_string()
    };
    let spelled = ["447700900123", "+44 (7700) 900-123", "\u{202A}+44\u{A0}7700.900123\u{202C}"];
    let spelled = spelled.into_iter().map(|to| with("to", json!(to)));
    let others = [with("to", json!({ "msisdn": ["447700900123"] })), with("options", json!({}))];
    for same in [message.to_string(), spaced].into_iter().chain(spelled).chain(others) {
        let answer = server.posts_to("/v1/messages", same).await.is(200);
        assert_eq!(answer.header("location"), Some("/v1/messages/order-1"));
        assert_eq!(answer.json()["status"], "delivered");
    }
    assert_eq!((platform.accepted("order-1"), platform.report().requests), (1, 1));
    server.stop().await;
    platform.stop().await;
}

async fn another_message_with_the_same_id_is_rejected(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    server.sends(&sms("order-1", "Hello.")).await.is(202);
    let mut others = vec![sms("order-1", "Hello!"), whatsapp("order-1", "Hello.")];
    for (member, value) in [("from", "ACMEE"), ("to", "+447700900124"), ("callbackData", "x")] {
        let mut other = sms("order-1", "Hello.");
        other[member] = json!(value);
        others.push(other);
    }
    for other in &others {
        let problem = server.sends(other).await.is_problem(409, "conflict");
        assert!(problem["detail"].as_str().unwrap().contains("order-1"), "{problem}");
    }
    // The id must not be that of an observed message either.
    server.posts(Sample::of("order-2")).await.is_acknowledged();
    server.sends(&sms("order-2", "Hello.")).await.is_problem(409, "conflict");
    assert_eq!(server.message("order-2").await["origin"], "observed");
    server.stop().await;
}

async fn a_message_sent_many_times_at_once_is_sent_once(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    let message = sms("order-1", "Hello.");
    let answers = join_all((0..20).map(|_| server.sends(&message))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[..19].to_vec(), statuses[19]), (vec![200; 19], 202));
    server.gets("/v1/messages/order-1?wait=final").await.is(200);
    assert_eq!((platform.accepted("order-1"), platform.report().requests), (1, 1));
    server.stop().await;
    platform.stop().await;
}

async fn a_value_that_cannot_be_stored_is_an_error_of_its_field(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    for member in ["from", "text", "correlationId", "callbackData"] {
        let mut message = sms(&format!("order-{member}"), "Hello.");
        message[member] = json!("a\0b");
        server.sends(&message).await.blames(&[&format!("/{member}")]);
    }
    assert!(server.ids("").await.is_empty());
    server.stop().await;
}

async fn an_id_is_generated_if_none_is_given(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let mut message = sms("", "Hello.");
    message["correlationId"] = Value::Null;
    let first = server.sends(&message).await.is(202);
    let second = server.sends(&message).await.is(202);
    let id = |answer: &harness::Answer| answer.json()["correlationId"].as_str().unwrap().to_owned();
    assert_ne!(id(&first), id(&second));
    assert_eq!(first.header("location"), Some(format!("/v1/messages/{}", id(&first)).as_str()));
    for odd in ["a/b", "a b+c", "ä%2F?#", "..."] {
        let answer = server.sends(&sms(odd, "Hello.")).await.is(202);
        let location = answer.header("location").unwrap();
        assert_eq!(server.gets(location).await.is(200).json()["correlationId"], odd, "{location}");
    }
    server.stop().await;
}

async fn every_error_names_its_field(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let worst = json!({
        "channel": "pigeon", "to": "soon", "text": "", "correlationId": "x".repeat(51),
        "callbackData": "é".repeat(2001), "options": [], "colour/~": 1
    });
    let all = ["/colour~1~0", "/channel", "/from", "/text", "/correlationId", "/callbackData", "/options"];
    server.sends(&worst).await.blames(&all);
    server.sends(&json!({})).await.blames(&["/channel", "/from", "/to", "/text"]);
    for (member, values) in [
        ("channel", vec![json!(null), json!(1), json!("pigeon")]),
        ("from", vec![json!(null), json!(["ACME"]), json!("  ")]),
        (
            "to",
            vec![
                json!(null),
                json!("1234"),
                json!("07700900123"),
                json!("00447700900123"),
                json!("+44 (0)7700 900123"),
                json!({ "msisdn": ["+447700900123", "+447700900124"] }),
                json!({ "psid": "1" }),
                json!([]),
            ],
        ),
        ("text", vec![json!(null), json!(1), json!("x".repeat(4001))]),
        ("correlationId", vec![json!("é".repeat(26)), json!(7), json!(""), json!("txn:1")]),
        ("callbackData", vec![json!({ "order": 1 }), json!("x".repeat(2001))]),
        ("options", vec![json!("x"), json!(1)]),
    ] {
        for value in values {
            let mut message = sms("order-1", "Hello.");
            message[member] = value;
            server.sends(&message).await.blames(&[&format!("/{member}")]);
        }
    }
    assert!(server.ids("").await.is_empty());
    server.stop().await;
}

async fn a_body_that_is_not_a_json_object_is_rejected(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    for body in [&b""[..], b"{", b"{\"channel\":\"sms\",}", b"\xff\xff", b"channel=sms"] {
        server.posts_to("/v1/messages", body).await.is_problem(400, "not-json");
    }
    for body in ["[]", "null", "\"sms\"", "7"] {
        server.posts_to("/v1/messages", body).await.blames(&[""]);
    }
    let large = sms("order-1", &"x".repeat(1100 * 1024));
    server.sends(&large).await.is_problem(413, "body-too-large");
    server.stop().await;
}

async fn a_repeated_member_is_rejected_with_its_name(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let message = sms("order-1", "Hello.").to_string();
    let with = |more: &str| message.replacen('{', &format!("{{{more},"), 1);
    for (more, pointers) in [
        (r#""to":"+447700900124""#, &["/to"][..]),
        (r#""t\u006f":"+447700900123""#, &["/to"]),
        (r#""options":{"a":[{},{"b":1,"b":1}],"a":null},"text":"Hi""#, &["/options/a/1/b", "/options/a", "/text"]),
    ] {
        server.posts_to("/v1/messages", with(more)).await.blames(pointers);
        let answers = server.sends_lines(format!("{}\n{}\n", with(more), sms("order-2", "Hello."))).await;
        assert_eq!((&answers[0]["line"], &answers[0]["errors"][0]["pointer"]), (&json!(1), &json!(pointers[0])));
        assert_eq!(answers[1]["correlationId"], "order-2", "{answers:?}");
    }
    assert_eq!(server.ids("").await, ["order-2"]);
    server.stop().await;
}

async fn a_byte_order_mark_is_skipped(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let marked = |id: &str| format!("\u{FEFF}{}", sms(id, "Hello."));
    server.posts_to("/v1/messages", marked("order-1")).await.is(202);
    let lines = format!("{}\n{}\n", marked("order-2"), sms("order-3", "Hello."));
    let request = server.request(Method::POST, "/v1/messages").header("content-type", "application/x-ndjson");
    asked(request.body(lines)).await.is(200);
    assert_eq!(server.ids("?to=447700900123").await.len(), 3);
    server.stop().await;
}

async fn json_is_the_only_content_type(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    let posts = |content_type: &str| {
        let body = sms("order-1", "Hello.").to_string();
        server.request(Method::POST, "/v1/messages").header("content-type", content_type).body(body)
    };
    for wrong in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json"] {
        asked(posts(wrong)).await.is_problem(415, "unsupported-media-type");
    }
    let bare = server.request(Method::POST, "/v1/messages").body(sms("order-1", "Hello.").to_string());
    asked(bare).await.is_problem(415, "unsupported-media-type");
    asked(posts("Application/JSON; charset=utf-8")).await.is(202);
    server.stop().await;
}

async fn without_a_platform_no_message_is_accepted(database: &Database) {
    let server = TestServer::start(database).await;
    let problem = server.sends(&sms("order-1", "Hello.")).await.is_problem(409, "sending-not-configured");
    for setting in ["webex.region", "webex.service_key", "public_url"] {
        assert!(problem["detail"].as_str().unwrap().contains(setting), "{problem}");
    }
    server.gets(&message_path("order-1")).await.is_problem(404, "not-found");
    // The errors of the message itself are reported nevertheless.
    server.sends(&json!({})).await.blames(&["/channel", "/from", "/to", "/text"]);
    eventually("nothing to be stored", async || server.ids("").await.is_empty().then_some(())).await;
    server.stop().await;
}

/// A message without an id, which is not due while the test runs.
fn nameless(text: &str) -> Value {
    json!({ "channel": "sms", "from": "ACME", "to": "+447700900123", "text": text, "sendAt": "2199-01-01T00:00:00Z" })
}

async fn the_same_key_and_body_is_the_same_message(database: &Database) {
    let server = TestServer::on(database)
        .sending_to(NOWHERE)
        .with("api.tokens", "shop:send+read:s3nd-s3cret-of-shop, app:send+read:4pp-s3cret-of-the-app")
        .start()
        .await;
    let (shop, app) = (server.with_token("s3nd-s3cret-of-shop"), server.with_token("4pp-s3cret-of-the-app"));
    let first = shop.sends_with_key("order-7", &nameless("Hello.")).await.is(202).json();
    let id = first["correlationId"].as_str().unwrap();
    for key in ["order-7", "\"order-7\""] {
        let again = shop.sends_with_key(key, &nameless("Hello.")).await.is(200);
        assert_eq!(again.header("location"), Some(format!("/v1/messages/{id}").as_str()));
        assert_eq!(again.json()["correlationId"], id);
    }
    let problem = shop.sends_with_key("order-7", &nameless("Good-bye.")).await.is_problem(409, "idempotency-conflict");
    assert_eq!(problem["correlationId"], id);
    let mut named = nameless("Hello.");
    named["correlationId"] = json!("another");
    shop.sends_with_key("order-7", &named).await.is_problem(409, "idempotency-conflict");
    // A rejected request does not use up its key, and callers do not share keys.
    shop.sends_with_key("order-8", &nameless("")).await.is_problem(422, "invalid-request");
    shop.sends_with_key("order-8", &nameless("Hello.")).await.is(202);
    app.sends_with_key("order-7", &nameless("Good-bye.")).await.is(202);
    assert_eq!(shop.ids("").await.len(), 3);
    server.stop().await;
}

async fn an_invalid_idempotency_key_is_rejected(database: &Database) {
    let server = TestServer::on(database).sending_to(NOWHERE).start().await;
    for key in ["", "a b", "\"\"", &"x".repeat(256)] {
        server.sends_with_key(key, &nameless("Hello.")).await.blames(&["/Idempotency-Key"]);
    }
    let key = ("idempotency-key", "k");
    for headers in [[("content-type", "application/x-ndjson"), key], [key, key]] {
        let refused = server.posts_with("/v1/messages", &headers, nameless("Hello.").to_string()).await;
        refused.blames(&["/Idempotency-Key"]);
    }
    assert!(server.ids("").await.is_empty());
    server.stop().await;
}
