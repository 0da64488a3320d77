//! Limits how fast messages are sent, per tenant and per channel.
//!
//! A rejection because of the rate (7020, 429) does not say which of the two limits it means. So it slows its channel
//! down, and also the tenant if another channel was slowed down just before.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::throttle::Throttle;
use crate::{domain::Channel, send::RateLimits};

/// All limits in their current state.
#[derive(Debug)]
pub(super) struct Rates {
    limits: RateLimits,
    tenant: Throttle,
    channels: BTreeMap<Channel, ChannelRate>,
}

#[derive(Debug)]
struct ChannelRate {
    throttle: Throttle,
    /// Nothing is sent before this time, since an answer asked us to wait.
    paused_until: Instant,
}

/// If two channels are slowed down within this time, the cause is taken to be the limit of the tenant.
const SHARED: Duration = Duration::from_secs(5);

impl Rates {
    pub(super) fn new(limits: RateLimits, now: Instant) -> Self {
        Self { tenant: Throttle::new(limits.tenant, now), limits, channels: BTreeMap::new() }
    }

    /// Returns how many messages may be sent on `channel` now.
    pub(super) fn tokens(&mut self, channel: &Channel, now: Instant) -> usize {
        let tenant = self.tenant.tokens(now);
        let own = self.of(channel, now);
        if now < own.paused_until { 0 } else { own.throttle.tokens(now).min(tenant) }
    }

    /// Returns how many more messages may be sent on `channel` now, if `own` of this channel and `all` of any channel
    /// are claimed already.
    pub(super) fn spare(&mut self, channel: &Channel, own: usize, all: usize, now: Instant) -> usize {
        let tenant = self.tenant.tokens(now).saturating_sub(all);
        self.tokens(channel, now).saturating_sub(own).min(tenant)
    }

    /// Returns how many messages are sent on `channel` within `time`, at the current speed.
    pub(super) fn within(&mut self, channel: &Channel, time: Duration, now: Instant) -> usize {
        self.of(channel, now).throttle.within(time, now)
    }

    /// Counts `messages` that are sent on `channel` now.
    pub(super) fn take(&mut self, channel: &Channel, messages: usize, now: Instant) {
        self.tenant.take(messages, now);
        self.of(channel, now).throttle.take(messages, now);
    }

    /// Returns how long it takes until a message may be sent on `channel`.
    pub(super) fn wait(&mut self, channel: &Channel, now: Instant) -> Duration {
        let tenant = self.tenant.wait(now);
        let own = self.of(channel, now);
        let pause = own.paused_until.saturating_duration_since(now);
        own.throttle.wait(now).max(tenant).max(pause)
    }

    /// Slows `channel` down, since the platform rejected a message because of the rate.
    pub(super) fn slow(&mut self, channel: &Channel, now: Instant) {
        let Some(rate) = self.of(channel, now).throttle.slow(now) else { return };
        tracing::warn!(%channel, messages_per_second = rate, "the platform rejects the rate; sending more slowly");
        let is_shared =
            |(other, own): (&Channel, &ChannelRate)| other != channel && own.throttle.was_slowed(SHARED, now);
        if self.channels.iter().any(is_shared)
            && let Some(rate) = self.tenant.slow(now)
        {
            tracing::warn!(
                messages_per_second = rate,
                "the platform rejects the rate on several channels; sending more slowly on all channels"
            );
        }
    }

    /// Pauses `channel`, since an answer asked us to wait.
    pub(super) fn pause(&mut self, channel: &Channel, time: Duration, now: Instant) {
        let own = self.of(channel, now);
        own.paused_until = own.paused_until.max(now + time);
    }

    fn of(&mut self, channel: &Channel, now: Instant) -> &mut ChannelRate {
        let limit = self.limits.channels.get(channel).copied().unwrap_or(0);
        let new = || ChannelRate { throttle: Throttle::new(limit, now), paused_until: now };
        self.channels.entry(channel.clone()).or_insert_with(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rates(tenant: u32, sms: u32) -> (Rates, Instant) {
        let now = Instant::now();
        (Rates::new(RateLimits { tenant, channels: [(Channel::Sms, sms)].into() }, now), now)
    }

    #[test]
    fn the_lower_of_both_limits_counts() {
        let (mut rates, now) = rates(100, 20);
        assert_eq!((rates.tokens(&Channel::Sms, now), rates.tokens(&Channel::Rcs, now)), (10, 50));
        rates.take(&Channel::Sms, 10, now);
        assert_eq!((rates.tokens(&Channel::Sms, now), rates.tokens(&Channel::Rcs, now)), (0, 40));
        assert_eq!(rates.wait(&Channel::Sms, now), SECOND / 20);
        rates.take(&Channel::Rcs, 40, now);
        assert_eq!((rates.tokens(&Channel::Rcs, now), rates.wait(&Channel::Rcs, now)), (0, SECOND / 100));
    }

    #[test]
    fn what_is_claimed_already_counts() {
        let (mut rates, now) = rates(100, 20);
        assert_eq!(rates.spare(&Channel::Sms, 4, 10, now), 6);
        assert_eq!(rates.spare(&Channel::Sms, 4, 48, now), 2);
        assert_eq!(rates.spare(&Channel::Rcs, 0, 60, now), 0);
    }

    #[test]
    fn a_channel_is_slowed_down_alone() {
        let (mut rates, now) = rates(0, 0);
        rates.take(&Channel::Sms, 40, now);
        rates.slow(&Channel::Sms, now);
        assert_eq!(rates.tokens(&Channel::Sms, now), 0);
        assert_eq!(rates.tokens(&Channel::Rcs, now), usize::MAX);
        assert_eq!(rates.wait(&Channel::Sms, now), SECOND / 20);
    }

    #[test]
    fn the_tenant_is_slowed_down_with_the_second_channel() {
        let (mut rates, now) = rates(0, 0);
        for channel in [Channel::Sms, Channel::Rcs] {
            rates.take(&channel, 40, now);
            rates.slow(&channel, now);
        }
        assert_eq!(rates.tokens(&Channel::Whatsapp, now), 0);
        assert_eq!(rates.wait(&Channel::Whatsapp, now), SECOND / 40);
    }

    #[test]
    fn rejections_far_apart_do_not_slow_the_tenant_down() {
        let (mut rates, now) = rates(0, 0);
        rates.slow(&Channel::Sms, now);
        rates.slow(&Channel::Rcs, now + SHARED);
        assert_eq!(rates.tokens(&Channel::Whatsapp, now + SHARED), usize::MAX);
    }

    #[test]
    fn a_channel_pauses_as_long_as_an_answer_asked() {
        let (mut rates, now) = rates(0, 0);
        rates.pause(&Channel::Sms, SECOND * 30, now);
        rates.pause(&Channel::Sms, SECOND, now);
        assert_eq!(rates.tokens(&Channel::Sms, now + SECOND * 29), 0);
        assert_eq!(rates.wait(&Channel::Sms, now), SECOND * 30);
        assert_eq!(rates.tokens(&Channel::Sms, now + SECOND * 30), usize::MAX);
        assert_eq!(rates.tokens(&Channel::Rcs, now), usize::MAX);
    }
}
