//! `receiptd resend`

use anyhow::bail;
use serde_json::{Value, json};

use super::{
    bulk::{self, Selection, SelectionArgs},
    client::Client,
    output::{self, UsageError},
    target::TargetArgs,
};
use crate::send::{BulkAgainPreview, BulkAgainProgress, COUNTED};

const PATH: &str = "v1/messages/again";

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Also send messages that have arrived, or may have: the recipients may get them twice
    #[arg(long)]
    even_twice: bool,
    /// Repeat this act, which was not complete, with the same filters, and the times that were printed. What was sent again
    /// before is not sent once more
    #[arg(long, value_name = "ACT")]
    act: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Some(Selection { filter, reason }) = args.selection.selection()? else {
        bail!(UsageError("select messages by filters, or all of them with --all".to_owned()));
    };
    let client = bulk::server(args.target)?;
    let Some(reason) = reason else {
        let preview: BulkAgainPreview = bulk::preview(&client, PATH, &filter).await?;
        if args.json {
            return output::json(&preview);
        }
        show(&preview);
        return Ok(());
    };
    let act = match args.act {
        Some(act) => act,
        None => plan(&client, &filter, args.json).await?,
    };
    let request = json!({ "filter": filter, "act": act, "reason": reason, "evenTwice": args.even_twice });
    bulk::run(&client, PATH, &request, args.json, words).await
}

/// Plans an act, and prints how it can be repeated. An age such as 2h would then mean another time, and leave messages out.
async fn plan(client: &Client, filter: &Value, json: bool) -> anyhow::Result<String> {
    let act = bulk::preview::<BulkAgainPreview>(client, PATH, filter).await?.act;
    let times = ["since", "until"].map(|name| (name, filter[name].as_str()));
    if json {
        let mut line = json!({ "act": act });
        for (name, time) in times {
            if let Some(time) = time {
                line[name] = time.into();
            }
        }
        output::json_line(&line)?;
    } else {
        let times = times.into_iter().filter_map(|(name, time)| Some(format!(" --{name} {}", time?)));
        let times: String = times.collect();
        output::line(format!("act {act}: if it is not complete, repeat the command with --act {act}{times}"));
    }
    Ok(act)
}

fn show(preview: &BulkAgainPreview) {
    let rows = rows(preview).into_iter().map(|(what, number)| vec![what.to_owned(), number]);
    output::table(&["messages", "number"], rows);
    if preview.more {
        output::line(format!("Only the newest {COUNTED} messages were looked at; others may arrive twice."));
    }
}

fn rows(preview: &BulkAgainPreview) -> Vec<(&'static str, String)> {
    let at_least = |count: usize, more: bool| if more { format!("at least {count}") } else { count.to_string() };
    let looked_at = [
        ("can be sent again", preview.count),
        ("of these may arrive twice; sent with --even-twice only", preview.may_arrive_twice),
        ("of these fail again, unless the cause was corrected", preview.would_fail_again),
        ("left out: it cannot help, or the recipient complained", preview.useless),
        ("left out: still sent by receiptd itself", preview.under_way),
        ("left out: their text was erased or purged", preview.gone),
        ("left out: their own time has passed", preview.expired),
        ("left out: cancelled; sent with --status cancelled only", preview.cancelled),
    ];
    let others = ("left out: sent by another system", at_least(preview.not_ours, preview.not_ours >= COUNTED));
    looked_at.map(|(what, count)| (what, at_least(count, preview.more))).into_iter().chain([others]).collect()
}

fn words(progress: &BulkAgainProgress) -> String {
    let BulkAgainProgress { sent, already, left_out, refused, finished } = progress;
    let done = if *finished { "done: " } else { "" };
    format!("{done}{sent} sent as new messages, {already} sent again before, {left_out} left out, {refused} refused")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_that_did_not_look_at_everything_counts_at_least() {
        let number = |preview: &BulkAgainPreview, at: usize| rows(preview)[at].1.clone();
        let part = BulkAgainPreview { count: 3, more: true, not_ours: 2, ..BulkAgainPreview::default() };
        assert_eq!((number(&part, 0), number(&part, 8)), ("at least 3".to_owned(), "2".to_owned()));
        let whole = BulkAgainPreview { more: false, not_ours: COUNTED, ..part };
        assert_eq!((number(&whole, 0), number(&whole, 8)), ("3".to_owned(), "at least 10000".to_owned()));
    }
}
