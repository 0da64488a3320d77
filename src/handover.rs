//! Hands what was just appended to the journal from the committer to the projector, which need not read and parse it again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::domain::{Arrival, JournalPosition, JournalSpan};

/// The size of the bodies that wait, in bytes, beyond which the projector has to read the journal.
const MOST_BYTES: usize = 16 << 20;

/// A queue between the committer and the projector. It is closed at first, and whenever too much waits. Then what is given is
/// dropped: the journal has it.
#[derive(Clone, Default)]
pub struct Handover(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Waiting>,
    given: Notify,
}

#[derive(Default)]
struct Waiting {
    is_open: bool,
    batches: Batches,
    given: u64,
}

impl Handover {
    /// Gives what was appended at this position.
    pub fn give(&self, position: JournalPosition, arrivals: Vec<Arrival>) {
        let mut queue = self.queue();
        queue.given += arrivals.len() as u64;
        if queue.is_open {
            queue.batches.add(position, 0, arrivals);
            if queue.batches.bytes > MOST_BYTES {
                queue.close();
            }
        }
        drop(queue);
        self.0.given.notify_one();
    }

    /// Waits until something was given since the last time.
    pub(crate) async fn given(&self) {
        self.0.given.notified().await;
    }

    /// The number of arrivals that were given so far, also of those that were dropped.
    pub(crate) fn count(&self) -> u64 {
        self.queue().given
    }

    /// The number of arrivals that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue().batches.rests.iter().map(|rest| rest.arrivals.len()).sum()
    }

    /// Takes the next arrivals, about as many as are wanted.
    pub(crate) fn take(&self, wanted: usize) -> (Vec<JournalSpan>, Vec<Arrival>) {
        self.queue().batches.take(wanted)
    }

    /// Drops what is projected by other means.
    pub(crate) fn forget(&self, spans: &[JournalSpan]) {
        self.queue().batches.forget(spans);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.queue().is_open
    }

    /// From now on, what is given waits to be taken.
    pub(crate) fn open(&self) {
        self.queue().is_open = true;
    }

    /// Drops everything that waits.
    pub(crate) fn close(&self) {
        self.queue().close();
    }

    fn queue(&self) -> MutexGuard<'_, Waiting> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn close(&mut self) {
        self.is_open = false;
        self.batches = Batches::default();
    }
}

/// Batches of the journal, as they are understood, or the rests of them.
#[derive(Default)]
pub(crate) struct Batches {
    rests: VecDeque<Rest>,
    /// The size of their bodies.
    bytes: usize,
}

struct Rest {
    position: JournalPosition,
    /// The number of arrivals of the batch that come before.
    from: usize,
    arrivals: Vec<Arrival>,
}

impl Batches {
    /// Adds a batch without its first `from` arrivals.
    pub(crate) fn add(&mut self, position: JournalPosition, from: usize, arrivals: Vec<Arrival>) {
        self.bytes += size(&arrivals);
        self.rests.push_back(Rest { position, from, arrivals });
    }

    /// Takes the next arrivals, about as many as are wanted: at most half as many more. A batch is cut only if it is longer than
    /// that, since what is left of its row in the journal is then written again.
    pub(crate) fn take(&mut self, wanted: usize) -> (Vec<JournalSpan>, Vec<Arrival>) {
        let (mut spans, mut arrivals) = (Vec::new(), Vec::new());
        while arrivals.len() < wanted
            && let Some(mut rest) = self.rests.pop_front()
        {
            let (room, is_too_long) =
                (wanted - arrivals.len(), arrivals.len() + rest.arrivals.len() > wanted + wanted / 2);
            if is_too_long && arrivals.len() >= wanted / 2 && !arrivals.is_empty() {
                self.rests.push_front(rest);
                break;
            }
            let left = rest.arrivals.split_off(if is_too_long { room } else { rest.arrivals.len() });
            let span = JournalSpan::of(rest.position, rest.from, &rest.arrivals, left.len());
            self.bytes -= size(&rest.arrivals);
            arrivals.append(&mut rest.arrivals);
            if !left.is_empty() {
                self.rests.push_front(Rest { from: span.to, arrivals: left, ..rest });
            }
            spans.push(span);
        }
        (spans, arrivals)
    }

    fn forget(&mut self, spans: &[JournalSpan]) {
        self.rests.retain(|rest| spans.iter().all(|span| span.position != rest.position));
        self.bytes = self.rests.iter().map(|rest| size(&rest.arrivals)).sum();
    }
}

fn size(arrivals: &[Arrival]) -> usize {
    arrivals.iter().map(Arrival::size).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Archived, Source, Timestamp, Unreadable, Writer};

    fn batch(length: usize, bytes: usize) -> Vec<Arrival> {
        let body = |_| {
            Archived::first_arrival(Unreadable(String::new()), vec![b'x'; bytes], Source::Notify, Timestamp::default())
        };
        (0..length).map(body).map(Arrival::Quarantined).collect()
    }

    proptest! {
        #[test]
        fn everything_is_taken_once_and_in_order_however_it_is_cut(
            batches in proptest::collection::vec(0usize..6, 0..8),
            wanted in proptest::collection::vec(1usize..9, 60),
        ) {
            let handover = Handover::default();
            handover.open();
            let mut position = JournalPosition::first(Writer::new([7; 16]));
            let mut given = Vec::new();
            for length in batches {
                handover.give(position, batch(length, 3));
                given.extend((0..length).map(|n| (position, n, length)));
                position = position.next();
            }
            prop_assert_eq!(handover.count(), given.len() as u64);
            let mut taken = Vec::new();
            for wanted in wanted {
                let (spans, arrivals) = handover.take(wanted);
                prop_assert!(arrivals.len() <= wanted + wanted / 2);
                let is_cut = |span: &JournalSpan| span.to < span.of;
                prop_assert!(!spans.iter().any(is_cut) || spans.last().is_some_and(|last| last.of - last.from > wanted));
                prop_assert_eq!(spans.iter().map(|span| span.to - span.from).sum::<usize>(), arrivals.len());
                taken.extend(spans.iter().flat_map(|span| (span.from..span.to).map(|n| (span.position, n, span.of))));
            }
            prop_assert_eq!(taken, given);
        }
    }

    #[test]
    fn it_closes_when_too_much_waits_and_drops_what_is_given_then() {
        let handover = Handover::default();
        let position = JournalPosition::first(Writer::new([7; 16]));
        handover.give(position, batch(1, 9));
        assert!(handover.take(9).0.is_empty(), "it is closed at first");
        handover.open();
        handover.give(position, batch(1, MOST_BYTES));
        assert!(handover.is_open());
        handover.give(position.next(), batch(1, 1));
        assert!(!handover.is_open());
        assert!(handover.take(9).0.is_empty());
        handover.open();
        handover.give(position, batch(2, 1));
        assert_eq!(handover.take(9).1.len(), 2);
        assert_eq!(handover.count(), 5);
    }
}
