//! `receiptd messages`

use anyhow::Context;

use super::{
    filter::{FilterArgs, nothing},
    follow,
    output::{self, or_dash, usage_error},
    pairs::{given, texts},
    target::{Target, TargetArgs},
    views::{self, Source},
};
use crate::{
    domain::{ListRequest, ViewedList},
    query::{ListView, MessageView, search_body},
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// Add the filters of this saved view; `receiptd views` lists them
    #[arg(long, value_name = "NAME")]
    view: Option<String>,
    /// Maximum number of messages, 1 to 500
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Continue after the previous page
    #[arg(long)]
    cursor: Option<String>,
    /// Show every change of a status as it happens, until Ctrl-C. With --json one line per change
    #[arg(long, conflicts_with_all = ["limit", "cursor", "view"])]
    follow: bool,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut filters = args.filter.into_pairs();
    if args.follow {
        return follow::run(args.target, &filters, args.json).await;
    }
    filters.extend(given([("limit", args.limit), ("cursor", args.cursor)]));
    let target = args.target.resolve()?.open_for_reading().await?;
    views::add(args.view.as_deref(), ViewedList::Messages, Source::of(&target), &mut filters).await?;
    let page: ListView<MessageView> = match target {
        // A view may name a person, and a URL could be logged on the way.
        Target::Server(client) if args.view.is_some() => {
            client.post_json("v1/messages/search", &search_body(texts(&filters)).into()).await?
        }
        Target::Server(client) => {
            client.get("v1/messages", &filters).await?.context("the server has no list of messages")?
        }
        Target::Database(query) => {
            let request =
                ListRequest::parse(texts(&filters), &query.cutoffs()).map_err(|errors| usage_error(&errors))?;
            query.list(&request.filter, request.after.as_ref(), request.limit).await?
        }
    };
    if args.json {
        return output::json(&page);
    }
    let header = ["created", "correlation id", "channel", "to", "status", "failure", "code", "reason"];
    let rows = page.items.iter().map(|message| {
        vec![
            message.created_at.clone(),
            message.correlation_id.clone(),
            or_dash(message.channel.as_ref()),
            or_dash(message.to.as_ref()),
            message.status.clone(),
            or_dash(message.failure.as_ref()),
            or_dash(message.code.as_ref()),
            or_dash(message.reason.as_ref()),
        ]
    });
    output::found(&nothing("no messages", &filters), &header, rows);
    output::more(page.next_cursor.as_deref());
    Ok(())
}
