//! `POST /v1/find`: whatever a person has at hand.

use harness::{Client, Database, Sample, TestServer, both, fixtures, sqlite};
use serde_json::{Value, json};

both!(everything_at_hand_leads_to_its_messages, a_person_has_a_history_with_verdicts_and_inbound_messages,);
sqlite!(a_code_is_explained, if_nothing_is_found_the_answer_says_what_was_tried_and_what_to_do, any_text_is_answered,);

async fn find(client: &Client, text: &str) -> Value {
    client.posts_to("/v1/find", json!({ "text": text }).to_string()).await.is(200).json()
}

/// What was found first, and the ids of its messages.
fn first(answer: &Value) -> (&str, Vec<&str>) {
    let found = &answer["found"][0];
    let messages = found["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    (
        found["filter"].as_str().unwrap_or("nothing"),
        messages.iter().map(|one| one["correlationId"].as_str().unwrap()).collect(),
    )
}

async fn everything_at_hand_leads_to_its_messages(database: &Database) {
    let server = TestServer::start(database).await;
    let pasted = Sample::of("order-1").says("Un-Delivered", "7203").calls_back("shop 7");
    server.posts(pasted.clone()).await.is_acknowledged();
    server
        .posts(Sample::of("").transaction("t-77").to("447700900124").without_correlation_id())
        .await
        .is_acknowledged();
    server.posts(Sample::of("mail-3").on("Email").to("dana@example.org")).await.is_acknowledged();
    for (text, filter, ids) in [
        ("order-1", "correlationId", &["order-1"][..]),
        (" order-1\n", "correlationId", &["order-1"]),
        ("transaction-of-order-1", "transactionId", &["order-1"]),
        ("txn:t-77", "correlationId", &["txn:t-77"]),
        ("t-77", "transactionId", &["txn:t-77"]),
        ("order-*", "correlationId", &["order-1"]),
        ("shop 7", "callbackData", &["order-1"]),
        ("+44 7700 900123", "to", &["order-1"]),
        ("0044 (0)7700 900-123", "to", &["order-1"]),
        ("tel:+447700900124", "to", &["txn:t-77"]),
        ("Dana@Example.org", "to", &["mail-3"]),
        ("2026-05-20T13:15:04Z WARN gave up order=order-1 attempts=3", "correlationId", &["order-1"]),
        (r#"{"level":"info","transid":"transaction-of-mail-3"}"#, "transactionId", &["mail-3"]),
        ("GET /v1/messages/mail-3?wait=final 200", "correlationId", &["mail-3"]),
        ("The customer (+44 7700 900124) says that nothing came.", "to", &["txn:t-77"]),
        ("write to <dana@example.org> again", "to", &["mail-3"]),
        (pasted.body().as_str(), "correlationId", &["order-1"]),
        (pasted.pretty().as_str(), "correlationId", &["order-1"]),
        (format!("[{},{}]", Sample::of("mail-3").body(), pasted.body()).as_str(), "correlationId", &["mail-3"]),
    ] {
        let answer = find(&server, text).await;
        assert_eq!(first(&answer), (filter, ids.to_vec()), "{text}: {answer}");
        assert_eq!(answer["advice"], json!([]), "{text}");
        let view = answer["found"][0]["view"].as_str().unwrap();
        assert_eq!(server.ids(&format!("?view={view}")).await, ids, "{text}");
    }
    server.stop().await;
}

async fn a_code_is_explained(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1").says("Un-Delivered", "7203")).await.is_acknowledged();
    let answer = find(&server, "7203").await;
    assert_eq!(first(&answer), ("code", vec!["order-1"]));
    let code = &answer["found"][0]["codes"][0];
    assert_eq!((&code["sentence"], &code["channels"]), (&json!("This number does not exist."), &json!(["sms"])));
    // A code that no message has is explained too, in all its meanings.
    let answer = find(&server, "7006").await;
    let classes: Vec<_> = answer["found"][0]["codes"].as_array().unwrap().iter().map(|code| &code["class"]).collect();
    assert_eq!(classes, ["transient", "permanent", "unclear"]);
    assert_eq!(answer["found"][0]["codes"][0]["channels"], json!([]));
    server.stop().await;
}

async fn a_person_has_a_history_with_verdicts_and_inbound_messages(database: &Database) {
    let server = TestServer::start(database).await;
    for n in 0..25 {
        server.posts(Sample::of(&format!("order-{n}"))).await.is_acknowledged();
    }
    server.posts(Sample::of("last").says("Un-Delivered", "7207")).await.is_acknowledged();
    let (_, inbound) = fixtures("inbound").into_iter().find(|(name, _)| name == "whatsapp-text.json").unwrap();
    server.posts(inbound).await.is_acknowledged();
    let answer = find(&server, "447700900123").await;
    let found = &answer["found"][0];
    let newest = &found["messages"][0];
    assert_eq!(newest["verdict"]["sentence"], "Not delivered: the phone was switched off or out of reach.");
    assert_eq!((found["messages"].as_array().unwrap().len(), &found["hasMore"]), (20, &json!(true)));
    let all = server.ids(&format!("?limit=500&view={}", found["view"].as_str().unwrap())).await;
    assert_eq!(all.len(), 26);
    // The inbound message of its sender, with or without outbound ones.
    let sender = server.items("/v1/inbound").await[0]["from"].as_str().unwrap().to_owned();
    let answer = find(&server, &sender).await;
    let inbound = answer["found"].as_array().unwrap().iter().find(|found| found["filter"] == "to").unwrap();
    assert_eq!(inbound["inbound"].as_array().unwrap().len(), 1, "{answer}");
    server.stop().await;
}

async fn if_nothing_is_found_the_answer_says_what_was_tried_and_what_to_do(database: &Database) {
    let server = TestServer::on(database).with("overdue.sms", "0").start().await;
    let advice =
        |answer: &Value| answer["advice"].as_array().unwrap().iter().map(|one| one["look"].clone()).collect::<Vec<_>>();
    let answer = find(&server, "order-9").await;
    let tried: Vec<_> = answer["tried"].as_array().unwrap().iter().map(|tried| &tried["filter"]).collect();
    assert_eq!(tried, ["correlationId", "transactionId", "callbackData", "to"]);
    assert_eq!((&answer["found"], advice(&answer)), (&json!([]), vec![Value::Null, Value::Null]));
    let national = find(&server, "07700 900123").await;
    assert!(national["advice"][0]["advice"].as_str().unwrap().contains("country code"), "{national}");
    // What there is, is named: messages without an id, overdue ones, and a body that could not be read.
    let submitted = Sample::of("").transaction("t-1").says("Submitted", "7501").without_correlation_id();
    server.posts(submitted).await.is_acknowledged();
    server.posts(r#"{"strange":"order-9 for +44 7700 900199"}"#).await.is_acknowledged();
    for text in ["order-9 for", "+447700900199"] {
        let answer = find(&server, text).await;
        let expected =
            ["/v1/quarantine", "/v1/messages?correlationId=txn:*", "/v1/messages?overdue=true"].map(|path| json!(path));
        assert_eq!(advice(&answer)[..3], expected, "{text}: {answer}");
        assert_eq!(answer["quarantine"].as_array().unwrap().len(), 1, "{text}");
        for look in &expected {
            assert_eq!(server.items(look.as_str().unwrap()).await.len(), 1, "{look}");
        }
    }
    server.stop().await;
}

async fn any_text_is_answered(database: &Database) {
    let server = TestServer::start(database).await;
    let (long, many) = ("x".repeat(60_000), "a1b2-c3 ".repeat(7_000));
    for text in ["\0", "a\0b", "{", "[[", "[]", "=", "+", "💥", " ", "*", "txn:", "0", &long, &many, &"7".repeat(600)]
    {
        assert_eq!(find(&server, text).await["found"], json!([]), "{text:.20}");
    }
    for (body, pointers) in
        [(r#"{"text":""}"#, &["/text"][..]), ("{}", &[""]), (r#"["x"]"#, &[""]), (r#"{"text":7}"#, &[""])]
    {
        server.posts_to("/v1/find", body).await.blames(pointers);
    }
    server
        .posts_to("/v1/find", json!({"text": "x".repeat(70_000)}).to_string())
        .await
        .is_problem(413, "body-too-large");
    server.stop().await;
}
