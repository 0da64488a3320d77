//! The flags that describe a message.

use std::fs;

use anyhow::Context;
use serde_json::{Value, json};

use crate::{
    cli::output::UsageError,
    domain::{Object, Recipient, read_json},
    secret::without_mark,
};

/// The members of a message. With a file, they apply to every row that does not set the member itself.
#[derive(clap::Args)]
pub(super) struct MessageArgs {
    /// Channel: sms, mms, rcs, email, voice, whatsapp, messenger, apple, push, in-app, instagram
    #[arg(long)]
    channel: Option<String>,
    /// Sender id, number, address or app id, depending on the channel
    #[arg(long)]
    from: Option<String>,
    /// The recipient: a number in international form, a mail address, an id; or KIND:ID, as in bsuid:GB.1
    #[arg(long)]
    to: Option<String>,
    /// The text
    #[arg(long)]
    text: Option<String>,
    /// The subject of a mail
    #[arg(long)]
    subject: Option<String>,
    /// The mail as HTML, or @FILE
    #[arg(long)]
    html: Option<String>,
    /// The platform's content object, or @FILE
    #[arg(long, value_name = "JSON")]
    content: Option<String>,
    /// The platform's template object, or @FILE
    #[arg(long, value_name = "JSON")]
    template: Option<String>,
    /// The platform's options, or @FILE
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
    /// Your own id, at most 50 bytes. Generated if it is not given. The same message with the same id is never sent twice
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    correlation_id: Option<String>,
    /// Data that each notification returns, at most 2000 characters
    #[arg(long, value_name = "TEXT")]
    callback_data: Option<String>,
    /// Send not before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    send_at: Option<String>,
    /// Send only before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    expire_at: Option<String>,
    /// Any other member of a message, such as substitutions, smartlinks or cc: NAME=JSON, or NAME=@FILE
    #[arg(long, value_name = "NAME=JSON")]
    set: Vec<String>,
}

/// The members that are texts. All others are JSON.
const TEXTS: [&str; 11] = [
    "channel",
    "from",
    "text",
    "subject",
    "html",
    "correlationId",
    "callbackData",
    "sendAt",
    "expireAt",
    "validity",
    "batchId",
];

impl MessageArgs {
    /// The given flags as members of a message.
    pub(super) fn members(&self) -> anyhow::Result<Object> {
        let mut members = Object::new();
        for (name, flag, given) in [
            ("channel", "--channel", &self.channel),
            ("from", "--from", &self.from),
            ("to", "--to", &self.to),
            ("text", "--text", &self.text),
            ("subject", "--subject", &self.subject),
            ("html", "--html", &self.html),
            ("content", "--content", &self.content),
            ("template", "--template", &self.template),
            ("options", "--options", &self.options),
            ("correlationId", "--correlation-id", &self.correlation_id),
            ("callbackData", "--callback-data", &self.callback_data),
            ("sendAt", "--send-at", &self.send_at),
            ("expireAt", "--expire-at", &self.expire_at),
        ] {
            if let Some(text) = given {
                members.insert(name.to_owned(), flag_value(name, flag, text)?);
            }
        }
        for pair in &self.set {
            let (name, text) =
                pair.split_once('=').ok_or_else(|| UsageError(format!("--set {pair:?} is not NAME=JSON")))?;
            members.insert(name.to_owned(), flag_value(name, &format!("--set {name}"), text)?);
        }
        Ok(members)
    }
}

fn flag_value(name: &str, flag: &str, text: &str) -> anyhow::Result<Value> {
    let may_be_a_file = name == "html" || (name != "to" && !TEXTS.contains(&name));
    let from_file = match text.strip_prefix('@').filter(|_| may_be_a_file) {
        Some(path) => Some(fs::read_to_string(path).with_context(|| format!("{flag}: {path} cannot be read"))?),
        None => None,
    };
    let value = value(name, from_file.as_deref().map_or(text, without_mark));
    Ok(value.map_err(|detail| UsageError(format!("{flag} {detail}")))?)
}

/// Parses a member of a message from the text of a flag or of a cell.
pub(super) fn value(name: &str, text: &str) -> Result<Value, String> {
    if name == "to" {
        return Ok(match text.split_once(':') {
            Some((kind, id)) if Recipient::is_kind(kind) => json!({ kind: id }),
            _ => json!(text),
        });
    }
    if TEXTS.contains(&name) { Ok(json!(text)) } else { read_json(text.as_bytes()).map_err(|error| error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_id_is_distinguished_from_an_id_with_a_colon() {
        assert_eq!(value("to", "bsuid:GB.1"), Ok(json!({ "bsuid": "GB.1" })));
        assert_eq!(value("to", "urn:mbid:AQAA"), Ok(json!("urn:mbid:AQAA")));
        assert_eq!(value("to", "+447700900123"), Ok(json!("+447700900123")));
    }

    #[test]
    fn texts_are_taken_as_they_are_and_the_rest_is_json() {
        assert_eq!(value("text", "{}"), Ok(json!("{}")));
        assert_eq!(value("validity", "3600"), Ok(json!("3600")));
        assert_eq!(value("priority", "1"), Ok(json!(1)));
        assert_eq!(value("options", "{"), Err("is not JSON: it ends too early, at column 1".to_owned()));
    }
}
