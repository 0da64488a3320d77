//! `receiptd send`

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};
use tokio::{sync::watch, time::sleep};

use super::{
    output::{self, WrongUse},
    settings::{self, SettingsArgs},
    source::{SourceArgs, in_words},
    status,
};
use crate::{
    clock::Clock,
    domain::{CorrelationId, Draft},
    lifecycle,
    observe::Metrics,
    query::{MessageView, Query},
    send::{SendError, Sender, Sent},
    storage::Store,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// sms or whatsapp
    #[arg(long)]
    channel: String,
    /// Sender id (sms) or app id (whatsapp)
    #[arg(long)]
    from: String,
    /// The number in international form; for whatsapp also bsuid:ID
    #[arg(long)]
    to: String,
    /// The text
    #[arg(long)]
    text: String,
    /// Your own id, at most 50 bytes; drawn if it is not given. The same id and message is never sent twice
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// What to give back with each notification, at most 2000 characters
    #[arg(long, value_name = "TEXT")]
    callback_data: Option<String>,
    /// The platform's options, as a JSON object
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
    /// Wait until the outcome is known
    #[arg(long)]
    wait: bool,
    /// Wait at most so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let message = message(&args)?;
    let wait = args.wait.then_some(args.timeout);
    let view = match args.source.remote()? {
        Some(remote) => {
            let taken = remote.send(&message).await?;
            match wait {
                None => taken,
                // The server admits a minute at the most.
                Some(seconds) => remote.message(&taken.correlation_id, Some(seconds.min(60))).await?.unwrap_or(taken),
            }
        }
        None => send_directly(args.source.clone().into_settings(), message, args.timeout, args.wait).await?,
    };
    if args.json {
        output::json(&view)?;
    } else {
        status::show(&view);
    }
    if view.status == "rejected" {
        bail!("the platform refused the message");
    }
    Ok(())
}

/// The request, as the API takes it.
fn message(args: &Args) -> anyhow::Result<Value> {
    let mut message = Map::new();
    let to = match args.to.split_once(':') {
        Some((kind, id)) => json!({ kind: id }),
        None => json!(args.to),
    };
    message.insert("to".to_owned(), to);
    for (name, value) in [("channel", &args.channel), ("from", &args.from), ("text", &args.text)] {
        message.insert(name.to_owned(), json!(value));
    }
    for (name, value) in [("correlationId", &args.correlation_id), ("callbackData", &args.callback_data)] {
        if let Some(value) = value {
            message.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(options) = &args.options {
        message.insert(
            "options".to_owned(),
            serde_json::from_str(options).map_err(|_| WrongUse("--options is not JSON".to_owned()))?,
        );
    }
    Ok(Value::Object(message))
}

/// Puts the message into the database and hands it over from here, as a server would.
async fn send_directly(
    settings: SettingsArgs,
    message: Value,
    seconds: u64,
    wait: bool,
) -> anyhow::Result<MessageView> {
    let settings = settings.load_quietly()?;
    let draft = Draft::new(message).map_err(|fault| WrongUse(in_words(&[fault])))?;
    let store = settings::open(&settings).await?;
    let sender =
        Sender::new(store.outbox.clone(), Clock::system(), settings.send.as_ref().map(|send| send.tenant.sms_api));
    let id = match sender.accept(&draft).await {
        Ok(Sent::New(id) | Sent::Same(id)) => id,
        Err(SendError::Faulty(faults)) => {
            bail!(WrongUse(format!("the message cannot be sent as it is: {}", in_words(&faults))));
        }
        Err(error) => return Err(error.into()),
    };
    let platform = settings.send.as_ref().context("sending is not configured")?;
    let (stop, stopped) = watch::channel(false);
    let dispatcher = lifecycle::dispatch(platform, &store, &Clock::system(), &Metrics::new()?, stopped)?;
    let query = Query::new(&store, settings.deadlines, Clock::system());
    let patience = Duration::from_secs(seconds);
    handed_over(&store, &query, &id, patience).await?;
    stop.send_replace(true);
    dispatcher.await?;
    let view = if wait { query.final_message(&id, patience).await? } else { query.message(&id).await? };
    view.context("the message is gone from the database")
}

/// Waits until the message is with the platform, or its outcome is known; not for a retry that is far away.
async fn handed_over(store: &Store, query: &Query, id: &CorrelationId, patience: Duration) -> anyhow::Result<()> {
    let mut changes = store.changes.clone();
    let waiting = async {
        loop {
            changes.mark_unchanged();
            let message = query.message(id).await?;
            if message.is_none_or(|message| !["queued", "sending"].contains(&message.status.as_str())) {
                return Ok(());
            }
            tokio::select! { _ = changes.changed() => {}, () = sleep(Duration::from_secs(1)) => {} }
        }
    };
    tokio::time::timeout(patience, waiting).await.unwrap_or(Ok(()))
}
