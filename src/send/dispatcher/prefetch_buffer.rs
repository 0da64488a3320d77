//! The claimed messages that wait for a free request.
//!
//! A claim needs a commit, and no message is sent before that is on disk. So the next messages are claimed while
//! requests are under way. Only a few are: if the program is killed, they become `unconfirmed` although they were not
//! sent.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    domain::{Channel, Timestamp},
    storage::Claim,
};

/// The longest time that a claimed message may wait. After that, it goes back to the outbox, since its lease is
/// running.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// A claimed message that waits.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) claim: Claim,
    /// When the lease ends.
    pub(super) until: Instant,
    /// The time until which it may wait.
    waits_until: Instant,
}

impl Ready {
    fn is_timed_out(&self, now: Instant, time: Timestamp) -> bool {
        self.waits_until <= now || self.claim.submission.expire_at.is_some_and(|at| at <= time)
    }
}

/// The waiting messages by channel, in the order in which they are to be sent.
#[derive(Debug, Default)]
pub(super) struct PrefetchBuffer {
    queues: BTreeMap<Channel, VecDeque<Ready>>,
}

impl PrefetchBuffer {
    /// Adds claims whose leases end at `until`.
    pub(super) fn put(&mut self, channel: Channel, claims: Vec<Claim>, until: Instant, now: Instant) {
        let ready = claims.into_iter().map(|claim| Ready { claim, until, waits_until: now + PATIENCE });
        self.queues.entry(channel).or_default().extend(ready);
    }

    /// Returns how many messages of `channel` wait.
    pub(super) fn of(&self, channel: &Channel) -> usize {
        self.queues.get(channel).map_or(0, VecDeque::len)
    }

    /// Returns how many messages wait.
    pub(super) fn len(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum()
    }

    /// The channels that have waiting messages.
    pub(super) fn channels(&self) -> Vec<Channel> {
        let waiting = self.queues.iter().filter(|(_, ready)| !ready.is_empty());
        waiting.map(|(channel, _)| channel.clone()).collect()
    }

    /// Removes up to `most` messages for one request. Returns them, and when the first of their leases ends.
    pub(super) fn take(&mut self, channel: &Channel, most: usize) -> Option<(Vec<Claim>, Instant)> {
        let ready = self.queues.get_mut(channel)?;
        let taken: Vec<Ready> = ready.drain(..most.min(ready.len())).collect();
        let until = taken.iter().map(|ready| ready.until).min()?;
        Some((taken.into_iter().map(|ready| ready.claim).collect(), until))
    }

    /// Removes the messages that have waited too long, and those that have expired.
    pub(super) fn take_timed_out(&mut self, now: Instant, time: Timestamp) -> Vec<Ready> {
        let mut timed_out = Vec::new();
        for ready in self.queues.values_mut().filter(|ready| ready.iter().any(|ready| ready.is_timed_out(now, time))) {
            let (gone, kept) = mem::take(ready).into_iter().partition(|ready| ready.is_timed_out(now, time));
            *ready = kept;
            timed_out.extend::<VecDeque<Ready>>(gone);
        }
        timed_out
    }

    /// Removes all messages.
    pub(super) fn take_all(&mut self) -> Vec<Ready> {
        mem::take(&mut self.queues).into_values().flatten().collect()
    }

    /// The time until which the first message may wait.
    pub(super) fn patience(&self) -> Option<Instant> {
        self.queues.values().filter_map(|ready| ready.front()).map(|ready| ready.waits_until).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::Submission;

    const TIME: Timestamp = Timestamp::from_micros(1_000_000);

    fn claim(id: usize, expire_at: Option<Timestamp>) -> Claim {
        let message = json!({ "channel": "sms", "from": "ACME", "to": "447700900123", "text": "Hi",
            "correlationId": id.to_string(), "expireAt": expire_at });
        Claim { submission: Submission::from_json(message).unwrap(), attempt: 1, counted: 0 }
    }

    fn id(claim: &Claim) -> usize {
        claim.submission.correlation_id.as_str().parse().unwrap()
    }

    #[test]
    fn what_waits_too_long_or_expires_is_timed_out() {
        let (mut buffer, start) = (PrefetchBuffer::default(), Instant::now());
        let late = TIME.plus(PATIENCE / 2);
        buffer.put(Channel::Sms, vec![claim(1, None), claim(2, Some(late))], start + PATIENCE, start);
        buffer.put(Channel::Rcs, vec![claim(3, None)], start + PATIENCE, start + PATIENCE / 2);
        let mut timed_out =
            |now, time| buffer.take_timed_out(now, time).iter().map(|ready| id(&ready.claim)).collect::<Vec<_>>();
        assert!(timed_out(start, TIME).is_empty());
        assert_eq!(timed_out(start, late), [2]);
        assert_eq!(timed_out(start + PATIENCE, late), [1]);
        assert_eq!(buffer.patience(), Some(start + PATIENCE * 3 / 2));
        assert_eq!((buffer.channels(), buffer.len()), (vec![Channel::Rcs], 1));
    }

    #[test]
    fn a_request_has_as_long_as_the_lease_that_ends_first() {
        let (mut buffer, start) = (PrefetchBuffer::default(), Instant::now());
        for (n, lease) in [1, 2].into_iter().zip([2, 1]) {
            buffer.put(Channel::Sms, vec![claim(n, None)], start + PATIENCE * lease, start);
        }
        let (claims, until) = buffer.take(&Channel::Sms, 9).unwrap();
        assert_eq!((claims.iter().map(id).collect::<Vec<_>>(), until), (vec![1, 2], start + PATIENCE));
        assert!(buffer.take(&Channel::Sms, 1).is_none());
    }

    proptest! {
        /// Each step adds messages, removes some, or lets time pass.
        #[test]
        fn each_comes_out_once_and_in_order(steps in proptest::collection::vec((0..3, 1_usize..9), 1..40)) {
            let (mut buffer, mut now) = (PrefetchBuffer::default(), Instant::now());
            let (mut there, mut out) = (0, Vec::new());
            for (step, count) in steps {
                match step {
                    0 => {
                        let claims = (there..there + count).map(|n| claim(n, None)).collect();
                        buffer.put(Channel::Sms, claims, now + PATIENCE, now);
                        there += count;
                    }
                    1 => out.extend(buffer.take(&Channel::Sms, count).iter().flat_map(|(claims, _)| claims).map(id)),
                    _ => {
                        now += PATIENCE / 4;
                        out.extend(buffer.take_timed_out(now, TIME).iter().map(|ready| id(&ready.claim)));
                    }
                }
                prop_assert_eq!(buffer.of(&Channel::Sms), there - out.len());
            }
            out.extend(buffer.take_all().iter().map(|ready| id(&ready.claim)));
            prop_assert_eq!(out, (0..there).collect::<Vec<_>>());
        }
    }
}
