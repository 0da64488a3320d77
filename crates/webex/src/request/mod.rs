//! Send requests.
//!
//! The tracking fields are spelled differently in each API, and only the documented spelling is emitted:
//!
//! | Meaning | Messaging v1 | Messaging v2 | SMS v1, Voice v1, Instagram |
//! | --- | --- | --- | --- |
//! | the caller's id | `correlationid` at the root | `correlationId` inside `to[]` | `correlationId` |
//! | callback data | `callbackData` | `callbackData` | `callbackData`; none for voice |
//! | notify URL | `notifyurl` | `notifyUrl` | `callbackUrl` |
//! | authorization for the notify URL | `notifyurlAuthId` | `notifyUrlAuthId` | `callbackUrlAuthId` |
//! | expiry | `expiry` | `expireAt` | `expireAt`; SMS only |
//!
//! To add a channel, give it its API in [`Api::of`], its request in the file of that API, and its rules in
//! `webex/rules`.

mod single;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use receiptd_domain::{Channel, Object, Submission, Timestamp};
use serde_json::{Value, json};

use super::{Api, NotifyUrl, SmsApi};

/// The notify URL of a message, and its authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    pub notify_url: NotifyUrl,
    /// The platform's id of the authorization that it uses for the notify URL, if one is configured.
    pub auth_id: Option<String>,
}

/// The header for a service key. A JWT is a bearer token with every API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIn {
    /// In a header named `key` (the page `api-authentication` of developers.webexconnect.io).
    KeyHeader,
    /// In `Authorization`, without a scheme
    /// (developers.webexconnect.io/reference/voice-only-api-v1-make-outbound-calls).
    Authorization,
}

/// The settings of our tenant at the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The notify URL and its authorization.
    pub tracking: Tracking,
    /// The API for text messages.
    pub sms_api: SmsApi,
    /// Whether the tenant's option "+E.164" is on. Then recipients' phone numbers must begin with a plus
    /// (developers.webexconnect.io/reference/send-sms-message-api-v2).
    pub plus_sign: bool,
}

/// A request to the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The API for which it is made.
    pub api: Api,
    pub body: Value,
}

impl Request {
    /// The header in which this API expects a service key.
    pub fn key_in(&self) -> KeyIn {
        if self.api == Api::VoiceV1 { KeyIn::Authorization } else { KeyIn::KeyHeader }
    }

    /// The request that sends `message` at the time `now`.
    pub fn new(message: &Submission, tenant: &Tenant, now: Timestamp) -> Self {
        let api = Api::of_submission(message, tenant.sms_api);
        let context = RequestContext { message, tenant, now };
        let body = match api {
            Api::V1 => v1::render(&context),
            Api::V2 => v2::render(&context),
            Api::SmsV1 => single::sms(&context),
            Api::VoiceV1 => single::voice(&context),
            Api::InstagramV1 => single::instagram(&context),
        };
        Self { api, body: Value::Object(body) }
    }
}

/// A message for which a request is made.
struct RequestContext<'a> {
    message: &'a Submission,
    tenant: &'a Tenant,
    now: Timestamp,
}

impl RequestContext<'_> {
    /// The ids of the recipient. Numbers begin with a plus if the tenant's option requires it, or if the samples of the
    /// API show it: everywhere except in Messaging v1, and there in invitations by Apple
    /// (developers.webexconnect.io/reference/apple-message-for-business-text-copy).
    fn ids(&self) -> Vec<String> {
        let recipient = &self.message.recipient;
        let is_v1 = Api::of_submission(self.message, self.tenant.sms_api) == Api::V1;
        let api_has_plus = !is_v1 || self.message.channel == Channel::Apple;
        let has_plus = recipient.kind == "msisdn" && (self.tenant.plus_sign || api_has_plus);
        recipient.ids.iter().map(|id| if has_plus { format!("+{id}") } else { id.clone() }).collect()
    }

    /// The first id, for the APIs that accept one.
    fn id(&self) -> String {
        self.ids().into_iter().next().unwrap_or_default()
    }

    /// The time at which the platform sends the message, if it is in the future.
    fn send_at(&self) -> Option<Timestamp> {
        self.message.send_at.filter(|at| *at > self.now)
    }

    fn passthrough(&self, name: &str) -> Option<Value> {
        self.message.passthrough.get(name).cloned()
    }

    fn notify_url(&self) -> &str {
        self.tenant.tracking.notify_url.as_str()
    }

    fn auth_id(&self) -> Option<&String> {
        self.tenant.tracking.auth_id.as_ref()
    }
}

/// Members of a body. Absent values are left out.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Object {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A member that is present if its value is.
fn given<T: serde::Serialize>(value: Option<T>) -> Option<Value> {
    value.map(|value| json!(value))
}

/// Whether a text consists of the GSM 7-bit default alphabet with its extension (3GPP TS 23.038, 6.2.1). Any other text
/// must be sent as `unicode`.
fn is_gsm(text: &str) -> bool {
    const BEYOND_ASCII: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€";
    text.chars().all(|c| match c {
        '`' => false,
        ' '..='~' | '\n' | '\r' | '\u{c}' => true,
        _ => BEYOND_ASCII.contains(c),
    })
}
