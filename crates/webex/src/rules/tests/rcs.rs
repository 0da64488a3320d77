//! RCS.

use serde_json::json;

use super::*;

fn reply() -> Value {
    json!({ "type": "reply", "displayText": "Yes", "postbackData": "yes" })
}

fn cards(first: &Value) -> Value {
    json!({ "type": "carousel", "width": "SMALL", "cards": [first, { "title": "B" }] })
}

#[test]
fn every_type_has_its_object() {
    takes(
        "rcs",
        [
            json!({ "type": "text", "text": "é".repeat(1024) }),
            json!({ "type": "media", "mediaContentUrl": "https://media.example.com/1.jpg", "fileSize": 120_534 }),
            json!({ "type": "standalone", "richCard": { "title": "A", "orientation": "VERTICAL" } }),
            cards(&json!({ "title": "A" })),
            json!({ "type": "agentEvent", "event": "READ", "messageId": "m" }),
        ],
    );
    refuses(
        "rcs",
        [
            (json!({}), &["/type"]),
            (json!({ "type": "card" }), &["/type"]),
            (json!({ "type": "text" }), &["/text"]),
            (json!({ "type": "text", "text": "é".repeat(1025) }), &["/text"]),
            (json!({ "type": "media" }), &["/mediaContentUrl"]),
            (json!({ "type": "standalone" }), &["/richCard"]),
            (json!({ "type": "carousel" }), &["/cards"]),
            (json!({ "type": "agentEvent" }), &["/event"]),
            (json!({ "type": "agentEvent", "event": "TYPING" }), &["/event"]),
        ],
    );
}

#[test]
fn cards_have_the_documented_form() {
    let card = json!({
        "orientation": "DIAGONAL", "thumbnailAlignment": "TOP", "media": { "height": "HUGE" },
        "thumbnail": { "url": "https://media.example.com/1.jpg", "height": 1 }
    });
    refuses(
        "rcs",
        [
            (
                json!({ "type": "standalone", "richCard": card }),
                &[
                    "/richCard/media/height",
                    "/richCard/media/url",
                    "/richCard/orientation",
                    "/richCard/thumbnail/height",
                    "/richCard/thumbnailAlignment",
                ],
            ),
            (json!({ "type": "carousel", "width": "LARGE", "cards": [{}] }), &["/cards", "/width"]),
        ],
    );
}

#[test]
fn suggestions_have_a_limit_per_card_and_message() {
    let message = |count| json!({ "type": "text", "text": "Hi", "suggestions": vec![reply(); count] });
    let card = |count| json!({ "type": "standalone", "richCard": { "suggestions": vec![reply(); count] } });
    let carousel = |count| cards(&json!({ "suggestions": vec![reply(); count] }));
    takes("rcs", [message(11), card(4), carousel(2)]);
    refuses(
        "rcs",
        [
            (message(12), &["/suggestions"]),
            (card(5), &["/richCard/suggestions"]),
            (carousel(3), &["/cards/0/suggestions"]),
        ],
    );
}

#[test]
fn suggestions_have_the_members_of_their_type() {
    let with = |suggestion: Value| json!({ "type": "text", "text": "Hi", "suggestions": [suggestion] });
    let of = |kind: &str| with(json!({ "type": kind, "displayText": "A", "postbackData": "a" }));
    takes("rcs", [of("reply"), of("viewLocation"), of("shareLocation")]);
    refuses(
        "rcs",
        [
            (of("wave"), &["/suggestions/0/type"]),
            (of("openUrl"), &["/suggestions/0/url"]),
            (of("dialPhone"), &["/suggestions/0/phone"]),
            (of("calendarEvent"), &["/suggestions/0/endTime", "/suggestions/0/startTime"]),
            (with(json!({ "type": "reply" })), &["/suggestions/0/displayText", "/suggestions/0/postbackData"]),
        ],
    );
}

#[test]
fn a_fallback_has_a_sender_and_a_text() {
    let options = |options| wrong("rcs", json!({ "text": "Hi", "options": options }));
    assert_eq!(options(json!({ "smsFallback": true, "smsSenderId": "ACME", "text": "Hi" })), [""; 0]);
    assert_eq!(options(json!({ "smsFallback": false })), [""; 0]);
    assert_eq!(options(json!({ "smsFallback": "true" })), ["/options/smsSenderId", "/options/text"]);
}
