//! `receiptd migrate`

use super::{
    output,
    settings::{self, SettingsArgs},
};
use crate::storage::Access;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (store, _) = settings::open_for(Access::Create, args.settings).await?;
    store.health.close().await;
    output::line("the schema is up to date");
    Ok(())
}
