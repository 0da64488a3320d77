//! `GET /v1/messages`: filters and pages.

use std::collections::BTreeSet;

use harness::{Database, Platform, Sample, TestServer, both, encoded, sms, sqlite};
use serde_json::json;

both!(each_filter_narrows_the_list, pages_neither_skip_nor_repeat);
sqlite!(an_unknown_filter_is_rejected, an_empty_list_is_not_an_error);

async fn each_filter_narrows_the_list(database: &Database) {
    let platform = Platform::start();
    // Nothing on email is overdue for a year. Everything else is overdue at once.
    let server = TestServer::on(database).sending_to(&platform.url);
    let server =
        server.with("overdue.other", "0").with("overdue.sms", "0").with("overdue.email", "31536000").start().await;
    let sample = |id: &str| Sample::of(id).transaction(&format!("T-{id}"));
    for sample in [
        sample("arrived").to("+44 7700 900001"),
        sample("unknown-number").says("Un-Delivered", "7203").to("447700900002"),
        sample("seen").on("WhatsApp").says("Read", "7502").to("447700900001"),
        sample("bounced")
            .on("Email")
            .says("Bounce", "7520")
            .with("Description", "Transient_General")
            .to("a@example.org")
            .calls_back("shop 7"),
        sample("on-its-way").says("Submitted", "7501").to("447700900003").calls_back("shop/8"),
        sample("mail-on-its-way").on("Email").says("Submitted", "7511").to("b@example.org"),
        sample("with-apple").on("AppleBusinessChat").says("Submitted", "7501").to("urn:1"),
    ] {
        server.posts(sample).await.is_acknowledged();
    }
    server.sends(&sms("refused", "Hello. [sim:answer=7004]")).await.is(202);
    server.gets("/v1/messages/refused?wait=final").await.is(200);
    let newest_first =
        ["refused", "with-apple", "mail-on-its-way", "on-its-way", "bounced", "seen", "unknown-number", "arrived"];
    assert_eq!(server.ids("").await, newest_first);
    let created = server.message("seen").await["createdAt"].as_str().unwrap().to_owned();
    let cases = [
        ("status=failed", &["bounced", "unknown-number"][..]),
        ("status=rejected", &["refused"]),
        ("status=complained", &[]),
        ("final=false", &["mail-on-its-way", "on-its-way"]),
        ("final=true", &["refused", "with-apple", "bounced", "seen", "unknown-number", "arrived"]),
        ("overdue=true", &["on-its-way"]),
        ("overdue=true&channel=email", &[]),
        ("overdue=false&final=false", &["mail-on-its-way"]),
        ("overdue=false&status=submitted", &["with-apple", "mail-on-its-way"]),
        ("correlationId=seen", &["seen"]),
        ("correlationId=se", &[]),
        ("correlationId=u*", &["unknown-number"]),
        ("correlationId=*&failure=permanent", &["refused", "unknown-number"]),
        ("callbackData=shop%207", &["bounced"]),
        ("callbackData=shop*", &["on-its-way", "bounced"]),
        ("callbackData=shop*&final=true", &["bounced"]),
        ("callbackData=shop%25*", &[]),
        ("code=7203&channel=sms", &["unknown-number"]),
        ("code=7203&channel=email", &[]),
        ("failure=permanent&origin=observed", &["unknown-number"]),
        ("failure=permanent", &["refused", "unknown-number"]),
        ("failure=transient", &["bounced"]),
        ("channel=whatsapp", &["seen"]),
        ("channel=EMAIL", &["mail-on-its-way", "bounced"]),
        ("channel=pigeon", &[]),
        ("to=447700900001", &["seen", "arrived"]),
        ("to=%2B447700900001", &["seen", "arrived"]),
        ("to=%2B44%207700%20900-001", &["seen", "arrived"]),
        ("to=00447700900001", &["seen", "arrived"]),
        ("to=tel:%2B447700900001", &["seen", "arrived"]),
        ("to=%E2%80%AA%2B44%C2%A07700%20900001%E2%80%AC", &["seen", "arrived"]),
        ("to=waid:447700900001", &["seen", "arrived"]),
        ("to=A%40Example.ORG", &["bounced"]),
        ("code=7203", &["unknown-number"]),
        ("code=0", &[]),
        ("transactionId=T-seen", &["seen"]),
        ("origin=sent", &["refused"]),
        ("origin=observed&limit=2", &["with-apple", "mail-on-its-way"]),
        ("status=delivered&to=447700900001", &["arrived"]),
        ("status=delivered&to=447700900001&channel=whatsapp", &[]),
        ("until=2020-01-01T00:00:00Z", &[]),
        ("since=2020-01-01T01:00:00%2B01:00&limit=1", &["refused"]),
        // Postgres has no NUL in its texts.
        ("code=%00", &[]),
        ("channel=a%00b", &[]),
        ("to=%00", &[]),
        ("transactionId=%00", &[]),
        ("correlationId=%00*", &[]),
        ("callbackData=%00", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(server.ids(&format!("?{query}")).await, expected, "{query}");
    }
    // `since` includes its limit, to the millisecond that is shown.
    let created = encoded(&created);
    assert!(server.ids(&format!("?since={created}")).await.contains(&"seen".to_owned()));
    assert!(!server.ids(&format!("?until={created}")).await.contains(&"seen".to_owned()));
    // Items are messages without their timeline.
    let item = &server.items("/v1/messages?code=7203").await[0];
    let mut message = server.message("unknown-number").await;
    message.as_object_mut().unwrap().remove("timeline");
    assert_eq!(*item, message);
    server.stop().await;
    platform.stop().await;
}

async fn pages_neither_skip_nor_repeat(database: &Database) {
    let server = TestServer::start(database).await;
    for n in 0..11 {
        // Some of them get an id that must be escaped in a cursor.
        server.posts(Sample::of(&format!("order:{n} é/%"))).await.is_acknowledged();
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = server.gets(&format!("/v1/messages?limit=3{cursor}")).await.is(200).json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["correlationId"].as_str().unwrap().to_owned()));
        pages += 1;
        // New messages come first, and are not on any later page.
        server.posts(Sample::of(&format!("new-{pages}"))).await.is_acknowledged();
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => break,
        }
        assert_eq!(items.len(), 3);
    }
    let expected: Vec<_> = (0..11).rev().map(|n| format!("order:{n} é/%")).collect();
    assert_eq!((seen, pages), (expected, 4));
    // A page that is exactly full has no next page.
    let all = server.gets("/v1/messages?limit=15").await.is(200).json();
    assert_eq!((all["items"].as_array().unwrap().len(), &all["nextCursor"]), (15, &json!(null)));
    // With a filter too.
    let first = server.gets("/v1/messages?limit=2&status=delivered").await.is(200).json();
    let next = encoded(first["nextCursor"].as_str().unwrap());
    let second = server.ids(&format!("?limit=500&status=delivered&cursor={next}")).await;
    assert_eq!(second.iter().collect::<BTreeSet<_>>().len(), 13);
    server.stop().await;
}

async fn an_unknown_filter_is_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    for (query, pointers) in [
        ("stauts=failed", &["/stauts"][..]),
        ("status=gone", &["/status"]),
        ("status=", &["/status"]),
        ("final=yes", &["/final"]),
        ("failure=total", &["/failure"]),
        ("to=%20", &["/to"]),
        ("to=%E2%80%8B", &["/to"]),
        ("to=07700900123", &["/to"]),
        ("to=(0)7700%20900123", &["/to"]),
        ("transactionId=", &["/transactionId"]),
        ("correlationId=", &["/correlationId"]),
        ("callbackData=", &["/callbackData"]),
        ("overdue=maybe", &["/overdue"]),
        ("origin=elsewhere", &["/origin"]),
        ("since=sometime", &["/since"]),
        ("until=2026-05-32", &["/until"]),
        ("since=2026-05-20T13:15:00+01:00", &["/since"]),
        ("limit=0", &["/limit"]),
        ("limit=501", &["/limit"]),
        ("limit=many", &["/limit"]),
        ("cursor=next", &["/cursor"]),
        ("limit=0&status=x&page=2", &["/limit", "/status", "/page"]),
    ] {
        server.gets(&format!("/v1/messages?{query}")).await.blames(pointers);
    }
    server.stop().await;
}

async fn an_empty_list_is_not_an_error(database: &Database) {
    let server = TestServer::start(database).await;
    let nothing = json!({ "items": [], "nextCursor": null });
    for path in ["/v1/messages", "/v1/messages?status=read&limit=500", "/v1/inbound", "/v1/quarantine"] {
        assert_eq!(server.gets(path).await.is(200).json(), nothing, "{path}");
    }
    server.stop().await;
}
