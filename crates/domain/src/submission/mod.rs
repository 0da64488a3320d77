//! A message that somebody asks us to send.
//!
//! A [`Draft`] is what came in; [`Draft::check`] turns it into a [`Submission`]. What is checked here is what any
//! message has: who, to whom, what kind of content, when. What the platform allows within each channel's content is
//! `webex::rules`.

mod check;
mod recipient;

use serde_json::{Map, Value, json};

use super::{Channel, CorrelationId, Timestamp};

pub use check::{Draft, is_member};
pub use recipient::Recipient;

/// A JSON object, as the platform takes it.
pub type Object = Map<String, Value>;

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Which field: an RFC 6901 pointer into the request.
    pub pointer: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The short form: just the words.
    Plain {
        /// The text.
        text: Option<String>,
        /// The subject of a mail.
        subject: Option<String>,
        /// The mail as HTML.
        html: Option<String>,
    },
    /// The platform's own content object.
    Native(Object),
    /// A template that is kept at the platform.
    Template {
        /// The platform's template object.
        template: Object,
        /// What its channel wants beside the template.
        content: Option<Object>,
    },
}

/// A message to send, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// One of the channels that we know; never [`Channel::Other`].
    pub channel: Channel,
    /// Sender id, number, address or app id.
    pub sender: String,
    /// To whom.
    pub recipient: Recipient,
    /// What it says.
    pub content: Content,
    /// Given by the caller, or drawn for them. 50 bytes at the most (`send-message-v1`).
    pub correlation_id: CorrelationId,
    /// To be given back with each notification. 2,000 characters at the most (`send-sms-message-api-v2`).
    pub callback_data: Option<String>,
    /// Not before this.
    pub send_at: Option<Timestamp>,
    /// Not at this or after it.
    pub expire_at: Option<Timestamp>,
    /// The platform's options, as they are.
    pub options: Option<Object>,
    /// Members of the platform's request that are passed on as they are: those of [`PASSTHROUGH`] that were given.
    pub passthrough: Object,
}

/// Members that the platform's request has and that mean nothing to us, in the platform's spelling.
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
    /// The request as canonical JSON. Two requests ask for the same if and only if these are equal.
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
        let said = match &self.content {
            Content::Plain { text, subject, html } => {
                [("text", json!(text)), ("subject", json!(subject)), ("html", json!(html))]
            }
            Content::Native(content) => [("content", json!(content)), ("template", Value::Null), ("text", Value::Null)],
            Content::Template { template, content } => {
                [("template", json!(template)), ("content", json!(content)), ("text", Value::Null)]
            }
        };
        let said = said.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, Some(value)));
        for (name, value) in given.into_iter().chain(said) {
            if let Some(value) = value {
                json.insert(name.to_owned(), value);
            }
        }
        Value::Object(json)
    }

    /// Reads what [`Submission::to_json`] wrote.
    pub fn from_json(value: Value) -> Result<Self, Vec<FieldError>> {
        let draft = Draft::new(value).map_err(|fault| vec![fault])?;
        let given = draft.members().get("correlationId").and_then(Value::as_str).unwrap_or_default();
        let id = CorrelationId::new(given)
            .map_err(|error| vec![FieldError { pointer: "/correlationId".to_owned(), detail: error.to_string() }])?;
        draft.check(|| id)
    }
}

#[cfg(test)]
mod tests;
