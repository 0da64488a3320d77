//! How long the steps of a message took, and how long they usually take.

use std::time::Duration;

use harness::{Database, Sample, SetClock, TestServer, both};
use serde_json::{Value, json};

both!(steps_are_compared_with_those_of_earlier_messages_on_the_channel);

/// A message on a channel that was delivered this number of seconds after it was submitted.
async fn delivered_after(server: &TestServer, id: &str, channel: &str, seconds: u32) {
    let sample = Sample::of(id).on(channel);
    let delivered = format!("2026-05-20T13:{:02}:{:02}Z", 15 + seconds / 60, seconds % 60);
    for sample in [
        sample.clone().says("Submitted", "7501").at("2026-05-20T13:15:00Z"),
        sample.says("Delivered", "7500").at(&delivered),
    ] {
        server.posts(sample).await.is_acknowledged();
    }
}

async fn steps_are_compared_with_those_of_earlier_messages_on_the_channel(database: &Database) {
    let clock = SetClock::default();
    let server = TestServer::on(database).by(clock.clock()).start().await;
    for part in 0..5 {
        for n in 0..5 {
            delivered_after(&server, &format!("earlier-{part}-{n}"), "SMS", part * 5 + n + 1).await;
        }
        delivered_after(&server, &format!("mail-{part}"), "Email", 1).await;
        clock.goes_forward(Duration::from_hours(6));
    }
    // Two recipients, whose steps are mixed.
    for to in ["447700900001", "447700900002"] {
        server.posts(Sample::of("both").to(to)).await.is_acknowledged();
    }
    clock.goes_forward(Duration::from_hours(24));
    delivered_after(&server, "order-1", "SMS", 150).await;
    delivered_after(&server, "order-2", "Email", 7).await;

    let times = async |id: &str| server.message(id).await["pace"].clone();
    let slow = times("order-1").await;
    let usual = json!({ "count": 25, "medianSeconds": 13.0, "p95Seconds": 24.0 });
    let step = json!({ "entry": 1, "from": "submitted", "to": "delivered", "seconds": 150.0, "usual": usual });
    assert_eq!(slow["steps"], json!([step]));
    assert_eq!(slow["sample"]["messages"], 25);
    let page = server.opens("/messages/order-1").await.is(200);
    let words = "2 min from submitted to delivered; usual 13 s, at most 24 s in 95 of 100. Longer than usual";
    assert!(page.shows(words) && page.shows("a sample: 25 messages on SMS"), "{}", page.text);

    // Five messages are too few to say what is usual.
    let mail = times("order-2").await;
    assert_eq!((&mail["steps"][0]["seconds"], &mail["steps"][0]["usual"]), (&json!(7.0), &Value::Null));
    let page = server.opens("/messages/order-2").await.is(200);
    assert!(page.shows("7.0 s from submitted to delivered") && !page.shows("usual"), "{}", page.text);
    assert_eq!(times("both").await, Value::Null);
    server.stop().await;
}
