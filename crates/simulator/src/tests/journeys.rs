//! The reports of each channel.

use serde_json::{Value, json};

use super::world::{World, calm_but};

const V1: &str = "/resources/v1/messaging";
const V2: &str = "/v2/messages";

/// A request body of every channel, with `text` in it.
fn bodies(text: &str) -> Vec<(&'static str, &'static str, Value)> {
    let v1 = |channel: &str, destination: Value, channels: Value| {
        json!({"deliverychannel": channel, "appid": "a_1", "destination": [destination], "channels": channels,
               "correlationid": "c1", "callbackData": "order-1"})
    };
    let v2 = |channel: &str, to: Value| {
        json!({"channel": channel, "from": "ACME", "to": [to], "content": {"type": "text", "text": text},
               "correlationId": "c1", "callbackData": "order-1"})
    };
    let number = json!({"msisdn": ["447700900123"]});
    let ott = |member: &str, content: Value| json!({"OTT-Messaging": {member: content}});
    let wa = ott("wa", json!({"type": "text", "text": {"body": text}}));
    let instagram =
        json!({"from": "a_1", "to": "2000", "content": text, "correlationId": "c1", "callbackData": "order-1"});
    let thread = json!({"appmessaging": {"thread_id": "t1", "message": {"text": text}}});
    vec![
        ("sms", V2, v2("sms", number.clone())),
        ("mms", V2, v2("mms", number.clone())),
        ("rcs", V2, v2("rcs", number.clone())),
        ("email", V2, v2("email", json!({"email": ["dana@example.org"]}))),
        ("voice", V2, v2("voice", number)),
        ("whatsapp", V1, v1("whatsapp", json!({"waid": ["447700900123"]}), wa)),
        ("messenger", V1, v1("fb", json!({"psid": ["1000"]}), ott("fb", json!({"text": text})))),
        ("in-app", V1, v1("appmessaging", json!({"userid": ["user-1"]}), thread)),
        ("push", V1, v1("push", json!({"userid": ["user-1"]}), json!({"push": {"android": {"text": text}}}))),
        (
            "apple",
            V1,
            v1(
                "AppleBusinessChat",
                json!({"abcUserId": ["urn:mbid:1"]}),
                json!({"AppleBusinessChat": {"type": "text", "text": text}}),
            ),
        ),
        ("instagram", "/v1/instagram/messages", instagram),
    ]
}

/// Sends and returns the status words. The three APIs use different names for the URL.
async fn statuses_of(path: &str, mut body: Value) -> Vec<String> {
    let world = World::calm();
    for name in ["notifyurl", "notifyUrl", "callbackUrl"] {
        body[name] = json!(world.notify_url);
    }
    let (status, answer) = world.send(path, &body).await;
    assert!(status < 300, "{answer}");
    world.statuses().await
}

#[tokio::test]
async fn every_channel_takes_its_documented_steps() {
    for (channel, path, body) in bodies("[sim:until=the end]") {
        let statuses = statuses_of(path, body).await;
        let expected: &[&str] = match channel {
            "sms" => &["Submitted", "Delivered", "Clicked"],
            "mms" => &["Submitted", "Delivered"],
            "email" => &["Submitted", "Delivered", "Read", "Read", "Clicked", "Complaint"],
            "voice" => {
                &["OFFERED", "ACCEPTED", "ANSWERED", "TROMBONE_CONNECTED", "TROMBONE_RELEASED", "DROPPED", "Released"]
            }
            "in-app" => &["Submitted", "Delivered", "Read", "Clicked"],
            "apple" => &["Submitted"],
            "instagram" => &["Submitted", "Read"],
            _ => &["Submitted", "Delivered", "Read"],
        };
        assert_eq!(statuses, expected, "{channel}");
    }
}

#[tokio::test]
async fn every_channel_fails_with_a_code_from_its_own_table() {
    use receiptd_domain::Channel;
    use receiptd_webex::codes::{self, Class};

    for (name, path, mut body) in bodies("Hello") {
        let world = World::with(calm_but(|settings| settings.failures = 1.0));
        for member in ["notifyurl", "notifyUrl", "callbackUrl"] {
            body[member] = json!(world.notify_url);
        }
        world.send(path, &body).await;
        world.observer.settled().await;
        let code = world.arrivals().last().unwrap().info()["code"].as_str().unwrap().to_owned();
        let row = codes::find(Some(&Channel::from_name(name)), &code);
        let class = row.map(|row| row.class);
        assert!(matches!(class, Some(Class::Permanent | Class::Transient | Class::Unclear)), "{name} {code} {class:?}");
    }
}

#[tokio::test]
async fn a_failure_has_the_word_of_its_channel() {
    for (channel, code, expected) in [
        ("sms", "7203", &["Submitted", "Un-Delivered"][..]),
        ("sms", "9002", &["Failed"]),
        ("email", "7521", &["Submitted", "Delivered", "Complaint"]),
        ("email", "7522", &["Not Verified"]),
        ("email", "7240", &["Failed"]),
        ("voice", "7402", &["OFFERED", "DROPPED", "REJECTED"]),
        ("voice", "7403", &["OFFERED", "DISCONNECTED", "DROPPED", "REJECTED"]),
        ("voice", "7005", &["Failed"]),
        ("whatsapp", "7710", &["Submitted", "Failed"]),
        ("apple", "7314", &["Failed"]),
    ] {
        let mut bodies = bodies(&format!("[sim:fail={code}]")).into_iter();
        let (_, path, body) = bodies.find(|(name, ..)| *name == channel).unwrap();
        assert_eq!(statuses_of(path, body).await, expected, "{channel} {code}");
    }
}

#[tokio::test]
async fn a_bounce_names_its_type() {
    let world = World::calm();
    let body = json!({"channel": "email", "from": "a@example.com", "to": [{"email": ["b@example.org"]}],
        "notifyUrl": world.notify_url, "content": {"text": "[sim:fail=7520:Transient_MailboxFull]"}});
    world.send(V2, &body).await;
    assert_eq!(world.statuses().await.last().unwrap(), "Bounce");
    let arrivals = world.arrivals();
    let info = arrivals.last().unwrap().info();
    assert_eq!(info["Description"], "Transient_MailboxFull");
    assert!(info["additionalInfo"].as_str().unwrap().starts_with("4.2.2|failed|smtp;"));
}

#[tokio::test]
async fn only_requested_receipts_are_posted() {
    for (receipts, text, expected) in [
        (json!(["SENT"]), "Hello", &["Submitted"][..]),
        (json!(["delivered", "FAILED"]), "Hello", &["Delivered"]),
        (json!(["Failed"]), "[sim:fail=7203]", &["Un-Delivered"]),
        (json!([]), "Hello", &[]),
    ] {
        let world = World::calm();
        let mut body = world.sms("c1", text);
        body["requestedReceipts"] = receipts;
        world.send(V2, &body).await;
        assert_eq!(world.statuses().await, expected, "{body}");
    }
}

#[tokio::test]
async fn a_failed_rcs_message_falls_back_to_sms() {
    let world = World::calm();
    let body = json!({"channel": "rcs", "from": "a_1", "to": [{"msisdn": ["+447700900123"], "correlationId": "c1"}],
        "notifyUrl": world.notify_url, "content": {"type": "text", "text": "[sim:fail=7323]"},
        "options": {"smsFallback": true, "smsSenderId": "ACME", "text": "Hello"}});
    let (_, answer) = world.send(V2, &body).await;
    assert_eq!(world.statuses().await, ["Failed", "Submitted", "Delivered"]);
    let arrivals = world.arrivals();
    assert_eq!(arrivals[0].outer()["transid"], answer["messageId"]);
    for stand_in in &arrivals[1..] {
        assert_eq!(stand_in.outer()["transid"], format!("{}_fallbackrcs", answer["messageId"].as_str().unwrap()));
        assert_eq!([&stand_in.info()["deliveryChannel"], &stand_in.info()["destination"]], ["SMS", "447700900123"]);
        assert_eq!(stand_in.outer()["correlationid"], "c1");
    }
}

#[tokio::test]
async fn chat_channels_number_their_transaction_ids() {
    let world = World::calm();
    let (_, path, mut body) = bodies("Hello").into_iter().find(|(name, ..)| *name == "whatsapp").unwrap();
    body["notifyurl"] = json!(world.notify_url);
    let (_, answer) = world.send(path, &body).await;
    world.observer.settled().await;
    let expected = format!("{}_0", answer["response"][0]["transid"].as_str().unwrap());
    assert!(world.arrivals().iter().all(|arrival| arrival.outer()["transid"] == expected));
}

#[tokio::test]
async fn every_destination_has_notifications() {
    let world = World::calm();
    let body = json!({"deliverychannel": "sms", "notifyurl": world.notify_url, "correlationid": "root",
        "destination": [{"msisdn": ["1", "2"], "correlationid": "own"}, {"msisdn": ["3"]}],
        "channels": {"sms": {"senderid": "ACME", "text": "[sim:until=submitted]"}}});
    world.send(V1, &body).await;
    world.observer.settled().await;
    let pair = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found: Vec<_> =
        world.arrivals().iter().map(|a| (pair(&a.info()["destination"]), pair(&a.outer()["correlationid"]))).collect();
    found.sort();
    assert_eq!(found, [("1", "own"), ("2", "own"), ("3", "root")].map(|(to, id)| (to.to_owned(), id.to_owned())));
    let report = world.observer.report();
    assert_eq!((report.accepted, report.accepted_by_correlation_id["own"]), (3, 1));
}

#[tokio::test]
async fn the_sms_api_may_use_the_flat_callback() {
    let world = World::with(calm_but(|settings| settings.flat_callbacks = true));
    let body = json!({"from": "ACME", "to": "+447700900123", "content": "Hello", "correlationId": "c1",
        "callbackUrl": world.notify_url});
    world.send("/v1/sms/messages", &body).await;
    world.observer.settled().await;
    let statuses: Vec<_> = world.arrivals().iter().map(|arrival| arrival.body["status"].clone()).collect();
    assert_eq!(statuses, ["QUEUED", "SENT", "DELIVERED"]);
}

#[tokio::test]
async fn the_voice_api_uses_the_flat_callback() {
    let world = World::calm();
    let call = json!({"callerId": "+447700900200", "dialedNumber": "+447700900123", "correlationId": "c1",
        "audio": {"type": "TTS", "text": "[sim:until=answered]"}, "callbackUrl": world.notify_url});
    let (status, answer) = world.send("/v1/voice/messages", &call).await;
    assert_eq!((status, &answer["status"]), (202, &json!("QUEUED")));
    world.observer.settled().await;
    let arrivals = world.arrivals();
    let events: Vec<_> = arrivals.iter().map(|arrival| arrival.body["event"].clone()).collect();
    assert_eq!(events, ["ACCEPTED", "ANSWERED"]);
    assert!(arrivals.iter().all(|arrival| arrival.body["sessionId"] == answer["sessionId"]));
}
