//! How fast the dispatcher sends, how often it tries, and what it does if an outcome stays unknown.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::Channel;

/// The limits of the dispatcher.
#[derive(Clone, Debug)]
pub struct DispatchLimits {
    /// The most requests at one time.
    pub in_flight: usize,
    /// The most messages in one request, on the channels whose API takes several.
    pub batch: usize,
    /// How many messages may leave in a second.
    pub rates: RateLimits,
    /// How long a lease lasts; longer than an attempt can take.
    pub lease: Duration,
    /// After this many attempts a message counts as refused.
    pub attempts: i64,
    /// What to do if it stays unknown whether the platform has a message.
    pub on_unknown: OnUnknown,
    /// The longest pause between two probes while the platform can take nothing.
    pub longest_probe_pause: Duration,
}

/// What to do with a message if it stays unknown whether the platform has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// It is not sent again; a notification may settle it. No message is sent twice.
    #[default]
    Hold,
    /// It is sent again. None is left out, and some come twice.
    Resend,
}

impl Default for DispatchLimits {
    /// One request after the other, one message each, as fast as they are answered.
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

/// The configured limits, in messages a second; 0 is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// For all channels together.
    pub tenant: u32,
    /// For some channels.
    pub channels: BTreeMap<Channel, u32>,
}
