//! Where a message can stand, and what outranks what.

use std::fmt;

use super::Channel;

/// How strongly a status speaks. Greater wins. Stored, so a number that is given out never changes.
pub type Rank = u8;

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// A notification came that nobody could understand, and nothing else was heard.
    Unknown,
    /// Waiting here to be handed to the platform.
    Queued,
    /// Being handed over now.
    Sending,
    /// The request left and no answer came: the platform may or may not have it.
    Unconfirmed,
    /// The platform queued it.
    Accepted,
    /// The platform refused it.
    Rejected,
    /// Called back before it was handed over.
    Cancelled,
    /// Its time ran out before it was handed over.
    Expired,
    /// Handed on by the platform to the carrier or channel.
    Submitted,
    /// Will not arrive.
    Failed,
    /// Arrived.
    Delivered,
    /// Opened.
    Read,
    /// A link in it was followed.
    Clicked,
    /// The recipient complained about it.
    Complained,
}

/// The word of each status, and its rank; `Failed` on email has a rank of its own.
const TABLE: [(Status, &str, Rank); 14] = [
    (Status::Unknown, "unknown", 0),
    (Status::Queued, "queued", Status::DISPATCH),
    (Status::Sending, "sending", Status::DISPATCH),
    (Status::Unconfirmed, "unconfirmed", Status::DISPATCH),
    (Status::Accepted, "accepted", Status::DISPATCH),
    (Status::Rejected, "rejected", Status::DISPATCH),
    (Status::Cancelled, "cancelled", Status::DISPATCH),
    (Status::Expired, "expired", Status::DISPATCH),
    (Status::Submitted, "submitted", 40),
    (Status::Failed, "failed", 50),
    (Status::Delivered, "delivered", 60),
    (Status::Read, "read", 70),
    (Status::Clicked, "clicked", 80),
    (Status::Complained, "complained", 90),
];

/// A mail may bounce after it was delivered: the bounce is the later truth.
const FAILED_ON_EMAIL: Rank = 65;

impl Status {
    /// The rank of everything that only our own dispatch says. Dispatch states follow one another as a state
    /// machine and not by rank; any notification that is understood outranks them all.
    pub const DISPATCH: Rank = 10;

    /// The rank on `channel`.
    pub fn rank(self, channel: Option<&Channel>) -> Rank {
        match self {
            Self::Failed if channel == Some(&Channel::Email) => FAILED_ON_EMAIL,
            _ => TABLE.iter().find(|(status, ..)| *status == self).map_or(0, |(.., rank)| *rank),
        }
    }

    /// The word that API, database and logs use.
    pub fn as_str(self) -> &'static str {
        TABLE.iter().find(|(status, ..)| *status == self).map_or("unknown", |(_, word, _)| word)
    }

    /// The status of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, _)| *known == word).map(|(status, ..)| *status)
    }

    /// Whether the outcome is known. Apple Messages for Business reports no more than `submitted`.
    pub fn is_final(self, channel: Option<&Channel>) -> bool {
        match self {
            Self::Submitted => channel == Some(&Channel::Apple),
            Self::Unknown | Self::Queued | Self::Sending | Self::Unconfirmed | Self::Accepted => false,
            Self::Rejected
            | Self::Cancelled
            | Self::Expired
            | Self::Failed
            | Self::Delivered
            | Self::Read
            | Self::Clicked
            | Self::Complained => true,
        }
    }

    /// What would settle it, as the rest of a sentence; empty where that goes without saying.
    pub(super) fn outlook(self) -> &'static str {
        match self {
            Self::Unconfirmed => {
                "; a notification with its correlation id or transaction id settles it, and without one the platform's \
                 own logs tell whether it has the message"
            }
            _ => "",
        }
    }

    /// All of them, weakest first.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(status, ..)| *status)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a failed message may succeed if it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// It will fail again.
    Permanent,
    /// It may succeed later.
    Transient,
    /// The documents do not tell.
    Unclear,
}

impl Failure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Permanent, Self::Transient, Self::Unclear];

    /// The word that API, database and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Unclear => "unclear",
        }
    }

    /// How grave it is. Stored, so a number that is given out never changes.
    pub fn gravity(self) -> u8 {
        match self {
            Self::Transient => 1,
            Self::Unclear => 2,
            Self::Permanent => 3,
        }
    }

    /// The failure of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for status in Status::all() {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
        }
        for failure in Failure::ALL {
            assert_eq!(Failure::from_word(failure.as_str()), Some(failure));
        }
        assert_eq!(Status::from_word("Delivered"), None);
    }

    #[test]
    fn every_understood_notification_outranks_every_dispatch_state() {
        for status in Status::all().filter(|status| status.rank(None) > Status::DISPATCH) {
            assert!(status.rank(None) >= Status::Submitted.rank(None));
        }
        assert!(Status::Unknown.rank(None) < Status::DISPATCH);
    }

    #[test]
    fn a_bounce_outranks_delivered_on_email_alone() {
        let delivered = Status::Delivered.rank(None);
        assert!(Status::Failed.rank(Some(&Channel::Email)) > delivered);
        assert!(Status::Failed.rank(Some(&Channel::Email)) < Status::Read.rank(None));
        assert!(Status::Failed.rank(Some(&Channel::Sms)) < delivered);
    }

    #[test]
    fn submitted_is_the_last_word_on_apple_alone() {
        assert!(Status::Submitted.is_final(Some(&Channel::Apple)));
        assert!(!Status::Submitted.is_final(Some(&Channel::Sms)));
        assert!(!Status::Submitted.is_final(None));
    }
}
