//! How messages fail: the code, and the matching status word.

use rand::RngExt;
use rand::rngs::StdRng;
use receiptd_domain::Channel;
use receiptd_webex::codes::{self, Class};

use super::request::{Order, Recipient};
use super::step::{Step, delivered, disconnected, falls, submitted};

/// The code for channels whose table contains no failure.
const FALLBACK: &str = "7010";

/// The bounce types of email, each with the answer of the mail server.
const BOUNCES: [(&str, &str); 6] = [
    ("Permanent_General", "5.1.1|failed|smtp; 550-5.1.1 The email account does not exist"),
    ("Permanent_NoEmail", "5.1.1|failed|smtp; 550-5.1.1 The email account does not exist"),
    ("Transient_General", "4.4.7|failed|smtp; 421 4.4.7 message expired"),
    ("Transient_General", "5.4.1|failed|smtp;550 5.4.1 recipient address rejected"),
    ("Transient_MailboxFull", "4.2.2|failed|smtp; 452 4.2.2 mailbox full"),
    ("Undetermined", ""),
];

/// A failure code of the channel's own table. The first rows are drawn most often, as a few causes are frequent in
/// reality.
pub(super) fn draw(rng: &mut StdRng, channel: &Channel) -> &'static str {
    let fails = |class| matches!(class, Class::Permanent | Class::Transient | Class::Unclear);
    let rows: Vec<_> = codes::of_channel(channel).filter(|code| fails(code.class)).collect();
    let (a, b) = (rng.random_range(0..rows.len().max(1)), rng.random_range(0..rows.len().max(1)));
    rows.get(a.min(b)).map_or(FALLBACK, |row| row.code)
}

/// The steps of a message that fails with `code`.
pub(super) fn steps(
    rng: &mut StdRng,
    order: &Order,
    recipient: &Recipient,
    code: &str,
    text: Option<&str>,
) -> Vec<Step> {
    let channel = &order.channel;
    let is_late = falls(rng, 0.3);
    let last = failing(rng, channel, recipient, code, text);
    match (channel, last.word) {
        (Channel::Email, "Complaint") => vec![submitted(), delivered(), last],
        // A soft bounce may follow the delivery.
        (Channel::Email, "Bounce") if is_late => vec![submitted(), delivered(), last],
        (Channel::Sms, "Un-Delivered")
        | (Channel::Email, "Bounce")
        | (Channel::Whatsapp | Channel::Messenger | Channel::Push | Channel::Mms, _) => vec![submitted(), last],
        (Channel::Voice, "REJECTED") => ringing(last),
        (Channel::Rcs, _) if order.is_on("/options/smsFallback") => {
            let stand_in = [submitted(), delivered()].map(|step| Step { fallback: true, ..step });
            [last].into_iter().chain(stand_in).collect()
        }
        // All other errors are found before the message is passed on.
        _ => vec![last],
    }
}

/// A call that is not answered. If it is rejected, it is cut while it rings. If the line is busy or there is no answer,
/// it is just dropped. The last events have the same time.
fn ringing(last: Step) -> Vec<Step> {
    let offered = Step::new("OFFERED", "7407", "Call offered");
    let dropped = Step::new("DROPPED", "7409", "Call dropped");
    match last.code.as_str() {
        "7403" | "7406" => vec![offered, disconnected(), dropped.at_once(), last.at_once()],
        _ => vec![offered, dropped, last.at_once()],
    }
}

/// The step that reports the failure.
fn failing(rng: &mut StdRng, channel: &Channel, recipient: &Recipient, code: &str, text: Option<&str>) -> Step {
    let (bounce, said) = BOUNCES[rng.random_range(0..BOUNCES.len())];
    let documented = codes::find(Some(channel), code).map_or("Unknown Status", |code| code.text);
    let default = match (channel, code) {
        (Channel::Email, "7520") => bounce.to_owned(),
        (Channel::Email, "7521") => "abuse".to_owned(),
        (Channel::Email, "7240" | "7241") => format!("{documented} : {}", recipient.id),
        _ => documented.to_owned(),
    };
    let text = text.map_or(default, str::to_owned);
    let info = match (channel, code) {
        (Channel::Email, "7520") => {
            BOUNCES.iter().find(|(kind, _)| *kind == text).map_or(said, |(_, said)| said).into()
        }
        (Channel::Whatsapp, _) => format!("(#{}) | {text}", provider_code(code)),
        (Channel::Messenger | Channel::Instagram, "7010") => format!("(#200) {text}"),
        _ => String::new(),
    };
    Step::new(word(channel, code), code, text).with_info(info)
}

/// `deliveryStatus` of a failure.
fn word(channel: &Channel, code: &str) -> &'static str {
    match (channel, code) {
        (Channel::Sms, "7109" | "7111" | "7513" | "7518" | "7607" | "7720") => "Un-Delivered",
        (Channel::Sms, code) if code.len() == 4 && (code.starts_with("72") || code.starts_with("73")) => "Un-Delivered",
        (Channel::Email, "7520") => "Bounce",
        (Channel::Email, "7521") => "Complaint",
        (Channel::Email, "7522") => "Not Verified",
        (Channel::Voice, "7401" | "7402" | "7403" | "7404" | "7406") => "REJECTED",
        _ => "Failed",
    }
}

/// WhatsApp's own code of the failure.
fn provider_code(code: &str) -> &'static str {
    match code {
        "7710" => "131047",
        "7871" => "131026",
        "7200" => "131049",
        _ => "131000",
    }
}
