//! A message to send.
//!
//! A [`Draft`] is the request as it arrived. [`Draft::check`] turns it into a [`Submission`]. The check covers what
//! every message has: sender, recipient, kind of content, times. What the platform allows within the content of each
//! channel is in `webex::rules`.

mod check;
mod recipient;

use serde_json::{Map, Value, json};

use super::{Channel, CorrelationId, Timestamp};

pub use check::{Draft, is_member};
pub use recipient::Recipient;

/// A JSON object, as in the platform's API.
pub type Object = Map<String, Value>;

/// An error in one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as an RFC 6901 pointer into the request.
    pub pointer: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The short form, which has only texts.
    Plain {
        text: Option<String>,
        /// The subject of a mail.
        subject: Option<String>,
        /// The mail as HTML.
        html: Option<String>,
    },
    /// The platform's own content object.
    Native(Object),
    /// A template that is stored at the platform.
    Template {
        /// The platform's template object.
        template: Object,
        /// The content that the channel needs in addition to the template.
        content: Option<Object>,
    },
}

impl Content {
    /// The members of the request that contain it.
    pub fn members(&self) -> Object {
        let members = match self {
            Self::Plain { text, subject, html } => {
                [("text", json!(text)), ("subject", json!(subject)), ("html", json!(html))]
            }
            Self::Native(content) => [("content", json!(content)), ("template", Value::Null), ("text", Value::Null)],
            Self::Template { template, content } => {
                [("template", json!(template)), ("content", json!(content)), ("text", Value::Null)]
            }
        };
        members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// A checked message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// A known channel, never [`Channel::Other`].
    pub channel: Channel,
    /// Sender id, number, address or app id.
    pub sender: String,
    pub recipient: Recipient,
    pub content: Content,
    /// The caller's id, or a generated one. At most 50 bytes (developers.webexconnect.io/reference/send-message-v1).
    pub correlation_id: CorrelationId,
    /// The platform returns it with each notification. At most 2,000 characters
    /// (developers.webexconnect.io/reference/send-sms-message-api-v2).
    pub callback_data: Option<String>,
    /// The message must not be sent before this time.
    pub send_at: Option<Timestamp>,
    /// The message must be sent before this time.
    pub expire_at: Option<Timestamp>,
    /// The platform's options, unchanged.
    pub options: Option<Object>,
    /// Members of the platform's request that are passed on unchanged: the given ones of [`PASSTHROUGH`].
    pub passthrough: Object,
}

/// Members of the platform's request that have no meaning for receiptd, in the platform's spelling.
pub const PASSTHROUGH: [&str; 10] = [
    "substitutions",
    "requestedReceipts",
    "contactPolicy",
    "smartlinks",
    "validity",
    "batchId",
    "priority",
    "cc",
    "bcc",
    "multipleToRecipients",
];

impl Submission {
    /// The request as canonical JSON. Two requests are equal if and only if their canonical JSON is equal.
    pub fn to_json(&self) -> Value {
        let mut json = self.passthrough.clone();
        let to = match self.recipient.ids.as_slice() {
            [id] => json!({ self.recipient.kind: id }),
            ids => json!({ self.recipient.kind: ids }),
        };
        let given = [
            ("channel", Some(json!(self.channel.as_str()))),
            ("from", Some(json!(self.sender))),
            ("to", Some(to)),
            ("correlationId", Some(json!(self.correlation_id.as_str()))),
            ("callbackData", self.callback_data.as_ref().map(|data| json!(data))),
            ("sendAt", self.send_at.map(|at| json!(at))),
            ("expireAt", self.expire_at.map(|at| json!(at))),
            ("options", self.options.as_ref().map(|options| json!(options))),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                json.insert(name.to_owned(), value);
            }
        }
        json.extend(self.content.members());
        Value::Object(json)
    }

    /// Reads the output of [`Submission::to_json`].
    pub fn from_json(value: Value) -> Result<Self, Vec<FieldError>> {
        let draft = Draft::new(value).map_err(|error| vec![error])?;
        let given = draft.members().get("correlationId").and_then(Value::as_str).unwrap_or_default();
        let id = CorrelationId::new(given)
            .map_err(|error| vec![FieldError { pointer: "/correlationId".to_owned(), detail: error.to_string() }])?;
        draft.check(|| id)
    }
}

#[cfg(test)]
mod tests;
