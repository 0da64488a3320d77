//! `receiptd resend`

use anyhow::bail;
use serde_json::{Value, json};

use super::{
    bulk::{self, Selection, SelectionArgs},
    client::Client,
    output::{self, UsageError},
    target::TargetArgs,
};
use crate::send::{BulkAgainPreview, BulkAgainProgress};

const PATH: &str = "v1/messages/again";

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Also send messages that have arrived, or may have: the recipients may get them twice
    #[arg(long)]
    even_twice: bool,
    /// Repeat this act, which was not complete. What it has sent is not sent twice
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

/// Plans an act, and prints its id, with which it can be repeated.
async fn plan(client: &Client, filter: &Value, json: bool) -> anyhow::Result<String> {
    let act = bulk::preview::<BulkAgainPreview>(client, PATH, filter).await?.act;
    if json {
        output::json_line(&json!({ "act": act }))?;
    } else {
        output::line(format!("act {act}: if it is not complete, repeat it with --act {act}"));
    }
    Ok(act)
}

fn show(preview: &BulkAgainPreview) {
    let count = if preview.more { format!("more than {}", preview.count) } else { preview.count.to_string() };
    let others = [
        ("of these may arrive twice; sent with --even-twice only", preview.may_arrive_twice),
        ("of these fail again, unless the cause was corrected", preview.would_fail_again),
        ("left out: it cannot help, or the recipient complained", preview.useless),
        ("left out: still sent by receiptd itself", preview.under_way),
        ("left out: their text was erased or purged", preview.gone),
        ("left out: their own time has passed", preview.expired),
        ("left out: sent by another system", preview.not_ours),
    ];
    let others = others.into_iter().map(|(what, count)| vec![what.to_owned(), count.to_string()]);
    let rows = std::iter::once(vec!["can be sent again".to_owned(), count]).chain(others);
    output::table(&["messages", "number"], rows);
}

fn words(progress: &BulkAgainProgress) -> String {
    let BulkAgainProgress { sent, already, left_out, refused, finished } = progress;
    let done = if *finished { "done: " } else { "" };
    format!("{done}{sent} sent as new messages, {already} sent again before, {left_out} left out, {refused} refused")
}
