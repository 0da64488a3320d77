//! The report at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::bail;
use serde::Serialize;
use serde_json::Value;

use super::{
    check::{Checked, RowFault},
    follow,
    row::Plan,
    submit::{Failure, Submitted},
};
use crate::cli::{
    output::{self, UsageError},
    send::Args,
};

/// `--json` prints it with these names of the members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'a> {
    rows: u64,
    bad: u64,
    /// The first errors.
    errors: &'a [RowFault],
    duplicates: usize,
    channels: &'a BTreeMap<String, u64>,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<&'a Value>,
    new: u64,
    already_sent: u64,
    /// The number of valid rows that were not submitted, or got no answer.
    left: u64,
    statuses: BTreeMap<&'static str, u64>,
    /// Whether all messages reached the state for which the command waited; null if it did not wait.
    settled: Option<bool>,
    failed: usize,
    failed_file: Option<PathBuf>,
    #[serde(skip)]
    pub(super) failed_rows: Option<u64>,
    #[serde(skip)]
    pub(super) failures: BTreeMap<u64, Failure>,
    #[serde(skip)]
    pub(super) nothing_was_sent: bool,
    #[serde(skip)]
    interrupted: Option<String>,
    /// Whether the command waits for final statuses.
    #[serde(skip)]
    waits: bool,
    #[serde(skip)]
    duplicate_lines: &'a BTreeSet<u64>,
    #[serde(skip)]
    unused: &'a [String],
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &Args, plan: &'a Plan, checked: &'a Checked) -> Self {
        Self {
            rows: checked.rows,
            bad: checked.bad,
            errors: &checked.errors,
            duplicates: checked.duplicates.len(),
            channels: &checked.channels,
            dry_run: args.file.dry_run,
            example: checked.example.as_ref().filter(|_| args.file.dry_run),
            new: 0,
            already_sent: 0,
            left: checked.ready(),
            statuses: BTreeMap::new(),
            settled: None,
            failed: 0,
            failed_file: args.file.failed.clone(),
            failed_rows: None,
            failures: BTreeMap::new(),
            nothing_was_sent: false,
            interrupted: None,
            waits: args.wait,
            duplicate_lines: &checked.duplicates,
            unused: &plan.unused,
        }
    }

    /// Adds the outcome of the second pass.
    pub(super) fn add(&mut self, submitted: Submitted) {
        self.statuses = follow::counts(&submitted);
        self.new = submitted.new;
        self.already_sent = submitted.already_sent;
        let refused = submitted.failures.values().filter(|failure| !failure.ended).count() as u64;
        self.left = self.left.saturating_sub(self.new + self.already_sent + refused);
        self.settled = submitted.settled;
        self.failed = submitted.failures.len();
        self.failures = submitted.failures;
        self.interrupted = submitted.interrupted;
    }

    pub(super) fn show(&self, json: bool) -> anyhow::Result<()> {
        if json {
            return output::json(self);
        }
        for error in self.errors {
            output::line(format!("line {}: {}", error.line, error.detail));
        }
        if self.bad > self.errors.len() as u64 {
            output::line(format!("… and {} more", self.bad - self.errors.len() as u64));
        }
        if !self.unused.is_empty() {
            output::line(format!("unused columns: {}", self.unused.join(", ")));
        }
        if let Some(first) = self.duplicate_lines.first() {
            output::line(format!("duplicate rows are sent once: {}, the first at line {first}", self.duplicates));
        }
        if let Some(example) = self.example {
            output::line("the first message:");
            output::json(example)?;
        }
        let mut counts = vec![("rows", self.rows), ("bad", self.bad), ("there twice", self.duplicates as u64)];
        if self.dry_run || self.nothing_was_sent {
            counts.extend(self.channels.iter().map(|(channel, count)| (channel.as_str(), *count)));
        } else {
            counts.extend([("new", self.new), ("already sent", self.already_sent), ("not submitted", self.left)]);
            counts.extend(self.statuses.iter().map(|(status, count)| (*status, *count)));
        }
        output::table(
            &["what", "count"],
            counts.into_iter().map(|(what, count)| vec![what.to_owned(), count.to_string()]),
        );
        self.print_next_steps();
        Ok(())
    }

    fn print_next_steps(&self) {
        if let (Some(rows), Some(path)) = (self.failed_rows, &self.failed_file) {
            output::line(format!("{rows} failed rows are in {}", path.display()));
        } else if self.bad > 0 || self.failed > 0 {
            output::line("with --failed FILE, the failed rows are written to a file that can be sent again");
        }
        if self.dry_run {
            output::line("nothing was sent (--dry-run)");
        } else if self.nothing_was_sent {
            output::line("nothing was sent; correct the rows, or skip them with --skip-bad");
        } else if self.new == 0 && self.already_sent > 0 && self.left == 0 {
            output::line("everything was sent earlier, and nothing is sent twice; use --batch NAME to send it again");
        } else if self.left > 0 {
            output::line("run the same command again to continue; nothing is sent twice");
        }
        let waiting = self.statuses.get("queued").filter(|_| self.settled == Some(false) && self.interrupted.is_none());
        if let Some(queued) = waiting {
            output::line(format!(
                "queued until their time: {queued}; a server on this database must be running then to send them"
            ));
        }
    }

    /// Returns an error if the command has failed.
    pub(super) fn verdict(self) -> anyhow::Result<()> {
        if let Some(why) = self.interrupted {
            let what =
                if self.left > 0 { "not all rows were submitted" } else { "not all rows reached a final status" };
            bail!("{what}: {why}");
        }
        if self.bad > 0 && (self.dry_run || self.nothing_was_sent) {
            bail!(UsageError(format!("{} of {} rows are invalid", self.bad, self.rows)));
        }
        if self.failed > 0 {
            bail!("{} rows failed", self.failed);
        }
        if self.waits && self.settled == Some(false) {
            bail!("the time is over, and some messages have no final status");
        }
        Ok(())
    }
}
