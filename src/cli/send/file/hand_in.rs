//! The second pass: hands the rows in, many in one commit.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::{
    check::Checked,
    input::{Input, Records},
    progress,
    row::{CheckedRow, Plan},
};
use crate::{
    cli::{
        send::direct::{Acceptance, SendTarget},
        status,
    },
    domain::{CorrelationId, Status},
    observe::causes,
    query::MessageView,
};

/// How many rows are sent together.
const TOGETHER: usize = 256;

/// What became of the rows.
#[derive(Default)]
pub(super) struct HandedIn {
    /// Those that were taken over, now or before.
    pub(super) messages: Vec<Followed>,
    pub(super) new: u64,
    pub(super) already_sent: u64,
    /// By line.
    pub(super) failures: BTreeMap<u64, Failure>,
    /// Why not all rows were handed in.
    pub(super) interrupted: Option<String>,
    /// Whether all is known that was waited for; `None` if nothing was.
    pub(super) settled: Option<bool>,
}

/// A message whose outcome is of interest.
pub(super) struct Followed {
    pub(super) line: u64,
    pub(super) id: CorrelationId,
    pub(super) status: Status,
}

/// Why a row failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: String,
    /// The message came to its end: to try again is to send another one.
    pub(super) ended: bool,
}

impl HandedIn {
    /// Takes down where a message stands.
    pub(super) fn stands(&mut self, at: usize, message: &MessageView) {
        let followed = &mut self.messages[at];
        followed.status = Status::from_word(&message.status).unwrap_or(Status::Unknown);
        if status::has_failed(message) {
            self.failures.insert(followed.line, Failure { error: status::outcome(message), ended: true });
        } else {
            // A failure may turn out to be none.
            self.failures.remove(&followed.line);
        }
    }

    fn add(&mut self, line: u64, id: CorrelationId, acceptance: Acceptance) {
        match acceptance {
            Acceptance::Accepted { new, message } => {
                *(if new { &mut self.new } else { &mut self.already_sent }) += 1;
                self.messages.push(Followed { line, id, status: Status::Queued });
                if let Some(message) = message {
                    self.stands(self.messages.len() - 1, &message);
                }
            }
            Acceptance::Refused(error) => _ = self.failures.insert(line, Failure { error, ended: false }),
            Acceptance::Unavailable(why) => _ = self.interrupted.get_or_insert(why),
        }
    }
}

/// Hands in all good rows, until `stopped` or something is in the way.
pub(super) async fn hand_in(
    input: &Input,
    plan: &Plan,
    checked: &Checked,
    target: &SendTarget,
    stopped: &CancellationToken,
) -> anyhow::Result<HandedIn> {
    let bar = progress::bar("handing in", checked.ready());
    let mut handed_in = HandedIn::default();
    let mut records = input.records()?;
    while handed_in.interrupted.is_none() {
        let rows = next_rows(&mut records, plan, checked)?;
        if rows.is_empty() {
            break;
        }
        if stopped.is_cancelled() {
            handed_in.interrupted = Some("stopped".to_owned());
            break;
        }
        let drafts: Vec<_> = rows.iter().map(|(_, ready)| ready.draft.clone()).collect();
        match target.hand_in(&drafts).await {
            Ok(accepted) => {
                if accepted.len() < rows.len() {
                    handed_in.interrupted = Some("the server stopped answering".to_owned());
                }
                for ((line, row), acceptance) in rows.into_iter().zip(accepted) {
                    handed_in.add(line, row.submission.correlation_id, acceptance);
                    bar.inc(1);
                }
            }
            Err(error) => handed_in.interrupted = Some(causes(error.as_ref())),
        }
        bar.set_message(format!("{} new, {} sent earlier", handed_in.new, handed_in.already_sent));
    }
    bar.finish();
    Ok(handed_in)
}

/// The next good rows, each with its line; none at the end.
fn next_rows(records: &mut Records, plan: &Plan, checked: &Checked) -> anyhow::Result<Vec<(u64, CheckedRow)>> {
    let mut rows = Vec::with_capacity(TOGETHER);
    while rows.len() < TOGETHER {
        let Some(record) = records.next() else { break };
        let row = plan.row(record?);
        let line = row.record.line;
        if checked.duplicates.contains(&line) || checked.clashes.contains_key(&line) {
            continue;
        }
        if let Ok(ready) = row.message {
            rows.push((line, ready));
        }
    }
    Ok(rows)
}
