//! The meaning of the platform's status texts and codes.
//!
//! The text decides. The code decides only if the text is unknown. The documents contain samples in which the two
//! disagree, and public receivers use the text.

use receiptd_domain::{Channel, Event, Failure, letters};

use super::codes::{self, Class, Code, Said};

/// The members of a notification that decide its meaning.
pub(super) struct StatusFields<'a> {
    pub(super) channel: Option<&'a Channel>,
    pub(super) status: &'a str,
    pub(super) code: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) additional: Option<&'a str>,
}

/// The meaning of a status text. Whether a failure may be temporary depends on the code.
#[derive(Clone, Copy)]
enum StatusClass {
    Submitted,
    Progress,
    Delivered,
    Read,
    Clicked,
    Failed,
    Complained,
}

/// Status texts by their letters in lower case, with the spelling variants of the documents.
const TEXTS: [(&str, StatusClass); 33] = [
    ("submitted", StatusClass::Submitted),
    ("submited", StatusClass::Submitted), // a Messenger sample
    ("sent", StatusClass::Submitted),
    ("queued", StatusClass::Submitted), // flat callback of the SMS API v1
    ("offered", StatusClass::Submitted),
    ("accepted", StatusClass::Submitted),
    ("delivered", StatusClass::Delivered),
    ("answered", StatusClass::Delivered),
    ("read", StatusClass::Read),
    ("opened", StatusClass::Read),
    ("clicked", StatusClass::Clicked),
    ("failed", StatusClass::Failed),
    ("undelivered", StatusClass::Failed),
    ("notverified", StatusClass::Failed),
    ("bounce", StatusClass::Failed),
    ("bounced", StatusClass::Failed),
    ("invalid", StatusClass::Failed), // the settings screen's word for an invalid mail address
    ("rejected", StatusClass::Failed),
    ("complaint", StatusClass::Complained),
    ("complained", StatusClass::Complained),
    ("dropped", StatusClass::Progress),
    ("released", StatusClass::Progress),
    ("release", StatusClass::Progress),
    ("disconnected", StatusClass::Progress),
    ("tromboneconnected", StatusClass::Progress),
    ("tromboneconnect", StatusClass::Progress),
    ("trombonereleased", StatusClass::Progress),
    ("trombonerelease", StatusClass::Progress),
    // Events of the Voice API v1.
    ("played", StatusClass::Progress),
    ("patched", StatusClass::Progress),
    ("recorded", StatusClass::Progress),
    ("collecteddigits", StatusClass::Progress),
    ("vmdetected", StatusClass::Progress),
];

impl StatusFields<'_> {
    /// The event that the notification reports.
    pub(super) fn event(&self) -> Event {
        let letters = letters(self.status);
        match TEXTS.iter().find(|(text, _)| *text == letters).map(|(_, says)| *says) {
            Some(StatusClass::Submitted) => Event::Submitted,
            Some(StatusClass::Progress) => Event::Progress,
            Some(StatusClass::Delivered) => Event::Delivered,
            Some(StatusClass::Read) => Event::Read,
            Some(StatusClass::Clicked) => Event::Clicked,
            Some(StatusClass::Complained) => Event::Complained,
            Some(StatusClass::Failed) => Event::Failed(self.failure()),
            None => self.by_code(),
        }
    }

    /// The event of the code, if the text is unknown.
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
        self.row().map(|code| code.class)
    }

    fn row(&self) -> Option<&'static Code> {
        let said = Said { description: self.description, additional: self.additional };
        codes::find_in(self.channel, self.code?, said)
    }

    /// Whether the failure may be temporary.
    fn failure(&self) -> Failure {
        match self.class() {
            Some(Class::Permanent) => Failure::Permanent,
            Some(Class::Transient) => Failure::Transient,
            _ => Failure::Unclear,
        }
    }

    /// The description for people: the notification's own, or the documented text of the code. The description of a
    /// click is an address and not a reason, so it is part of the detail.
    pub(super) fn reason(&self, event: Event) -> Option<String> {
        let documented = || self.row().map(|code| code.text);
        match event {
            Event::Clicked => documented().or(Some("Clicked")),
            _ => self.description.or_else(documented),
        }
        .map(str::to_owned)
    }

    /// The answer of the provider, or the details of a click.
    pub(super) fn detail(&self, event: Event) -> Option<String> {
        match (event, self.description, self.additional) {
            (Event::Clicked, Some(link), Some(agent)) => Some(format!("{link} | {agent}")),
            (Event::Clicked, link, None) => link.map(str::to_owned),
            (_, _, additional) => additional.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(status: &str, code: Option<&str>) -> Event {
        StatusFields { channel: Some(&Channel::Sms), status, code, description: None, additional: None }.event()
    }

    #[test]
    fn the_text_decides_and_the_code_only_if_the_text_is_unknown() {
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
    fn the_subtype_of_a_bounce_decides_before_the_servers_answer() {
        let bounce = |description, additional| {
            let channel = Some(&Channel::Email);
            StatusFields { channel, status: "Bounce", code: Some("7520"), description: Some(description), additional }
                .event()
        };
        let (soft, hard) = ("4.4.7|failed|smtp; 421 4.4.7 message expired", "5.2.2|failed|smtp; 552 5.2.2 over quota");
        let (permanent, transient, unclear) = (Failure::Permanent, Failure::Transient, Failure::Unclear);
        for (description, without, with_4xx, with_5xx) in [
            ("Permanent_General", permanent, permanent, permanent),
            ("Permanent_NoEmail", permanent, permanent, permanent),
            ("Permanent_Suppressed", permanent, permanent, permanent),
            ("permanent-on-account-suppression-list", permanent, permanent, permanent),
            ("Transient_General", transient, transient, permanent),
            ("Transient_MailboxFull", transient, transient, transient),
            ("TRANSIENT_MAILBOX_FULL", transient, transient, transient),
            ("Transient_MessageTooLarge", permanent, permanent, permanent),
            ("Transient_ContentRejected", permanent, permanent, permanent),
            ("Transient_AttachmentRejected", permanent, permanent, permanent),
            ("Transient_CustomTimeoutExceeded", transient, transient, permanent),
            ("Transient", transient, transient, permanent),
            ("Undetermined", unclear, unclear, unclear),
            ("Something_New", unclear, unclear, permanent),
        ] {
            for (additional, failure) in [(None, without), (Some(soft), with_4xx), (Some(hard), with_5xx)] {
                assert_eq!(bounce(description, additional), Event::Failed(failure), "{description} {additional:?}");
            }
        }
        for answer in ["5.4.1|failed|smtp;550 5.4.1 rejected", "5.4.1 | failed | SMTP; 5.4.1", "smtp; 550 no such user"]
        {
            assert_eq!(bounce("Transient_General", Some(answer)), Event::Failed(permanent), "{answer}");
        }
        for answer in ["4.0.0|failed|smtp; 451 try 550 later", "5.0.0|failed|", ""] {
            assert_eq!(bounce("Transient_General", Some(answer)), Event::Failed(transient), "{answer}");
        }
    }

    #[test]
    fn an_apple_user_without_a_registered_device_is_a_permanent_failure() {
        let failed = |channel, additional| {
            let words = StatusFields {
                channel: Some(&channel),
                status: "Failed",
                code: Some("7006"),
                description: None,
                additional,
            };
            (words.event(), words.reason(words.event()).unwrap())
        };
        for additional in [
            "The user has no registered device",
            "User does not have a registered device.",
            "user doesn't have any registered devices",
            "No device is registered for this user",
            "Device not registered",
            "UNREGISTERED_DEVICE",
            "The user is not registered for Messages",
        ] {
            let expected = (Event::Failed(Failure::Permanent), "The recipient has no registered device".to_owned());
            assert_eq!(failed(Channel::Apple, Some(additional)), expected, "{additional}");
        }
        for additional in [None, Some(""), Some("Internal server error"), Some("The device is registered")] {
            assert_eq!(failed(Channel::Apple, additional).0, Event::Failed(Failure::Unclear), "{additional:?}");
        }
        assert_eq!(failed(Channel::Sms, Some("no registered device")).0, Event::Failed(Failure::Transient));
    }
}
