//! Sends one message.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Args, direct::Direct};
use crate::{
    cli::{
        client::Client,
        output::{self, UsageError, in_words},
        settings::SettingsArgs,
        status,
        target::Target,
    },
    config::Purpose,
    domain::{CorrelationId, Draft, Object},
    query::{MessageView, Query},
    send::{SendError, check, fresh_id},
};

/// The default of `--timeout`.
const DEFAULT_SECONDS: u64 = 60;
/// The longest time that a server lets one request wait, in seconds.
const LONGEST_WAIT: u64 = 60;

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut members = args.message.members()?;
    let id = correlation_id(&mut members);
    let message = Value::Object(members);
    let seconds = args.timeout.unwrap_or(DEFAULT_SECONDS);
    let patience = Duration::from_secs(seconds);
    let target = args.target.resolve()?;
    let is_direct = matches!(target, Target::Database(_));
    let view = match target {
        Target::Server(client) => {
            let accepted = client.send(&message, &id).await?;
            if args.wait {
                wait(&client, accepted, patience).await.with_context(|| accepted_but_unknown(&id))?
            } else {
                accepted
            }
        }
        Target::Database(settings) => send_directly(settings, message, args.wait, patience).await?,
    };
    if args.json {
        output::json(&view)?;
    } else {
        status::show(&view);
        if view.status == "queued" && is_direct {
            output::line(
                "It waits for its time. A server on this database must be running then to send it (receiptd serve).",
            );
        }
    }
    if view.status == "rejected" {
        bail!("the platform rejected the message");
    }
    if status::has_failed(&view) {
        bail!("the message {}", status::outcome(&view));
    }
    if args.wait && !view.is_final {
        bail!("the message has no final status after {seconds} seconds; it is {} so far", view.status);
    }
    Ok(())
}

/// Waits for the final status, or until the time is over. One request can wait for a minute at most.
async fn wait(client: &Client, accepted: MessageView, patience: Duration) -> anyhow::Result<MessageView> {
    let (end, mut view) = (Instant::now() + patience, accepted);
    while !view.is_final {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let seconds = left.as_secs().clamp(1, LONGEST_WAIT);
        view = client.message(&view.correlation_id, Some(seconds)).await?.unwrap_or(view);
    }
    Ok(view)
}

/// Returns the id of the message. If none was given, one is generated before the request. So if no answer arrives, the same
/// message can be submitted again with this id, and is sent only once.
fn correlation_id(members: &mut Object) -> String {
    let given = members.entry("correlationId").or_insert(Value::Null);
    if given.is_null() {
        *given = Value::String(fresh_id().to_string());
    }
    given.as_str().unwrap_or_default().to_owned()
}

fn accepted_but_unknown(id: &str) -> String {
    format!("the message {id:?} is accepted, but its further status is not known; see receiptd status")
}

/// Stores the message in the database, and dispatches it from this process, as a server would.
async fn send_directly(
    settings: SettingsArgs,
    message: Value,
    wait: bool,
    patience: Duration,
) -> anyhow::Result<MessageView> {
    let invalid = |errors: &[_]| UsageError(format!("the message cannot be sent as it is: {}", in_words(errors)));
    let draft = Draft::new(message).map_err(|error| invalid(&[error]))?;
    let settings = settings.load_quietly(Purpose::Send)?;
    // The message is checked before a database is created for it.
    let sms_api = settings.send.as_ref().map(|send| send.tenant.sms_api);
    check(&draft, sms_api).map_err(|errors| invalid(&errors))?;
    let direct = Direct::open(settings).await?;
    let sent = direct.accept(std::slice::from_ref(&draft)).await;
    let id = match sent.into_iter().next().context("the message was not accepted")? {
        Ok(sent) => sent.id().clone(),
        Err(SendError::Faulty(errors)) => bail!(invalid(&errors)),
        Err(error) => return Err(error.into()),
    };
    dispatch_and_read(direct, wait, &id, patience).await.with_context(|| accepted_but_unknown(id.as_str()))
}

async fn dispatch_and_read(
    mut direct: Direct,
    wait: bool,
    id: &CorrelationId,
    patience: Duration,
) -> anyhow::Result<MessageView> {
    direct.start()?;
    wait_for_dispatch(&direct, id, patience).await?;
    direct.stop().await?;
    let query: &Query = &direct.query;
    let view = if wait { query.final_message(id, patience).await? } else { query.message(id).await? };
    view.context("the message is gone from the database")
}

/// Waits until the platform has the message, or its outcome is known. It does not wait for a message that is due later.
async fn wait_for_dispatch(direct: &Direct, id: &CorrelationId, patience: Duration) -> anyhow::Result<()> {
    let mut changes = direct.changes();
    let waiting = async {
        loop {
            changes.mark_unchanged();
            let message = direct.query.message(id).await?;
            match message.as_ref().map(|message| message.status.as_str()) {
                Some("sending") => {}
                Some("queued") if !direct.is_idle().await? => {}
                _ => return Ok(()),
            }
            tokio::select! { _ = changes.changed() => {}, () = sleep(Duration::from_secs(1)) => {} }
        }
    };
    tokio::time::timeout(patience, waiting).await.unwrap_or(Ok(()))
}
