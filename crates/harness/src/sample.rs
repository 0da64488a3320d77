//! Bodies that the platform posts.

use std::{fs, path::Path};

use serde_json::{Value, json};

/// A notification. Unless it is changed, it reports that the SMS `id` was delivered.
#[derive(Clone)]
pub struct Sample(Value);

impl Sample {
    pub fn of(id: &str) -> Self {
        Self(json!({ "deliveryInfoNotification": {
            "deliveryInfo": {
                "timeStamp": "2026-05-20T13:15:04.749Z", "Description": "Delivered", "code": "7500",
                "messageCount": "1", "deliveryChannel": "SMS", "additionalInfo": "", "destination": "447700900123",
                "destinationType": "msisdn", "deliveryStatus": "Delivered"
            },
            "carrier": "", "subtid": "", "transid": format!("transaction-of-{id}"), "callbackData": "",
            "correlationid": id
        } }))
    }

    pub fn says(self, status: &str, code: &str) -> Self {
        self.with("deliveryStatus", status).with("code", code).with("Description", status)
    }

    pub fn at(self, time: &str) -> Self {
        self.with("timeStamp", time)
    }

    pub fn to(self, recipient: &str) -> Self {
        self.with("destination", recipient)
    }

    pub fn on(self, channel: &str) -> Self {
        self.with("deliveryChannel", channel)
    }

    pub fn transaction(mut self, id: &str) -> Self {
        self.0["deliveryInfoNotification"]["transid"] = json!(id);
        self
    }

    /// Adds callback data.
    pub fn calls_back(mut self, data: &str) -> Self {
        self.0["deliveryInfoNotification"]["callbackData"] = json!(data);
        self
    }

    pub fn without_correlation_id(mut self) -> Self {
        self.0["deliveryInfoNotification"]["correlationid"] = json!("");
        self
    }

    /// Sets a member of `deliveryInfo`.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0["deliveryInfoNotification"]["deliveryInfo"][member] = value.into();
        self
    }

    pub fn body(&self) -> String {
        self.0.to_string()
    }

    /// The body as indented JSON.
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(&self.0).unwrap()
    }
}

impl From<Sample> for reqwest::Body {
    fn from(sample: Sample) -> Self {
        sample.body().into()
    }
}

/// A message for receiptd to send.
pub fn sms(id: &str, text: &str) -> Value {
    json!({ "channel": "sms", "from": "ACME", "to": "+447700900123", "text": text, "correlationId": id })
}

pub fn whatsapp(id: &str, text: &str) -> Value {
    json!({ "channel": "whatsapp", "from": "a_1", "to": "+447700900123", "text": text, "correlationId": id })
}

/// All documented bodies in a folder of `tests/fixtures`, by name.
pub fn fixtures(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(folder);
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect();
    files.sort_unstable();
    assert!(!files.is_empty());
    files
}
