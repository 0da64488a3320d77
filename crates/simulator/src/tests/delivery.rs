//! How notifications reach the receiver, or are lost.

use std::time::Duration;

use receiptd_webex::signature;
use serde_json::{Value, json};

use super::world::{World, calm_but, dead_url};
use crate::Settings;

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_notification_contains_the_senders_data() {
    let world = World::calm();
    let (_, answer) = world.send_sms("c1", "Hello").await;
    assert_eq!(world.statuses().await, ["Submitted", "Delivered"]);
    for arrival in world.arrivals() {
        let outer = arrival.outer();
        assert_eq!([&outer["correlationid"], &outer["callbackData"]], ["c1", "order-1"]);
        assert_eq!(outer["transid"], answer["messageId"]);
        assert_eq!(arrival.info()["destination"], "447700900123");
        assert!(arrival.trace_id.is_some() && arrival.signature.is_none());
    }
}

#[tokio::test]
async fn a_hub_secret_signs_the_bytes_as_they_are_sent() {
    let world = World::with(calm_but(|settings| settings.hub_secret = Some("secret".to_owned())));
    world.send_sms("c1", "Hello").await;
    world.observer.settled().await;
    for arrival in world.arrivals() {
        let signature = arrival.signature.unwrap();
        assert!(signature.starts_with("sha256="), "{signature}");
        assert_eq!(signature::signer(&signature, &arrival.raw, &["secret".into()]), Some(0));
    }
}

#[tokio::test]
async fn a_temporary_error_is_retried() {
    let world = World::calm();
    world.will_answer([503, 500, 429]);
    world.send_sms("c1", "[sim:until=submitted]").await;
    assert_eq!(world.statuses().await, ["Submitted"; 4]);
    let counts = world.observer.report().notifications;
    assert_eq!((counts.posted, counts.retried, counts.taken, counts.dropped), (4, 3, 1, 0));
}

#[tokio::test]
async fn after_three_retries_it_is_dropped_and_listed_in_the_export() {
    let world = World::calm();
    world.will_answer([503; 4]);
    world.send_sms("c1", "[sim:until=submitted]").await;
    world.observer.settled().await;
    let report = world.observer.report();
    assert_eq!((report.notifications.posted, report.notifications.dropped), (4, 1));
    let dropped = &report.dropped[0];
    assert_eq!((dropped.status, &dropped.url), (Some(503), &world.notify_url));
    assert_eq!(dropped.payload, world.arrivals()[0].body);
}

#[tokio::test]
async fn some_statuses_are_not_retried() {
    let world = World::calm();
    for (at, status) in [202, 204, 302, 404].into_iter().enumerate() {
        world.will_answer([status]);
        world.send_sms(&format!("c{at}"), "[sim:until=submitted]").await;
        world.observer.settled().await;
        assert_eq!(world.arrivals().len(), at + 1, "{status}");
        assert_eq!(world.observer.report().dropped[at].status, Some(status));
    }
}

#[tokio::test]
async fn an_absent_receiver_is_tried_four_times() {
    let world = World::calm();
    let mut body = world.sms("c1", "[sim:until=submitted]");
    body["notifyUrl"] = json!(dead_url());
    world.send("/v2/messages", &body).await;
    world.observer.settled().await;
    let report = world.observer.report();
    assert_eq!((report.notifications.posted, report.dropped[0].status), (4, None));
    assert!(!report.dropped[0].response.is_empty());
}

#[tokio::test]
async fn a_malformed_notify_url_is_accepted_and_never_used() {
    let world = World::calm();
    for url in [&format!(" {}", world.notify_url), &format!("{} ", world.notify_url), "status.example.com", "$(url)"] {
        let mut body = world.sms("c1", "Hello");
        body["notifyUrl"] = json!(url);
        assert_eq!(world.send("/v2/messages", &body).await.0, 201, "{url:?}");
    }
    let report = world.observer.report();
    assert_eq!((report.accepted, report.notifications.planned), (4, 0));
}

#[tokio::test]
async fn an_early_notification_is_there_before_the_answer() {
    let world = World::with(calm_but(|settings| {
        settings.early = 1.0;
        settings.notify_delay = HOUR;
    }));
    world.send_sms("c1", "Hello").await;
    assert_eq!(world.arrivals().len(), 1);
}

#[tokio::test]
async fn no_notification_is_early_without_the_setting() {
    let world = World::with(calm_but(|settings| settings.answer_delay = HOUR));
    world.send_unanswered("c1", "Hello").await;
    assert!(world.arrivals().is_empty());
    assert_eq!(world.observer.report().notifications.pending, 2);
}

#[tokio::test]
async fn the_shutdown_is_prompt_with_pending_notifications() {
    let world = World::with(calm_but(|settings| settings.notify_delay = HOUR));
    world.send_sms("c1", "Hello").await;
    world.send_unanswered("c2", "[sim:answer=hang]").await;
    let observer = world.observer.clone();
    tokio::time::timeout(Duration::from_secs(5), world.stop()).await.unwrap();
    assert_eq!(observer.report().notifications.pending, 4);
}

#[tokio::test]
async fn the_counts_add_up_when_everything_fails() {
    let world = World::with(calm_but(|settings| {
        settings.loss = 0.2;
        settings.duplicates = 0.2;
        settings.reorder = 0.3;
        settings.early = 0.2;
        settings.failures = 0.3;
        settings.notify_concurrency = 3;
    }));
    world.will_answer([503, 404, 500, 200, 503, 503, 503, 503, 503, 503, 400]);
    for nth in 0..40 {
        world.send_sms(&format!("c{nth}"), "Hello").await;
    }
    world.observer.settled().await;
    let report = world.observer.report();
    let counts = report.notifications;
    assert_eq!(counts.planned, counts.taken + counts.lost + counts.dropped);
    assert_eq!(counts.posted, counts.taken + counts.dropped + counts.retried);
    assert_eq!(counts.posted, world.arrivals().len() as u64);
    assert_eq!(counts.dropped, report.dropped.len() as u64);
    assert!(counts.lost > 0 && counts.dropped > 1);
}

#[tokio::test]
async fn two_simulators_with_one_seed_behave_equally() {
    let settings = Settings { failures: 0.5, duplicates: 0.3, reorder: 0.3, ..Settings::calm() };
    let (first, second) = (World::with(settings.clone()), World::with(settings));
    for nth in 0..10 {
        let id = format!("c{nth}");
        let (one, other) = (first.send_sms(&id, "Hello").await.1, second.send_sms(&id, "Hello").await.1);
        assert_eq!(one["messageId"], other["messageId"]);
        assert_eq!(first.statuses().await, second.statuses().await);
    }
}

#[test]
fn it_runs_in_the_runtime_of_actix_too() {
    actix_web::rt::System::new().block_on(async {
        let world = World::calm();
        world.send_sms("c1", "Hello").await;
        assert_eq!(world.statuses().await, ["Submitted", "Delivered"]);
        tokio::time::timeout(Duration::from_secs(5), world.stop()).await.unwrap();
    });
}

#[tokio::test]
async fn the_report_is_served() {
    let world = World::calm();
    world.send_sms("c1", "Hello").await;
    world.observer.settled().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let served: Value =
        client.get(format!("{}/simulator/report", world.base_url)).send().await.unwrap().json().await.unwrap();
    assert_eq!(served, serde_json::to_value(world.observer.report()).unwrap());
    assert_eq!(served["acceptedByCorrelationId"], json!({"c1": 1}));
    for alive in [client.get(&world.base_url), client.head(&world.base_url)] {
        assert_eq!(alive.send().await.unwrap().status(), 200);
    }
}
