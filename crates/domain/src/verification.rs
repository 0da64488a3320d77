//! The result of a verification of the whole store, as its entry in the audit log records it.

use std::fmt;

use super::LinkHash;

/// What a complete verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Everything that is stored matches the hash chain.
    Sound {
        /// Covers everything that was verified. The entry that records it is not covered: it is written afterwards.
        head: LinkHash,
        /// The head of an earlier verification that was asked for, and found.
        earlier: Option<LinkHash>,
    },
    /// The first thing that does not match, in a sentence.
    Unsound(String),
}

const SOUND: &str = "sound, head ";
const EARLIER: &str = ", contains the earlier head ";
const UNSOUND: &str = "not sound: ";

impl Verification {
    /// Reads the output of `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(finding) = text.strip_prefix(UNSOUND) {
            return Some(Self::Unsound(finding.to_owned()));
        }
        let heads = text.strip_prefix(SOUND)?;
        let (head, earlier) = match heads.split_once(EARLIER) {
            Some((head, earlier)) => (head, Some(LinkHash::parse(earlier)?)),
            None => (heads, None),
        };
        Some(Self::Sound { head: LinkHash::parse(head)?, earlier })
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sound { head, earlier: None } => write!(f, "{SOUND}{head}"),
            Self::Sound { head, earlier: Some(earlier) } => write!(f, "{SOUND}{head}{EARLIER}{earlier}"),
            Self::Unsound(finding) => write!(f, "{UNSOUND}{finding}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_can_be_read_again_and_other_texts_are_not_results() {
        let (head, earlier) = (LinkHash::new([7; 32]), Some(LinkHash::new([8; 32])));
        for result in [
            Verification::Sound { head, earlier: None },
            Verification::Sound { head, earlier },
            Verification::Unsound("messages order-1 was altered: its status does not follow".to_owned()),
        ] {
            assert_eq!(Verification::parse(&result.to_string()), Some(result));
        }
        for other in ["", "sound", "sound, head 07", "messages as csv"] {
            assert_eq!(Verification::parse(other), None, "{other}");
        }
    }
}
