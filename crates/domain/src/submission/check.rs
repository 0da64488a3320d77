//! Checks a draft and turns it into a message that can be sent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Content, FieldError, Object, PASSTHROUGH, Recipient, Submission};
use crate::{Channel, CorrelationId, Timestamp};

/// A request to send as it arrived, before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft(Object);

/// The members that have a meaning for receiptd.
const MEMBERS: [&str; 13] = [
    "channel",
    "from",
    "to",
    "text",
    "subject",
    "html",
    "content",
    "template",
    "correlationId",
    "callbackData",
    "sendAt",
    "expireAt",
    "options",
];

/// The passed-through members that must be objects. The platform's schemas check the others.
const OBJECTS: [&str; 2] = ["substitutions", "contactPolicy"];

const CORRELATION_ID_BYTES: usize = 50;
const CALLBACK_DATA_CHARS: usize = 2000;

/// Whether a message has a member of this name.
pub fn is_member(name: &str) -> bool {
    MEMBERS.contains(&name) || PASSTHROUGH.contains(&name)
}

impl Draft {
    pub fn new(value: Value) -> Result<Self, FieldError> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(FieldError { pointer: String::new(), detail: "a message is a JSON object".to_owned() }),
        }
    }

    /// The members as they arrived.
    pub fn members(&self) -> &Object {
        &self.0
    }

    pub fn names_its_id(&self) -> bool {
        self.0.get("correlationId").is_some_and(|id| !id.is_null())
    }

    /// The channel, if it is a known one.
    pub fn channel(&self) -> Option<Channel> {
        let channel = Channel::from_name(self.0.get("channel")?.as_str()?);
        (!matches!(channel, Channel::Other(_))).then_some(channel)
    }

    /// Checks everything, and reports all errors at once. `fresh_id` is called if the caller gave no correlation id.
    pub fn check(&self, fresh_id: impl FnOnce() -> CorrelationId) -> Result<Submission, Vec<FieldError>> {
        let mut check = Check { members: &self.0, errors: Vec::new() };
        check.nothing_unknown();
        let channel = check.channel(self.channel());
        let sender = check.required("from");
        let recipient = check.recipient(channel.as_ref());
        let content = check.content(channel.as_ref());
        let correlation_id = check.correlation_id(fresh_id);
        let callback_data = check.callback_data();
        let (send_at, expire_at) = check.times();
        let options = check.object("options").filter(|options| !options.is_empty()).cloned();
        let passthrough = check.passthrough();
        match (channel, sender, recipient, correlation_id) {
            (Some(channel), Some(sender), Some(recipient), Some(correlation_id)) if check.errors.is_empty() => {
                Ok(Submission {
                    channel,
                    sender,
                    recipient,
                    content,
                    correlation_id,
                    callback_data,
                    send_at,
                    expire_at,
                    options,
                    passthrough,
                })
            }
            _ => Err(check.errors),
        }
    }
}

/// The state of one check of a draft.
struct Check<'a> {
    members: &'a Object,
    errors: Vec<FieldError>,
}

impl<'a> Check<'a> {
    fn error(&mut self, member: &str, detail: impl Into<String>) {
        let member = member.replace('~', "~0").replace('/', "~1");
        self.errors.push(FieldError { pointer: format!("/{member}"), detail: detail.into() });
    }

    fn nothing_unknown(&mut self) {
        for name in self.members.keys().filter(|name| !is_member(name)) {
            let known: BTreeSet<&str> = MEMBERS.into_iter().chain(PASSTHROUGH).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            self.error(name, format!("is not a member of a message; the members are {known}"));
        }
    }

    /// The member, unless it is absent or null.
    fn member(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Option<&'a str> {
        let text = self.member(name)?.as_str();
        match text {
            None => self.error(name, "must be a string"),
            // Postgres cannot store it, and no channel shows it.
            Some(text) if text.contains('\0') => self.error(name, "must not contain the character U+0000"),
            Some(_) => {}
        }
        text
    }

    fn required(&mut self, name: &str) -> Option<String> {
        if self.member(name).is_none() {
            self.error(name, "is required");
        }
        self.words(name)
    }

    /// A text that is not blank, if there is one.
    fn words(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.trim().is_empty() {
            self.error(name, "must not be blank");
        }
        Some(text.to_owned())
    }

    fn object(&mut self, name: &str) -> Option<&'a Object> {
        let object = self.member(name)?.as_object();
        if object.is_none() {
            self.error(name, "must be an object, as in the platform's request");
        }
        object
    }

    fn channel(&mut self, known: Option<Channel>) -> Option<Channel> {
        if self.required("channel").is_some() && known.is_none() {
            let names = Channel::known().map(|channel| channel.to_string()).collect::<Vec<_>>().join(", ");
            self.error("channel", format!("must be one of {names}"));
        }
        known
    }

    fn recipient(&mut self, channel: Option<&Channel>) -> Option<Recipient> {
        if self.member("to").is_none() {
            self.error("to", "is required");
        }
        // The allowed kinds of id depend on the channel.
        let read = Recipient::read(self.member("to")?, channel?, self.members);
        read.map_err(|detail| self.error("to", detail)).ok()
    }

    fn content(&mut self, channel: Option<&Channel>) -> Content {
        let (text, subject, html) = (self.words("text"), self.words("subject"), self.words("html"));
        let (content, template) = (self.object("content").cloned(), self.object("template").cloned());
        let plain = ["text", "subject", "html"].into_iter().find(|name| self.member(name).is_some());
        if channel.is_some_and(|channel| *channel != Channel::Email) {
            for name in ["subject", "html"] {
                if self.member(name).is_some() {
                    self.error(name, "is for email only");
                }
            }
        }
        match (plain, self.member("content"), self.member("template")) {
            (None, None, None) => self.error("text", "is required, unless content or template is given"),
            (Some(name), Some(_), _) => self.error(name, "must not be given together with content"),
            (Some(name), None, Some(_)) => self.error(name, "must not be given together with template"),
            _ => {}
        }
        match (template, content) {
            (Some(template), content) => Content::Template { template, content },
            (None, Some(content)) => Content::Native(content),
            (None, None) => Content::Plain { text, subject, html },
        }
    }

    fn correlation_id(&mut self, fresh: impl FnOnce() -> CorrelationId) -> Option<CorrelationId> {
        if self.member("correlationId").is_none() {
            return Some(fresh());
        }
        let id = self.text("correlationId")?;
        if id.len() > CORRELATION_ID_BYTES {
            self.error(
                "correlationId",
                format!("has {} bytes; the platform accepts at most {CORRELATION_ID_BYTES}", id.len()),
            );
            return None;
        }
        if id.starts_with("txn:") {
            self.error(
                "correlationId",
                "must not begin with txn:, which is reserved for ids made from transaction ids",
            );
            return None;
        }
        match CorrelationId::new(id) {
            Ok(id) => Some(id),
            Err(error) => {
                self.error("correlationId", error.to_string());
                None
            }
        }
    }

    fn callback_data(&mut self) -> Option<String> {
        let data = self.text("callbackData")?;
        let length = data.chars().count();
        if length > CALLBACK_DATA_CHARS {
            let detail = format!("has {length} characters; the platform accepts at most {CALLBACK_DATA_CHARS}");
            self.error("callbackData", detail);
        }
        Some(data.to_owned())
    }

    fn times(&mut self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (send_at, expire_at) = (self.time("sendAt"), self.time("expireAt"));
        if send_at.zip(expire_at).is_some_and(|(send, expire)| expire <= send) {
            self.error("expireAt", "must be later than sendAt, or the message would never be sent");
        }
        (send_at, expire_at)
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        let time = Timestamp::parse_rfc3339(text);
        if time.is_none() {
            self.error(name, "must be a time with date and offset, as in 2026-06-01T09:00:00Z");
        }
        // To the millisecond, which is the precision that is stored and sent to the platform.
        time.map(Timestamp::to_millisecond)
    }

    fn passthrough(&mut self) -> Object {
        for name in OBJECTS {
            self.object(name);
        }
        let given = PASSTHROUGH.into_iter().filter_map(|name| Some((name.to_owned(), self.member(name)?.clone())));
        // An empty object requests nothing and is dropped. An empty list has a meaning: no receipts at all.
        given.filter(|(_, value)| value.as_object().is_none_or(|object| !object.is_empty())).collect()
    }
}
