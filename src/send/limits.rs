//! How fast the dispatcher sends, how often it tries, and what it does if an outcome stays unknown.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::Channel;

/// The limits of the dispatcher.
#[derive(Clone, Debug)]
pub struct DispatchLimits {
    /// The maximum number of concurrent requests.
    pub in_flight: usize,
    /// The maximum number of messages in one request, on channels whose API accepts several.
    pub batch: usize,
    /// How many messages may be sent per second.
    pub rates: RateLimits,
    /// How long a lease lasts. It must be longer than an attempt can take.
    pub lease: Duration,
    /// After this many attempts that count, a message is rejected.
    pub attempts: i64,
    /// What to do if it stays unknown whether the platform has a message.
    pub on_unknown: OnUnknown,
    /// The longest pause between two probes while the platform accepts no messages.
    pub longest_probe_pause: Duration,
}

/// What to do with a message if it stays unknown whether the platform has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// It is not sent again; a later notification may settle it. No message is sent twice.
    #[default]
    Hold,
    /// It is sent again. No message is lost, but some may be delivered twice.
    Resend,
}

impl Default for DispatchLimits {
    /// One request at a time with one message each, and no limit on the rate.
    fn default() -> Self {
        Self {
            in_flight: 1,
            batch: 1,
            rates: RateLimits::default(),
            lease: Duration::from_mins(1),
            attempts: 100,
            on_unknown: OnUnknown::Hold,
            longest_probe_pause: Duration::from_mins(5),
        }
    }
}

/// The configured limits, in messages per second; 0 means no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// For all channels together.
    pub tenant: u32,
    /// For individual channels.
    pub channels: BTreeMap<Channel, u32>,
}
