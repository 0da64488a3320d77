//! The second pass: submits the rows, many in one commit.

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

/// The number of rows that are submitted together.
const GROUP: usize = 256;

/// The outcome of the second pass.
#[derive(Default)]
pub(super) struct Submitted {
    /// The messages that were accepted, now or earlier.
    pub(super) messages: Vec<Followed>,
    pub(super) new: u64,
    pub(super) already_sent: u64,
    /// The failed rows, by line.
    pub(super) failures: BTreeMap<u64, Failure>,
    /// Why the command ended before all rows were submitted and all messages were followed.
    pub(super) interrupted: Option<String>,
    /// Whether all messages reached the state for which the command waited; `None` if it did not wait.
    pub(super) settled: Option<bool>,
}

/// An accepted message and its row.
pub(super) struct Followed {
    pub(super) line: u64,
    pub(super) id: CorrelationId,
    pub(super) status: Status,
}

/// Why a row failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: String,
    /// Whether the message has ended, so that another attempt needs another id.
    pub(super) ended: bool,
}

impl Submitted {
    /// Sets the status of the message at this index, and whether its row failed.
    pub(super) fn set_status(&mut self, at: usize, message: &MessageView) {
        let followed = &mut self.messages[at];
        followed.status = Status::from_word(&message.status).unwrap_or(Status::Unknown);
        if status::has_failed(message) {
            self.failures.insert(followed.line, Failure { error: status::outcome(message), ended: true });
        } else {
            // A later status may correct a failure.
            self.failures.remove(&followed.line);
        }
    }

    fn add(&mut self, line: u64, id: CorrelationId, acceptance: Acceptance) {
        match acceptance {
            Acceptance::Accepted { new, message } => {
                *(if new { &mut self.new } else { &mut self.already_sent }) += 1;
                self.messages.push(Followed { line, id, status: Status::Queued });
                if let Some(message) = message {
                    self.set_status(self.messages.len() - 1, &message);
                }
            }
            Acceptance::Refused(error) => _ = self.failures.insert(line, Failure { error, ended: false }),
            Acceptance::Unavailable(why) => _ = self.interrupted.get_or_insert(why),
        }
    }
}

/// Submits all valid rows, until `stopped` or an error.
pub(super) async fn submit(
    input: &Input,
    plan: &Plan,
    checked: &Checked,
    target: &SendTarget,
    stopped: &CancellationToken,
) -> anyhow::Result<Submitted> {
    let bar = progress::bar("submitting", checked.ready());
    let mut submitted = Submitted::default();
    let mut records = input.records()?;
    while submitted.interrupted.is_none() {
        let rows = next_rows(&mut records, plan, checked)?;
        if rows.is_empty() {
            break;
        }
        if stopped.is_cancelled() {
            submitted.interrupted = Some("stopped".to_owned());
            break;
        }
        let drafts: Vec<_> = rows.iter().map(|(_, ready)| ready.draft.clone()).collect();
        match target.submit(&drafts).await {
            Ok(accepted) => {
                if accepted.len() < rows.len() {
                    submitted.interrupted = Some("the server stopped answering".to_owned());
                }
                for ((line, row), acceptance) in rows.into_iter().zip(accepted) {
                    submitted.add(line, row.submission.correlation_id, acceptance);
                    bar.inc(1);
                }
            }
            Err(error) => submitted.interrupted = Some(causes(error.as_ref())),
        }
        bar.set_message(format!("{} new, {} sent earlier", submitted.new, submitted.already_sent));
    }
    bar.finish();
    Ok(submitted)
}

/// Reads the next valid rows, each with its line. Returns no rows at the end.
fn next_rows(records: &mut Records, plan: &Plan, checked: &Checked) -> anyhow::Result<Vec<(u64, CheckedRow)>> {
    let mut rows = Vec::with_capacity(GROUP);
    while rows.len() < GROUP {
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
