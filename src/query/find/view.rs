//! The result of a search, as the API and the command line show it.

use serde::{Deserialize, Serialize};

use crate::{
    query::{InboundView, MessageView, QuarantineView, capitalised},
    webex::codes::{Code, Side},
};

/// What was found for a text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindView {
    /// What was found, in the order of certainty.
    pub found: Vec<FoundView>,
    /// What else the text can mean, for which nothing was found.
    pub tried: Vec<TriedView>,
    /// If no message was found: the latest bodies in quarantine that name it.
    pub quarantine: Vec<QuarantineView>,
    /// If no message was found: what to do.
    pub advice: Vec<AdviceView>,
}

/// What was found for one meaning of a text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundView {
    /// What the text was taken for: the name of a filter of the list.
    pub filter: String,
    /// The value of the filter.
    pub value: String,
    /// The newest messages, newest first, without timelines.
    pub messages: Vec<MessageView>,
    /// Whether there are more messages.
    pub has_more: bool,
    /// The list of all of these messages, for an address without personal data. Only over HTTP.
    #[serde(default)]
    pub view: Option<String>,
    /// The newest inbound messages of this person.
    pub inbound: Vec<InboundView>,
    /// The meanings of the code.
    pub codes: Vec<CodeView>,
}

/// One meaning of a text, for which nothing was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriedView {
    /// What the text was taken for: the name of a filter of the list.
    pub filter: String,
    /// The value of the filter.
    pub value: String,
}

/// What to do if no message was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdviceView {
    /// What to do, in one or two sentences.
    pub advice: String,
    /// Where to look, as a path of the API.
    pub look: Option<String>,
}

/// One meaning of a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeView {
    pub code: String,
    /// The names of the channels. Empty if it has this meaning on every channel.
    pub channels: Vec<String>,
    /// What in the notification decides for this meaning.
    pub condition: Option<String>,
    /// The documented text.
    pub text: String,
    /// The status or the failure that it means.
    pub class: String,
    /// What it means, for people who are not engineers.
    pub sentence: String,
    /// Whose side the cause is on.
    pub side: Option<String>,
    /// What to do about it.
    pub advice: String,
    /// Whether sending the message again can help.
    pub resend: String,
}

impl FoundView {
    pub(super) fn new(filter: &str, value: &str) -> Self {
        Self {
            filter: filter.to_owned(),
            value: value.to_owned(),
            messages: Vec::new(),
            has_more: false,
            view: None,
            inbound: Vec::new(),
            codes: Vec::new(),
        }
    }

    pub(super) fn is_something(&self) -> bool {
        !(self.messages.is_empty() && self.inbound.is_empty() && self.codes.is_empty())
    }
}

impl TriedView {
    pub(super) fn of(nothing: FoundView) -> Self {
        Self { filter: nothing.filter, value: nothing.value }
    }
}

impl AdviceView {
    pub(super) fn new(advice: &str, look: Option<&str>) -> Self {
        Self { advice: advice.to_owned(), look: look.map(str::to_owned) }
    }
}

impl CodeView {
    pub(in crate::query) fn of((channels, code): (&str, Code)) -> Self {
        let channels = channels.split(',').filter(|channel| *channel != "*").map(str::to_owned).collect();
        Self {
            code: code.code.to_owned(),
            channels,
            condition: code.condition(),
            text: code.text.to_owned(),
            class: code.class.as_str().to_owned(),
            sentence: capitalised(code.sentence),
            side: code.advice.side.map(|side: Side| side.as_str().to_owned()),
            advice: code.advice.text.to_owned(),
            resend: code.advice.resend.as_str().to_owned(),
        }
    }
}
