//! When a message should have had its outcome.

use std::collections::BTreeMap;

use super::{Channel, Message, Timestamp};

/// Before which time a message was first heard of that is overdue now, unless its outcome is known. What a channel's
/// last possible status is, `Status::is_final` knows. Derived whenever somebody asks; nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// For the channels that have their own.
    pub by_channel: BTreeMap<Channel, Timestamp>,
    /// For all others, and where no channel is known.
    pub other: Timestamp,
}

impl Default for Cutoffs {
    /// Nothing is ever overdue.
    fn default() -> Self {
        Self { by_channel: BTreeMap::new(), other: Timestamp::from_micros(i64::MIN) }
    }
}

impl Cutoffs {
    /// Whether `message` is overdue.
    pub fn is_overdue(&self, message: &Message) -> bool {
        let own = message.channel.as_ref().and_then(|channel| self.by_channel.get(channel));
        !message.is_final && message.created_at < *own.unwrap_or(&self.other)
    }

    /// The latest of them: nothing that came since is overdue.
    pub fn latest(&self) -> Timestamp {
        self.by_channel.values().copied().fold(self.other, Timestamp::max)
    }
}
