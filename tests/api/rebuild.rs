//! `POST /v1/rebuild`: corrects the meaning that an earlier mapping gave to stored notifications.

use harness::{Database, Sample, TestServer, both};
use receiptd::domain::{Event, Notification};
use serde_json::json;

both!(a_rebuild_previews_and_then_changes);

async fn a_rebuild_previews_and_then_changes(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", "ops:admin:t0ken,shop:read+send:sh0p").start().await;
    let admin = server.with_token("t0ken");
    for n in 0..130 {
        let status = if n % 2 == 0 { ("Delivered", "7500") } else { ("Submitted", "7501") };
        admin.posts(Sample::of(&format!("order-{n:03}")).says(status.0, status.1)).await.is_acknowledged();
    }
    // As if the word had not been known.
    database.is_projected().await;
    harness::read_otherwise(database.url(), |it| match it.event {
        Event::Delivered => Notification { event: Event::Unknown, ..it },
        _ => it,
    })
    .await;
    let first: Vec<_> = (0..20).map(|n| format!("order-{:03}", n * 2)).collect();
    let expected = json!({
        "messages": 130, "altered": 65, "transitions": [{"from": "unknown", "to": "delivered", "messages": 65}],
        "first": first,
    });
    let rebuild = async |query: &str| admin.posts_to(&format!("/v1/rebuild{query}"), "").await;
    assert_eq!(rebuild("?dryRun=true").await.is(200).json(), expected);
    assert_eq!(admin.status_of("order-000").await.as_deref(), Some("unknown"));
    assert_eq!(rebuild("").await.is(200).json(), expected);
    let nothing = json!({"messages": 130, "altered": 0, "transitions": [], "first": []});
    assert_eq!(rebuild("").await.is(200).json(), nothing);
    assert_eq!(admin.message("order-000").await["status"], "delivered");
    rebuild("?dry=true").await.blames(&["/dryRun"]);
    server.with_token("sh0p").posts_to("/v1/rebuild", "").await.is_problem(403, "forbidden");
    server.stop().await;
}
