//! `receiptd purge`

use super::{
    output,
    settings::{self, SettingsArgs, user},
};
use crate::{clock::Clock, maintenance::Purger};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Only show what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (store, settings) = settings::open_for(settings::access(args.dry_run), args.settings).await?;
    let mut purger = Purger::new(&store, settings.retention, Clock::system());
    let views = if args.dry_run { purger.preview().await? } else { purger.purge(&user()).await? };
    if args.json {
        return output::json(&views);
    }
    if views.is_empty() {
        output::line("everything is kept forever; set periods in [retention] to change this");
        return Ok(());
    }
    let done = if args.dry_run { "would be removed" } else { "removed" };
    output::table(&["kind", done], views.into_iter().map(|view| vec![view.kind, view.rows.to_string()]));
    Ok(())
}
