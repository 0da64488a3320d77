//! `receiptd stats`

use anyhow::Context;

use super::{
    filter::hour,
    output::{self, usage_error},
    pairs::{given, texts},
    target::{Target, TargetArgs},
};
use crate::{domain::StatsRequest, query::StatsView};

#[derive(clap::Args)]
pub(super) struct Args {
    /// What to count by: any of channel, status, code, day, hour, by commas
    #[arg(long, value_name = "NAMES", default_value = "channel,status")]
    by: String,
    /// Messages first heard of at or after this time, the beginning of an hour: RFC 3339, a date, today, yesterday, or how
    /// long ago, as in 24h or 7d. Days begin in UTC
    #[arg(long, value_name = "TIME", value_parser = hour)]
    since: Option<String>,
    /// Messages first heard of before this time, likewise
    #[arg(long, value_name = "TIME", value_parser = hour)]
    until: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let pairs = given([("by", Some(args.by.clone())), ("since", args.since), ("until", args.until)]);
    let stats: StatsView = match args.target.resolve()?.open_for_reading().await? {
        Target::Server(client) => client.get("v1/stats", &pairs).await?.context("the server has no counts")?,
        Target::Database(query) => {
            let request = StatsRequest::parse(texts(&pairs)).map_err(|faults| usage_error(&faults))?;
            query.stats(&request).await?
        }
    };
    if args.json {
        return output::json(&stats);
    }
    let names: Vec<_> = args.by.split(',').map(str::trim).collect();
    let rows = stats.items.iter().map(|kind| {
        let values = names.iter().map(|name| output::or_dash(kind.by.get(*name).and_then(Option::as_ref)));
        values.chain([kind.count.to_string()]).collect()
    });
    output::found("no messages", &[&names[..], &["messages"]].concat(), rows);
    Ok(())
}
