//! The recipient of a message to send.

use serde_json::Value;

use super::Object;
use crate::{
    Address, Channel,
    number::{NO_NUMBER, PhoneNumber},
};

/// The recipient of a message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The kind of id, as the platform names it: `msisdn`, `waid`, `email`…
    pub kind: &'static str,
    /// The ids. A number is stored as its digits, any other id as it was given. Only a mail may have several: one mail
    /// with one transaction id goes to all of them.
    pub ids: Vec<String>,
}

impl Recipient {
    /// The kinds of id that each channel accepts. A plain string is an id of the first kind.
    pub fn kinds(channel: &Channel) -> &'static [&'static str] {
        match channel {
            Channel::Sms | Channel::Mms | Channel::Rcs | Channel::Voice => &["msisdn", "customerid"],
            Channel::Email => &["email", "customerid"],
            Channel::Whatsapp => &["waid", "bsuid", "customerid"],
            Channel::Messenger => &["psid", "customerid"],
            Channel::Apple => &["abcUserId", "msisdn", "customerid"],
            Channel::Push => &[
                "userid",
                "customerid",
                "android_pushid",
                "hms_pushid",
                "ios_pushid",
                "chrome_pushid",
                "firefox_pushid",
                "safari_pushid",
            ],
            Channel::InApp => &["userid", "customerid"],
            Channel::Instagram => &["igsid"],
            Channel::Other(_) => &[],
        }
    }

    /// The id. The first one, if there are several.
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// Whether any channel accepts this kind of id.
    pub fn is_kind(word: &str) -> bool {
        Channel::known().any(|channel| Self::kinds(&channel).contains(&word))
    }

    /// Whether ids of this kind are phone numbers.
    pub fn is_number_kind(word: &str) -> bool {
        word == "msisdn" || word == "waid"
    }

    /// Reads the member `to` of `message`, whose channel is `channel`. Otherwise returns the error.
    pub(super) fn read(to: &Value, channel: &Channel, message: &Object) -> Result<Self, String> {
        let kinds = Self::kinds(channel);
        let (kind, ids) = match to {
            Value::String(id) => (default_kind(channel, message), vec![id.clone()]),
            Value::Object(ids) if ids.len() == 1 => {
                let mut ids = ids.iter();
                let named = ids.next().and_then(|(kind, ids)| {
                    let kind = kinds.iter().copied().find(|known| known == kind)?;
                    Some((kind, texts(ids)))
                });
                named.map_or((None, Vec::new()), |(kind, ids)| (Some(kind), ids))
            }
            _ => (None, Vec::new()),
        };
        let Some(kind) = kind else {
            return Err(format!("must be a string, or an object with one member out of {}", kinds.join(", ")));
        };
        let to_all = message.get("multipleToRecipients") == Some(&Value::Bool(true));
        if ids.len() > 1 && !to_all {
            return Err("must be one recipient; send one message to each recipient".to_owned());
        }
        if Self::is_number_kind(kind) {
            let ids = ids.iter().map(|id| number(id)).collect::<Result<Vec<_>, _>>()?;
            return if ids.is_empty() { Err(NO_NUMBER.to_owned()) } else { Ok(Self { kind, ids }) };
        }
        let all = |good: fn(&str) -> bool| ids.iter().all(|id| good(id));
        let detail = match kind {
            _ if ids.is_empty() || !all(says_something) => "must be a string that is not blank",
            "email" if !all(is_mail_address) => "must be a mail address, as in dana@example.org",
            _ => return Ok(Self { kind, ids }),
        };
        Err(detail.to_owned())
    }
}

/// The kind of a plain string. An Apple invitation goes to a phone number, since its recipient has no Apple id yet.
fn default_kind(channel: &Channel, members: &Object) -> Option<&'static str> {
    let kind = members.get("content").and_then(|content| content.get("type")).and_then(Value::as_str);
    match (channel, kind) {
        (Channel::Apple, Some("invitation")) => Some("msisdn"),
        _ => Recipient::kinds(channel).first().copied(),
    }
}

/// A string, or all strings of a list. Empty if the list contains anything else.
fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::Array(items) => items.iter().map(text).collect::<Option<_>>().unwrap_or_default(),
        value => text(value).into_iter().collect(),
    }
}

fn says_something(id: &str) -> bool {
    // Postgres cannot store U+0000.
    !id.contains('\0') && Address::new(id).is_some()
}

/// The digits of a number. Two spellings of one number are one recipient, so they make equal messages.
fn number(id: &str) -> Result<String, String> {
    let number = PhoneNumber::read(id);
    let digits = number.as_ref().map_or(Err(NO_NUMBER), PhoneNumber::for_sending);
    digits.map(str::to_owned).map_err(str::to_owned)
}

/// Some text on both sides of an `@`, without blanks. The platform checks the rest.
fn is_mail_address(id: &str) -> bool {
    let parts = id.rsplit_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()) && !id.contains(char::is_whitespace)
}
