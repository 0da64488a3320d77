//! `POST /notify` with an array: each element is a separate arrival.

use harness::{Database, Sample, TestServer, both, fixtures, sqlite};
use serde_json::json;

both!(
    each_element_is_stored_as_if_it_were_posted_alone,
    only_the_bad_elements_of_an_array_are_quarantined,
    a_retry_reads_a_quarantined_array,
);
sqlite!(an_array_of_hundreds_is_one_commit);

fn array<'a>(elements: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", elements.into_iter().collect::<Vec<_>>().join(",\n"))
}

async fn each_element_is_stored_as_if_it_were_posted_alone(database: &Database) {
    let server = TestServer::start(database).await;
    let one = Sample::of("order-1").says("Submitted", "7501").body();
    let two = Sample::of("order-1").pretty();
    let (_, inbound) = fixtures("inbound").into_iter().find(|(name, _)| name == "sms.json").unwrap();
    let inbound = String::from_utf8(inbound).unwrap();
    let body = format!("\u{FEFF}{}", array([one.as_str(), &format!("[{two}]"), &inbound]));
    server.posts(body.clone()).await.is_acknowledged();
    server.posts(two.clone()).await.is_acknowledged();
    assert_eq!(server.message("order-1").await["status"], "delivered");
    let kept = server.items("/v1/messages/order-1/notifications").await;
    let kept: Vec<_> = kept.iter().map(|one| (one["body"].as_str().unwrap(), one["times"].as_u64().unwrap())).collect();
    assert_eq!(kept, [(one.as_str(), 1), (two.as_str(), 2)]);
    assert_eq!(server.items("/v1/inbound").await[0]["body"], inbound.trim());
    assert!(server.items("/v1/quarantine").await.is_empty());
    assert_eq!(server.metric("receiptd_notify_requests_total{outcome=\"notification\"}").await, 3);
    server.stop().await;
}

async fn only_the_bad_elements_of_an_array_are_quarantined(database: &Database) {
    let server = TestServer::start(database).await;
    let (_, foreign) = fixtures("notify").into_iter().find(|(name, _)| name.starts_with("foreign-")).unwrap();
    let foreign = String::from_utf8(foreign).unwrap();
    let (good, other) = (Sample::of("order-1").body(), Sample::of("order-2").body());
    let bad = ["{\"a\" 1}", "7", "null", foreign.trim()];
    let body = array([&good, bad[0], bad[1], bad[2], bad[3], &other, bad[1]]);
    server.posts(body).await.is_acknowledged();
    assert_eq!(server.ids("").await.len(), 2);
    let kept = server.items("/v1/quarantine").await;
    let mut bodies: Vec<_> =
        kept.iter().map(|one| (one["body"].as_str().unwrap(), one["times"].as_u64().unwrap())).collect();
    bodies.sort_unstable();
    let mut expected = bad.map(|body| (body, if body == "7" { 2 } else { 1 }));
    expected.sort_unstable();
    assert_eq!(bodies, expected);
    server.stop().await;
}

async fn a_retry_reads_a_quarantined_array(database: &Database) {
    let server = TestServer::start(database).await;
    // A body that an earlier version did not understand.
    server.posts("[]").await.is_acknowledged();
    assert_eq!(server.items("/v1/quarantine").await.len(), 1);
    let array = array([Sample::of("order-1").body().as_str(), "7", Sample::of("order-2").body().as_str()]);
    let bytes =
        if database.is_sqlite() { format!("CAST('{array}' AS BLOB)") } else { format!("'{array}'::text::bytea") };
    database.execute(format!("UPDATE quarantine SET body = {bytes}, occurrences = 3").leak()).await;
    let report = server.posts_to("/v1/quarantine/retry", "").await.is(200).json();
    assert_eq!(report, json!({ "notifications": 2, "inbound": 0, "left": 1 }));
    assert_eq!(server.items("/v1/messages/order-2/notifications").await[0]["times"], 3);
    let left = server.items("/v1/quarantine").await;
    assert_eq!((left.len(), &left[0]["body"], &left[0]["times"]), (1, &json!("7"), &json!(3)));
    let report = server.posts_to("/v1/quarantine/retry", "").await.is(200).json();
    assert_eq!(report, json!({ "notifications": 0, "inbound": 0, "left": 1 }));
    server.stop().await;
}

async fn an_array_of_hundreds_is_one_commit(database: &Database) {
    let server = TestServer::start(database).await;
    let bodies: Vec<_> = (0..300).map(|n| Sample::of(&format!("order-{n}")).body()).collect();
    server.posts(array(bodies.iter().map(String::as_str))).await.is_acknowledged();
    assert_eq!(server.metric("receiptd_notify_requests_total{outcome=\"notification\"}").await, 300);
    assert_eq!(server.metric("receiptd_commit_seconds_count").await, 1);
    server.stop().await;
}
