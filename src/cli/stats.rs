//! `receiptd stats`

use anyhow::Context;

use super::{
    filter::hour,
    output::{self, usage_error},
    pairs::{given, texts},
    target::{Target, TargetArgs},
    views::{self, Source},
};
use crate::{
    domain::ViewedList,
    query::{CountRequest, StatsView},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The properties to count by, separated by commas: channel, status, code, from (the sender of messages that
    /// receiptd sent), day, hour
    #[arg(long, value_name = "NAMES", default_value = "channel,status")]
    by: String,
    /// Messages first known at or after this time, the beginning of an hour: RFC 3339, a date, today, yesterday, or an
    /// age such as 24h or 7d. Days are in UTC
    #[arg(long, value_name = "TIME", value_parser = hour)]
    since: Option<String>,
    /// Messages first known before this time, in the same forms
    #[arg(long, value_name = "TIME", value_parser = hour)]
    until: Option<String>,
    /// Only messages with this status
    #[arg(long)]
    status: Option<String>,
    /// Only messages on this channel
    #[arg(long)]
    channel: Option<String>,
    /// Only messages with this code
    #[arg(long)]
    code: Option<String>,
    /// Only messages that receiptd sent, with this sender
    #[arg(long, value_name = "SENDER")]
    from: Option<String>,
    /// Add the filters of this saved view; `receiptd views` lists them
    #[arg(long, value_name = "NAME")]
    view: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut pairs = given([
        ("by", Some(args.by.clone())),
        ("since", args.since),
        ("until", args.until),
        ("status", args.status),
        ("channel", args.channel),
        ("code", args.code),
        ("from", args.from),
    ]);
    let target = args.target.resolve()?.open_for_reading().await?;
    views::add(args.view.as_deref(), ViewedList::Failures, Source::of(&target), &mut pairs).await?;
    let stats: StatsView = match target {
        Target::Server(client) => client.get("v1/stats", &pairs).await?.context("the server has no counts")?,
        Target::Database(query) => {
            let request = CountRequest::parse(texts(&pairs)).map_err(|errors| usage_error(&errors))?;
            query.stats(&request).await?
        }
    };
    if args.json {
        return output::json(&stats);
    }
    let names: Vec<_> = args.by.split(',').map(str::trim).collect();
    let rows = stats.items.iter().map(|row| {
        let values = names.iter().map(|name| output::or_dash(row.by.get(*name).and_then(Option::as_ref)));
        values.chain([row.count.to_string()]).collect()
    });
    output::found("no messages", &[&names[..], &["messages"]].concat(), rows);
    Ok(())
}
