//! `GET /v1/messages/{correlationId}/notifications`: each notification with its parsed fields and its body; and
//! messages to several recipients.

use harness::{Database, Sample, TestServer, both, encoded, sqlite};
use serde_json::{Value, json};

both!(
    each_notification_has_its_fields_and_its_body,
    several_recipients_each_have_a_status,
    a_list_shows_ten_recipients_and_their_number,
);
sqlite!(many_large_notifications_are_divided_into_pages);

async fn many_large_notifications_are_divided_into_pages(database: &Database) {
    const ONES: usize = 12;
    let server = TestServer::start(database).await;
    let large = "x".repeat(400_000);
    for n in 0..ONES {
        let one = Sample::of("order-1").at(&format!("2026-05-20T13:{n:02}:00Z")).with("additionalInfo", large.clone());
        server.posts(one).await.is_acknowledged();
    }
    let path = "/v1/messages/order-1/notifications";
    let (mut times, mut query) = (Vec::new(), "?limit=500".to_owned());
    loop {
        let page = server.gets(&format!("{path}{query}")).await.is(200);
        assert!(page.body.len() < 3 << 20, "{}", page.body.len());
        let page = page.json();
        times.extend(page["items"].as_array().unwrap().iter().map(|one| one["at"].clone()));
        let Some(next) = page["nextCursor"].as_str() else { break };
        query = format!("?limit=500&cursor={}", encoded(next));
    }
    let expected: Vec<_> = (0..ONES).map(|n| json!(format!("2026-05-20T13:{n:02}:00.000Z"))).collect();
    assert_eq!(times, expected);
    assert_eq!(server.items(&format!("{path}?limit=2")).await.len(), 2);
    server.gets(&format!("{path}?limit=0&cursor=x&colour=red")).await.blames(&["/limit", "/cursor", "/colour"]);
    server.gets("/v1/messages/none/notifications?limit=1").await.is_problem(404, "not-found");
    server.stop().await;
}

async fn each_notification_has_its_fields_and_its_body(database: &Database) {
    let server = TestServer::start(database).await;
    let sample = Sample::of("order-1").on("Email").to("Dana@Example.ORG");
    let bounce = sample.clone().says("Bounce", "7520").with("Description", "Transient_General");
    let bounce =
        bounce.with("additionalInfo", "4.4.7|failed|smtp; 421 4.4.7 message expired").at("2026-05-20T13:20:00Z");
    // Later events first: the list is in the order of the events.
    server.posts(bounce.pretty()).await.is_acknowledged();
    server.posts(sample.clone().says("Submitted", "7501")).await.is_acknowledged();
    let kept = server.items("/v1/messages/order-1/notifications").await;
    assert_eq!(kept.len(), 2);
    assert_eq!(
        (&kept[0]["status"], &kept[0]["body"]),
        (&json!("submitted"), &json!(sample.says("Submitted", "7501").body()))
    );
    let mut last = kept[1].clone();
    let members = last.as_object_mut().unwrap();
    assert!(members.remove("receivedAt").is_some_and(|time| time.is_string()));
    assert!(members.remove("fingerprint").is_some_and(|text| text.as_str().is_some_and(|text| text.len() == 32)));
    let expected = json!({
        "at": "2026-05-20T13:20:00.000Z", "status": "failed", "statusText": "Bounce", "failure": "transient",
        "code": "7520", "reason": "Transient_General", "detail": "4.4.7|failed|smtp; 421 4.4.7 message expired",
        "channel": "email", "to": "dana@example.org", "transactionId": "transaction-of-order-1", "segments": 1,
        "callbackData": null, "source": "notify", "times": 1, "body": bounce.pretty()
    });
    assert_eq!(last, expected);
    server.stop().await;
}

async fn several_recipients_each_have_a_status(database: &Database) {
    let server = TestServer::start(database).await;
    let to = |recipient: &str| Sample::of("order-1").to(recipient).transaction(&format!("T-{recipient}"));
    server.posts(to("447700900002").says("Un-Delivered", "7203")).await.is_acknowledged();
    server.posts(to("447700900001").says("Submitted", "7501").at("2026-05-20T13:15:01Z")).await.is_acknowledged();
    server.posts(to("447700900001")).await.is_acknowledged();
    let message = server.message("order-1").await;
    // One recipient was not reached. The delivery to the other one must not hide this.
    assert_eq!((&message["to"], &message["status"]), (&json!("447700900001"), &json!("failed")));
    assert_eq!(
        (&message["final"], &message["failure"], &message["code"]),
        (&json!(true), &json!("permanent"), &json!("7203"))
    );
    assert_eq!(server.ids("?status=failed").await, ["order-1"]);
    assert_eq!(server.ids("?status=delivered").await, [""; 0]);
    let told =
        |one: &Value| ["to", "status", "final", "failure", "code", "transactionId"].map(|name| one[name].clone());
    let told: Vec<_> = message["recipients"].as_array().unwrap().iter().map(told).collect();
    let expected = [
        [json!("447700900001"), json!("delivered"), json!(true), Value::Null, json!("7500"), json!("T-447700900001")],
        [
            json!("447700900002"),
            json!("failed"),
            json!(true),
            json!("permanent"),
            json!("7203"),
            json!("T-447700900002"),
        ],
    ];
    assert_eq!(told, expected);
    // A search for one of them finds the message, and the list shows all.
    for recipient in ["447700900001", "%2B447700900002", "447700900002"] {
        let listed = server.items(&format!("/v1/messages?to={recipient}")).await;
        assert_eq!(listed.len(), 1, "{recipient}");
        assert_eq!(listed[0]["recipients"], message["recipients"]);
        assert_eq!(listed[0].get("timeline"), None);
    }
    server.stop().await;
}

async fn a_list_shows_ten_recipients_and_their_number(database: &Database) {
    let server = TestServer::start(database).await;
    for n in 0..12 {
        let to = format!("4477009000{n:02}");
        server.posts(Sample::of("order-1").to(&to).transaction(&format!("T-{n}"))).await.is_acknowledged();
    }
    server.posts(Sample::of("order-2")).await.is_acknowledged();
    let listed = server.items("/v1/messages?correlationId=order-1").await.remove(0);
    let message = server.message("order-1").await;
    for (shown, recipients) in [(&listed, 10), (&message, 12)] {
        assert_eq!(shown["recipients"].as_array().unwrap().len(), recipients);
        assert_eq!(shown["recipientCount"], 12);
    }
    let other = server.message("order-2").await;
    assert_eq!((&other["recipients"], &other["recipientCount"]), (&Value::Null, &Value::Null));
    server.stop().await;
}
