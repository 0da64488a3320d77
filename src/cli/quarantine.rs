//! `receiptd quarantine`

use clap::Subcommand;

use super::{
    output, settings,
    shelf::{ListArgs, ShowArgs, not_there},
    source::SourceArgs,
};
use crate::{
    audit::{self, RetryReport},
    clock::Clock,
    query::{ListView, QuarantineView},
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
    /// List what nobody could understand, newest first (the default)
    List(ListArgs),
    /// Show one, with its body
    Show(ShowArgs),
    /// Read everything once more, as after an upgrade; what is understood moves to where it belongs
    Retry(RetryArgs),
}

#[derive(clap::Args)]
struct RetryArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(args) => {
            let page = args.source.open().await?.quarantine(&args.page.into_pairs()).await?;
            if args.json {
                return output::json(&page);
            }
            list(&page);
        }
        Action::Show(args) => {
            let found = args.source.open().await?.quarantine_of(&args.fingerprint).await?;
            let found = found.ok_or_else(|| not_there(&args.fingerprint))?;
            if args.json {
                return output::json(&found);
            }
            output::line(format!("received {}, {} times, by {}", found.received_at, found.times, found.source));
            output::line(format!("{}\n{}", found.reason, found.body));
        }
        Action::Retry(args) => {
            let report = if let Some(remote) = args.source.remote()? {
                remote.post("v1/quarantine/retry", &[]).await?
            } else {
                let (store, settings) = settings::open_existing(args.source.into_settings()).await?;
                audit::retry(&store, settings.zone, &settings::user(), &Clock::system()).await?
            };
            if args.json {
                return output::json(&report);
            }
            let RetryReport { notifications, inbound, left } = report;
            output::line(format!("{notifications} notifications and {inbound} inbound understood, {left} left"));
        }
    }
    Ok(())
}

fn list(page: &ListView<QuarantineView>) {
    let row = |kept: &QuarantineView| {
        vec![kept.received_at.clone(), kept.fingerprint.clone(), kept.times.to_string(), kept.reason.clone()]
    };
    output::table(&["received", "fingerprint", "times", "reason"], page.items.iter().map(row));
    output::more(page.next_cursor.as_deref());
}
