//! Each channel's queue: what waits on it, what is under way, and how the queues share the requests.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::domain::{Channel, Timestamp};

/// All queues.
#[derive(Debug, Default)]
pub(super) struct ChannelQueues {
    queues: BTreeMap<Channel, ChannelQueue>,
    /// Counts requests, to find the queue that has waited longest.
    turn: u64,
}

#[derive(Debug, Default)]
struct ChannelQueue {
    /// When its next message is due, as far as we know.
    due: Option<Timestamp>,
    /// Requests under way.
    in_flight: usize,
    /// The turn in which its last request began.
    turn: u64,
    /// When its last claim began.
    claimed: Option<Instant>,
    /// A claimed message has waited too long, and no request has ended since.
    is_stuck: bool,
}

/// A queue may use up to this many times the requests that are left for all others. So no queue uses all of them,
/// however slow its answers are; and the more queues there are, the fewer each may use. (Network switches share a
/// buffer in this way: Choudhury and Hahne, Dynamic Queue Length Thresholds, 1998.)
const SHARE: usize = 3;

impl ChannelQueues {
    /// Sets when the next message of each queue is due, as reported by the store. Nothing waits in other queues.
    pub(super) fn set_due(&mut self, next: Vec<(Channel, Timestamp)>) {
        self.queues.retain(|_, queue| {
            queue.due = None;
            queue.in_flight > 0
        });
        for (channel, due) in next {
            self.queues.entry(channel).or_default().due = Some(due);
        }
    }

    /// Notes that no more messages are due on `channel`, as far as we know.
    pub(super) fn mark_drained(&mut self, channel: &Channel) {
        if let Some(queue) = self.queues.get_mut(channel) {
            queue.due = None;
        }
    }

    /// The queues on which a message is due.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Channel> {
        let due = self.queues.iter().filter(|(_, queue)| queue.due.is_some_and(|due| due <= now));
        due.map(|(channel, _)| channel.clone()).collect()
    }

    /// When the next message is due on any queue.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.queues.values().filter_map(|queue| queue.due).min()
    }

    /// Notes that a request on `channel` began.
    pub(super) fn began(&mut self, channel: &Channel) {
        self.turn += 1;
        let queue = self.queues.entry(channel.clone()).or_default();
        queue.in_flight += 1;
        queue.turn = self.turn;
    }

    /// Notes that a request on `channel` ended.
    pub(super) fn ended(&mut self, channel: &Channel) {
        if let Some(queue) = self.queues.get_mut(channel) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
            queue.is_stuck = false;
        }
    }

    /// Notes that a claim on `channel` begins.
    pub(super) fn claimed(&mut self, channel: &Channel, now: Instant) {
        self.queues.entry(channel.clone()).or_default().claimed = Some(now);
    }

    /// When the last claim on `channel` began.
    pub(super) fn last_claim(&self, channel: &Channel) -> Option<Instant> {
        self.queues.get(channel).and_then(|queue| queue.claimed)
    }

    /// Notes that a claimed message of `channel` has waited too long.
    pub(super) fn mark_stuck(&mut self, channel: &Channel) {
        if let Some(queue) = self.queues.get_mut(channel) {
            queue.is_stuck = true;
        }
    }

    /// Returns whether another claimed message would wait too long again.
    pub(super) fn is_stuck(&self, channel: &Channel) -> bool {
        self.queues.get(channel).is_some_and(|queue| queue.is_stuck)
    }

    /// Shares `free` requests among the queues in `wanted`, each of which gets at most the number that it wants. Each
    /// request goes to the queue that has the fewest and, among those, to the one that has waited longest. The result
    /// has the order in which the queues are to be served.
    pub(super) fn share(&self, free: usize, wanted: Vec<(Channel, usize)>) -> Vec<(Channel, usize)> {
        let (fresh, mut shares) = (ChannelQueue::default(), Vec::new());
        for (channel, most) in wanted {
            let ChannelQueue { in_flight, turn, .. } = self.queues.get(&channel).unwrap_or(&fresh);
            shares.push(Share { channel, most, in_flight: *in_flight, turn: *turn, given: 0 });
        }
        for left in (1..=free).rev() {
            let fits = |share: &&mut Share| share.given < share.most && share.in_flight + share.given < SHARE * left;
            let Some(next) = shares.iter_mut().filter(fits).min_by_key(|share| share.rank()) else { break };
            next.given += 1;
        }
        shares.retain(|share| share.given > 0);
        shares.sort_by_key(|share| (share.in_flight, share.turn));
        shares.into_iter().map(|share| (share.channel, share.given)).collect()
    }
}

/// The share of a queue while it is computed.
struct Share {
    channel: Channel,
    most: usize,
    in_flight: usize,
    turn: u64,
    given: usize,
}

impl Share {
    fn rank(&self) -> (usize, u64) {
        (self.in_flight + self.given, self.turn)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Channel::{Rcs, Sms, Whatsapp};

    const ALL: usize = usize::MAX;

    fn share(queues: &mut ChannelQueues, free: usize, wanted: &[(Channel, usize)]) -> Vec<(Channel, usize)> {
        let shares = queues.share(free, wanted.to_vec());
        for (channel, requests) in &shares {
            (0..*requests).for_each(|_| queues.began(channel));
        }
        shares
    }

    fn in_flight(queues: &ChannelQueues, channel: &Channel) -> usize {
        queues.queues.get(channel).map_or(0, |queue| queue.in_flight)
    }

    #[test]
    fn a_single_queue_leaves_a_quarter_to_others() {
        for (free, gets) in [(1, 1), (2, 2), (4, 3), (16, 12), (64, 48)] {
            assert_eq!(share(&mut ChannelQueues::default(), free, &[(Sms, ALL)]), [(Sms, gets)]);
        }
    }

    #[test]
    fn queues_that_want_all_get_the_same() {
        let shares = share(&mut ChannelQueues::default(), 64, &[(Sms, ALL), (Rcs, ALL), (Whatsapp, ALL)]);
        assert_eq!(shares.iter().map(|(_, requests)| *requests).collect::<Vec<_>>(), [20, 19, 19]);
    }

    #[test]
    fn requests_that_one_queue_does_not_want_go_to_the_others() {
        assert_eq!(share(&mut ChannelQueues::default(), 16, &[(Sms, ALL), (Rcs, 1)]), [(Sms, 12), (Rcs, 1)]);
    }

    #[test]
    fn a_busy_queue_leaves_free_requests_to_the_others() {
        let mut queues = ChannelQueues::default();
        share(&mut queues, 64, &[(Sms, ALL)]);
        assert_eq!(share(&mut queues, 16, &[(Sms, ALL)]), []);
        assert_eq!(share(&mut queues, 16, &[(Sms, ALL), (Rcs, 5)]), [(Rcs, 5)]);
        // As answers come, the second queue catches up.
        for _ in 0..100 {
            for _ in 0..4 {
                queues.ended(&Sms);
            }
            let free = 64 - in_flight(&queues, &Sms) - in_flight(&queues, &Rcs);
            share(&mut queues, free, &[(Sms, ALL), (Rcs, ALL)]);
        }
        assert!(in_flight(&queues, &Rcs) >= in_flight(&queues, &Sms), "{queues:?}");
    }

    #[test]
    fn with_one_request_at_a_time_they_take_turns() {
        let mut queues = ChannelQueues::default();
        let wanted = [(Sms, ALL), (Rcs, ALL), (Whatsapp, ALL)];
        let mut order = Vec::new();
        for _ in 0..6 {
            let (channel, _) = share(&mut queues, 1, &wanted).remove(0);
            queues.ended(&channel);
            order.push(channel);
        }
        assert_eq!(order[..3], order[3..]);
        order.truncate(3);
        order.sort_unstable();
        assert_eq!(order, [Sms, Rcs, Whatsapp]);
    }

    #[test]
    fn a_queue_is_stuck_until_a_request_ends() {
        let mut queues = ChannelQueues::default();
        share(&mut queues, 64, &[(Sms, 9), (Rcs, 9)]);
        assert!(!queues.is_stuck(&Sms));
        queues.mark_stuck(&Sms);
        queues.ended(&Rcs);
        assert!(queues.is_stuck(&Sms) && !queues.is_stuck(&Rcs));
        queues.ended(&Sms);
        assert!(!queues.is_stuck(&Sms));
    }

    #[test]
    fn the_due_times_that_were_set_last_apply() {
        let (early, late) = (Timestamp::from_micros(5), Timestamp::from_micros(9));
        let mut queues = ChannelQueues::default();
        queues.set_due(vec![(Sms, early), (Rcs, late)]);
        assert_eq!((queues.due(early), queues.next()), (vec![Sms], Some(early)));
        queues.mark_drained(&Sms);
        assert_eq!((queues.due(late), queues.next()), (vec![Rcs], Some(late)));
        queues.set_due(vec![(Sms, late)]);
        assert_eq!(queues.due(late), [Sms]);
    }

    proptest! {
        #[test]
        fn no_more_requests_are_shared_than_are_free_and_no_queue_starves(
            free in 0_usize..100, busy in proptest::collection::vec(0_usize..50, 3), most in proptest::collection::vec(0_usize..50, 3)
        ) {
            let mut queues = ChannelQueues::default();
            let channels = [Sms, Rcs, Whatsapp];
            for (channel, requests) in channels.iter().zip(busy) {
                (0..requests).for_each(|_| queues.began(channel));
            }
            let wanted: Vec<_> = channels.into_iter().zip(most).collect();
            let shares = queues.share(free, wanted.clone());
            prop_assert!(shares.iter().map(|(_, given)| given).sum::<usize>() <= free);
            let of = |channel| shares.iter().find(|(known, _)| known == channel).map_or(0, |(_, given)| *given);
            // A queue without any request gets one, if there are enough for all of these queues.
            for (channel, most) in &wanted {
                prop_assert!(of(channel) <= *most);
                let starves = *most > 0 && in_flight(&queues, channel) == 0 && of(channel) == 0;
                prop_assert!(!starves || free < 3, "{channel} of {free}: {shares:?}");
            }
        }
    }
}
