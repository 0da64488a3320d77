//! `receiptd quarantine`

use clap::Subcommand;

use super::{
    archive::{ListArgs, ShowArgs},
    output, settings,
    target::{Target, TargetArgs},
};
use crate::{
    clock::Clock,
    maintenance::{self, RetryReport},
    query::{QuarantineView, Query},
    storage::Access,
};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Subcommand)]
enum Action {
    /// List bodies that could not be understood, newest first (the default)
    List(ListArgs),
    /// Show one with its body
    Show(ShowArgs),
    /// Retry everything, for example after an upgrade. Bodies that are understood leave the quarantine
    Retry(RetryArgs),
}

#[derive(clap::Args)]
struct RetryArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const PATH: &str = "v1/quarantine";
const COLUMNS: [&str; 4] = ["received", "fingerprint", "times", "reason"];

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(args) => args.list(PATH, Query::quarantine, &COLUMNS, "nothing in quarantine", row).await,
        Action::Show(args) => args.show(PATH, Query::quarantine_of, text).await,
        Action::Retry(args) => retry(args).await,
    }
}

fn row(view: &QuarantineView) -> Vec<String> {
    vec![view.received_at.clone(), view.fingerprint.clone(), view.times.to_string(), view.reason.clone()]
}

fn text(view: &QuarantineView) -> String {
    let QuarantineView { received_at, times, source, reason, body, .. } = view;
    format!("received {received_at}, {times} times, by {source}\n{reason}\n{body}")
}

async fn retry(args: RetryArgs) -> anyhow::Result<()> {
    let report = match args.target.resolve()? {
        Target::Server(client) => client.post("v1/quarantine/retry", &[]).await?,
        Target::Database(settings) => {
            let (store, settings) = settings::open_for(Access::Write, settings).await?;
            maintenance::retry(&store, settings.zone, &settings::user(), None, &Clock::system()).await?
        }
    };
    if args.json {
        return output::json(&report);
    }
    let RetryReport { notifications, inbound, left } = report;
    output::line(format!("{notifications} notifications and {inbound} inbound understood, {left} left in quarantine"));
    Ok(())
}
