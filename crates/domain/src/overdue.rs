//! The time by which the outcome of a message is expected.

use std::collections::BTreeMap;

use super::{Channel, Message, Timestamp};

/// A message is overdue if it was first known before its cutoff and its outcome is not known. `Status::is_final`
/// decides which status is the last one that a channel reports. This is computed for every request and never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// For the channels with their own cutoff.
    pub by_channel: BTreeMap<Channel, Timestamp>,
    /// For all other channels, and for messages whose channel is not known.
    pub other: Timestamp,
}

impl Default for Cutoffs {
    /// Cutoffs with which no message is ever overdue.
    fn default() -> Self {
        Self { by_channel: BTreeMap::new(), other: Timestamp::from_micros(i64::MIN) }
    }
}

impl Cutoffs {
    pub fn is_overdue(&self, message: &Message) -> bool {
        let own = message.channel.as_ref().and_then(|channel| self.by_channel.get(channel));
        !message.is_final && message.created_at < *own.unwrap_or(&self.other)
    }

    /// The latest of the cutoffs. A message that was first known after it is not overdue.
    pub fn latest(&self) -> Timestamp {
        self.by_channel.values().copied().fold(self.other, Timestamp::max)
    }
}
