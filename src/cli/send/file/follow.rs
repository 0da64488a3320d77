//! Waits for what becomes of the messages.
//!
//! They are looked up by id, some at a time, those first that have waited longest; more slowly while nothing happens.
//! So the load is small however many there are, and no list of the store is gone through.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{hand_in::HandedIn, progress};
use crate::{
    cli::send::direct::SendTarget,
    domain::{CorrelationId, Status},
    query::MessageView,
};

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The platform has it, or it came to its end.
    HandedOver,
    /// The outcome is known.
    Final,
}

/// How many messages are looked up together, and how long to wait before the next look-up if little has changed.
const TOGETHER: usize = 256;
const REST: Duration = Duration::from_millis(200);

impl Until {
    fn is_reached(self, message: &MessageView) -> bool {
        match self {
            Self::HandedOver => !["queued", "sending"].contains(&message.status.as_str()),
            Self::Final => message.is_final,
        }
    }
}

/// Follows the messages until all have got where they are wanted, nothing more is to be expected, `deadline` or
/// `stopped`.
pub(super) async fn follow(
    target: &SendTarget,
    handed_in: &mut HandedIn,
    until: Until,
    deadline: Option<Instant>,
    stopped: CancellationToken,
) -> anyhow::Result<()> {
    let mut waiting: VecDeque<usize> = (0..handed_in.messages.len()).collect();
    let bar = progress::bar(if until == Until::Final { "final" } else { "handed over" }, waiting.len() as u64);
    // How many were looked up in a row without any of them moving.
    let mut unmoved = 0;
    while !waiting.is_empty() && !stopped.is_cancelled() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        let some: Vec<usize> = waiting.drain(..waiting.len().min(TOGETHER)).collect();
        let ids: Vec<CorrelationId> = some.iter().map(|at| handed_in.messages[*at].id.clone()).collect();
        let (mut reached, mut on_the_way) = (0, 0);
        for (at, message) in some.iter().copied().zip(target.look(&ids).await?) {
            // One that was erased meanwhile will not come to any end.
            let Some(message) = message else { continue };
            handed_in.stands(at, &message);
            if until.is_reached(&message) {
                reached += 1;
            } else {
                on_the_way += usize::from(message.status == "sending");
                waiting.push_back(at);
            }
        }
        bar.set_position((handed_in.messages.len() - waiting.len()) as u64);
        bar.set_message(in_words(&counts(handed_in)));
        unmoved = if reached + on_the_way == 0 { unmoved + some.len() } else { 0 };
        if until == Until::HandedOver && unmoved >= waiting.len() && target.rests().await? {
            break;
        }
        if reached * 2 < some.len() {
            tokio::select! { () = stopped.cancelled() => {}, () = sleep(REST) => {} }
        }
    }
    handed_in.settled = Some(waiting.is_empty());
    if stopped.is_cancelled() && !waiting.is_empty() {
        handed_in.interrupted = Some("stopped".to_owned());
    }
    bar.finish();
    Ok(())
}

/// How many messages there are of each status.
pub(super) fn counts(handed_in: &HandedIn) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for message in &handed_in.messages {
        *counts.entry(Status::as_str(message.status)).or_default() += 1;
    }
    counts
}

fn in_words(counts: &BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(status, count)| format!("{count} {status}")).collect::<Vec<_>>().join(", ")
}
