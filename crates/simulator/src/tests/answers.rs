//! The answers that a sender gets.

use std::num::NonZeroU32;

use serde_json::{Value, json};

use super::world::{World, calm_but};

const V1: &str = "/resources/v1/messaging";
const V2: &str = "/v2/messages";
const SMS: &str = "/v1/sms/messages";

fn v1_sms(text: &str) -> Value {
    json!({"deliverychannel": "sms", "destination": [{"msisdn": ["447700900123"]}],
           "channels": {"sms": {"senderid": "ACME", "text": text}}})
}

fn v1_whatsapp(text: &str) -> Value {
    json!({"deliverychannel": "whatsapp", "appid": "a_1", "destination": [{"waid": ["447700900123"]}],
           "channels": {"OTT-Messaging": {"wa": {"type": "text", "text": {"body": text}}}}})
}

fn v2_sms(text: &str) -> Value {
    json!({"channel": "sms", "from": "ACME", "to": [{"msisdn": ["447700900123"], "correlationId": "c1"}],
           "content": {"type": "text", "text": text}})
}

fn single_sms(text: &str) -> Value {
    json!({"from": "ACME", "to": "+447700900123", "content": text, "correlationId": "c1"})
}

#[tokio::test]
async fn each_api_accepts_in_its_own_format() {
    let world = World::calm();
    let (status, answer) = world.send(V1, &v1_sms("Hello")).await;
    let transid = answer["response"][0]["transid"].clone();
    assert_eq!(status, 200);
    assert_eq!(answer, json!({"response": [{"code": "1001", "transid": transid, "description": "Queued"}]}));
    assert_eq!(transid.as_str().unwrap().len(), 36);

    let mut tagged = v1_sms("Hello");
    tagged["correlationid"] = json!("c1");
    let (_, answer) = world.send("/resources/v1/messaging/", &tagged).await;
    assert_eq!(answer["response"][0]["correlationid"], "c1");

    let (status, answer) = world.send(V2, &v2_sms("Hello")).await;
    assert_eq!((status, &answer["status"], &answer["correlationId"]), (201, &json!("queued"), &json!("c1")));
    assert!(answer["messageId"].is_string() && answer["requestTimestamp"].is_string());

    let (status, answer) = world.send(SMS, &single_sms("Hello")).await;
    assert_eq!((status, &answer["correlationId"]), (202, &json!("c1")));
    assert!(answer["messageId"].is_string() && answer["acceptedTime"].is_string());
}

#[tokio::test]
async fn an_apple_invitation_is_answered_with_an_object() {
    let invitation = json!({"deliverychannel": "AppleBusinessChat", "appid": "a_1",
        "destination": [{"msisdn": ["+447700900123"]}], "channels": {"AppleBusinessChat": {"type": "invitation"}}});
    let (status, answer) = World::calm().send(V1, &invitation).await;
    assert_eq!((status, &answer["response"]["code"]), (200, &json!("1001")));
}

#[tokio::test]
async fn a_batch_is_answered_entry_by_entry() {
    let batch = json!([v1_sms("One"), v1_sms("[sim:answer=7102]"), {"deliverychannel": "sms"}, v1_whatsapp("Four")]);
    let world = World::calm();
    let (status, answer) = world.send(V1, &batch).await;
    let response = answer["response"].as_array().unwrap();
    let codes: Vec<_> = response.iter().map(|entry| entry["code"].as_str().unwrap()).collect();
    assert_eq!((status, codes), (200, vec!["1001", "7102", "7003", "1001"]));
    let base = response[0]["transid"].as_str().unwrap();
    for (place, entry) in response.iter().enumerate().skip(1) {
        assert_eq!(entry["transid"], format!("{base}_{place}"));
        assert_eq!(entry["correlationid"], "");
    }
    assert_eq!(world.observer.report().accepted, 2);
}

#[tokio::test]
async fn a_key_is_required_and_compared() {
    let world = World::with(calm_but(|settings| settings.service_key = Some("k1".to_owned())));
    for (path, body, without, wrong) in [
        (V1, v1_sms("Hello"), (200, "7002"), (200, "7001")),
        (V1, v1_whatsapp("Hello"), (400, "7002"), (400, "7001")),
        (V2, v2_sms("Hello"), (401, ""), (401, "")),
        (SMS, single_sms("Hello"), (403, "7002"), (403, "7001")),
    ] {
        for (key, expected) in [(None, without), (Some("k2"), wrong)] {
            let request = key.into_iter().fold(world.request(path), |request, key| request.header("key", key));
            let response = request.json(&body).send().await.unwrap();
            let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
            assert_eq!(status, expected.0, "{path} {key:?}");
            assert!(text.contains(expected.1) && text.is_empty() == expected.1.is_empty(), "{path} {text}");
        }
        let bearer = world.request(path).bearer_auth("k1").json(&body).send().await.unwrap();
        assert!(bearer.text().await.unwrap().contains(if path == V1 { "1001" } else { "c1" }), "{path}");
    }
    let report = world.observer.report();
    assert_eq!((report.requests, report.accepted), (12, 4));
    assert_eq!([report.refused["7001"], report.refused["7002"]], [4, 4]);
}

#[tokio::test]
async fn a_rejection_has_the_format_of_its_api() {
    let world = World::calm();
    let (status, answer) = world.send(V1, &v1_sms("[sim:answer=7103]")).await;
    let transid = answer["response"]["transid"].clone();
    assert!(transid.is_string());
    let expected = json!({"response": {"code": "7103", "description": "Not enough credits", "transid": transid}});
    assert_eq!((status, answer), (200, expected));
    let (status, answer) = world.send(V1, &v1_whatsapp("[sim:answer=7103]")).await;
    assert_eq!((status, &answer["response"]["code"]), (400, &json!("7103")));
    let expected = json!({"code": "7103", "message": "Not enough credits"});
    assert_eq!(world.send(V2, &v2_sms("[sim:answer=7103]")).await, (400, expected.clone()));
    assert_eq!(world.send(SMS, &single_sms("[sim:answer=7103]")).await, (400, expected));
    assert_eq!(world.send(SMS, &single_sms("[sim:answer=7006]")).await.0, 500);
    assert_eq!(world.send(V2, &v2_sms("[sim:answer=7001]")).await, (401, json!("")));
    assert_eq!(world.observer.report().accepted, 0);
}

#[tokio::test]
async fn invalid_json_and_too_many_messages_are_rejected() {
    let world = World::calm();
    let broken = world.request(V2).header("key", "k1").body("{").send().await.unwrap();
    assert_eq!(broken.json::<Value>().await.unwrap(), json!({"code": "7000", "message": "Invalid JSON"}));
    assert_eq!(world.send(V1, &json!("text")).await.1["response"]["code"], "7000");
    assert_eq!(world.send(V1, &json!([])).await.1["response"]["code"], "7000");
    let numbers = |count: usize| vec!["447700900123"; count];
    let mut many = v1_sms("Hello");
    many["destination"] = json!([{"msisdn": numbers(600)}, {"msisdn": numbers(400)}]);
    assert_eq!(world.send(V1, &many).await.1["response"][0]["code"], "1001");
    many["destination"] = json!([{"msisdn": numbers(600)}, {"msisdn": numbers(401)}]);
    assert_eq!(world.send(V1, &many).await.1["response"]["code"], "7009");
}

#[tokio::test]
async fn a_bare_status_rejects_a_whole_batch() {
    let world = World::calm();
    let batch = json!([v1_sms("One"), v1_sms("[sim:answer=http-503]")]);
    assert_eq!(world.send(V1, &batch).await, (503, json!("")));
    assert_eq!(world.send(V2, &v2_sms("[sim:answer=http-429]")).await, (429, json!("")));
    let report = world.observer.report();
    assert_eq!((report.accepted, report.refused["http-503"], report.refused["http-429"]), (0, 1, 1));
}

#[tokio::test]
async fn v2_may_reject_a_message_that_it_accepted() {
    let world = World::calm();
    let (status, answer) = world.send(V2, &v2_sms("[sim:answer=rejected]")).await;
    assert_eq!((status, &answer["status"]), (201, &json!("Rejected")));
    assert_eq!(world.observer.report().accepted, 0);
}

#[tokio::test]
async fn messages_with_unusable_answers_are_accepted() {
    let world = World::calm();
    let garbage = world.send_sms("c1", "[sim:answer=garbage]").await;
    assert_eq!(garbage, (200, json!("<html>Please wait</html>")));
    let request = world.request(V2).header("key", "k1").json(&world.sms("c2", "[sim:answer=reset]"));
    let torn = match request.send().await {
        Ok(response) => response.bytes().await.err(),
        Err(error) => Some(error),
    };
    assert!(torn.is_some_and(|error| !error.is_timeout()));
    world.send_unanswered("c3", "[sim:answer=hang]").await;
    assert_eq!(world.statuses().await.len(), 6);
    let report = world.observer.report();
    assert_eq!(report.accepted_by_correlation_id, [("c1", 1), ("c2", 1), ("c3", 1)].map(|(k, v)| (k.into(), v)).into());
}

#[tokio::test]
async fn an_answer_may_apply_only_once() {
    let world = World::calm();
    let mut statuses = Vec::new();
    for id in ["c1", "c1", "c2", "c1"] {
        statuses.push(world.send_sms(id, "[sim:answer=http-503][sim:once]").await.0);
    }
    assert_eq!(statuses, [503, 201, 503, 201]);
    assert_eq!(world.observer.report().accepted_by_correlation_id["c1"], 2);
}

#[tokio::test]
async fn requests_above_the_rate_are_rejected_after_the_burst() {
    let world = World::with(calm_but(|settings| settings.rate = NonZeroU32::new(1)));
    // Far more than can pass while they are sent.
    for _ in 0..40 {
        world.send(V2, &v2_sms("Hello")).await;
    }
    let report = world.observer.report();
    assert!(report.accepted > 0 && report.refused["7020"] > 0, "{report:?}");
    assert_eq!(report.accepted + report.refused["7020"], 40);
}
