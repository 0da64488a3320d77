//! `receiptd migrate`

use super::{
    output,
    settings::{self, SettingsArgs},
};
use crate::config::Purpose;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let settings = args.settings.load_quietly(Purpose::Store)?;
    settings::open(&settings).await?.health.close().await;
    output::line("the schema is up to date");
    Ok(())
}
