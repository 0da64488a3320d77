//! Email.

use serde_json::json;

use super::*;

#[test]
fn the_short_form_has_a_subject_and_a_text() {
    assert_eq!(wrong("email", json!({ "subject": "S", "text": "Hi" })), [""; 0]);
    assert_eq!(wrong("email", json!({ "subject": "S", "html": "<p>Hi</p>" })), [""; 0]);
    assert_eq!(wrong("email", json!({ "text": "Hi" })), ["/subject"]);
    assert_eq!(wrong("email", json!({ "html": "<p>Hi</p>" })), ["/subject"]);
    assert_eq!(told("email", json!({ "subject": "S" })), "/text is required, unless html is given");
}

#[test]
fn content_has_the_members_of_its_type() {
    takes(
        "email",
        [
            json!({ "type": "text", "subject": "S", "text": "Hi", "replyTo": "help@example.com" }),
            json!({ "type": "html", "subject": "S", "html": "<p>Hi</p>", "text": "Hi", "encoding": "utf-8" }),
            json!({ "type": "text", "subject": "S", "text": "", "attachments": [{ "name": "a.pdf", "cid": "a" }] }),
        ],
    );
    refuses(
        "email",
        [
            (json!({}), &["/subject", "/type"]),
            (json!({ "type": "text", "subject": "S" }), &["/text"]),
            (json!({ "type": "html", "subject": "S", "text": "Hi" }), &["/html"]),
            (json!({ "type": "amp", "subject": "" }), &["/subject", "/type"]),
            (
                json!({ "type": "text", "subject": "S", "text": "", "attachments": ["a", { "name": 1 }] }),
                &["/attachments/0", "/attachments/1/name"],
            ),
        ],
    );
}

#[test]
fn html_has_its_limit_in_bytes() {
    let fits = "é".repeat(256_000);
    let long = format!("{fits}x");
    assert_eq!(wrong("email", json!({ "subject": "S", "html": fits })), [""; 0]);
    assert_eq!(
        told("email", json!({ "subject": "S", "html": long })),
        "/html has 512001 bytes; the platform accepts at most 512000"
    );
    refuses("email", [(json!({ "type": "html", "subject": "S", "html": long }), &["/html"])]);
}

#[test]
fn addresses_are_mail_addresses_within_the_maximum_length() {
    let mail = |more: Value| {
        let mut mail = json!({ "subject": "S", "text": "Hi" });
        mail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wrong("email", mail)
    };
    let (most, long) = (format!("{}@{}", "a".repeat(64), "b".repeat(255)), format!("{}@b", "a".repeat(65)));
    assert_eq!(mail(json!({ "from": most, "to": most, "cc": [most], "bcc": [] })), [""; 0]);
    assert_eq!(
        mail(json!({ "from": "noreply", "cc": ["dana", 1], "bcc": "x@y" })),
        ["/bcc", "/cc/0", "/cc/1", "/from"]
    );
    assert_eq!(mail(json!({ "from": long, "to": long, "cc": [long] })), ["/cc/0", "/from", "/to"]);
    assert_eq!(mail(json!({ "to": { "email": long } })), ["/to/email"]);
    let several = json!({ "to": { "email": [most, long] }, "multipleToRecipients": true });
    assert_eq!(mail(several), ["/to/email/1"]);
    let all = |count| json!({ "to": { "email": vec!["dana@example.org"; count] }, "multipleToRecipients": true });
    assert_eq!(mail(all(1000)), [""; 0]);
    assert_eq!(mail(all(1001)), ["/to/email"]);
    assert_eq!(mail(json!({ "multipleToRecipients": "true" })), ["/multipleToRecipients"]);
}

#[test]
fn template_and_options() {
    assert_eq!(wrong("email", json!({ "template": { "id": "T", "subject": "S" } })), [""; 0]);
    assert_eq!(wrong("email", json!({ "template": { "subject": 1 } })), ["/template/id", "/template/subject"]);
    let options = json!({ "fromName": 1, "trackOpens": "maybe", "trackClicks": true });
    let mail = json!({ "subject": "S", "text": "Hi", "options": options });
    assert_eq!(wrong("email", mail), ["/options/fromName", "/options/trackOpens"]);
}
