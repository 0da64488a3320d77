//! A message that somebody asks us to send.

use serde_json::{Map, Value, json};

use super::{Address, Channel, CorrelationId};

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which field: an RFC 6901 pointer into the request.
    pub pointer: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// Who a message goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The kind of id, as the platform names it: `msisdn`, `waid`, `bsuid`.
    pub kind: &'static str,
    /// The id, as it was given.
    pub id: String,
}

/// A request to send as it came in, before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft(Map<String, Value>);

/// A message to send, checked.
///
/// The limits are the documented ones of the platform: SMS text 4,000 characters (`send-sms-message-api-v2`), WhatsApp
/// text 4,096 (code 7714), correlation id 50 bytes (`send-message-v1`), callback data 2,000 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// `sms` or `whatsapp`.
    pub channel: Channel,
    /// Sender id, or app id.
    pub sender: String,
    /// To whom.
    pub recipient: Recipient,
    /// The text.
    pub text: String,
    /// Given by the caller, or drawn for them.
    pub correlation_id: CorrelationId,
    /// To be given back with each notification.
    pub callback_data: Option<String>,
    /// The platform's options, as they are.
    pub options: Option<Map<String, Value>>,
}

const MEMBERS: [&str; 7] = ["channel", "from", "to", "text", "correlationId", "callbackData", "options"];
const CORRELATION_ID_BYTES: usize = 50;
const CALLBACK_DATA_CHARS: usize = 2000;

impl Draft {
    /// From parsed JSON.
    pub fn new(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Fault { pointer: String::new(), detail: "a message is a JSON object".to_owned() }),
        }
    }

    /// Checks everything, and reports every fault at once. `fresh_id` is taken where the caller gave no id.
    pub fn check(&self, fresh_id: impl FnOnce() -> CorrelationId) -> Result<Submission, Vec<Fault>> {
        let mut check = Check { members: &self.0, faults: Vec::new() };
        check.nothing_unknown();
        let channel = check.channel();
        let sender = check.required("from");
        let recipient = check.recipient(channel.as_ref());
        let text = check.message_text(channel.as_ref());
        let correlation_id = check.correlation_id(fresh_id);
        let callback_data = check.callback_data();
        let options = check.options();
        match (channel, sender, recipient, text, correlation_id) {
            (Some(channel), Some(sender), Some(recipient), Some(text), Some(correlation_id))
                if check.faults.is_empty() =>
            {
                Ok(Submission { channel, sender, recipient, text, correlation_id, callback_data, options })
            }
            _ => Err(check.faults),
        }
    }
}

impl Submission {
    /// The request as canonical JSON. Two requests ask for the same if and only if these are equal.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "channel": self.channel.as_str(),
            "from": self.sender,
            "to": { self.recipient.kind: self.recipient.id },
            "text": self.text,
            "correlationId": self.correlation_id.as_str(),
        });
        if let Some(data) = &self.callback_data {
            json["callbackData"] = json!(data);
        }
        if let Some(options) = &self.options {
            json["options"] = json!(options);
        }
        json
    }

    /// Reads what [`Submission::to_json`] wrote.
    pub fn from_json(value: Value) -> Result<Self, Vec<Fault>> {
        let draft = Draft::new(value).map_err(|fault| vec![fault])?;
        let given = draft.0.get("correlationId").and_then(Value::as_str).unwrap_or_default();
        let id = CorrelationId::new(given)
            .map_err(|error| vec![Fault { pointer: "/correlationId".to_owned(), detail: error.to_string() }])?;
        draft.check(|| id)
    }
}

/// One pass over a draft.
struct Check<'a> {
    members: &'a Map<String, Value>,
    faults: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn fault(&mut self, member: &str, detail: impl Into<String>) {
        let member = member.replace('~', "~0").replace('/', "~1");
        self.faults.push(Fault { pointer: format!("/{member}"), detail: detail.into() });
    }

    fn nothing_unknown(&mut self) {
        for name in self.members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            self.fault(name, format!("is not supported; known members are {}", MEMBERS.join(", ")));
        }
    }

    /// The member, unless it is absent or null.
    fn member(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Option<&'a str> {
        let text = self.member(name)?.as_str();
        match text {
            None => self.fault(name, "must be a string"),
            // Postgres cannot store it, and no channel shows it.
            Some(text) if text.contains('\0') => self.fault(name, "must not contain the character U+0000"),
            Some(_) => {}
        }
        text
    }

    fn required(&mut self, name: &str) -> Option<String> {
        if self.member(name).is_none() {
            self.fault(name, "is required");
        }
        let text = self.text(name)?;
        if text.trim().is_empty() {
            self.fault(name, "must not be blank");
        }
        Some(text.to_owned())
    }

    fn channel(&mut self) -> Option<Channel> {
        let name = self.required("channel")?;
        let channel = Channel::from_name(&name);
        if !matches!(channel, Channel::Sms | Channel::Whatsapp) {
            self.fault("channel", "this version sends on sms and whatsapp");
            return None;
        }
        Some(channel)
    }

    fn recipient(&mut self, channel: Option<&Channel>) -> Option<Recipient> {
        let kinds: &[&'static str] = match channel {
            Some(Channel::Whatsapp) => &["waid", "bsuid"],
            _ => &["msisdn"],
        };
        let (kind, id) = match self.member("to") {
            None => {
                self.fault("to", "is required");
                return None;
            }
            Some(Value::String(id)) => (kinds.first().copied(), id.as_str()),
            Some(Value::Object(ids)) if ids.len() == 1 => {
                let (kind, id) = ids.iter().next()?;
                (kinds.iter().copied().find(|known| known == kind), id.as_str().unwrap_or_default())
            }
            Some(_) => (None, ""),
        };
        let Some(kind) = kind else {
            self.fault("to", format!("must be a string, or an object with one of {}", kinds.join(", ")));
            return None;
        };
        let digits = id.strip_prefix('+').unwrap_or(id);
        let is_number = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if kind != "bsuid" && !is_number {
            self.fault("to", "must be a number in international form: 5 to 15 digits, with or without a plus");
        } else if Address::new(id).is_none() {
            self.fault("to", "must not be blank");
        }
        Some(Recipient { kind, id: id.to_owned() })
    }

    fn message_text(&mut self, channel: Option<&Channel>) -> Option<String> {
        let text = self.required("text")?;
        let most = if channel == Some(&Channel::Whatsapp) { 4096 } else { 4000 };
        let length = text.chars().count();
        if length > most {
            self.fault("text", format!("has {length} characters; the platform takes {most} at the most"));
        }
        Some(text)
    }

    fn correlation_id(&mut self, fresh: impl FnOnce() -> CorrelationId) -> Option<CorrelationId> {
        if self.member("correlationId").is_none() {
            return Some(fresh());
        }
        let id = self.text("correlationId")?;
        if id.len() > CORRELATION_ID_BYTES {
            self.fault("correlationId", format!("has {} bytes; the platform takes {CORRELATION_ID_BYTES}", id.len()));
            return None;
        }
        if id.starts_with("txn:") {
            self.fault("correlationId", "must not begin with txn:, which addresses messages by transaction id");
            return None;
        }
        match CorrelationId::new(id) {
            Ok(id) => Some(id),
            Err(error) => {
                self.fault("correlationId", error.to_string());
                None
            }
        }
    }

    fn callback_data(&mut self) -> Option<String> {
        let data = self.text("callbackData")?;
        let length = data.chars().count();
        if length > CALLBACK_DATA_CHARS {
            let detail = format!("has {length} characters; the platform takes {CALLBACK_DATA_CHARS} at the most");
            self.fault("callbackData", detail);
        }
        Some(data.to_owned())
    }

    fn options(&mut self) -> Option<Map<String, Value>> {
        let options = self.member("options")?.as_object();
        if options.is_none() {
            self.fault("options", "must be an object: the options of the platform's request");
        }
        options.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value) -> Result<Submission, Vec<Fault>> {
        Draft::new(value).map_err(|fault| vec![fault])?.check(|| CorrelationId::new("fresh").unwrap())
    }

    fn pointers(value: Value) -> Vec<String> {
        check(value).unwrap_err().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn a_short_message_is_taken_and_reads_back() {
        let message =
            check(json!({"channel":"sms","from":"ACME","to":"+447700900123","text":"Hi","options":{}})).unwrap();
        assert_eq!(message.correlation_id.as_str(), "fresh");
        assert_eq!(message.recipient, Recipient { kind: "msisdn", id: "+447700900123".to_owned() });
        assert_eq!(Submission::from_json(message.to_json()), Ok(message));
    }

    #[test]
    fn whatsapp_takes_both_kinds_of_id() {
        let to = |to: Value| check(json!({"channel":"whatsapp","from":"a_1","to":to,"text":"Hi"}));
        assert_eq!(to(json!("447700900123")).unwrap().recipient.kind, "waid");
        assert_eq!(to(json!({"bsuid":"GB.1000000000000001"})).unwrap().recipient.kind, "bsuid");
        assert!(to(json!({"psid":"1"})).is_err());
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let faults = pointers(json!({
            "channel": "pigeon", "to": "soon", "text": "", "correlationId": "x".repeat(51),
            "callbackData": "é".repeat(2001), "options": [], "colour/~": 1
        }));
        let expected =
            ["/colour~1~0", "/channel", "/from", "/to", "/text", "/correlationId", "/callbackData", "/options"];
        assert_eq!(faults, expected);
    }

    #[test]
    fn limits_count_what_the_platform_counts() {
        let with = |text: String, id: String| json!({"channel":"sms","from":"A","to":"447700900123","text":text,"correlationId":id});
        assert!(check(with("é".repeat(4000), "x".repeat(50))).is_ok());
        assert_eq!(pointers(with("é".repeat(4001), "é".repeat(26))), ["/text", "/correlationId"]);
        assert_eq!(pointers(with("a".to_owned(), "txn:1".to_owned())), ["/correlationId"]);
    }
}
