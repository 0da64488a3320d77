//! Sends the rows of a file: checks all of them, submits them, waits for their outcomes, and reports.
//!
//! Each pass reads the file again, row by row. Only the id and the status of a row are kept in memory. The id of a message is
//! derived from its row, so that no message is sent twice if the same file is sent again.
//!
//! | File | Holds |
//! | --- | --- |
//! | `input` | the file, as records: CSV or NDJSON |
//! | `template` | `--template-text` |
//! | `row` | from a record to a message and its id |
//! | `check` | the first pass: all errors, and duplicate rows |
//! | `submit` | the second pass: submits the rows |
//! | `follow` | waits for the outcomes of the messages |
//! | `failed` | the file of `--failed`, which can be corrected and sent again |
//! | `progress`, `report` | what is shown during the passes, and at the end |

mod check;
mod failed;
mod follow;
mod input;
mod progress;
mod report;
mod row;
mod submit;
mod template;

use std::{path::PathBuf, time::Duration};

use anyhow::bail;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::{
    check::Checked,
    follow::Until,
    input::{Format, Input},
    report::Report,
    row::Plan,
    submit::Submitted,
};
use super::{
    Args,
    direct::{Direct, SendTarget},
};
use crate::{
    cli::{output::UsageError, target::Target},
    config::Purpose,
    lifecycle,
};

#[derive(clap::Args)]
pub(super) struct FileArgs {
    /// Send the rows of this file; - is standard input. The other flags apply to every row that does not set the member
    /// itself
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Format of the file [default: by its name; csv for standard input]
    #[arg(long, value_enum, requires = "file")]
    format: Option<Format>,
    /// Delimiter of a CSV file [default: a comma; a tab if the name ends with .tsv]
    #[arg(long, value_name = "CHARACTER", requires = "file")]
    delimiter: Option<char>,
    /// The text of every message; {name} is replaced by the column of this name, {{ and }} by braces
    #[arg(long, value_name = "TEXT", requires = "file", conflicts_with = "text")]
    template_text: Option<String>,
    /// The column with the recipient [default: to]
    #[arg(long, value_name = "COLUMN", requires = "file")]
    to_column: Option<String>,
    /// The column with your own id of the message [default: the id is derived from the contents of the row]
    #[arg(long, value_name = "COLUMN", requires = "file")]
    id_column: Option<String>,
    /// Send the same rows again on purpose: with another name they are new messages
    #[arg(long, value_name = "NAME", requires = "file", conflicts_with = "id_column")]
    batch: Option<String>,
    /// Send the valid rows even if others are invalid
    #[arg(long, requires = "file")]
    skip_bad: bool,
    /// Only check the rows, and show what would be sent
    #[arg(long, requires = "file")]
    dry_run: bool,
    /// Write the failed rows to this file, with the reasons. The file can be corrected and sent again
    #[arg(long, value_name = "FILE", requires = "file")]
    failed: Option<PathBuf>,
}

impl FileArgs {
    pub(super) fn is_given(&self) -> bool {
        self.file.is_some()
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Some(path) = args.file.file.as_deref() else { bail!(UsageError("--file is required".to_owned())) };
    let input = Input::open(path, args.file.format, args.file.delimiter)?;
    let target = match args.target.clone().resolve()? {
        Target::Server(client) => Target::Server(client),
        Target::Database(settings) => Target::Database(settings.load_quietly(Purpose::Send)?),
    };
    let sms_api = match &target {
        Target::Server(_) => None,
        Target::Database(settings) => settings.send.as_ref().map(|send| send.tenant.sms_api),
    };
    let plan = Plan::new(&args, &input, sms_api)?;
    // The database is opened first, so that a missing setting is reported before all rows are checked.
    let target = match target {
        _ if args.file.dry_run => None,
        Target::Server(client) => Some(Target::Server(client)),
        Target::Database(settings) => Some(Target::Database(Direct::open(settings).await?)),
    };
    let checked = check::check(&input, &plan)?;
    let mut report = Report::new(&args, &plan, &checked);
    if checked.bad == 0 || args.file.skip_bad {
        if let Some(target) = target {
            send(&args, &input, &plan, &checked, target, &mut report).await?;
        }
    } else {
        report.nothing_was_sent = true;
    }
    if let Some(path) = &args.file.failed {
        report.failed_rows = Some(failed::write(path, &input, &plan, &checked, &report.failures)?);
    }
    report.show(args.json)?;
    report.verdict()
}

/// Submits the rows, and waits for their outcomes.
async fn send(
    args: &Args,
    input: &Input,
    plan: &Plan,
    checked: &Checked,
    mut target: SendTarget,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let stopped = on_interruption();
    target.start()?;
    let mut submitted: Submitted = submit::submit(input, plan, checked, &target, &stopped).await?;
    let until = match (&target, args.wait) {
        (_, true) => Some(Until::Final),
        // Perhaps no server runs that would dispatch them.
        (Target::Database(_), false) => Some(Until::Dispatched),
        (Target::Server(_), false) => None,
    };
    if let Some(until) = until.filter(|_| submitted.interrupted.is_none()) {
        let deadline = args.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        follow::follow(&target, &mut submitted, until, deadline, stopped).await?;
    }
    target.stop().await?;
    report.add(submitted);
    Ok(())
}

/// Returns a token that is cancelled at the first Ctrl-C. The command then stores the outcomes of the requests in flight. A
/// second Ctrl-C ends the process at once.
fn on_interruption() -> CancellationToken {
    let stopped = CancellationToken::new();
    let stop = stopped.clone();
    tokio::spawn(async move {
        lifecycle::interrupted().await;
        stop.cancel();
    });
    stopped
}
