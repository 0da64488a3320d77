//! What the platform's status texts and codes say.
//!
//! The text decides; the code only where the text is unknown. The documents have samples in which the two disagree,
//! and public receivers go by the text.

use super::codes::{self, Class};
use crate::domain::{Channel, Event, Failure, letters};

/// The words that stand in a notification, as far as they decide its meaning.
pub(super) struct Words<'a> {
    pub(super) channel: Option<&'a Channel>,
    pub(super) status: &'a str,
    pub(super) code: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) additional: Option<&'a str>,
}

/// A status text says this; whether a failure may pass is up to the code.
#[derive(Clone, Copy)]
enum Says {
    Submitted,
    Progress,
    Delivered,
    Read,
    Clicked,
    Failed,
    Complained,
}

/// Status texts by their letters, lower-cased, with the spelling variants of the documents.
const TEXTS: [(&str, Says); 33] = [
    ("submitted", Says::Submitted),
    ("submited", Says::Submitted), // a Messenger sample
    ("sent", Says::Submitted),
    ("queued", Says::Submitted), // flat callback of the SMS API v1
    ("offered", Says::Submitted),
    ("accepted", Says::Submitted),
    ("delivered", Says::Delivered),
    ("answered", Says::Delivered),
    ("read", Says::Read),
    ("opened", Says::Read),
    ("clicked", Says::Clicked),
    ("failed", Says::Failed),
    ("undelivered", Says::Failed),
    ("notverified", Says::Failed),
    ("bounce", Says::Failed),
    ("bounced", Says::Failed),
    ("invalid", Says::Failed), // the settings screen's word for an invalid mail address
    ("rejected", Says::Failed),
    ("complaint", Says::Complained),
    ("complained", Says::Complained),
    ("dropped", Says::Progress),
    ("released", Says::Progress),
    ("release", Says::Progress),
    ("disconnected", Says::Progress),
    ("tromboneconnected", Says::Progress),
    ("tromboneconnect", Says::Progress),
    ("trombonereleased", Says::Progress),
    ("trombonerelease", Says::Progress),
    // Events of the Voice API v1.
    ("played", Says::Progress),
    ("patched", Says::Progress),
    ("recorded", Says::Progress),
    ("collecteddigits", Says::Progress),
    ("vmdetected", Says::Progress),
];

impl Words<'_> {
    /// What the notification says.
    pub(super) fn event(&self) -> Event {
        let letters = letters(self.status);
        match TEXTS.iter().find(|(text, _)| *text == letters).map(|(_, says)| *says) {
            Some(Says::Submitted) => Event::Submitted,
            Some(Says::Progress) => Event::Progress,
            Some(Says::Delivered) => Event::Delivered,
            Some(Says::Read) => Event::Read,
            Some(Says::Clicked) => Event::Clicked,
            Some(Says::Complained) => Event::Complained,
            Some(Says::Failed) => Event::Failed(self.failure()),
            None => self.by_code(),
        }
    }

    /// What the code says of an unknown text.
    fn by_code(&self) -> Event {
        match self.class() {
            Some(Class::Submitted) => Event::Submitted,
            Some(Class::Progress) => Event::Progress,
            Some(Class::Delivered) => Event::Delivered,
            Some(Class::Read) => Event::Read,
            Some(Class::Clicked) => Event::Clicked,
            Some(Class::Complained) => Event::Complained,
            Some(Class::Permanent | Class::Transient | Class::Unclear) => Event::Failed(self.failure()),
            None => Event::Unknown,
        }
    }

    fn class(&self) -> Option<Class> {
        codes::find(self.channel, self.code?).map(|code| code.class)
    }

    /// Whether a failure may pass.
    fn failure(&self) -> Failure {
        if self.code == Some(BOUNCE) {
            return self.bounce();
        }
        match self.class() {
            Some(Class::Permanent) => Failure::Permanent,
            Some(Class::Transient) => Failure::Transient,
            _ => Failure::Unclear,
        }
    }

    /// A bounce has one code; its kind stands in the description. A transient one is permanent all the same if the
    /// server's own answer, the third part of the additional info, is of the 5xx class; or if only another message
    /// would get through.
    fn bounce(&self) -> Failure {
        let kind = letters(self.description.unwrap_or_default());
        let answer = self.additional.and_then(|info| info.split('|').nth(2)).unwrap_or_default();
        let refused = answer.trim().strip_prefix("smtp;").is_some_and(|text| text.trim_start().starts_with('5'));
        let another = ["messagetoolarge", "contentrejected", "attachmentrejected"];
        match kind.strip_prefix("transient") {
            Some(cause) if refused || another.contains(&cause) => Failure::Permanent,
            Some(_) => Failure::Transient,
            None if kind.starts_with("permanent") => Failure::Permanent,
            None => Failure::Unclear,
        }
    }

    /// The words for people: the description, or the documented text of the code. A click's description is an address
    /// and no reason; it is part of the detail.
    pub(super) fn reason(&self, event: Event) -> Option<String> {
        let documented = || self.code.and_then(|code| codes::find(self.channel, code)).map(|code| code.text);
        match event {
            Event::Clicked => documented().or(Some("Clicked")),
            _ => self.description.or_else(documented),
        }
        .map(str::to_owned)
    }

    /// What the provider said, or the particulars of a click.
    pub(super) fn detail(&self, event: Event) -> Option<String> {
        match (event, self.description, self.additional) {
            (Event::Clicked, Some(link), Some(agent)) => Some(format!("{link} | {agent}")),
            (Event::Clicked, link, None) => link.map(str::to_owned),
            (_, _, additional) => additional.map(str::to_owned),
        }
    }
}

/// A mail came back.
const BOUNCE: &str = "7520";

#[cfg(test)]
mod tests {
    use super::*;

    fn event(status: &str, code: Option<&str>) -> Event {
        Words { channel: Some(&Channel::Sms), status, code, description: None, additional: None }.event()
    }

    #[test]
    fn the_text_decides_and_the_code_only_without_it() {
        assert_eq!(event("Submitted", Some("7102")), Event::Submitted);
        assert_eq!(event("???", Some("7500")), Event::Delivered);
        assert_eq!(event("", Some("7203")), Event::Failed(Failure::Permanent));
        assert_eq!(event("???", Some("4711")), Event::Unknown);
        assert_eq!(event("", None), Event::Unknown);
    }

    #[test]
    fn spelling_does_not_matter() {
        for text in ["Un-Delivered", "UNDELIVERED", "un delivered"] {
            assert_eq!(event(text, Some("7207")), Event::Failed(Failure::Transient));
        }
        assert_eq!(event("Submited", None), Event::Submitted);
        assert_eq!(event("TROMBONE_CONNECTED", None), Event::Progress);
        assert_eq!(event("VMDETECTED", None), Event::Progress);
    }

    #[test]
    fn a_bounce_is_read_from_its_description_and_the_servers_answer() {
        let bounce = |description, additional| {
            let channel = Some(&Channel::Email);
            Words { channel, status: "Bounce", code: Some(BOUNCE), description: Some(description), additional }.event()
        };
        for (description, additional, failure) in [
            ("Permanent_NoEmail", None, Failure::Permanent),
            ("Transient_General", Some("4.4.7|failed|smtp; 421 4.4.7 message expired"), Failure::Transient),
            ("Transient_General", Some("5.4.1|failed|smtp;550 5.4.1 recipient address rejected"), Failure::Permanent),
            ("Transient_MailboxFull", None, Failure::Transient),
            ("Transient_ContentRejected", None, Failure::Permanent),
            ("Undetermined", None, Failure::Unclear),
        ] {
            assert_eq!(bounce(description, additional), Event::Failed(failure), "{description}");
        }
    }
}
