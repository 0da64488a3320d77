//! How fast to send, and what to do when an outcome is unknown.

use std::{collections::BTreeMap, time::Duration};

use super::{errors::ConfigErrors, raw};
use crate::{
    domain::Channel,
    send::{DispatchLimits, OnUnknown, RateLimits},
};

/// The time that a lease leaves for storing an outcome, even if the store is unavailable for a moment.
const RECORDING: Duration = Duration::from_secs(30);
/// The platform rejects requests with more destinations than this
/// (developers.webexconnect.io/reference/send-message-v1, code 7009).
const MOST_IN_A_REQUEST: usize = 1000;

pub(super) fn dispatch_limits(send: &raw::Send, errors: &mut ConfigErrors) -> Option<DispatchLimits> {
    errors.check(send.in_flight > 0, "send.in_flight must be at least 1");
    let batch = 1..=MOST_IN_A_REQUEST;
    errors.check(batch.contains(&send.batch), "send.batch must be 1 to 1000, the maximum of the platform");
    errors.check(send.attempts > 0, "send.attempts must be at least 1");
    errors.check(send.timeout_seconds > 0, "send.timeout_seconds must be at least 1");
    let on_unknown = match send.on_unknown_outcome.as_str() {
        "hold" => Some(OnUnknown::Hold),
        "resend" => Some(OnUnknown::Resend),
        _ => None,
    };
    errors.check(on_unknown.is_some(), "send.on_unknown_outcome must be hold or resend");
    Some(DispatchLimits {
        in_flight: send.in_flight,
        batch: send.batch,
        rates: RateLimits { tenant: send.rate_per_second, channels: channels(&send.channel_rates, errors) },
        lease: Duration::from_secs(send.timeout_seconds) + RECORDING,
        attempts: send.attempts,
        on_unknown: on_unknown?,
        ..DispatchLimits::default()
    })
}

fn channels(rates: &BTreeMap<String, u32>, errors: &mut ConfigErrors) -> BTreeMap<Channel, u32> {
    let mut channel = |name: &str| {
        let channel = Channel::from_name(name);
        let known = !matches!(channel, Channel::Other(_));
        errors.check(known, &format!("send.channel_rates.{name}: there is no such channel"));
        channel
    };
    rates.iter().map(|(name, rate)| (channel(name), *rate)).collect()
}
