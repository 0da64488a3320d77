//! `receiptd serve`

use std::net::TcpListener;

use anyhow::Context;

use super::settings::SettingsArgs;
use crate::{
    clock::Clock,
    config::{Flags, Purpose},
    lifecycle, observe,
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
    #[arg(
        long,
        value_name = "ADDRESS",
        help = "Address to listen on  [env: RECEIPTD_LISTEN] [default: 127.0.0.1:8080]"
    )]
    listen: Option<String>,
    #[arg(long, value_name = "URL", help = "The notify URL for the platform  [env: RECEIPTD_PUBLIC_URL]")]
    public_url: Option<String>,
    /// Allow an address that others can reach without API tokens and without notify authentication
    #[arg(long)]
    insecure: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let flags = Flags { listen: args.listen, public_url: args.public_url, insecure: args.insecure, ..Flags::default() };
    let (settings, _) = args.settings.load(Purpose::Serve, flags)?;
    observe::init_logging(&settings.log_filter, settings.log_format);
    // Each connection is an open file, and by default a process may have 1,024 of them.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files cannot be raised; only few connections can be open at a time");
    }
    let address = settings.listen;
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    Ok(lifecycle::serve(settings, Clock::system(), listener, lifecycle::cancelled_by_signal()).await?)
}
