//! `receiptd cancel`

use anyhow::{Context, bail};

use super::{
    output,
    settings::{self, SettingsArgs},
    status,
    target::{Target, TargetArgs},
};
use crate::{
    clock::Clock,
    domain::CorrelationId,
    query::{MessageView, Query},
    send::Sender,
    storage::{Access, Cancellation},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The correlation id
    id: String,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let message = match args.target.resolve()? {
        Target::Server(client) => client.cancel(&args.id).await?,
        Target::Database(settings) => cancel_directly(settings, &args.id).await?,
    };
    let Some(message) = message else { bail!("there is no message with the correlation id {:?}", args.id) };
    if args.json {
        return output::json(&message);
    }
    status::show(&message);
    Ok(())
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
