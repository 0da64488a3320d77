//! `GET /v1/audit/verify`: the verification of the store, and what is recorded about it.

use harness::{Database, Sample, TestServer, asked, both, sqlite};
use receiptd::webex::signature;
use reqwest::Method;
use serde_json::{Value, json};

both!(
    a_returned_head_is_found_again,
    a_verification_is_in_the_audit_log_and_on_the_overview,
    bodies_that_the_platform_signed_are_counted,
);
sqlite!(invalid_parameters_are_rejected, altered_rows_are_named);

async fn a_returned_head_is_found_again(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let first = server.gets("/v1/audit/verify").await.is(200).json();
    assert_eq!((&first["sound"], &first["rows"], &first["finding"]), (&json!(true), &json!(1), &Value::Null));
    let head = first["head"].as_str().unwrap().to_owned();
    let server = server.stopped().await.start().await;
    server.posts(Sample::of("order-2")).await.is_acknowledged();
    let second = server.gets(&format!("/v1/audit/verify?head={head}")).await.is(200).json();
    // The entry about the first verification is a row too.
    assert_eq!((&second["sound"], &second["rows"]), (&json!(true), &json!(3)));
    assert_ne!(second["head"], first["head"]);
    let other = server.gets(&format!("/v1/audit/verify?head={}", "0".repeat(64))).await.is(200).json();
    assert_eq!(
        (&other["sound"], &other["head"], &other["finding"]["what"]),
        (&json!(false), &Value::Null, &json!("removed"))
    );
    server.stop().await;
}

async fn a_verification_is_in_the_audit_log_and_on_the_overview(database: &Database) {
    let tokens = "desk:read:r3ad-s3cret, ops:admin:4dmin-s3cret";
    let server = TestServer::on(database).with("api.tokens", tokens).start().await;
    let (desk, ops) = (server.logs_in("r3ad-s3cret").await, server.logs_in("4dmin-s3cret").await);
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let last = async || desk.gets("/v1/overview").await.is(200).json()["lastVerification"].clone();
    let recorded = async || ops.items("/v1/audit?action=verified").await[0].clone();
    assert_eq!(last().await, Value::Null);
    let page = desk.opens("/").await.is(200);
    assert!(page.shows("It was never proved that nothing stored was altered: receiptd audit verify proves it"));

    let verdict = ops.gets("/v1/audit/verify").await.is(200).json();
    let head = verdict["head"].as_str().unwrap();
    let entry = recorded().await;
    assert_eq!((&entry["actor"], &entry["count"]), (&json!("ops"), &json!(1)));
    assert_eq!(entry["details"], format!("sound, head {head}"));
    assert_eq!(last().await, json!({ "at": entry["at"], "sound": true, "earlier": false, "finding": null }));
    let unchecked = "What is stored matches its hash chain; whether the newest records were removed was not checked";
    assert!(desk.opens("/").await.is(200).shows(unchecked));

    // The entry is written after what it proves, and the next verification covers it.
    let verdict = ops.gets(&format!("/v1/audit/verify?head={head}")).await.is(200).json();
    let later = verdict["head"].as_str().unwrap();
    assert_eq!(recorded().await["details"], format!("sound, head {later}, contains the earlier head {head}"));
    assert_eq!((&last().await["sound"], &last().await["earlier"]), (&json!(true), &json!(true)));
    let checked = "What is stored matches its hash chain, and everything up to an earlier head is still there: proved";
    assert!(desk.opens("/").await.is(200).shows(checked));

    // A head of another store is a fault, and no proof of an alteration.
    ops.gets(&format!("/v1/audit/verify?head={}", "0".repeat(64))).await.is(200);
    assert_eq!((&last().await["sound"], &last().await["earlier"]), (&json!(false), &json!(false)));
    assert!(desk.opens("/").await.is(200).shows("The last verification found a fault: "));

    let forged = "UPDATE audit_log SET details = 'sound' WHERE action = 'verified'";
    database.execute(forged).await;
    let found = ops.gets("/v1/audit/verify").await.is(200).json()["finding"].clone();
    assert_eq!((&found["what"], &found["table"]), (&json!("altered"), &json!("audit_log")));
    let last = last().await;
    assert_eq!(last["sound"], false);
    assert!(last["finding"].as_str().unwrap().starts_with("audit_log "), "{last}");

    let page = ops.opens("/").await.is(200);
    assert!(
        page.shows("The last verification found a fault") && page.shows(last["finding"].as_str().unwrap()),
        "{}",
        page.text
    );
    let entry = page.attributes("href").into_iter().find(|link| link.starts_with("/audit?action=verified")).unwrap();
    assert!(ops.opens(&entry).await.is(200).shows("not sound: audit_log"), "{entry}");
    let links = desk.opens("/").await.is(200).attributes("href");
    assert!(!links.iter().any(|link| link.starts_with("/audit")), "a reader may not see the audit log");
    server.stop().await;
}

/// The platform's signatures are stored with the bodies.
async fn bodies_that_the_platform_signed_are_counted(database: &Database) {
    let server = TestServer::on(database).with("notify.hub_secrets", "hub-s3cret").start().await;
    let inbound = r#"{"event":"MO","tid":"7"}"#.to_owned();
    let array = format!("[{},{}]", Sample::of("order-2").body(), Sample::of("order-3").body());
    for body in [Sample::of("order-1").body(), inbound, "odd".to_owned(), array] {
        let signature = signature::sign(body.as_bytes(), &"hub-s3cret".into());
        let request = server.request(Method::POST, "/notify").header(signature::HEADER, signature).body(body);
        asked(request).await.is_acknowledged();
    }
    let told = server.gets("/v1/audit/verify").await.is(200).json();
    assert_eq!((&told["sound"], &told["signedBodies"]), (&json!(true), &json!({"stored": 3, "valid": 3})));
    server.stop().await;
    for (secret, expected) in [(Some("another"), json!({"stored": 3, "valid": 0})), (None, json!(null))] {
        let server = TestServer::on(database);
        let server = match secret {
            Some(secret) => server.with("notify.hub_secrets", secret).start().await,
            None => server.start().await,
        };
        let told = server.gets("/v1/audit/verify").await.is(200).json();
        assert_eq!((&told["sound"], &told["signedBodies"]), (&json!(true), &expected));
        server.stop().await;
    }
}

async fn altered_rows_are_named(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    assert_eq!(server.gets("/v1/audit/verify").await.is(200).json()["sound"], true);
    let sound = async || server.metric("receiptd_store_verified_sound").await;
    assert_eq!(sound().await, 1);
    assert!(server.metric("receiptd_store_verified_timestamp_seconds").await > 1_700_000_000);
    let other = if database.is_sqlite() { "x'005a'" } else { "'\\x005a'" };
    database.execute(format!("UPDATE notification_blocks SET payload = {other}").leak()).await;
    let finding = server.gets("/v1/audit/verify").await.is(200).json()["finding"].clone();
    assert_eq!((&finding["what"], &finding["table"]), (&json!("altered"), &json!("notifications")));
    assert!(finding["key"].as_str().unwrap().starts_with("order-1 "), "{finding}");
    assert_eq!(sound().await, 0);
    server.stop().await;
}

async fn invalid_parameters_are_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    server.gets("/v1/audit/verify?head=abc").await.blames(&["/head"]);
    server.gets("/v1/audit/verify?tail=abc").await.blames(&["/tail"]);
    server.stop().await;
}
