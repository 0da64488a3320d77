//! Waits for the outcomes of the messages.
//!
//! The messages are looked up by id, in groups, beginning with the one that was looked up longest ago. While little changes,
//! the look-ups pause. So the load is small for any number of messages, and no list of messages is read.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{progress, submit::Submitted};
use crate::{
    cli::send::direct::SendTarget,
    domain::{CorrelationId, Status},
    query::MessageView,
};

/// The state for which the command waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The message is neither queued nor being dispatched.
    Dispatched,
    /// The status is final.
    Final,
}

/// The number of messages that are looked up together.
const GROUP: usize = 256;
/// The pause before the next look-up if little has changed.
const PAUSE: Duration = Duration::from_millis(200);

impl Until {
    fn is_reached(self, message: &MessageView) -> bool {
        match self {
            Self::Dispatched => !["queued", "sending"].contains(&message.status.as_str()),
            Self::Final => message.is_final,
        }
    }
}

/// Follows the messages until all have reached `until`, or none of them is due soon, or until `deadline` or `stopped`.
pub(super) async fn follow(
    target: &SendTarget,
    submitted: &mut Submitted,
    until: Until,
    deadline: Option<Instant>,
    stopped: CancellationToken,
) -> anyhow::Result<()> {
    let mut waiting: VecDeque<usize> = (0..submitted.messages.len()).collect();
    let bar = progress::bar(if until == Until::Final { "final" } else { "dispatched" }, waiting.len() as u64);
    // The number of messages that were looked up since one of them last changed.
    let mut unchanged = 0;
    while !waiting.is_empty() && !stopped.is_cancelled() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        let group: Vec<usize> = waiting.drain(..waiting.len().min(GROUP)).collect();
        let ids: Vec<CorrelationId> = group.iter().map(|at| submitted.messages[*at].id.clone()).collect();
        let (mut reached, mut sending) = (0, 0);
        for (at, message) in group.iter().copied().zip(target.messages(&ids).await?) {
            // A message that was erased meanwhile has no outcome.
            let Some(message) = message else { continue };
            submitted.set_status(at, &message);
            if until.is_reached(&message) {
                reached += 1;
            } else {
                sending += usize::from(message.status == "sending");
                waiting.push_back(at);
            }
        }
        bar.set_position((submitted.messages.len() - waiting.len()) as u64);
        bar.set_message(in_words(&counts(submitted)));
        unchanged = if reached + sending == 0 { unchanged + group.len() } else { 0 };
        if until == Until::Dispatched && unchanged >= waiting.len() && target.is_idle().await? {
            break;
        }
        if reached * 2 < group.len() {
            tokio::select! { () = stopped.cancelled() => {}, () = sleep(PAUSE) => {} }
        }
    }
    submitted.settled = Some(waiting.is_empty());
    if stopped.is_cancelled() && !waiting.is_empty() {
        submitted.interrupted = Some("stopped".to_owned());
    }
    bar.finish();
    Ok(())
}

/// Counts the messages by status.
pub(super) fn counts(submitted: &Submitted) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for message in &submitted.messages {
        *counts.entry(Status::as_str(message.status)).or_default() += 1;
    }
    counts
}

fn in_words(counts: &BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(status, count)| format!("{count} {status}")).collect::<Vec<_>>().join(", ")
}
