//! The meaning of the platform's codes.
//!
//! A delivery notification and an answer to a send request contain a code of digits. A code may have different meanings
//! on different channels, so it is looked up together with its channel.
//!
//! To add a code, add a row to `codes.tsv`, in the part of its channel. The header of that file explains the columns.
//! If a code has several meanings, each has a row, and the column `when` distinguishes them. Use `*` only for a code
//! that has the same meaning on every channel, or as the fallback for a code that does not. Its `sentence` and its
//! `advice` are for people who are not engineers; `advice.tsv` has the advice. The tests below read every row and fail
//! if one cannot be used. `docs/codes.md` is written from both: remove it and run the
//! test `docs`.
//!
//! To add a class, add it to [`Class`], give it its word in `WORDS`, and name it in the header of `codes.tsv`.

mod advice;
mod when;

use std::collections::HashMap;
use std::sync::LazyLock;

use receiptd_domain::Channel;

pub use advice::{Advice, Resend, Side};
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

impl Class {
    /// Every class.
    pub const ALL: [Self; 9] = [
        Self::Submitted,
        Self::Delivered,
        Self::Read,
        Self::Clicked,
        Self::Complained,
        Self::Progress,
        Self::Permanent,
        Self::Transient,
        Self::Unclear,
    ];

    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|(_, class)| *class == self).map_or("", |(word, _)| word)
    }
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
    /// What it means, for people who are not engineers: the end of a sentence, after a colon.
    pub sentence: &'static str,
    /// What to do about it.
    pub advice: &'static Advice,
}

impl Code {
    /// The condition for this meaning of the code, as the column `when` has it. `None` if there is none.
    pub fn condition(&self) -> Option<String> {
        self.when.in_words()
    }
}

/// The table as it is maintained in the repository.
const TSV: &str = include_str!("../codes.tsv");

/// Replaces the channel's name in rows that apply to every channel.
pub const COMMON: &str = "*";

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

/// The meaning of `code` on `channel` for a message that has the class of `is_right` already, with this description. The
/// condition of a row may need what is not known here, and then counts as fulfilled.
pub fn find_of_class(
    channel: Option<&Channel>,
    code: &str,
    is_right: impl Fn(Class) -> bool,
    description: Option<&str>,
) -> Option<&'static Code> {
    let rows: Vec<_> = rows(channel, code).into_iter().filter(|row| is_right(row.class)).collect();
    let told_apart = rows.iter().find(|row| row.when != When::Always && row.when.may_hold(description));
    told_apart.or_else(|| rows.iter().find(|row| row.when == When::Always)).copied()
}

/// Every meaning of `code`, with the names of the channels, in the order of the table. The name `*` means every channel.
pub fn of_code(code: &str) -> impl Iterator<Item = (&'static str, Code)> {
    all().filter(move |(_, row)| row.code == code)
}

/// Every row of the table, with the names of its channels, in the order of the table.
pub fn all() -> impl Iterator<Item = (&'static str, Code)> {
    lines().filter_map(read)
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
    let &[channels, code, when, word, text, source, advice, sentence] = cells.as_slice() else { return None };
    if cells.iter().any(|cell| cell.trim().is_empty()) {
        return None;
    }
    let class = WORDS.iter().find(|(name, _)| *name == word).map(|(_, class)| *class)?;
    let (when, advice) = (When::parse(when)?, Advice::named(advice)?);
    Some((channels, Code { code, when, text, class, source, sentence, advice }))
}

#[cfg(test)]
mod tests;
