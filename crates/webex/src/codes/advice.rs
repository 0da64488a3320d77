//! What to do about a code, for people who are not engineers. `advice.tsv` contains it; its header explains the columns.

use std::sync::LazyLock;

/// Whose side the cause is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The application that wrote the message.
    Sender,
    /// The person, the phone, the number or the address.
    Recipient,
    /// The mobile operator, the mail server, or the service behind the channel.
    Network,
    /// Webex Connect.
    Platform,
    /// This installation, its settings, and its account at Webex Connect.
    Us,
}

/// Whether sending the same message again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// It has arrived, or receiptd sends it by itself.
    Unneeded,
    /// It may still arrive, and could then arrive twice.
    Risky,
    /// It may succeed later.
    Later,
    /// The cause is not known, so once more may help.
    Perhaps,
    /// Only after something was corrected.
    Corrected,
    /// It would fail again.
    Useless,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub struct Advice {
    pub(super) name: &'static str,
    /// Whose side the cause is on. `None` if nobody has to act.
    pub side: Option<Side>,
    /// Whether sending the message again can help.
    pub resend: Resend,
    /// One or two sentences.
    pub text: &'static str,
}

impl Side {
    /// Every side.
    pub const ALL: [Self; 5] = [Self::Sender, Self::Recipient, Self::Network, Self::Platform, Self::Us];

    /// The word that the tables and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Network => "network",
            Self::Platform => "platform",
            Self::Us => "us",
        }
    }
}

impl Resend {
    /// Every answer.
    pub const ALL: [Self; 6] =
        [Self::Unneeded, Self::Risky, Self::Later, Self::Perhaps, Self::Corrected, Self::Useless];

    /// Whether the recipient may get both messages.
    pub fn may_arrive_twice(self) -> bool {
        matches!(self, Self::Unneeded | Self::Risky)
    }

    /// The word that the tables and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unneeded => "unneeded",
            Self::Risky => "risky",
            Self::Later => "later",
            Self::Perhaps => "perhaps",
            Self::Corrected => "corrected",
            Self::Useless => "useless",
        }
    }
}

const TSV: &str = include_str!("../advice.tsv");

static ENTRIES: LazyLock<Vec<Advice>> = LazyLock::new(|| lines().filter_map(read).collect());

impl Advice {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        ENTRIES.iter().find(|advice| advice.name == name)
    }
}

/// The rows of the table, without comments, empty lines and the header.
fn lines() -> impl Iterator<Item = &'static str> {
    TSV.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1)
}

/// Parses one row. A test reports a malformed one.
fn read(line: &'static str) -> Option<Advice> {
    let cells: Vec<_> = line.split('\t').collect();
    let &[name, side, resend, text] = cells.as_slice() else { return None };
    let side = match side {
        "-" => None,
        side => Some(Side::ALL.into_iter().find(|known| known.as_str() == side)?),
    };
    let resend = Resend::ALL.into_iter().find(|known| known.as_str() == resend)?;
    Some(Advice { name, side, resend, text })
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Words that only engineers know.
    const JARGON: [&str; 33] = [
        "msisdn",
        "smsc",
        "hlr",
        "vlr",
        "imsi",
        "pdu",
        "esme",
        "pid",
        "mt",
        "mo",
        "dlr",
        "tps",
        "mmsc",
        "imdn",
        "maap",
        "apns",
        "fcm",
        "gcm",
        "jwt",
        "oauth",
        "json",
        "xml",
        "http",
        "api",
        "ip",
        "url",
        "payload",
        "tenant",
        "endpoint",
        "webhook",
        "timeout",
        "parameter",
        "parameters",
    ];

    /// Fails unless the text is made of whole sentences without jargon.
    pub(in super::super) fn assert_plain(place: &str, text: &str) {
        assert!(text.ends_with('.') && !text.ends_with(".."), "{place}: no full stop at the end");
        assert_eq!(text.trim(), text, "{place}: a stray space");
        let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        let jargon: Vec<_> = words.filter(|word| JARGON.contains(&word.as_str())).collect();
        assert!(jargon.is_empty(), "{place}: {jargon:?} is jargon");
    }

    #[test]
    fn every_row_is_well_formed_and_occurs_once() {
        let header = TSV.lines().find(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(header, Some("name\tside\tresend\tadvice"));
        let mut names = HashSet::new();
        for line in lines() {
            let advice = read(line).unwrap_or_else(|| panic!("cannot be read: {line}"));
            assert!(names.insert(advice.name), "twice: {line}");
        }
        assert!(names.len() > 20);
        for bad in ["", "x\tsender\tlater", "x\tnobody\tlater\tWait.", "x\tsender\tnever\tWait.", "x\t-\tlater\ta.\tb."]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_advice_is_short_and_plain() {
        for advice in ENTRIES.iter() {
            assert_plain(advice.name, advice.text);
            assert!(advice.text.len() <= 130, "{}: {} bytes", advice.name, advice.text.len());
            assert!(advice.text.starts_with(char::is_uppercase), "{}", advice.name);
        }
    }

    #[test]
    fn every_advice_is_given() {
        let given: HashSet<_> = super::super::all().map(|(_, code)| code.advice.name).collect();
        for advice in ENTRIES.iter() {
            assert!(given.contains(advice.name), "no code has the advice {}", advice.name);
        }
    }
}
