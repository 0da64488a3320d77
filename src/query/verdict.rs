//! What the status of a message means, and what to do next, for people who are not engineers.
//!
//! The words of a code come from `webex::codes`. They apply only if the code agrees with the status, since a notification
//! can contain a code that contradicts its status text. This file has the words for everything else.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{Channel, Failure, Message, Standing, Status},
    webex::codes::{self, Class, Code, Resend, Side},
};

/// What the status of a message means, in words for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    /// What happened, in one sentence.
    pub sentence: String,
    /// Whose side the cause is on; null if no one needs to act, or if it is not known.
    pub side: Option<String>,
    /// What to do next.
    pub advice: String,
    /// Whether sending the message again can help.
    pub resend: String,
}

/// What decides the words.
struct Facts<'a> {
    status: Status,
    failure: Option<Failure>,
    channel: Option<&'a Channel>,
    code: Option<&'a str>,
    reason: Option<&'a str>,
    is_final: bool,
    is_overdue: bool,
    /// The number of recipients.
    recipients: usize,
}

/// The parts of a verdict. The sentence is `lead`, a colon, and `rest`.
#[derive(Clone, Copy)]
struct Words {
    lead: &'static str,
    rest: &'static str,
    side: Option<Side>,
    advice: &'static str,
    resend: Resend,
}

impl VerdictView {
    /// The verdict about a message with this number of recipients.
    pub(super) fn of(message: &Message, is_overdue: bool, recipients: usize) -> Self {
        Facts::of(message, is_overdue, recipients).verdict()
    }

    /// Whether sending the message again can help.
    pub(super) fn resend(message: &Message, is_overdue: bool) -> Resend {
        Facts::of(message, is_overdue, 1).words().resend
    }

    /// The verdict about one of several recipients of a message.
    pub(super) fn of_recipient(standing: &Standing) -> Self {
        Facts {
            status: standing.status,
            failure: standing.failure,
            channel: standing.channel.as_ref(),
            code: standing.code.as_deref(),
            reason: standing.reason.as_deref(),
            is_final: standing.is_final(),
            is_overdue: false,
            recipients: 1,
        }
        .verdict()
    }

    /// The verdict about a message that was just cancelled.
    pub(super) fn cancelled() -> Self {
        Self::from(CANCELLED, 1)
    }

    fn from(words: Words, recipients: usize) -> Self {
        let Words { lead, rest, side, advice, resend } = words;
        let sentence = match recipients {
            0 | 1 => format!("{lead}: {rest}"),
            several => format!("{lead} to at least one of {several} recipients: {rest}"),
        };
        Self {
            sentence,
            side: side.map(|side| side.as_str().to_owned()),
            advice: advice.to_owned(),
            resend: resend.as_str().to_owned(),
        }
    }
}

const CANCELLED: Words = Words {
    lead: "Not sent",
    rest: "it was cancelled.",
    side: Some(Side::Sender),
    advice: "Send it as a new message if it is still wanted.",
    resend: Resend::Later,
};

const NOTHING_TO_DO: &str = "Nothing to do.";

impl<'a> Facts<'a> {
    fn of(message: &'a Message, is_overdue: bool, recipients: usize) -> Self {
        Self {
            status: message.status,
            failure: message.failure,
            channel: message.channel.as_ref(),
            code: message.code.as_deref(),
            reason: message.reason.as_deref(),
            is_final: message.is_final,
            is_overdue,
            recipients,
        }
    }
}

impl Facts<'_> {
    fn verdict(&self) -> VerdictView {
        // The status of a message with several recipients is that of the one that is worst off.
        let is_of_all = !matches!(self.status, Status::Failed | Status::Submitted);
        VerdictView::from(self.words(), if is_of_all { 1 } else { self.recipients })
    }

    fn words(&self) -> Words {
        let (lead, rest, side, advice, resend) = match self.status {
            Status::Unknown => (
                "Not certain",
                "a report arrived that receiptd does not understand.",
                Some(Side::Platform),
                "Read the report itself, and ask Webex Connect what it means.",
                Resend::Risky,
            ),
            Status::Queued => return self.queued(),
            Status::Sending => (
                "Being sent",
                "receiptd is handing it to Webex Connect.",
                None,
                "Wait a moment for the outcome.",
                Resend::Risky,
            ),
            Status::Unconfirmed => (
                "Not certain",
                "receiptd could not learn whether Webex Connect has it.",
                None,
                "Wait for a report, or look it up in the logs of Webex Connect. If you send it again, it may arrive twice.",
                Resend::Risky,
            ),
            Status::Accepted if self.is_overdue => (
                "Overdue",
                "Webex Connect took it, and no report of its arrival came in time.",
                Some(Side::Platform),
                "Look in the logs of Webex Connect what became of it, and whether its reports reach receiptd.",
                Resend::Risky,
            ),
            // It may be scheduled there, so it is not necessarily on its way.
            Status::Accepted => {
                ("Handed over", "Webex Connect has it and will report on it.", None, WAIT_FOR_REPORT, Resend::Risky)
            }
            Status::Submitted => return self.submitted(),
            Status::Rejected => return self.failed("Not sent"),
            Status::Failed => return self.failed("Not delivered"),
            Status::Cancelled => return CANCELLED,
            Status::Expired => (
                "Not sent",
                "its time ran out before receiptd could send it.",
                Some(Side::Us),
                "If it is still wanted, send it as a new message with more time.",
                Resend::Later,
            ),
            Status::Delivered => {
                let known = self.row(|class| class == Class::Delivered).map(|row| row.sentence);
                ("Delivered", known.unwrap_or("it reached the recipient."), None, NOTHING_TO_DO, Resend::Unneeded)
            }
            Status::Read => ("Read", "the recipient opened it.", None, NOTHING_TO_DO, Resend::Unneeded),
            Status::Clicked => ("Read", "the recipient followed a link in it.", None, NOTHING_TO_DO, Resend::Unneeded),
            Status::Complained => (
                "Complaint",
                "the recipient reported it as unwanted.",
                Some(Side::Recipient),
                "Respect the complaint: send no more messages of this kind to this recipient.",
                Resend::Useless,
            ),
        };
        Words { lead, rest, side, advice, resend }
    }

    fn row(&self, is_right: impl Fn(Class) -> bool) -> Option<&'static Code> {
        codes::find_of_class(self.channel, self.code?, is_right, self.reason)
    }

    fn queued(&self) -> Words {
        let advice = "Nothing to do: receiptd sends it by itself. If it waits long, ask the people who run receiptd.";
        let waits = Words {
            lead: "Waiting",
            rest: "receiptd has not sent it yet.",
            side: None,
            advice,
            resend: Resend::Unneeded,
        };
        // Only an attempt that did not succeed leaves a reason.
        match (self.row(is_failure), self.reason) {
            (Some(row), _) => {
                Words { lead: "Waiting to try again", rest: row.sentence, side: row.advice.side, ..waits }
            }
            (None, Some(_)) => {
                Words { lead: "Waiting to try again", rest: "the last attempt did not succeed.", ..waits }
            }
            (None, None) => waits,
        }
    }

    fn submitted(&self) -> Words {
        if self.is_final {
            return Words {
                lead: "Passed on",
                rest: "this channel reports nothing about the arrival.",
                side: None,
                advice: "Ask the recipient if you must know whether it arrived.",
                resend: Resend::Risky,
            };
        }
        if self.is_overdue {
            return Words {
                lead: "Overdue",
                rest: "it was passed on, and no report of its arrival came in time.",
                side: Some(Side::Network),
                advice: "Ask the recipient before you send it again: it may have arrived, and could then arrive twice.",
                resend: Resend::Risky,
            };
        }
        match self.row(|class| matches!(class, Class::Submitted | Class::Progress)) {
            Some(row) => {
                let lead = if row.class == Class::Progress { "Under way" } else { "On its way" };
                from_row(lead, row)
            }
            None => Words {
                lead: "On its way",
                rest: "it was passed on towards the recipient.",
                side: None,
                advice: WAIT_FOR_REPORT,
                resend: Resend::Risky,
            },
        }
    }

    /// The words for a failure: those of the code, or else of its class.
    fn failed(&self, lead: &'static str) -> Words {
        let class = match self.failure {
            Some(Failure::Permanent) => Class::Permanent,
            Some(Failure::Transient) => Class::Transient,
            Some(Failure::Unclear) | None => Class::Unclear,
        };
        if let Some(row) = self.row(|of_row| of_row == class) {
            return from_row(lead, row);
        }
        let (rest, advice, resend) = match class {
            Class::Permanent => (
                "it cannot arrive in this form.",
                "Read the reason that was reported, and correct the cause. Then send it again.",
                Resend::Corrected,
            ),
            Class::Transient => ("it was not possible at that time.", "Send it again later.", Resend::Later),
            _ => (
                "the cause is not known.",
                "Read the reason that was reported. Send it again once; if it fails again, report it to Webex Connect.",
                Resend::Perhaps,
            ),
        };
        Words { lead, rest, side: None, advice, resend }
    }
}

const WAIT_FOR_REPORT: &str = "Wait for the report of its arrival. If you send it again now, it may arrive twice.";

fn is_failure(class: Class) -> bool {
    matches!(class, Class::Permanent | Class::Transient | Class::Unclear)
}

fn from_row(lead: &'static str, row: &'static Code) -> Words {
    let advice = row.advice;
    Words { lead, rest: row.sentence, side: advice.side, advice: advice.text, resend: advice.resend }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(status: Status) -> Facts<'static> {
        Facts {
            status,
            failure: None,
            channel: Some(&Channel::Sms),
            code: None,
            reason: None,
            is_final: status.is_final(None),
            is_overdue: false,
            recipients: 1,
        }
    }

    fn sentence(facts: &Facts<'_>) -> String {
        facts.verdict().sentence
    }

    /// Every status with every failure, and with codes of every class, known and unknown.
    fn every_case() -> impl Iterator<Item = Facts<'static>> {
        let codes = [None, Some("7203"), Some("7207"), Some("7202"), Some("7500"), Some("7407"), Some("4711")];
        let failures = [None, Some(Failure::Permanent), Some(Failure::Transient), Some(Failure::Unclear)];
        Status::all().flat_map(move |status| {
            codes.into_iter().flat_map(move |code| {
                failures.into_iter().flat_map(move |failure| {
                    [(false, 1), (true, 1), (false, 3)].map(|(is_overdue, recipients)| Facts {
                        failure,
                        code,
                        is_overdue,
                        recipients,
                        ..facts(status)
                    })
                })
            })
        })
    }

    #[test]
    fn every_status_has_a_short_sentence_and_advice() {
        for facts in every_case() {
            let verdict = facts.verdict();
            let place = format!("{} {:?} {:?}: {verdict:?}", facts.status, facts.failure, facts.code);
            assert!(verdict.sentence.len() <= 130 && verdict.advice.len() <= 130, "{place}");
            assert!(verdict.sentence.ends_with('.') && verdict.advice.ends_with('.'), "{place}");
            assert!(verdict.sentence.starts_with(char::is_uppercase), "{place}");
            assert!(Resend::ALL.iter().any(|word| word.as_str() == verdict.resend), "{place}");
            // What arrived needs nothing; what did not arrive always has advice.
            let arrived = matches!(facts.status, Status::Delivered | Status::Read | Status::Clicked);
            assert_eq!(arrived, verdict.advice == NOTHING_TO_DO, "{place}");
        }
    }

    #[test]
    fn the_words_of_a_code_are_used_if_it_agrees_with_the_status() {
        let failed = |failure| Facts { code: Some("7203"), failure: Some(failure), ..facts(Status::Failed) };
        let verdict = failed(Failure::Permanent).verdict();
        assert_eq!(verdict.sentence, "Not delivered: this number does not exist.");
        assert_eq!((verdict.side.as_deref(), verdict.resend.as_str()), (Some("recipient"), "corrected"));
        assert_eq!(sentence(&failed(Failure::Transient)), "Not delivered: it was not possible at that time.");
        let rejected = Facts { status: Status::Rejected, ..failed(Failure::Permanent) };
        assert_eq!(sentence(&rejected), "Not sent: this number does not exist.");
        let contradicting = Facts { code: Some("7203"), ..facts(Status::Delivered) };
        assert_eq!(sentence(&contradicting), "Delivered: it reached the recipient.");
        let unknown = Facts { code: Some("4711"), failure: Some(Failure::Unclear), ..facts(Status::Failed) };
        assert_eq!(sentence(&unknown), "Not delivered: the cause is not known.");
        let call = Facts { code: Some("7407"), channel: Some(&Channel::Voice), ..facts(Status::Submitted) };
        assert_eq!(sentence(&call), "Under way: the phone is ringing.");
        let answered = Facts { code: Some("7519"), channel: Some(&Channel::Voice), ..facts(Status::Delivered) };
        assert_eq!(sentence(&answered), "Delivered: the call was answered.");
    }

    #[test]
    fn several_recipients_are_not_all_said_to_have_failed() {
        let failed = Facts { code: Some("7203"), failure: Some(Failure::Permanent), ..facts(Status::Failed) };
        let of_three = Facts { recipients: 3, ..failed };
        assert_eq!(sentence(&of_three), "Not delivered to at least one of 3 recipients: this number does not exist.");
        let delivered = Facts { recipients: 3, ..facts(Status::Delivered) };
        assert_eq!(sentence(&delivered), "Delivered: it reached the recipient.");
    }

    #[test]
    fn a_message_that_waits_says_why() {
        assert_eq!(sentence(&facts(Status::Accepted)), "Handed over: Webex Connect has it and will report on it.");
        assert_eq!(sentence(&facts(Status::Queued)), "Waiting: receiptd has not sent it yet.");
        let unreachable = Facts { reason: Some("not sent: no route; retry in 2 s"), ..facts(Status::Queued) };
        assert_eq!(sentence(&unreachable), "Waiting to try again: the last attempt did not succeed.");
        let too_fast = Facts { code: Some("7020"), ..unreachable };
        assert_eq!(sentence(&too_fast), "Waiting to try again: your account reached its limit of messages.");
        let overdue = Facts { is_overdue: true, ..facts(Status::Submitted) };
        assert_eq!(sentence(&overdue), "Overdue: it was passed on, and no report of its arrival came in time.");
        let apple = Facts { is_final: true, channel: Some(&Channel::Apple), ..facts(Status::Submitted) };
        assert_eq!(sentence(&apple), "Passed on: this channel reports nothing about the arrival.");
    }
}
