//! The sample files, and a second, simple parser of notifications.

use std::{collections::BTreeSet, fs, path::PathBuf};

use chrono::DateTime;
use serde_json::Value;

/// One file of the index.
#[derive(Debug)]
pub(crate) struct Fixture {
    /// The path relative to `fixtures/`.
    pub(crate) file: String,
    /// The event of the notification in it. Empty for other samples.
    pub(crate) class: String,
}

impl Fixture {
    pub(crate) fn body(&self) -> Vec<u8> {
        fs::read(folder().join(&self.file)).unwrap()
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// All files of the index.
pub(crate) fn index() -> Vec<Fixture> {
    let index: Vec<Value> = serde_json::from_slice(&fs::read(folder().join("index.json")).unwrap()).unwrap();
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap_or_default().to_owned();
    index.iter().map(|entry| Fixture { file: text(entry, "file"), class: text(entry, "status_class") }).collect()
}

/// The files of one folder.
pub(crate) fn in_folder(name: &str) -> Vec<Fixture> {
    index().into_iter().filter(|fixture| fixture.file.starts_with(&format!("{name}/"))).collect()
}

/// All sample files in the folders.
pub(crate) fn files() -> BTreeSet<String> {
    let folders = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    files.map(|path| path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned()).collect()
}

/// The values in a notification.
#[derive(Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) correlation_id: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) status: String,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) callback_data: Option<String>,
    pub(crate) micros: Option<i64>,
    pub(crate) segments: Option<i64>,
}

impl Sample {
    pub(crate) fn of(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap();
        let envelope = &body["deliveryInfoNotification"];
        if envelope.is_null() { Self::flat(&body) } else { Self::nested(envelope) }
    }

    fn nested(envelope: &Value) -> Self {
        let info = &envelope["deliveryInfo"];
        let channel = text(info, "deliveryChannel").map(|name| match name.as_str() {
            "SMS" => "sms".to_owned(),
            "fb" => "messenger".to_owned(),
            "rt" => "in-app".to_owned(),
            "applebusinesschat" => "apple".to_owned(),
            _ => name,
        });
        Self {
            correlation_id: text(envelope, "correlationid"),
            transaction_id: text(envelope, "transid"),
            recipient: text(info, "destination").map(|to| to.trim_start_matches('+').to_owned()),
            channel,
            status: text(info, "deliveryStatus").unwrap_or_default(),
            code: text(info, "code"),
            // For a click it is an address and not a reason.
            reason: text(info, "Description").filter(|_| info["deliveryStatus"] != "Clicked"),
            callback_data: text(envelope, "callbackData"),
            micros: text(info, "timeStamp").map(|time| micros(&time)),
            segments: text(info, "messageCount").map(|count| count.parse().unwrap()),
        }
    }

    fn flat(root: &Value) -> Self {
        Self {
            correlation_id: text(root, "correlationId"),
            transaction_id: text(root, "messageId"),
            recipient: None,
            channel: Some("sms".to_owned()),
            status: text(root, "status").unwrap_or_default(),
            code: text(&root["error"], "code"),
            reason: text(&root["error"], "message"),
            callback_data: text(root, "callbackData"),
            micros: text(root, "statusTime").map(|time| micros(&time)),
            segments: None,
        }
    }
}

/// The platform sends an empty text for missing values.
fn text(object: &Value, member: &str) -> Option<String> {
    object[member].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Older formats have a time without a zone. The tests read it as UTC.
fn micros(time: &str) -> i64 {
    let read = |text: &str| DateTime::parse_from_rfc3339(text).map(|at| at.timestamp_micros());
    read(time).or_else(|_| read(&format!("{time}Z"))).unwrap()
}
