//! Send requests.
//!
//! The tracking fields are spelled differently in each API, and only the documented spelling is emitted:
//!
//! | Meaning | Messaging v1 | Messaging v2 | SMS v1, Voice v1, Instagram |
//! | --- | --- | --- | --- |
//! | caller's id | `correlationid` at the root | `correlationId` inside `to[]` | `correlationId` |
//! | echo data | `callbackData` | `callbackData` | `callbackData`; none for voice |
//! | where to notify | `notifyurl` | `notifyUrl` | `callbackUrl` |
//! | how to authenticate there | `notifyurlAuthId` | `notifyUrlAuthId` | `callbackUrlAuthId` |
//! | until when | `expiry` | `expireAt` | `expireAt`; SMS only |
//!
//! To add a channel, give it its API in [`Api::of`], its place in the file of that API, and its rules in `webex/rules`.

mod single;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use receiptd_domain::{Channel, Object, Submission, Timestamp};
use serde_json::{Value, json};

use super::{Api, NotifyUrl, SmsApi};

/// Where notifications about a message are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// Our notify URL.
    pub notify_url: NotifyUrl,
    /// The platform's id of the authorization that it uses there, where one is configured.
    pub auth_id: Option<String>,
}

/// Where a service key stands. A JWT is a bearer token with every API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIn {
    /// In a header named `key` (`api-authentication`).
    KeyHeader,
    /// In `Authorization`, without a scheme (`voice-only-api-v1-make-outbound-calls`).
    Authorization,
}

/// How our tenant at the platform is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Where notifications are to go.
    pub tracking: Tracking,
    /// By which API text messages go.
    pub sms_api: SmsApi,
    /// Whether the tenant's "+E.164" option is on: phone numbers of recipients must then carry the plus
    /// (`send-sms-message-api-v2`).
    pub plus_sign: bool,
}

/// A request to the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose shape it has.
    pub api: Api,
    /// The body.
    pub body: Value,
}

impl Request {
    /// How this API takes a service key.
    pub fn key_in(&self) -> KeyIn {
        if self.api == Api::VoiceV1 { KeyIn::Authorization } else { KeyIn::KeyHeader }
    }

    /// The request that sends `message` at `now`.
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

/// A message on its way out.
struct RequestContext<'a> {
    message: &'a Submission,
    tenant: &'a Tenant,
    now: Timestamp,
}

impl RequestContext<'_> {
    /// The ids of the recipient; numbers with the plus where the tenant wants it, or else where the samples of the API
    /// have it: everywhere but in Messaging v1, and there in invitations by Apple
    /// (`apple-message-for-business-text-copy`).
    fn ids(&self) -> Vec<String> {
        let recipient = &self.message.recipient;
        let is_v1 = Api::of_submission(self.message, self.tenant.sms_api) == Api::V1;
        let api_has_plus = !is_v1 || self.message.channel == Channel::Apple;
        let has_plus = recipient.kind == "msisdn" && (self.tenant.plus_sign || api_has_plus);
        recipient.ids.iter().map(|id| if has_plus { format!("+{id}") } else { id.clone() }).collect()
    }

    /// The first of them, for the APIs that take one.
    fn id(&self) -> String {
        self.ids().into_iter().next().unwrap_or_default()
    }

    /// When the platform is to send it, if that is still to come.
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

/// Members of a body; absent ones are left out.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Object {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A member that is there if its value is.
fn given<T: serde::Serialize>(value: Option<T>) -> Option<Value> {
    value.map(|value| json!(value))
}

/// Whether a text fits the GSM 7-bit default alphabet with its extension (3GPP TS 23.038, 6.2.1). Any other must be
/// sent as `unicode`.
fn is_gsm(text: &str) -> bool {
    const BEYOND_ASCII: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€";
    text.chars().all(|c| match c {
        '`' => false,
        ' '..='~' | '\n' | '\r' | '\u{c}' => true,
        _ => BEYOND_ASCII.contains(c),
    })
}
