//! The steps of a message on each channel.

use rand::rngs::StdRng;
use receiptd_domain::Channel;

use super::directives::Directives;
use super::failure;
use super::request::{Api, Order, Recipient};
use super::step::{Step, clicked, delivered, disconnected, falls, read, submitted};

/// The steps of a message to one recipient, if their receipts were requested.
pub(super) fn steps(
    rng: &mut StdRng,
    order: &Order,
    recipient: &Recipient,
    words: &Directives,
    failures: f64,
) -> Vec<Step> {
    let unlucky = falls(rng, failures);
    let mut steps = match &words.fail {
        Some((code, text)) => failure::steps(rng, order, recipient, code, text.as_deref()),
        None if unlucky && words.until.is_none() => {
            let code = failure::draw(rng, &order.channel);
            failure::steps(rng, order, recipient, code, None)
        }
        None => success(rng, order, words.until.is_some()),
    };
    if let Some(last) = words.until.as_deref().and_then(|until| steps.iter().position(|step| reaches(step, until))) {
        steps.truncate(last + 1);
    }
    match &order.receipts {
        Some(asked) => steps.into_iter().filter(|step| asked.iter().any(|receipt| admits(receipt, step))).collect(),
        None => steps,
    }
}

/// The steps of a message that arrives. With `all`, no step depends on chance.
fn success(rng: &mut StdRng, order: &Order, all: bool) -> Vec<Step> {
    let is_read = falls(rng, 0.6) || all;
    let is_clicked = falls(rng, 0.3) || all;
    let is_rare = falls(rng, 0.05) || all;
    let links = has_short_links(order) || all;
    let mut steps = match order.channel {
        Channel::Voice => return call(is_read, is_rare),
        Channel::Apple => return vec![submitted()],
        Channel::Messenger if is_clicked && !all => vec![Step { word: "Submited", ..submitted() }, delivered()],
        Channel::Instagram => vec![submitted()],
        _ => vec![submitted(), delivered()],
    };
    let reads = !matches!(order.channel, Channel::Sms | Channel::Mms | Channel::Other(_));
    if reads && is_read {
        steps.push(read());
        if order.channel == Channel::Email && is_rare {
            steps.push(read());
        }
    }
    let clicks = match order.channel {
        Channel::Sms => order.api != Api::V1 && links,
        Channel::Email => is_read && links,
        Channel::InApp => is_read,
        _ => false,
    };
    if clicks && is_clicked {
        steps.push(clicked());
    }
    if order.channel == Channel::Email && is_rare {
        steps.push(Step::new("Complaint", "7521", "abuse"));
    }
    steps
}

/// An answered call. It is played in full, or the callee hangs up. The last events have the same time.
fn call(in_full: bool, trombone: bool) -> Vec<Step> {
    let mut steps = vec![
        Step::new("OFFERED", "7407", "Call offered"),
        Step::new("ACCEPTED", "7408", "Call accepted"),
        Step::new("ANSWERED", "7519", "Answered"),
    ];
    if trombone {
        steps.push(Step::new("TROMBONE_CONNECTED", "7411", "Trombone connected"));
        steps.push(Step::new("TROMBONE_RELEASED", "7412", "Trombone released"));
    }
    let dropped = Step::new("DROPPED", "7409", "Call dropped");
    let released = Step::new("Released", "7405", "Released");
    if in_full {
        steps.extend([dropped, released.at_once()]);
    } else {
        steps.extend([released, disconnected().at_once(), dropped.at_once()]);
    }
    steps
}

/// Clicks are visible only if the platform has put its own links into the text.
fn has_short_links(order: &Order) -> bool {
    ["/options/shortenLinks", "/options/trackClicks", "/trackShortUrlClicks", "/shortenUrls"]
        .iter()
        .any(|switch| order.is_on(switch))
}

/// The compared form of a status: only letters, in lower case.
fn letters(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether `[sim:until=…]` names this step. For a call, "delivered" means that it was answered.
fn reaches(step: &Step, until: &str) -> bool {
    let until = letters(until);
    letters(step.word) == until || (until == "delivered" && step.word == "ANSWERED")
}

/// Whether a requested receipt includes this step.
fn admits(receipt: &str, step: &Step) -> bool {
    let (receipt, word) = (letters(receipt), letters(step.word));
    match receipt.as_str() {
        "sent" => word == "submitted",
        "failed" => matches!(word.as_str(), "failed" | "undelivered"),
        "bounced" => word == "bounce",
        "complained" => word == "complaint",
        "invalid" => step.code == "7523",
        // No receipt names these, so they belong to the call as a whole.
        _ if word.starts_with("trombone") => true,
        receipt => word == receipt,
    }
}
