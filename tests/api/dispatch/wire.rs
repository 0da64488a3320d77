//! The exact request bodies, and both formats of answers.

use harness::{Database, Recorder, TestServer, eventually, fixtures, sms, sqlite, whatsapp};
use serde_json::{Value, json};

sqlite!(
    an_sms_is_spelled_as_documented,
    a_whatsapp_message_is_spelled_as_documented,
    each_format_of_an_answer_is_understood,
);

const V2: &str = r#"{"requestTimestamp":"2026-05-20T13:15:00Z","messageId":"M-1","status":"queued"}"#;
const V1: &str = r#"{"response":[{"code":"1001","description":"Queued","transid":"T-1"}]}"#;
const V1_OBJECT: &str = r#"{"response":{"code":"1001","description":"Queued","transid":"T-2"}}"#;

/// The documented request that this message must equal, with our URL and without a list of receipts.
fn documented(name: &str, server: &TestServer) -> Value {
    let (_, body) = fixtures("send").into_iter().find(|(file, _)| file == name).unwrap();
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    let members = body.as_object_mut().unwrap();
    members.remove("requestedReceipts");
    for name in ["notifyUrl", "notifyurl"] {
        if let Some(url) = members.get_mut(name) {
            *url = json!(format!("http://{}/notify", server.address));
        }
    }
    body
}

async fn the_only_request(recorder: &Recorder) -> harness::Request {
    eventually("a request to the platform", async || recorder.requests().pop()).await
}

async fn an_sms_is_spelled_as_documented(database: &Database) {
    let recorder = Recorder::answering(V2).await;
    let server = TestServer::on(database).sending_to(&recorder.url).with("webex.notify_auth_id", "TN0EXMPL7A");
    let server = server.start().await;
    let mut message = sms("f623d241-cadf-4a40-87d5-5c5ddf30d09f", "Your parcel arrives today.");
    message["callbackData"] = json!(r#"{"order":"A-1001","tenant":"acme"}"#);
    server.sends(&message).await.is(202);
    let request = the_only_request(&recorder).await;
    assert!(request.head.starts_with("post /v2/messages http/1.1\r\n"), "{}", request.head);
    assert!(request.head.contains("\r\nkey: the-service-key"), "{}", request.head);
    assert!(request.head.contains("\r\ncontent-type: application/json"), "{}", request.head);
    assert_eq!(request.body, documented("v2-sms-text.json", &server));
    let id = "f623d241-cadf-4a40-87d5-5c5ddf30d09f";
    eventually("accepted", async || (server.status_of(id).await? == "accepted").then_some(())).await;
    assert_eq!(server.message(id).await["transactionId"], "M-1");
    assert_eq!(recorder.requests().len(), 1);
    server.stop().await;
}

async fn a_whatsapp_message_is_spelled_as_documented(database: &Database) {
    let recorder = Recorder::answering(V1).await;
    let server = TestServer::on(database).sending_to(&recorder.url).with("webex.notify_auth_id", "TN0EXMPL7A");
    let server = server.start().await;
    let documented = documented("v1-whatsapp-text.json", &server);
    let mut message = whatsapp("3c22fcf1-636d-4a8f-af94-ec6cd202744d", "Your table is booked for 19:00.");
    message["to"] = json!({ "waid": "447700900123" });
    message["from"] = json!("a_100000000000000001");
    message["callbackData"] = json!(r#"{"order":"A-1001","tenant":"acme"}"#);
    message["options"] = documented["options"].clone();
    server.sends(&message).await.is(202);
    let request = the_only_request(&recorder).await;
    assert!(request.head.starts_with("post /resources/v1/messaging http/1.1\r\n"), "{}", request.head);
    assert!(request.head.contains("\r\nkey: the-service-key"), "{}", request.head);
    assert_eq!(request.body, documented);
    server.stop().await;
}

async fn each_format_of_an_answer_is_understood(database: &Database) {
    for (n, (answer, transaction)) in [(V1, "T-1"), (V1_OBJECT, "T-2"), (V2, "M-1")].into_iter().enumerate() {
        let recorder = Recorder::answering(answer).await;
        let server = TestServer::on(database).sending_to(&recorder.url).start().await;
        for message in [sms(&format!("sms-{n}"), "Hello."), whatsapp(&format!("whatsapp-{n}"), "Hello.")] {
            server.sends(&message).await.is(202);
            let id = message["correlationId"].as_str().unwrap();
            eventually("accepted", async || (server.status_of(id).await? == "accepted").then_some(())).await;
            assert_eq!(server.message(id).await["transactionId"], transaction);
        }
        // Settings that are not configured are not sent.
        let requests = recorder.requests();
        assert_eq!(requests.len(), 2);
        for name in ["notifyUrlAuthId", "notifyurlAuthId", "callbackData", "options"] {
            assert!(requests.iter().all(|request| request.body.get(name).is_none()), "{name}: {requests:?}");
        }
        server.stop().await;
    }
}
