//! The statuses of a message, and which of them outranks which.

use std::fmt;

use super::Channel;

/// How strongly a status counts. The greater rank wins. Ranks are stored, so a number that is in use never changes.
pub type Rank = u8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// A notification arrived that is not understood, and nothing else is known.
    Unknown,
    /// Waiting here to be dispatched.
    Queued,
    /// Being dispatched.
    Sending,
    /// The request was sent and no answer arrived. The platform may or may not have it.
    Unconfirmed,
    /// The platform accepted and queued it.
    Accepted,
    /// The platform rejected it.
    Rejected,
    /// Cancelled before it was dispatched.
    Cancelled,
    /// Expired before it was dispatched.
    Expired,
    /// Passed on by the platform to the carrier or channel.
    Submitted,
    /// It will not arrive.
    Failed,
    /// It arrived.
    Delivered,
    /// It was opened.
    Read,
    /// A link in it was followed.
    Clicked,
    /// The recipient complained about it.
    Complained,
}

/// The word and the rank of each status. `Failed` on email has its own rank.
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

/// A mail may bounce after it was delivered. The bounce then decides.
const FAILED_ON_EMAIL: Rank = 65;

impl Status {
    /// The rank of all statuses of our own dispatch. Dispatch states follow one another as a state machine and not by
    /// rank. Every notification that is understood outranks them.
    pub const DISPATCH: Rank = 10;

    /// The rank on `channel`.
    pub fn rank(self, channel: Option<&Channel>) -> Rank {
        match self {
            Self::Failed if channel == Some(&Channel::Email) => FAILED_ON_EMAIL,
            _ => TABLE.iter().find(|(status, ..)| *status == self).map_or(0, |(.., rank)| *rank),
        }
    }

    /// The word that the API, the database and the logs use.
    pub fn as_str(self) -> &'static str {
        TABLE.iter().find(|(status, ..)| *status == self).map_or("unknown", |(_, word, _)| word)
    }

    pub fn from_word(word: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, _)| *known == word).map(|(status, ..)| *status)
    }

    /// Whether the outcome is known. Apple Messages for Business reports nothing after `submitted`.
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

    /// What can still change this status, as the end of a sentence. Empty if this is obvious.
    pub(super) fn outlook(self) -> &'static str {
        match self {
            Self::Unconfirmed => {
                "; a notification with its correlation id or transaction id decides it; without one, check the \
                 platform's logs for the message"
            }
            _ => "",
        }
    }

    /// All statuses, in ascending order of rank.
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
    /// The platform's documents do not say.
    Unclear,
}

impl Failure {
    pub const ALL: [Self; 3] = [Self::Permanent, Self::Transient, Self::Unclear];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Unclear => "unclear",
        }
    }

    /// How grave the failure is. The number is stored, so it never changes.
    pub fn gravity(self) -> u8 {
        match self {
            Self::Transient => 1,
            Self::Unclear => 2,
            Self::Permanent => 3,
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_can_be_read_from_its_word() {
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
    fn a_bounce_outranks_delivered_only_on_email() {
        let delivered = Status::Delivered.rank(None);
        assert!(Status::Failed.rank(Some(&Channel::Email)) > delivered);
        assert!(Status::Failed.rank(Some(&Channel::Email)) < Status::Read.rank(None));
        assert!(Status::Failed.rank(Some(&Channel::Sms)) < delivered);
    }

    #[test]
    fn submitted_is_final_only_on_apple() {
        assert!(Status::Submitted.is_final(Some(&Channel::Apple)));
        assert!(!Status::Submitted.is_final(Some(&Channel::Sms)));
        assert!(!Status::Submitted.is_final(None));
    }
}
