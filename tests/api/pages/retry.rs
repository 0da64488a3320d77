//! The quarantine is read again, with a reason.

use harness::{Database, TestServer, sqlite};
use serde_json::{Value, json};

sqlite!(the_quarantine_is_read_again_with_a_reason);

async fn the_quarantine_is_read_again_with_a_reason(database: &Database) {
    let tokens = "desk:read:r3ad-s3cret, ops:admin:4dmin-s3cret";
    let server = TestServer::on(database).with("api.tokens", tokens).start().await;
    let (desk, ops) = (server.logs_in("r3ad-s3cret").await, server.logs_in("4dmin-s3cret").await);
    assert!(ops.opens("/quarantine/retry").await.is(200).shows("Nothing is in quarantine."));
    server.posts("not understood").await.is_acknowledged();
    assert!(!desk.opens("/quarantine").await.is(200).shows("Read everything again"));
    desk.opens("/quarantine/retry").await.is(403);
    assert!(ops.opens("/quarantine").await.is(200).shows("Read everything again"));
    assert!(ops.opens("/quarantine/retry").await.is(200).shows("Read 1 body again?"));
    ops.submits("/quarantine/retry", &[("reason", " ")]).await.is(422);
    let done = ops.submits("/quarantine/retry", &[("reason", "After the upgrade")]).await.is(200);
    assert_eq!(done.fact("Left in quarantine").as_deref(), Some("1"));
    let api = async |body: Value| ops.posts_to("/v1/quarantine/retry", body.to_string()).await;
    assert_eq!(api(json!({ "reason": "Again" })).await.is(200).json()["left"], 1);
    api(json!({ "reason": "" })).await.blames(&["/reason"]);
    api(json!({ "why": "x" })).await.blames(&[""]);
    ops.posts_with("/v1/quarantine/retry", &[], "").await.is(200);
    let entries = ops.items("/v1/audit?action=retried").await;
    let details: Vec<_> = entries.iter().map(|entry| entry["details"].as_str()).collect();
    assert_eq!(details, [None, Some("reason: Again"), Some("reason: After the upgrade")]);
    server.stop().await;
}
