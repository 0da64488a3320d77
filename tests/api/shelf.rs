//! `GET /v1/inbound` and `GET /v1/quarantine`.

use serde_json::{Value, json};

use crate::harness::{Database, TestServer, encoded, fixtures};

both!(both_lists_have_pages, a_customers_message_is_told_in_the_words_of_the_contract);
sqlite!(these_lists_have_no_filters);

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

async fn a_customers_message_is_told_in_the_words_of_the_contract(database: &Database) {
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
        "times": 1, "channel": "whatsapp", "event": posted["event"], "from": "447700900123",
        "transactionId": posted["tid"], "body": String::from_utf8(body).unwrap()
    });
    assert_eq!(told, expected);
    server.stop().await;
}

async fn these_lists_have_no_filters(database: &Database) {
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
