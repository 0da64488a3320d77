//! What statuses and codes mean, for people who are not engineers.

use serde::{Deserialize, Serialize};

use super::CodeView;
use crate::{
    domain::{Channel, FieldError, Status},
    webex::codes,
};

/// Entries of a glossary.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GlossaryView<T> {
    /// The entries.
    pub items: Vec<T>,
}

/// What a status means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    pub status: String,
    /// What it means.
    pub meaning: String,
    /// Who sets it.
    pub set_by: String,
    /// What can follow.
    pub next: String,
    /// Whether no further change is expected.
    #[serde(rename = "final")]
    pub is_final: bool,
}

const RECEIPTD: &str = "receiptd";
const PLATFORM: &str = "the platform";
const BY_ITS_ANSWER: &str = "receiptd, from the platform's answer";
const ANY_REPORT: &str = "every status of the platform";
const IF_IT_HAD_IT: &str = "a status of the platform, if a notification shows that it had the message";

/// The meaning of a status, who sets it, and what can follow.
fn words(status: Status) -> [&'static str; 3] {
    match status {
        Status::Queued => [
            "The message is stored and waits to be sent: for its time, for its turn, or for the next attempt.",
            RECEIPTD,
            "sending, cancelled, expired, unconfirmed after a restore, and every status of the platform",
        ],
        Status::Sending => [
            "receiptd has claimed the message for a request to the platform.",
            RECEIPTD,
            "accepted, rejected, unconfirmed, queued (to be tried again later), and every status of the platform",
        ],
        Status::Unconfirmed => [
            "receiptd does not know whether the platform has the message: no answer came, receiptd was killed during the \
             request, or the database was restored from a backup. receiptd does not send it again by itself.",
            RECEIPTD,
            "every status of the platform. If none comes, look the message up in the platform's logs.",
        ],
        Status::Accepted => ["The platform has accepted the message.", BY_ITS_ANSWER, ANY_REPORT],
        Status::Rejected => [
            "The platform rejected the message, or all attempts are used up (send.attempts). failure and code say why.",
            BY_ITS_ANSWER,
            IF_IT_HAD_IT,
        ],
        Status::Cancelled => ["The message was cancelled before it was sent.", RECEIPTD, IF_IT_HAD_IT],
        Status::Expired => ["Its expireAt passed before it was sent.", RECEIPTD, IF_IT_HAD_IT],
        Status::Unknown => [
            "Only notifications came whose status text and code receiptd does not know.",
            PLATFORM,
            "every other status of the platform",
        ],
        Status::Submitted => [
            "The platform handed the message to the carrier or the channel.",
            PLATFORM,
            "failed, delivered, read, clicked, complained; on apple nothing, so it is final there",
        ],
        Status::Failed => [
            "The message will not arrive. failure, code and reason say why.",
            PLATFORM,
            "delivered, read, clicked, complained; on email not delivered",
        ],
        Status::Delivered => [
            "The message arrived on the device or in the mailbox.",
            PLATFORM,
            "read, clicked, complained; on email also failed, since a mail can bounce later",
        ],
        Status::Read => ["The recipient opened the message.", PLATFORM, "clicked, complained"],
        Status::Clicked => ["The recipient followed a link in the message.", PLATFORM, "complained"],
        Status::Complained => ["The recipient reported the message, for example as spam.", PLATFORM, "nothing"],
    }
}

/// Every status, in the order in which a message can have them.
pub fn statuses() -> GlossaryView<StatusView> {
    let (dispatch, platform): (Vec<_>, Vec<_>) = Status::all().partition(|status| words(*status)[1] != PLATFORM);
    let view = |status: Status| {
        let [meaning, set_by, next] = words(status).map(str::to_owned);
        StatusView { status: status.to_string(), meaning, set_by, next, is_final: status.is_final(None) }
    };
    GlossaryView { items: dispatch.into_iter().chain(platform).map(view).collect() }
}

/// Which codes to explain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeRequest {
    channel: Option<Channel>,
    code: Option<String>,
}

impl CodeRequest {
    /// Parses names and values, and reports all errors at once.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let (mut request, mut errors) = (Self::default(), Vec::new());
        for (name, value) in pairs {
            match name {
                "channel" => request.channel = Some(Channel::from_name(value)),
                "code" => request.code = Some(value.to_owned()),
                _ => errors.push(FieldError {
                    pointer: format!("/{name}"),
                    detail: "is not a parameter; the parameters are channel and code".to_owned(),
                }),
            }
        }
        if errors.is_empty() { Ok(request) } else { Err(errors) }
    }
}

/// The codes of a channel, those of every channel among them, unless the channel has a meaning of its own for them. Without
/// a channel, all codes.
pub fn codes(request: &CodeRequest) -> GlossaryView<CodeView> {
    let is_wanted = |code: &str| request.code.as_ref().is_none_or(|wanted| wanted == code);
    let rows: Vec<_> = codes::all().filter(|(_, row)| is_wanted(row.code)).collect();
    let has_its_own = |channel: &Channel, code: &str| {
        rows.iter().any(|(channels, row)| row.code == code && names(channels, channel.as_str()))
    };
    let applies = |channels: &str, code: &str| match &request.channel {
        None => true,
        Some(channel) if channels == codes::COMMON => !has_its_own(channel, code),
        Some(channel) => names(channels, channel.as_str()),
    };
    let applying = rows.iter().filter(|(channels, row)| applies(channels, row.code));
    GlossaryView { items: applying.copied().map(CodeView::of).collect() }
}

fn names(channels: &str, channel: &str) -> bool {
    channels.split(',').any(|name| name == channel)
}

/// What a code alone means on a channel. `None` if it is not in the list.
pub fn code_of(channel: Option<&str>, code: &str) -> Option<CodeView> {
    let channel = channel.map(Channel::from_name);
    let row = codes::find(channel.as_ref(), code)?;
    Some(CodeView::of((channel.as_ref().map_or(codes::COMMON, Channel::as_str), *row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Vec<CodeView> {
        codes(&CodeRequest::parse(pairs.iter().copied()).unwrap()).items
    }

    #[test]
    fn every_status_is_explained_once() {
        let mut explained: Vec<_> = statuses().items.into_iter().map(|entry| entry.status).collect();
        assert_eq!((explained[0].as_str(), explained[13].as_str()), ("queued", "complained"));
        explained.sort_unstable();
        let mut all: Vec<_> = Status::all().map(|status| status.to_string()).collect();
        all.sort_unstable();
        assert_eq!(explained, all);
    }

    #[test]
    fn a_channel_has_its_own_codes_and_those_of_every_channel() {
        let (all, sms) = (asked(&[]), asked(&[("channel", "sms")]));
        assert!(sms.len() < all.len() && sms.iter().any(|code| code.channels.is_empty()));
        assert!(sms.iter().all(|code| code.channels.is_empty() || code.channels.iter().any(|name| name == "sms")));
        // Each has one meaning there, unless a condition distinguishes several.
        for code in &sms {
            let meanings = sms.iter().filter(|other| other.code == code.code && other.condition == code.condition);
            assert_eq!(meanings.count(), 1, "{}", code.code);
        }
        assert_eq!(asked(&[("channel", "sms"), ("code", "7203")])[0].sentence, "This number does not exist.");
        assert_eq!(asked(&[("code", "0")]), []);
        assert_eq!(CodeRequest::parse([("to", "1")]).unwrap_err()[0].pointer, "/to");
    }

    #[test]
    fn a_code_alone_has_one_meaning_on_a_channel() {
        assert_eq!(code_of(Some("sms"), "7203").unwrap().sentence, "This number does not exist.");
        assert_eq!(code_of(Some("sms"), "0"), None);
    }
}
