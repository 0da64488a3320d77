//! `receiptd inbound`

use clap::Subcommand;

use super::{
    archive::{ListArgs, ShowArgs},
    output::or_dash,
};
use crate::query::{InboundView, Query};

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
    /// List customers' own messages and events, newest first (the default)
    List(ListArgs),
    /// Show one with its body
    Show(ShowArgs),
}

const PATH: &str = "v1/inbound";
const COLUMNS: [&str; 5] = ["received", "fingerprint", "channel", "event", "from"];

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(args) => args.list(PATH, Query::inbound, &COLUMNS, "no inbound messages", row).await,
        Action::Show(args) => args.show(PATH, Query::inbound_of, text).await,
    }
}

fn row(view: &InboundView) -> Vec<String> {
    let (channel, from) = (or_dash(view.channel.as_ref()), or_dash(view.from.as_ref()));
    vec![view.received_at.clone(), view.fingerprint.clone(), channel, view.event.clone(), from]
}

fn text(view: &InboundView) -> String {
    format!("received {}, {} times, by {}\n{}", view.received_at, view.times, view.source, view.body)
}
