//! The answers to a send request, in the documented format of each API.

use chrono::{DateTime, FixedOffset, Utc};
use receiptd_domain::Channel;
use serde_json::{Value, json};

use super::request::{Api, Refusal};

/// An answer: a status and possibly a body.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

impl Answer {
    pub(super) fn empty(status: u16) -> Self {
        Self { status, body: None }
    }
}

/// The result for one request object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) transaction_id: String,
    /// Empty if the request had none.
    pub(super) correlation_id: String,
    pub(super) channel: Option<Channel>,
    /// Whether it is an Apple invitation, whose answer is an object.
    pub(super) is_invitation: bool,
    pub(super) verdict: Verdict,
}

/// The decision of the platform.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Queued,
    /// v2 accepted only the form of the request.
    Rejected,
    Refused(Refusal),
}

/// The answer to a request with a single object.
pub(super) fn to_one(api: Api, entry: &Entry, now: DateTime<Utc>, nth: u64) -> Answer {
    match &entry.verdict {
        Verdict::Refused(refusal) => refused(api, entry, refusal),
        verdict => accepted(api, entry, *verdict == Verdict::Rejected, now, nth),
    }
}

/// The answer to an array of v1 messages. The answer to a partly bad array is not documented. Here every entry has its
/// own answer at its index.
pub(super) fn to_many(entries: &[Entry]) -> Answer {
    let response: Vec<_> = entries
        .iter()
        .map(|entry| {
            let mut line = v1_entry(entry);
            line["correlationid"] = entry.correlation_id.as_str().into();
            line
        })
        .collect();
    Answer { status: 200, body: Some(json!({"response": response})) }
}

fn accepted(api: Api, entry: &Entry, is_rejected: bool, now: DateTime<Utc>, nth: u64) -> Answer {
    let (id, correlation_id) = (&entry.transaction_id, &entry.correlation_id);
    match api {
        Api::V1 => {
            let mut line = v1_entry(entry);
            if !correlation_id.is_empty() {
                line["correlationid"] = correlation_id.as_str().into();
            }
            let response = if entry.is_invitation { line } else { json!([line]) };
            Answer { status: 200, body: Some(json!({"response": response})) }
        }
        Api::V2 => {
            let status = match (is_rejected, &entry.channel) {
                (true, _) => "Rejected",
                (false, Some(Channel::Voice)) => "Queued",
                (false, _) => "queued",
            };
            let body = json!({"requestTimestamp": time_stamp(now, nth), "messageId": id,
                "correlationId": correlation_id, "status": status});
            Answer { status: 201, body: Some(body) }
        }
        Api::Voice => Answer { status: 202, body: Some(json!({"sessionId": id, "status": "QUEUED"})) },
        Api::Sms | Api::Instagram => {
            let body = json!({"acceptedTime": time_stamp(now, nth), "messageId": id, "correlationId": correlation_id});
            Answer { status: 202, body: Some(body) }
        }
    }
}

fn refused(api: Api, entry: &Entry, Refusal { code, text }: &Refusal) -> Answer {
    let body = json!({"code": code, "message": text});
    match (api, code.as_str()) {
        (Api::V1, _) => {
            let mut line = v1_entry(entry);
            if code == "7020" && !entry.correlation_id.is_empty() {
                line["correlationid"] = entry.correlation_id.as_str().into();
            }
            // The pages of these two channels show 400 where the others show 200.
            let strict = matches!(entry.channel, Some(Channel::Whatsapp | Channel::Apple));
            Answer { status: if strict { 400 } else { 200 }, body: Some(json!({"response": line})) }
        }
        (Api::V2, "7001" | "7002") => Answer::empty(401),
        (Api::V2, _) => Answer { status: 400, body: Some(body) },
        (_, "7001" | "7002") => Answer { status: 403, body: Some(body) },
        (_, "7006") => Answer { status: 500, body: Some(body) },
        _ => Answer { status: 400, body: Some(body) },
    }
}

fn v1_entry(entry: &Entry) -> Value {
    let (code, description) = match &entry.verdict {
        Verdict::Refused(refusal) => (refusal.code.as_str(), refusal.text.as_str()),
        _ => ("1001", "Queued"),
    };
    json!({"code": code, "description": description, "transid": entry.transaction_id})
}

/// The pages show both `Z` and an offset, so the simulator alternates.
fn time_stamp(now: DateTime<Utc>, nth: u64) -> String {
    match FixedOffset::west_opt(4 * 3600) {
        Some(zone) if nth % 2 == 1 => now.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
        _ => now.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
    }
}
