//! The meaning of the platform's codes.
//!
//! A delivery notification and an answer to a send request contain a code of digits. A code may have different meanings
//! on different channels, so it is looked up together with its channel.
//!
//! To add a code, add a row to `codes.tsv`, in the part of its channel. The header of that file explains the columns.
//! If a code has several meanings, each has a row, and the column `when` distinguishes them. Use `*` only for a code
//! that has the same meaning on every channel, or as the fallback for a code that does not. The tests below read every
//! row and fail if one cannot be used.
//!
//! To add a class, add it to [`Class`], give it its word in `WORDS`, and name it in the header of `codes.tsv`.

mod when;

use std::collections::HashMap;
use std::sync::LazyLock;

use receiptd_domain::Channel;

pub use when::Said;
use when::When;

/// The meaning of a code for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Passed on towards the recipient.
    Submitted,
    /// Arrived. For a call: answered.
    Delivered,
    /// Read or opened.
    Read,
    /// A link in it was followed.
    Clicked,
    /// The recipient complained about it after it had arrived.
    Complained,
    /// In progress, or for information only.
    Progress,
    /// Failed permanently.
    Permanent,
    /// Failed, but a retry may succeed.
    Transient,
    /// Failed. The code does not say whether permanently.
    Unclear,
}

/// One documented code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code as it is transferred.
    pub code: &'static str,
    when: When,
    /// The documented text, or a short phrase of ours instead.
    pub text: &'static str,
    /// Its meaning for the message. The platform does not group its codes; this is our interpretation.
    pub class: Class,
    /// The page that lists it, abbreviated as the header of `codes.tsv` explains.
    pub source: &'static str,
}

/// The table as it is maintained in the repository.
const TSV: &str = include_str!("../codes.tsv");

/// Replaces the channel's name in rows that apply to every channel.
const COMMON: &str = "*";

/// The word of each class in the table.
const WORDS: [(&str, Class); 9] = [
    ("submitted", Class::Submitted),
    ("delivered", Class::Delivered),
    ("read", Class::Read),
    ("clicked", Class::Clicked),
    ("complained", Class::Complained),
    ("progress", Class::Progress),
    ("permanent", Class::Permanent),
    ("transient", Class::Transient),
    ("unclear", Class::Unclear),
];

/// Every code with the name of its channel, in the order of the table. A row of several channels occurs several times.
static ENTRIES: LazyLock<Vec<(&'static str, Code)>> = LazyLock::new(|| {
    lines()
        .filter_map(read)
        .flat_map(|(channels, code)| channels.split(',').map(move |channel| (channel, code)))
        .collect()
});

/// The same codes by channel name and code.
static INDEX: LazyLock<HashMap<(&'static str, &'static str), Vec<&'static Code>>> = LazyLock::new(|| {
    let mut index: HashMap<_, Vec<_>> = HashMap::new();
    for (channel, code) in ENTRIES.iter() {
        index.entry((*channel, code.code)).or_default().push(code);
    }
    index
});

/// The rows of `code`: first those of the channel, then the common ones.
fn rows(channel: Option<&Channel>, code: &str) -> Vec<&'static Code> {
    let own = channel.and_then(|channel| INDEX.get(&(channel.as_str(), code)));
    own.into_iter().chain(INDEX.get(&(COMMON, code))).flatten().copied().collect()
}

/// The meaning of `code` on `channel` if nothing else is known.
pub fn find(channel: Option<&Channel>, code: &str) -> Option<&'static Code> {
    rows(channel, code).into_iter().find(|row| row.when == When::Always)
}

/// The meaning of `code` in a notification of `channel` with these texts.
pub fn find_in(channel: Option<&Channel>, code: &str, said: Said<'_>) -> Option<&'static Code> {
    let told_apart = |row: &&Code| row.when != When::Always && row.when.holds(said);
    rows(channel, code).into_iter().find(told_apart).or_else(|| find(channel, code))
}

/// The codes of `channel` without the common ones, each once, in the order of the table.
pub fn of_channel(channel: &Channel) -> impl Iterator<Item = &'static Code> {
    let always = ENTRIES.iter().filter(|(_, code)| code.when == When::Always);
    always.filter(|(name, _)| *name == channel.as_str()).map(|(_, code)| code)
}

/// The rows of the table, without comments, empty lines and the header.
fn lines() -> impl Iterator<Item = &'static str> {
    TSV.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1)
}

/// Parses one row: its channels, still joined, and its code. `None` if the row is malformed. The table is ours, so a
/// test reports it, not the running program.
fn read(line: &'static str) -> Option<(&'static str, Code)> {
    let cells: Vec<_> = line.split('\t').collect();
    let &[channels, code, when, word, text, source] = cells.as_slice() else { return None };
    if cells.iter().any(|cell| cell.trim().is_empty()) {
        return None;
    }
    let class = WORDS.iter().find(|(name, _)| *name == word).map(|(_, class)| *class)?;
    Some((channels, Code { code, when: When::parse(when)?, text, class, source }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The channels of the table that have no name in [`Channel`].
    const OTHERS: [&str; 1] = ["gbm"];

    fn class(channel: &str, code: &str) -> Option<Class> {
        find(Some(&Channel::from_name(channel)), code).map(|code| code.class)
    }

    fn text(channel: &str, code: &str) -> Option<&'static str> {
        find(Some(&Channel::from_name(channel)), code).map(|code| code.text)
    }

    /// Every channel that may have its own rows.
    fn channels() -> Vec<Channel> {
        Channel::known().chain(OTHERS.map(Channel::from_name)).collect()
    }

    #[test]
    fn the_header_names_the_columns() {
        let header = TSV.lines().find(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(header, Some("channels\tcode\twhen\tclass\ttext\tsource"));
    }

    #[test]
    fn every_row_is_well_formed() {
        assert!(lines().count() > 0);
        for line in lines() {
            assert!(read(line).is_some(), "cannot be read: {line}");
            assert!(line.split('\t').all(|cell| cell == cell.trim()), "stray space: {line}");
        }
        for (_, code) in ENTRIES.iter() {
            assert!(code.code.chars().all(|digit| digit.is_ascii_digit()), "not digits: {code:?}");
        }
    }

    #[test]
    fn a_malformed_row_is_rejected() {
        let good = "sms\t7203\t-\tpermanent\tUnknown Subscriber address\tD/x";
        assert!(read(good).is_some());
        for bad in [
            "",
            "sms\t7203\t-\tpermanent\tUnknown Subscriber address",
            "sms\t7203\t-\tpermanent\tUnknown Subscriber address\t",
            "sms\t7203\t-\tpermanent\tUnknown Subscriber address\t ",
            "sms\t7203\t-\tpermanent\t\tD/x",
            "sms\t7203\t-\tpermanent\t\tUnknown Subscriber address\tD/x",
            "sms\t7203\t-\tpermanent\tUnknown Subscriber address\tD/x\t",
            "sms\t7203\t-\tpermanent\tUnknown Subscriber address\tD/x\tmore",
            "sms\t7203\t-\tP\tUnknown Subscriber address\tD/x",
            "sms 7203 permanent Unknown D/x",
            "sms\t7203\tpermanent\tUnknown Subscriber address\tD/x",
            "sms\t7203\treason:x\tpermanent\tUnknown Subscriber address\tD/x",
            "sms\t7203\t*x*\tpermanent\tUnknown Subscriber address\tD/x",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn every_channel_is_known() {
        let known = channels();
        for (name, code) in ENTRIES.iter() {
            let ours = known.iter().any(|channel| channel.as_str() == *name);
            assert!(ours || *name == COMMON, "unknown channel {name:?} of {code:?}");
        }
    }

    #[test]
    fn a_code_occurs_once_per_channel_and_condition() {
        let mut seen = HashSet::new();
        for (channel, code) in ENTRIES.iter() {
            assert!(seen.insert((channel, code.code, code.when)), "twice: {channel} {}", code.code);
        }
        assert_eq!(seen.len(), INDEX.values().map(Vec::len).sum::<usize>());
    }

    #[test]
    fn every_code_with_a_condition_has_a_meaning_without_it() {
        for (name, code) in ENTRIES.iter().filter(|(_, code)| code.when != When::Always) {
            let channels = channels();
            let mut on = channels.iter().filter(|channel| *name == COMMON || channel.as_str() == *name);
            assert!(on.any(|channel| find(Some(channel), code.code).is_some()), "{code:?}");
        }
    }

    #[test]
    fn every_source_is_a_page_of_the_platform() {
        for (_, code) in ENTRIES.iter() {
            let page = code.source.strip_prefix("D/").or_else(|| code.source.strip_prefix("H/"));
            assert!(page.is_some_and(|page| !page.is_empty()), "no page: {code:?}");
        }
    }

    #[test]
    fn a_row_of_a_channel_differs_from_the_common_one() {
        for (channel, code) in ENTRIES.iter().filter(|(channel, _)| *channel != COMMON) {
            let common = find(None, code.code).filter(|_| code.when == When::Always);
            let same =
                common.is_some_and(|common| common.class == code.class && common.text.eq_ignore_ascii_case(code.text));
            assert!(!same, "{channel} repeats the common row: {code:?}");
        }
    }

    #[test]
    fn every_channel_has_its_own_codes() {
        for channel in channels() {
            assert!(of_channel(&channel).next().is_some(), "none for {channel}");
        }
        assert_eq!(of_channel(&Channel::from_name("pager")).count(), 0);
    }

    #[test]
    fn the_codes_of_a_channel_are_in_the_order_of_the_table() {
        let apple: Vec<_> = of_channel(&Channel::Apple).map(|code| code.code).collect();
        assert_eq!(apple, ["7006", "7314", "7316", "7317", "7722", "7738"]);
    }

    #[test]
    fn every_channel_has_codes_for_the_outcomes_of_a_message() {
        for channel in Channel::known() {
            for (code, expected) in [
                ("1001", Class::Submitted),
                ("7501", Class::Submitted),
                ("7500", Class::Delivered),
                ("7502", Class::Read),
                ("7528", Class::Clicked),
                ("9002", Class::Permanent),
                ("9006", Class::Transient),
            ] {
                assert_eq!(class(channel.as_str(), code), Some(expected), "{channel} {code}");
            }
        }
    }

    #[test]
    fn documented_failures_have_their_class() {
        for (channel, code, expected) in [
            ("sms", "7006", Class::Transient),
            ("sms", "7102", Class::Permanent),
            ("sms", "7203", Class::Permanent),
            ("sms", "7207", Class::Transient),
            ("sms", "7208", Class::Transient),
            ("sms", "7518", Class::Unclear),
            ("email", "7520", Class::Unclear),
            ("email", "7521", Class::Complained),
            ("voice", "7402", Class::Transient),
            ("voice", "7404", Class::Unclear),
            ("voice", "7407", Class::Progress),
            ("voice", "7519", Class::Delivered),
            ("push", "7404", Class::Unclear),
            ("push", "7518", Class::Unclear),
            ("mms", "7525", Class::Clicked),
            ("whatsapp", "7710", Class::Permanent),
            ("whatsapp", "7816", Class::Permanent),
            ("rcs", "7301", Class::Transient),
            ("messenger", "2018336", Class::Permanent),
            ("gbm", "7909", Class::Transient),
        ] {
            assert_eq!(class(channel, code), Some(expected), "{channel} {code}");
        }
    }

    #[test]
    fn a_code_has_different_meanings_on_different_channels() {
        assert_eq!(text("whatsapp", "7703"), Some("Business eligibility - Payment issue"));
        assert_eq!(text("in-app", "7703"), Some("Max allowed buttons in a section reached"));
        assert_eq!(class("mms", "7524"), Some(Class::Read));
        assert_eq!(class("email", "7524"), Some(Class::Permanent));
        assert_eq!(class("sms", "7513"), Some(Class::Transient));
        assert_eq!(class("push", "7513"), Some(Class::Permanent));
        assert_eq!(class("apple", "7006"), Some(Class::Unclear));
        assert_eq!(class("mms", "7214"), Some(Class::Permanent));
        assert_eq!(class("push", "7214"), Some(Class::Unclear));
    }

    #[test]
    fn without_a_channel_only_the_common_rows_apply() {
        assert_eq!(find(None, "7006").map(|code| code.class), Some(Class::Transient));
        assert_eq!(find(None, "7203"), None);
        assert_eq!(find(None, "7524"), None);
    }

    #[test]
    fn an_unknown_code_is_not_found() {
        for code in ["", "*", "0000", "07203", "72030", " 7203"] {
            assert_eq!(find(Some(&Channel::Sms), code), None, "{code:?}");
        }
        assert_eq!(class("sms", "7703"), None);
        assert_eq!(class("pager", "7203"), None);
        assert_eq!(class("pager", "7500"), Some(Class::Delivered));
    }
}
