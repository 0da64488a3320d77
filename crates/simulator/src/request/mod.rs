//! The contents of a send request, for each API.
//!
//! Only documented spellings are accepted, each in its place, so that a sender with other spellings is detected.

mod single;
mod v1;
mod v2;

use chrono::{DateTime, Utc};
use receiptd_domain::Channel;
use reqwest::Url;
use serde_json::Value;

/// The APIs that accept messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// Messaging API v1.
    V1,
    /// Messaging API v2.
    V2,
    /// SMS API v1.
    Sms,
    /// Voice API v1.
    Voice,
    /// Instagram API v1.
    Instagram,
}

/// Why a send request is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The platform's code.
    pub(super) code: String,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: text.into() }
    }

    /// The body is not a JSON object.
    pub(super) fn not_json() -> Self {
        Self::new("7000", "Invalid JSON")
    }

    /// There are more destinations than the maximum.
    fn too_many() -> Self {
        Self::new("7009", "Maximum number of destination address")
    }
}

/// One accepted request object: one content for one recipient or several.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) api: Api,
    pub(super) channel: Channel,
    pub(super) recipients: Vec<Recipient>,
    pub(super) callback_data: String,
    /// The notify URL, as it was given.
    pub(super) notify_url: Option<String>,
    /// The requested receipts. `None`: all.
    pub(super) receipts: Option<Vec<String>>,
    /// The scheduled time, if there is one.
    pub(super) send_at: Option<DateTime<Utc>>,
    /// The whole request object.
    pub(super) body: Value,
}

/// One recipient of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipient {
    /// The kind of id, as the request names it.
    pub(super) kind: &'static str,
    pub(super) id: String,
    /// The sender's id of the message to this recipient. Empty if there is none.
    pub(super) correlation_id: String,
}

/// Maximum number of recipients of one request.
const MOST_RECIPIENTS: usize = 1000;

/// Reads one request object.
pub(super) fn read(api: Api, body: Value, now: DateTime<Utc>) -> Result<Order, Refusal> {
    if !body.is_object() {
        return Err(Refusal::not_json());
    }
    let order = match api {
        Api::V1 => v1::read(&body),
        Api::V2 => v2::read(&body, now),
        Api::Sms => single::read(api, Channel::Sms, "msisdn", &body),
        Api::Voice => single::read_call(&body),
        Api::Instagram => single::read(api, Channel::Instagram, "igsid", &body),
    }?;
    if order.recipients.len() > MOST_RECIPIENTS { Err(Refusal::too_many()) } else { Ok(Order { body, ..order }) }
}

/// The channel that a request names, even if nothing else in it can be read.
pub(super) fn channel(api: Api, body: &Value) -> Option<Channel> {
    match api {
        Api::V1 => text(body, "deliverychannel").map(Channel::from_name),
        Api::V2 => text(body, "channel").map(Channel::from_name),
        Api::Sms => Some(Channel::Sms),
        Api::Voice => Some(Channel::Voice),
        Api::Instagram => Some(Channel::Instagram),
    }
}

impl Order {
    /// The notify URL, if it is usable. The platform accepts the message in any case, but never posts to a malformed
    /// URL, or to one with a blank around it.
    pub(super) fn usable_notify_url(&self) -> Option<Url> {
        let given = self.notify_url.as_deref()?;
        let clean = !given.chars().any(char::is_whitespace);
        let url = clean.then(|| Url::parse(given).ok()).flatten()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
    }

    /// The string at `pointer` of the request.
    pub(super) fn string(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }

    /// A switch of the request. The samples contain switches as booleans and as strings.
    pub(super) fn is_on(&self, pointer: &str) -> bool {
        match self.body.pointer(pointer) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(word)) => word.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    /// The correlation id of the whole request.
    pub(super) fn correlation_id(&self) -> &str {
        self.recipients.first().map_or("", |recipient| &recipient.correlation_id)
    }

    /// Whether it is an Apple invitation, whose answer has its own format.
    pub(super) fn is_invitation(&self) -> bool {
        self.string("/channels/AppleBusinessChat/type") == Some("invitation")
    }
}

/// A member that is a string and not empty.
fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// An optional member, as an owned string.
fn owned(body: &Value, name: &str) -> Option<String> {
    text(body, name).map(str::to_owned)
}

/// Every string of a member that is an array.
fn strings<'a>(body: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    body.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
