//! `receiptd inbound`

use clap::Subcommand;

use super::{
    output::{self, or_dash},
    shelf::{ListArgs, ShowArgs, not_there},
};
use crate::query::{InboundView, ListView};

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
    /// Show one, with its body
    Show(ShowArgs),
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(args) => {
            let page = args.source.open().await?.inbound(&args.page.into_pairs()).await?;
            if args.json {
                return output::json(&page);
            }
            list(&page);
        }
        Action::Show(args) => {
            let found = args.source.open().await?.inbound_of(&args.fingerprint).await?;
            let found = found.ok_or_else(|| not_there(&args.fingerprint))?;
            if args.json {
                return output::json(&found);
            }
            output::line(format!("received {}, {} times, by {}", found.received_at, found.times, found.source));
            output::line(&found.body);
        }
    }
    Ok(())
}

fn list(page: &ListView<InboundView>) {
    let row = |kept: &InboundView| {
        let (channel, from) = (or_dash(kept.channel.as_ref()), or_dash(kept.from.as_ref()));
        vec![kept.received_at.clone(), kept.fingerprint.clone(), channel, kept.event.clone(), from]
    };
    output::table(&["received", "fingerprint", "channel", "event", "from"], page.items.iter().map(row));
    output::more(page.next_cursor.as_deref());
}
