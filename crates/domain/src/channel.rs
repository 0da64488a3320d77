//! The channels on which messages are sent.

use std::fmt;

/// A messaging channel.
///
/// The platform uses different names for a channel in requests, notifications and inbound messages. This type has one
/// name for each. A channel that is not known keeps its own name, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    Sms,
    Mms,
    Rcs,
    Email,
    Voice,
    Whatsapp,
    Messenger,
    /// Apple Messages for Business.
    Apple,
    Push,
    /// In-app messages and live chat.
    InApp,
    /// Instagram. The platform has deprecated it.
    Instagram,
    /// An unknown channel, with the name that was given.
    Other(String),
}

/// The name of each channel, and the names that the platform uses for it in its documents.
const NAMES: [(Channel, &str, &[&str]); 11] = [
    (Channel::Sms, "sms", &[]),
    (Channel::Mms, "mms", &[]),
    (Channel::Rcs, "rcs", &[]),
    (Channel::Email, "email", &[]),
    (Channel::Voice, "voice", &[]),
    (Channel::Whatsapp, "whatsapp", &[]),
    (Channel::Messenger, "messenger", &["fb", "facebook", "facebook messenger"]),
    (Channel::Apple, "apple", &["applebusinesschat"]),
    (Channel::Push, "push", &[]),
    (Channel::InApp, "in-app", &["rt", "rtm", "appmessaging"]),
    (Channel::Instagram, "instagram", &[]),
];

/// Maximum length in characters of an unknown name, so that an index can hold it.
const MAX_LENGTH: usize = 64;

impl Channel {
    /// Reads any documented name of a channel, in upper or lower case. An unknown name is kept, but NUL is replaced as
    /// in ids, and everything after 64 characters is cut off.
    pub fn from_name(name: &str) -> Self {
        let name: String = name.trim().to_lowercase().chars().take(MAX_LENGTH).collect();
        NAMES
            .iter()
            .find(|(_, ours, theirs)| *ours == name || theirs.contains(&name.as_str()))
            .map_or_else(|| Self::Other(name.replace('\0', "\u{FFFD}")), |(channel, ..)| channel.clone())
    }

    /// The name that the API, the database and the logs use.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => NAMES.iter().find(|(channel, ..)| channel == known).map_or("", |(_, name, _)| name),
        }
    }

    /// A warning for senders on this channel.
    pub fn warning(&self) -> Option<&'static str> {
        let deprecated = "the platform has deprecated its Instagram API (instagram-api) and may end it";
        (*self == Self::Instagram).then_some(deprecated)
    }

    /// Every channel with a known name.
    pub fn known() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(channel, ..)| channel.clone())
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_platform_maps_to_its_channel() {
        for (theirs, ours) in [
            ("SMS", "sms"),
            ("rt", "in-app"),
            ("Rtm", "in-app"),
            ("AppleBusinessChat", "apple"),
            ("Facebook Messenger", "messenger"),
            ("WhatsApp", "whatsapp"),
            ("Pager", "pager"),
        ] {
            assert_eq!(Channel::from_name(theirs).as_str(), ours);
        }
    }

    #[test]
    fn an_unknown_name_is_kept_up_to_its_maximum_length() {
        assert_eq!(Channel::from_name(&"é".repeat(5000)).as_str(), "é".repeat(64));
    }

    #[test]
    fn every_known_name_can_be_read_again() {
        for channel in Channel::known() {
            assert_eq!(Channel::from_name(channel.as_str()), channel);
        }
    }
}
