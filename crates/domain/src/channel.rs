//! The channels that messages travel on.

use std::fmt;

/// A messaging channel.
///
/// The platform names channels differently in requests, notifications and inbound messages; this is our one
/// name for each. A channel that we do not know keeps its own name, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Text messages.
    Sms,
    /// Multimedia messages.
    Mms,
    /// Rich Communication Services.
    Rcs,
    /// Mail.
    Email,
    /// Calls that play a prompt.
    Voice,
    /// WhatsApp.
    Whatsapp,
    /// Facebook Messenger.
    Messenger,
    /// Apple Messages for Business.
    Apple,
    /// Mobile and browser push.
    Push,
    /// In-app messaging and live chat.
    InApp,
    /// Instagram, deprecated by the platform.
    Instagram,
    /// Any other, as it was named.
    Other(String),
}

/// Our name of each channel, with the names that the platform uses for it in one place or another.
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

/// The most characters of an unknown name, so that an index can hold it.
const MAX_LENGTH: usize = 64;

impl Channel {
    /// Reads any documented name of a channel, in any case. An unknown name is kept, but for NUL, as in
    /// ids, and what is beyond 64 characters.
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

    /// What whoever sends on it ought to know.
    pub fn warning(&self) -> Option<&'static str> {
        let deprecated = "the platform has deprecated its Instagram API (instagram-api) and may end it";
        (*self == Self::Instagram).then_some(deprecated)
    }

    /// Every channel that we know by name.
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
    fn the_platforms_names_lead_to_ours() {
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
    fn an_unknown_name_is_kept_as_far_as_an_index_can_hold_it() {
        assert_eq!(Channel::from_name(&"é".repeat(5000)).as_str(), "é".repeat(64));
    }

    #[test]
    fn every_known_name_reads_back() {
        for channel in Channel::known() {
            assert_eq!(Channel::from_name(channel.as_str()), channel);
        }
    }
}
