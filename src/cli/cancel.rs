//! `receiptd cancel`

use anyhow::{Context, bail};
use serde_json::json;

use super::{
    bulk::{self, Selection, SelectionArgs},
    output::{self, UsageError},
    settings::{self, SettingsArgs},
    status,
    target::{Target, TargetArgs},
};
use crate::{
    clock::Clock,
    domain::CorrelationId,
    query::{MessageView, Query},
    send::{BulkCancelPreview, BulkCancelProgress, Sender},
    storage::{Access, Cancellation},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The correlation id of one message. Without it, filters select messages, and a running server cancels them
    id: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const PATH: &str = "v1/messages/cancel";

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    if let Some(id) = args.id {
        args.selection.refuse_beside_an_id()?;
        return cancel_one(&id, args.target, args.json).await;
    }
    match args.selection.selection()? {
        Some(selection) => cancel_many(selection, args.target, args.json).await,
        None => bail!(UsageError("give the id of a message, or filters, or --all".to_owned())),
    }
}

async fn cancel_one(id: &str, target: TargetArgs, json: bool) -> anyhow::Result<()> {
    let message = match target.resolve()? {
        Target::Server(client) => client.cancel(id).await?,
        Target::Database(settings) => cancel_directly(settings, id).await?,
    };
    let Some(message) = message else { bail!("there is no message with the correlation id {id:?}") };
    if json {
        return output::json(&message);
    }
    status::show(&message);
    Ok(())
}

async fn cancel_many(selection: Selection, target: TargetArgs, json: bool) -> anyhow::Result<()> {
    let client = bulk::server(target)?;
    let Selection { filter, reason } = selection;
    if let Some(reason) = reason {
        let request = json!({ "filter": filter, "reason": reason });
        return bulk::run(&client, PATH, &request, json, words).await;
    }
    let preview: BulkCancelPreview = bulk::preview(&client, PATH, &filter).await?;
    if json {
        return output::json(&preview);
    }
    let count = if preview.more { format!("more than {}", preview.count) } else { preview.count.to_string() };
    let rows = [
        ("would be cancelled", count),
        ("of these were tried before, and may still arrive", preview.tried.to_string()),
    ];
    output::table(&["messages", "number"], rows.map(|(what, count)| vec![what.to_owned(), count]));
    Ok(())
}

fn words(progress: &BulkCancelProgress) -> String {
    let BulkCancelProgress { cancelled, too_late, finished } = progress;
    let done = if *finished { "done: " } else { "" };
    format!("{done}{cancelled} cancelled, {too_late} sent before their turn came")
}

async fn cancel_directly(settings: SettingsArgs, id: &str) -> anyhow::Result<Option<MessageView>> {
    let (store, settings) = settings::open_for(Access::Write, settings).await?;
    let Ok(id) = CorrelationId::new(id) else { return Ok(None) };
    let sms_api = settings.send.as_ref().map(|send| send.tenant.sms_api);
    match Sender::new(store.outbox.clone(), Clock::system(), sms_api).cancel(&settings::user(), &id).await? {
        Cancellation::Cancelled | Cancellation::Already => {}
        Cancellation::TooLate(status) => {
            bail!("too late: the message is {status}; only one that is still queued can be cancelled")
        }
        Cancellation::Observed => bail!("another system sent the message; cancel it there"),
        Cancellation::Absent => return Ok(None),
    }
    let message = Query::new(&store, settings.deadlines, Clock::system()).message(&id).await;
    let message =
        message.with_context(|| format!("the message {:?} was cancelled, but cannot be shown", id.as_str()))?;
    message.context("the message is gone from the database").map(Some)
}
