//! `receiptd rebuild`

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    output,
    settings::{self, SettingsArgs},
    target::{Target, TargetArgs},
};
use crate::{
    clock::Clock,
    maintenance::{Rebuild, RebuildReport},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Change nothing; only show what would change
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let report = match args.target.resolve()? {
        Target::Server(client) => client.post("v1/rebuild", &[("dryRun", args.dry_run.to_string())]).await?,
        Target::Database(settings) => rebuild(settings, args.dry_run).await?,
    };
    if args.json {
        return output::json(&report);
    }
    show(&report, args.dry_run);
    Ok(())
}

async fn rebuild(settings: SettingsArgs, dry_run: bool) -> anyhow::Result<RebuildReport> {
    let (store, settings) = settings::open_for(settings::access(dry_run), settings).await?;
    let style = ProgressStyle::with_template("{spinner} {human_pos} messages, {elapsed}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::no_length().with_style(style);
    let rebuild = Rebuild::new(&store, settings.zone, Clock::system());
    let report = rebuild.run(&settings::user(), dry_run, |messages| bar.set_position(messages)).await?;
    bar.finish_and_clear();
    Ok(report)
}

fn show(report: &RebuildReport, dry_run: bool) {
    let verb = if dry_run { "would be altered" } else { "altered" };
    output::line(format!("{} messages examined, {} {verb}", report.messages, report.altered));
    if report.transitions.is_empty() {
        return;
    }
    let rows = report.transitions.iter();
    let rows = rows.map(|one| vec![one.from.clone(), one.to.clone(), one.messages.to_string()]);
    output::table(&["from", "to", "messages"], rows);
    output::line(format!("including: {}", report.first.join(", ")));
}
