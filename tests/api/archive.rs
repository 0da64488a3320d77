//! `GET /v1/inbound` and `GET /v1/quarantine`, one item of each, and `POST /v1/quarantine/retry`.

use harness::{Database, Sample, TestServer, both, encoded, fixtures, sqlite};
use serde_json::{Value, json};

both!(
    both_lists_have_pages,
    an_inbound_message_has_the_documented_members,
    a_body_is_found_by_its_fingerprint,
    a_retry_moves_understood_bodies_out_of_quarantine,
);
sqlite!(the_archive_lists_reject_filters);

async fn both_lists_have_pages(database: &Database) {
    let server = TestServer::start(database).await;
    for n in 0..7 {
        server.posts(format!(r#"{{"event":"MO","from":"44770090000{n}"}}"#)).await.is_acknowledged();
        server.posts(format!("not JSON: {n}")).await.is_acknowledged();
    }
    for list in ["inbound", "quarantine"] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = server.gets(&format!("/v1/{list}?limit=3{cursor}")).await.is(200).json();
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| item["body"].as_str().unwrap().to_owned()));
            pages.push(items.len());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encoded(next)),
                None => break,
            }
        }
        assert_eq!(pages, [3, 3, 1], "{list}");
        let newest_first: Vec<_> = (0..7).rev().map(|n| n.to_string()).collect();
        assert!(seen.iter().zip(&newest_first).all(|(body, n)| body.contains(n)), "{list}: {seen:?}");
    }
    server.stop().await;
}

async fn an_inbound_message_has_the_documented_members(database: &Database) {
    let server = TestServer::start(database).await;
    let (_, body) = fixtures("inbound").into_iter().find(|(name, _)| name == "whatsapp-text.json").unwrap();
    let posted: Value = serde_json::from_slice(&body).unwrap();
    server.posts(body.clone()).await.is_acknowledged();
    let mut told = server.items("/v1/inbound").await[0].clone();
    assert!(told["receivedAt"].as_str().is_some_and(|time| time.ends_with('Z')), "{told}");
    let members = told.as_object_mut().unwrap();
    members.remove("receivedAt");
    assert!(members.remove("fingerprint").is_some_and(|text| text.as_str().is_some_and(|text| text.len() == 32)));
    let expected = json!({
        "times": 1, "source": "notify", "channel": "whatsapp", "event": posted["event"], "from": "447700900123",
        "transactionId": posted["tid"], "body": String::from_utf8(body).unwrap()
    });
    assert_eq!(told, expected);
    server.stop().await;
}

async fn the_archive_lists_reject_filters(database: &Database) {
    let server = TestServer::start(database).await;
    for list in ["inbound", "quarantine"] {
        let problem = server.gets(&format!("/v1/{list}?status=failed")).await.is_problem(422, "invalid-request");
        assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("limit and cursor"), "{problem}");
        server.gets(&format!("/v1/{list}?colour=red")).await.blames(&["/colour"]);
        server.gets(&format!("/v1/{list}?limit=0")).await.blames(&["/limit"]);
        server.gets(&format!("/v1/{list}?cursor=%00")).await.blames(&["/cursor"]);
    }
    server.stop().await;
}

async fn a_body_is_found_by_its_fingerprint(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(r#"{"event":"MO","from":"447700900123"}"#).await.is_acknowledged();
    server.posts("not JSON").await.is_acknowledged();
    for (list, other) in [("inbound", "quarantine"), ("quarantine", "inbound")] {
        let item = server.items(&format!("/v1/{list}")).await.remove(0);
        let fingerprint = item["fingerprint"].as_str().unwrap();
        assert_eq!(server.gets(&format!("/v1/{list}/{fingerprint}")).await.is(200).json(), item);
        server.gets(&format!("/v1/{other}/{fingerprint}")).await.is_problem(404, "not-found");
        server.gets(&format!("/v1/{list}/x")).await.is_problem(404, "not-found");
    }
    server.stop().await;
}

async fn a_retry_moves_understood_bodies_out_of_quarantine(database: &Database) {
    let server = TestServer::start(database).await;
    for body in ["not JSON 1", "not JSON 2", "not JSON 3"] {
        server.posts(body).await.is_acknowledged();
    }
    // As if an earlier version had not understood these.
    for (n, body) in
        [Sample::of("order-1").body(), r#"{"event":"MO","from":"447700900123"}"#.to_owned()].iter().enumerate()
    {
        let n = n + 1;
        let text = format!(
            "UPDATE quarantine SET occurrences = 2, body = CAST('{body}' AS BLOB) WHERE body = CAST('not JSON {n}' AS BLOB)"
        );
        let text = if database.is_sqlite() { text } else { text.replace(" AS BLOB)", "::text AS bytea)") };
        database.execute(text.leak()).await;
    }
    let report = server.posts_to("/v1/quarantine/retry", "").await.is(200).json();
    assert_eq!(report, json!({"notifications": 1, "inbound": 1, "left": 1}));
    let notification = server.items("/v1/messages/order-1/notifications").await.remove(0);
    assert_eq!((&notification["source"], &notification["times"]), (&"notify".into(), &2.into()));
    assert_eq!(server.message("order-1").await["status"], "delivered");
    assert_eq!(server.items("/v1/inbound").await[0]["times"], 2);
    assert_eq!(server.items("/v1/quarantine").await[0]["body"], "not JSON 3");
    let report = server.posts_to("/v1/quarantine/retry", "").await.is(200).json();
    assert_eq!(report, json!({"notifications": 0, "inbound": 0, "left": 1}));
    server.stop().await;
}
