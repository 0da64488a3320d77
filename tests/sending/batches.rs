//! Several messages in one request.

use harness::{Database, both};
use receiptd::{domain::Dispatch, send::DispatchLimits};
use serde_json::json;

use crate::stage::{Stage, Stub, answered, limits, message, says, takes};

both!(
    messages_of_one_channel_share_a_request,
    a_part_of_a_batch_may_be_rejected,
    a_lost_answer_is_lost_for_the_whole_batch
);

fn in_tens() -> DispatchLimits {
    DispatchLimits { batch: 10, ..limits(4) }
}

async fn messages_of_one_channel_share_a_request(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(takes));
    stage.takes((0..50).map(|n| message(["sms", "whatsapp"][n % 2], &format!("order-{n}")))).await;
    let instance = stage.dispatches(platform.clone(), in_tens());
    for n in 0..50 {
        stage.until(&format!("order-{n}"), Dispatch::Accepted).await;
        let id = format!("order-{n}");
        let transaction = stage.message(&id).await.transaction_id.unwrap();
        assert_eq!((transaction.as_str(), platform.times(&id)), (format!("T-{id}").as_str(), 1));
    }
    instance.stops().await;
    // Messaging API v2, which text messages use, accepts one message at a time.
    for (_, ids) in platform.sent() {
        let is_sms = ids[0].trim_start_matches("order-").parse::<usize>().unwrap() % 2 == 0;
        assert!(if is_sms { ids.len() == 1 } else { ids.len() <= 10 }, "{ids:?}");
    }
    assert!(platform.sent().iter().any(|(_, ids)| ids.len() == 10));
}

async fn a_part_of_a_batch_may_be_rejected(database: &Database) {
    let stage = Stage::on(database).await;
    let platform = Stub::new(|ids: &[String]| {
        let entry = |id: &String| match id.as_str() {
            "refused" => json!({ "code": "7004", "description": "bad", "correlationid": id }),
            "later" => json!({ "code": "7006", "description": "busy", "correlationid": id }),
            id => json!({ "code": "1001", "description": "Queued", "transid": "T", "correlationid": id }),
        };
        answered(200, &json!({ "response": ids.iter().map(entry).collect::<Vec<_>>() }))
    });
    stage.takes(["refused", "taken", "later"].map(|id| message("whatsapp", id))).await;
    let instance = stage.dispatches(platform.clone(), in_tens());
    stage.until("taken", Dispatch::Accepted).await;
    stage.until("refused", Dispatch::Rejected).await;
    assert_eq!(stage.message("refused").await.code.as_deref(), Some("7004"));
    stage.until("later", Dispatch::Queued).await;
    assert_eq!(platform.sent()[0].1.len(), 3);
    platform.answers(takes);
    stage.until("later", Dispatch::Accepted).await;
    assert_eq!((platform.times("taken"), platform.times("refused")), (1, 1));
    instance.stops().await;
}

async fn a_lost_answer_is_lost_for_the_whole_batch(database: &Database) {
    let (stage, platform) = (Stage::on(database).await, Stub::new(|_: &[String]| says(502, None)));
    stage.takes((0..5).map(|n| message("whatsapp", &format!("order-{n}")))).await;
    let instance = stage.dispatches(platform.clone(), in_tens());
    for n in 0..5 {
        stage.until(&format!("order-{n}"), Dispatch::Unconfirmed).await;
    }
    assert_eq!(platform.sent().len(), 1);
    instance.stops().await;
}
