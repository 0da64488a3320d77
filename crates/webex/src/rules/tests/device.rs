//! Apple Messages for Business, push and in-app.

use serde_json::json;

use super::*;

fn data(data: &Value) -> Value {
    json!({ "type": "interactive", "interactiveData": { "data": data } })
}

fn quick_reply(count: usize) -> Value {
    data(&json!({ "quick-reply": { "items": vec![json!({ "identifier": "y", "title": "Yes" }); count] } }))
}

#[test]
fn every_apple_type_has_its_members() {
    takes(
        "apple",
        [
            json!({ "type": "text", "text": "Hi" }),
            json!({ "type": "text", "attachments": [{ "url": "https://media.example.com/1.png" }] }),
            json!({ "type": "richLink", "richLinkData": { "url": "https://www.example.com", "assets": {} } }),
            data(&json!({ "version": "1.0", "event": {} })),
            data(&json!({ "listPicker": { "sections": [{ "title": "A", "items": [{ "order": 1 }] }] } })),
            json!({ "type": "typing_end" }),
        ],
    );
    refuses(
        "apple",
        [
            (json!({}), &["/type"]),
            (json!({ "type": "sticker" }), &["/type"]),
            (json!({ "type": "text" }), &["/text"]),
            (json!({ "type": "text", "attachments": [{}] }), &["/attachments/0/url"]),
            (json!({ "type": "richLink" }), &["/richLinkData"]),
            (
                json!({ "type": "richLink", "richLinkData": { "assets": { "video": {} } } }),
                &["/richLinkData/assets/video/url", "/richLinkData/url"],
            ),
            (json!({ "type": "interactive" }), &["/interactiveData"]),
            (json!({ "type": "interactive", "interactiveData": {} }), &["/interactiveData/data"]),
            (data(&json!({ "version": "2.0" })), &["/interactiveData/data", "/interactiveData/data/version"]),
            (data(&json!({ "listPicker": {} })), &["/interactiveData/data/listPicker/sections"]),
        ],
    );
}

#[test]
fn apple_quick_replies_are_two_to_five() {
    takes("apple", [quick_reply(2), quick_reply(5)]);
    let items = "/interactiveData/data/quick-reply/items";
    refuses("apple", [(quick_reply(1), &[items]), (quick_reply(6), &[items])]);
}

#[test]
fn only_an_apple_invitation_goes_to_a_number() {
    let to = |kind: &str, content: Value| wrong("apple", json!({ "to": { kind: "1" }, "content": content }));
    let invitation = |id: &str| json!({ "type": "invitation", "withImage": true, "requestIdentifier": id });
    assert_eq!(to("msisdn", invitation(&"a-9Z".repeat(25))), [""; 0]);
    assert_eq!(to("abcUserId", invitation("a")), ["/to/abcUserId"]);
    assert_eq!(to("msisdn", json!({ "type": "typing_start" })), ["/to/msisdn"]);
    assert_eq!(wrong("apple", json!({ "to": { "msisdn": "1" }, "text": "Hi" })), ["/to/msisdn"]);
    assert_eq!(to("abcUserId", json!({ "type": "typing_start" })), [""; 0]);
    for bad in ["a".repeat(101), "a_b".to_owned()] {
        assert_eq!(to("msisdn", invitation(&bad)), ["/content/requestIdentifier"]);
    }
    assert_eq!(to("msisdn", json!({ "type": "invitation", "text": "Hi" })), ["/content/text"]);
}

#[test]
fn push_is_for_at_least_one_platform() {
    let with = |extras: Value| json!({ "android": { "text": "Hi", "extras": extras } });
    takes(
        "push",
        [
            json!({ "ios": { "text": "Hi", "extras": { "badge": "1", "time_to_live": 0 } } }),
            json!({ "web": { "platform_types": ["chrome"], "title": "A" } }),
            with(json!({ "time_to_live": "2419200" })),
        ],
    );
    refuses(
        "push",
        [
            (json!({ "interactive": { "device_types": [] } }), &[""]),
            (json!({ "android": {}, "ios": { "text": "" } }), &["/android/text", "/ios/text"]),
            (with(json!({ "time_to_live": 2_419_201 })), &["/android/extras/time_to_live"]),
            (with(json!({ "time_to_live": "2419201" })), &["/android/extras/time_to_live"]),
            (with(json!({ "time_to_live": -1 })), &["/android/extras/time_to_live"]),
            (with(json!({ "time_to_live": "soon" })), &["/android/extras/time_to_live"]),
            (json!({ "web": { "platform_types": "chrome" } }), &["/web/platform_types"]),
        ],
    );
    assert_eq!(wrong("push", json!({ "template": { "template": "T" } })), [""; 0]);
}

#[test]
fn push_and_in_app_are_limited_to_four_kilobytes() {
    for (channel, frame) in
        [("push", json!({ "ios": { "text": "" } })), ("in-app", json!({ "thread_id": "t", "message": { "text": "" } }))]
    {
        let place = if channel == "push" { "/ios/text" } else { "/message/text" };
        let room = 4096 - frame.to_string().len();
        let with = |text: String| {
            let mut content = frame.clone();
            *content.pointer_mut(place).unwrap() = json!(text);
            content
        };
        takes(channel, [with("x".repeat(room))]);
        refuses(channel, [(with("x".repeat(room - 1) + "é"), &[""])]);
    }
}

#[test]
fn in_app_needs_a_thread() {
    takes("in-app", [json!({ "thread_id": "t", "message": { "text": "Hi", "extras": {} } })]);
    let option = |kind: &str| json!({ "quickreplies": { "options": [{ "type": kind, "title": "Yes" }] } });
    takes("in-app", [json!({ "thread_id": "t", "message": option("quickReplyPostback") })]);
    refuses(
        "in-app",
        [
            (json!({ "message": {} }), &["/thread_id"]),
            (json!({ "thread_id": "", "message": "Hi" }), &["/message", "/thread_id"]),
            (json!({ "thread_id": "t", "message": option("reply") }), &["/message/quickreplies/options/0/type"]),
        ],
    );
    assert_eq!(wrong("in-app", json!({ "template": { "template": "T" } })), ["/content"]);
}
