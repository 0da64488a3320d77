//! WhatsApp, Messenger and Instagram.

use serde_json::json;

use super::*;

fn list(action: &Value) -> Value {
    json!({ "type": "list", "list": { "body": { "text": "Choose" }, "action": action } })
}

fn rows(count: usize) -> Value {
    json!({ "title": "Today", "rows": vec![json!({ "id": "1", "title": "14:00" }); count] })
}

fn buttons(count: usize) -> Value {
    let button = json!({ "type": "reply", "reply": { "id": "y", "title": "Yes" } });
    json!({ "type": "reply", "reply": { "body": { "text": "OK?" }, "action": { "buttons": vec![button; count] } } })
}

#[test]
fn every_whatsapp_type_has_its_object() {
    refuses("whatsapp", [(json!({}), &["/type"]), (json!({ "type": "poll" }), &["/type"])]);
    for kind in ["text", "image", "video", "audio", "document", "sticker", "location", "contacts", "list", "reply"] {
        assert_eq!(wrong("whatsapp", json!({ "content": { "type": kind } })), [format!("/content/{kind}")]);
    }
    takes(
        "whatsapp",
        [
            json!({ "type": "image", "image": { "url": "https://media.example.com/1.jpg", "caption": "A" } }),
            json!({ "type": "location", "location": { "longitude": -0.1, "latitude": "51.5" } }),
            json!({ "type": "contacts", "contacts": [{ "name": { "formatted_name": "Dana" }, "phones": [{}] }] }),
        ],
    );
    refuses(
        "whatsapp",
        [
            (json!({ "type": "text", "text": "Hi" }), &["/text"]),
            (json!({ "type": "text", "text": { "body": "é".repeat(4097) } }), &["/text/body"]),
            (json!({ "type": "image", "image": { "link": "https://media.example.com/1.jpg" } }), &["/image/url"]),
            (json!({ "type": "location", "location": {} }), &["/location/latitude", "/location/longitude"]),
            (json!({ "type": "contacts", "contacts": [] }), &["/contacts"]),
            (
                json!({ "type": "contacts", "contacts": [{ "name": {}, "phones": {} }, {}] }),
                &["/contacts/0/name/formatted_name", "/contacts/0/phones", "/contacts/1/name"],
            ),
        ],
    );
}

#[test]
fn whatsapp_lists_have_their_limits() {
    let sections = |sections: Value| list(&json!({ "button": "Slots", "sections": sections }));
    takes("whatsapp", [sections(json!([rows(10)])), sections(json!(vec![rows(1); 10])), sections(json!([rows(0)]))]);
    refuses(
        "whatsapp",
        [
            (sections(json!([])), &["/list/action/sections"]),
            (sections(json!([rows(5), rows(6)])), &["/list/action/sections"]),
            (sections(json!(vec![rows(0); 11])), &["/list/action/sections"]),
            (
                sections(json!([{ "title": "é".repeat(25), "rows": [{}] }, {}])),
                &[
                    "/list/action/sections/0/rows/0/id",
                    "/list/action/sections/0/rows/0/title",
                    "/list/action/sections/0/title",
                    "/list/action/sections/1/rows",
                ],
            ),
            (list(&json!({ "button": "é".repeat(21), "sections": [rows(1)] })), &["/list/action/button"]),
            (list(&json!({})), &["/list/action/button", "/list/action/sections"]),
            (
                json!({ "type": "list", "list": { "header": { "type": "image", "text": "é".repeat(61) } } }),
                &["/list/action", "/list/body", "/list/header/text", "/list/header/type"],
            ),
        ],
    );
}

#[test]
fn whatsapp_reply_buttons_have_their_limits() {
    takes("whatsapp", [buttons(1), buttons(3)]);
    let with = |name: &str, value: Value| {
        let mut reply = buttons(1);
        reply["reply"][name] = value;
        reply
    };
    takes("whatsapp", [with("header", json!({ "type": "image", "image": { "provider": { "name": "p" } } }))]);
    refuses(
        "whatsapp",
        [
            (buttons(0), &["/reply/action/buttons"]),
            (buttons(4), &["/reply/action/buttons"]),
            (with("body", json!({ "text": "é".repeat(1025) })), &["/reply/body/text"]),
            (with("footer", json!({ "text": "é".repeat(61) })), &["/reply/footer/text"]),
            (with("header", json!({ "type": "text", "text": "é".repeat(61) })), &["/reply/header/text"]),
            (with("header", json!({ "type": "video" })), &["/reply/header/video"]),
            (
                with("action", json!({ "buttons": [{ "type": "url", "reply": { "id": "y" } }] })),
                &["/reply/action/buttons/0/reply/title", "/reply/action/buttons/0/type"],
            ),
        ],
    );
}

#[test]
fn whatsapp_templates_accept_every_kind_of_parameter() {
    let with = |name: &str, value: Value| {
        wrong("whatsapp", json!({ "template": { "template": "T", "parameters": { name: value } } }))
    };
    for (name, good) in [
        ("name", json!("Dana")),
        ("due", json!({ "type": "date_time", "fallback_value": "June", "timestamp": "1780308000" })),
        ("price", json!({ "type": "currency", "currency_code": "GBP", "amount_1000": 1, "fallback_value": "1" })),
        ("track", json!({ "type": "url", "payload": "A-1001" })),
        ("otp", json!({ "type": "otp", "value": "é".repeat(15) })),
        ("video", json!({ "link": "https://media.example.com/1.mp4" })),
        ("document", json!({ "link": "https://media.example.com/1.pdf", "filename": "1.pdf" })),
        ("quickReply", json!([{ "button_text": "Yes", "payload": "yes" }])),
    ] {
        assert_eq!(with(name, good), [""; 0], "{name}");
    }
    for (name, bad, expected) in [
        ("name", json!(5), &[""][..]),
        ("name", json!(["Dana"]), &[""]),
        ("name", json!({}), &["/type"]),
        ("name", json!({ "type": "text" }), &["/type"]),
        ("due", json!({ "type": "date_time" }), &["/fallback_value", "/timestamp"]),
        ("price", json!({ "type": "currency" }), &["/amount_1000", "/currency_code", "/fallback_value"]),
        ("track", json!({ "type": "url" }), &["/payload"]),
        ("otp", json!({ "type": "otp", "value": "é".repeat(16) }), &["/value"]),
        ("image", json!({ "url": "https://media.example.com/1.jpg" }), &["/link"]),
        ("quickReply", json!([{ "payload": 1 }]), &["/0/payload"]),
    ] {
        let expected: Vec<_> = expected.iter().map(|pointer| format!("/template/parameters/{name}{pointer}")).collect();
        assert_eq!(with(name, bad.clone()), expected, "{bad}");
    }
}

#[test]
fn a_messenger_message_has_one_kind_of_content() {
    takes(
        "messenger",
        [
            json!({ "text": "Hi", "quick_replies": [{ "content_type": "text", "title": "Yes" }] }),
            json!({ "attachment": { "type": "template", "payload": {} }, "notification_type": "SILENT_PUSH" }),
            json!({ "sender_action": "mark_seen" }),
            json!({ "text": "Hi", "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT" }),
        ],
    );
    refuses(
        "messenger",
        [
            (json!({}), &[""]),
            (json!({ "text": "Hi", "attachment": { "type": "image", "payload": {} } }), &["/attachment"]),
            (json!({ "text": "Hi", "sender_action": "typing_on" }), &["/sender_action"]),
            (json!({ "sender_action": "typing" }), &["/sender_action"]),
            (json!({ "attachment": { "type": "gif" } }), &["/attachment/payload", "/attachment/type"]),
            (json!({ "text": "Hi", "notification_type": "LOUD" }), &["/notification_type"]),
            (json!({ "text": "Hi", "messaging_type": "MESSAGE_TAG" }), &["/tag"]),
            (json!({ "text": "Hi", "tag": "ACCOUNT_UPDATE" }), &["/tag"]),
            (
                json!({ "text": "Hi", "quick_replies": [1, { "title": 1 }] }),
                &["/quick_replies/0", "/quick_replies/1/title"],
            ),
        ],
    );
    let template = json!({ "template": { "template": "T" }, "content": {} });
    assert_eq!(wrong("messenger", template), [""; 0]);
}

#[test]
fn instagram_has_its_own_members() {
    takes(
        "instagram",
        [
            json!({ "contentType": "TEXT", "content": "Hi", "quickReplies": [] }),
            json!({ "contentType": "MEDIA", "url": "https://media.example.com/1.jpg", "type": "image" }),
        ],
    );
    refuses(
        "instagram",
        [
            (json!({}), &["/contentType"]),
            (json!({ "contentType": "TEXT" }), &["/content"]),
            (json!({ "contentType": "text", "content": "Hi" }), &["/contentType"]),
            (
                json!({ "contentType": "TEXT", "content": "Hi", "to": "1", "callbackUrl": "https://a.example" }),
                &["/callbackUrl", "/to"],
            ),
        ],
    );
    assert_eq!(wrong("instagram", json!({ "text": "Hi", "options": {} })), ["/options"]);
}
