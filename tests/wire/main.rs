//! The samples of the platform's notifications, and the formats that are described without a sample, are parsed
//! correctly.
//!
//! To add a sample, put the file into `fixtures/notify` or `fixtures/inbound` and describe it in `fixtures/index.json`.
//! An inbound sample also needs its line in [`CAME_IN`].

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod mutated;
mod sample;
mod shapes;

use std::collections::BTreeSet;

use receiptd::{
    domain::{Channel, Event, Failure, Fingerprint, Inbound, Notification, Reference},
    webex::{Posted, TimeZone},
};
use sample::{Fixture, Sample};

/// Parses a body.
pub(crate) fn read(body: &[u8]) -> Posted {
    Posted::read(body, TimeZone::UTC)
}

/// The notification in a body.
pub(crate) fn notification(body: &[u8]) -> Notification {
    match read(body) {
        Posted::Notification(notification, _) => *notification,
        other => panic!("no notification: {other:?}"),
    }
}

/// The fingerprint of the notification in a body, in a time zone of the tenant.
pub(crate) fn fingerprint(body: &[u8], zone: &str) -> Fingerprint {
    match Posted::read(body, TimeZone::from_name(zone).unwrap()) {
        Posted::Notification(_, fingerprint) => fingerprint,
        other => panic!("no notification: {other:?}"),
    }
}

/// The event that a class of the index requires. `None` if it depends on the status text.
fn demanded(class: &str) -> Option<Event> {
    Some(match class {
        "submitted" => Event::Submitted,
        "delivered" => Event::Delivered,
        "read" => Event::Read,
        "clicked" => Event::Clicked,
        "complaint" => Event::Complained,
        "failed-permanent" => Event::Failed(Failure::Permanent),
        "failed-transient" => Event::Failed(Failure::Transient),
        "failed-unclear" => Event::Failed(Failure::Unclear),
        "progress" | "call-ended" => Event::Progress,
        "contradictory" => return None,
        other => panic!("an unknown class: {other}"),
    })
}

fn is_notification(fixture: &Fixture) -> bool {
    let foreign = ["mixed", "not-webex-connect"].contains(&fixture.class.as_str());
    !foreign && !fixture.file.starts_with("notify/interact-")
}

#[test]
fn the_index_is_complete() {
    let listed: BTreeSet<_> = sample::index().into_iter().map(|fixture| fixture.file).collect();
    assert_eq!(listed.len(), sample::index().len(), "a file is listed twice");
    assert_eq!(listed, sample::files());
}

#[test]
fn every_notification_has_the_event_of_its_class() {
    let notifications: Vec<_> = sample::in_folder("notify").into_iter().filter(is_notification).collect();
    assert!(notifications.len() > 70);
    for fixture in notifications {
        let read = notification(&fixture.body());
        if let Some(event) = demanded(&fixture.class) {
            assert_eq!(read.event, event, "{}", fixture.file);
        } else {
            // The text contradicts the code.
            assert_eq!(read.event.as_str(), read.status_text.to_lowercase(), "{}", fixture.file);
            assert_eq!(read.code.as_deref(), Some("7102"), "{}", fixture.file);
        }
    }
}

#[test]
fn every_notification_contains_the_values_of_its_body() {
    for fixture in sample::in_folder("notify").into_iter().filter(is_notification) {
        let read = notification(&fixture.body());
        let written = Sample::of(&fixture.body());
        let (correlation, transaction) = match &read.reference {
            Reference::Correlated(id, transaction) => (Some(id.as_str()), transaction.as_ref()),
            Reference::Transaction(transaction) => (None, Some(transaction)),
        };
        let read = Sample {
            correlation_id: correlation.map(str::to_owned),
            transaction_id: transaction.map(ToString::to_string),
            recipient: read.recipient.map(|recipient| recipient.to_string()),
            channel: read.channel.map(|channel| channel.to_string()),
            status: read.status_text,
            code: read.code,
            reason: read.reason.filter(|_| read.event != Event::Clicked),
            callback_data: read.callback_data,
            micros: read.at.map(receiptd::domain::Timestamp::as_micros),
            segments: read.segments,
        };
        assert_eq!(read, written, "{}", fixture.file);
    }
}

#[test]
fn every_click_has_its_link_and_its_client() {
    for fixture in sample::in_folder("notify").into_iter().filter(|it| it.class == "clicked" && is_notification(it)) {
        let read = notification(&fixture.body());
        let info = &serde_json::from_slice::<serde_json::Value>(&fixture.body()).unwrap()["deliveryInfoNotification"]["deliveryInfo"];
        let detail = read.detail.unwrap();
        for member in ["Description", "additionalInfo"] {
            assert!(detail.contains(info[member].as_str().unwrap()), "{}: {detail}", fixture.file);
        }
        assert!(!read.reason.unwrap().contains("http"), "an address is not a reason");
    }
}

#[test]
fn the_answer_of_the_provider_is_the_detail() {
    let mut seen = 0;
    for fixture in sample::in_folder("notify").into_iter().filter(is_notification) {
        let body: serde_json::Value = serde_json::from_slice(&fixture.body()).unwrap();
        let info = &body["deliveryInfoNotification"]["deliveryInfo"];
        let detail = notification(&fixture.body()).detail.unwrap_or_default();
        for member in ["additionalInfo", "carrierSubmitTimeStamp"] {
            let said = info[member].as_str().filter(|said| !said.is_empty());
            assert!(said.is_none_or(|said| detail.contains(said)), "{}: {detail}", fixture.file);
            seen += usize::from(said.is_some());
        }
    }
    assert!(seen > 10);
}

#[test]
fn other_bodies_are_not_read_as_notifications() {
    for fixture in sample::in_folder("notify").into_iter().filter(|fixture| !is_notification(fixture)) {
        let read = read(&fixture.body());
        match fixture.class.as_str() {
            "not-webex-connect" => assert_eq!(read, Posted::Foreign, "{}", fixture.file),
            _ => assert!(matches!(read, Posted::Unreadable(_)), "{}: {read:?}", fixture.file),
        }
    }
}

/// Each inbound sample with its channel, its event and its sender.
const CAME_IN: [(&str, &str, &str, &str); 25] = [
    ("amb-conversation-closed", "apple", "CONVERSATIONCLOSED", "urn:mbid:AQAAYEXAMPLEabc123+/EXAMPLEdef456="),
    ("amb-invitation-response", "apple", "InvitationResponse", "447700900123"),
    ("amb-list-picker", "apple", "INTERACTIVERESPONSE", "urn:mbid:AQAAYEXAMPLEabc123+/EXAMPLEdef456="),
    ("amb-quick-reply", "apple", "QuickReplyResponse", "urn:mbid:AQAAYEXAMPLEabc123+/EXAMPLEdef456="),
    ("amb-text", "apple", "MO", "urn:mbid:AQAAYEXAMPLEabc123+/EXAMPLEdef456="),
    ("email", "email", "MO", "dana@example.org"),
    ("in-app-profile-create", "in-app", "OnProfileCreate", "user-1001"),
    ("in-app-text", "in-app", "MO", "user-1001"),
    ("instagram-text", "instagram", "MO", "2000000000000001"),
    ("messenger-postback", "messenger", "OnPostback", "1000000000000001"),
    ("messenger-text", "messenger", "MO", "1000000000000001"),
    ("mms", "mms", "MO", "12025550143"),
    ("rcs-attachment", "rcs", "ATTACHMENT", "447700900123"),
    ("rcs-postback", "rcs", "postback", "447700900123"),
    ("rcs-subscribe", "rcs", "SUBSCRIBE", "447700900123"),
    ("rcs-text", "rcs", "MO", "447700900123"),
    ("rcs-unsubscribe", "rcs", "UNSUBSCRIBE", "447700900123"),
    ("sms", "sms", "MO", "447700900123"),
    ("sms-branded-text", "sms", "MO", "447700900123"),
    ("whatsapp-image", "whatsapp", "MO", "447700900123"),
    ("whatsapp-list", "whatsapp", "list", "447700900123"),
    ("whatsapp-location", "whatsapp", "MO", "447700900123"),
    ("whatsapp-postback", "whatsapp", "postback", "447700900123"),
    ("whatsapp-reply", "whatsapp", "reply", "447700900123"),
    ("whatsapp-text", "whatsapp", "MO", "447700900123"),
];

#[test]
fn every_inbound_sample_is_an_inbound_message() {
    let fixtures = sample::in_folder("inbound");
    assert_eq!(fixtures.len(), CAME_IN.len());
    for fixture in fixtures {
        let name = fixture.file.strip_prefix("inbound/").unwrap().strip_suffix(".json").unwrap();
        let (_, channel, event, sender) =
            CAME_IN.iter().find(|(listed, ..)| *listed == name).unwrap_or_else(|| panic!("{name}"));
        let body = fixture.body();
        let tid = serde_json::from_slice::<serde_json::Value>(&body).unwrap()["tid"].as_str().unwrap().to_owned();
        let Posted::Inbound(read) = read(&body) else { panic!("{name} is not inbound") };
        let Inbound { channel: read_channel, event: read_event, sender: read_sender, transaction_id } = read;
        assert_eq!(read_channel, Some(Channel::from_name(channel)), "{name}");
        assert_eq!((read_event.as_str(), read_sender.unwrap().as_str()), (*event, *sender), "{name}");
        assert_eq!(transaction_id, Some(tid), "{name}");
    }
}
