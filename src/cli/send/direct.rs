//! The target of messages: a server, or the database, from which this process dispatches them.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    cli::{output::in_words, settings, target::Target},
    clock::Clock,
    config::{SendSettings, Settings},
    domain::{Actor, CorrelationId, Draft, FieldError},
    lifecycle,
    observe::Metrics,
    query::{MessageView, Query},
    send::{SendError, Sender, Sent},
    storage::Store,
};

/// The database as a target.
pub(super) struct Direct {
    platform: SendSettings,
    store: Store,
    clock: Clock,
    /// The user of the command.
    actor: Actor,
    sender: Sender,
    pub(super) query: Query,
    running: Option<(DropGuard, JoinHandle<()>)>,
}

/// The database or a server.
pub(super) type SendTarget = Target<Direct>;

/// The outcome of a message that was submitted.
#[derive(Debug)]
pub(super) enum Acceptance {
    /// The message was accepted, now or earlier. `message` is its state, if it is already known.
    Accepted { new: bool, message: Option<Box<MessageView>> },
    /// The message is not valid, or conflicts with another one.
    Refused(String),
    /// The message cannot be accepted at present.
    Unavailable(String),
}

/// If no message is due within this time, the command does not wait for the queued messages.
const SOON: Duration = Duration::from_secs(30);

impl Direct {
    /// Opens the database. Nothing is dispatched before [`Direct::start`].
    pub(super) async fn open(settings: Settings) -> anyhow::Result<Self> {
        let platform = settings.send.clone().ok_or(SendError::NotConfigured)?;
        let (store, clock) = (settings::open(&settings).await?, Clock::system());
        let sender = Sender::new(store.outbox.clone(), clock.clone(), Some(platform.tenant.sms_api));
        let query = Query::new(&store, settings.deadlines, clock.clone());
        Ok(Self { platform, store, clock, actor: settings::user(), sender, query, running: None })
    }

    /// Starts to dispatch messages that are due.
    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let dispatcher = lifecycle::dispatch(&self.platform, &self.store, &self.clock, &Metrics::new()?, stop.clone())?;
        self.running = Some((stop.drop_guard(), dispatcher));
        Ok(())
    }

    /// Stops dispatching, and waits until the outcomes of the requests in flight are stored.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some((stop, dispatcher)) = self.running.take() {
            drop(stop);
            dispatcher.await.context("the dispatcher failed")?;
        }
        Ok(())
    }

    /// A signal that is sent at each change of a message.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.store.status_signal.clone()
    }

    /// Returns whether no queued message is due soon.
    pub(super) async fn is_idle(&self) -> anyhow::Result<bool> {
        let soon = self.clock.now().plus(SOON);
        Ok(self.store.outbox.next_due().await?.iter().all(|(_, due)| *due > soon))
    }

    /// Accepts messages.
    pub(super) async fn accept(&self, drafts: &[Draft]) -> Vec<Result<Sent, SendError>> {
        self.sender.accept_all(&self.actor, drafts).await
    }

    async fn submit(&self, drafts: &[Draft]) -> Vec<Acceptance> {
        let outcome = |sent| match sent {
            Ok(Sent::New(_)) => Acceptance::Accepted { new: true, message: None },
            Ok(Sent::Same(_)) => Acceptance::Accepted { new: false, message: None },
            Err(SendError::Faulty(errors)) => Acceptance::Refused(in_words(&errors)),
            Err(error @ SendError::Conflict(_)) => Acceptance::Refused(error.to_string()),
            Err(error) => Acceptance::Unavailable(error.to_string()),
        };
        self.accept(drafts).await.into_iter().map(outcome).collect()
    }
}

impl SendTarget {
    /// Submits messages, each with its correlation id. Returns their outcomes in the same order. Messages without an outcome
    /// were not accepted.
    pub(super) async fn submit(&self, drafts: &[Draft]) -> anyhow::Result<Vec<Acceptance>> {
        match self {
            Self::Database(direct) => Ok(direct.submit(drafts).await),
            Self::Server(client) => Ok(client.send_lines(drafts).await?.into_iter().map(of_line).collect()),
        }
    }

    /// Reads messages in their current state, in the order of `ids`.
    pub(super) async fn messages(&self, ids: &[CorrelationId]) -> anyhow::Result<Vec<Option<MessageView>>> {
        match self {
            Self::Database(direct) => Ok(direct.query.messages(ids).await?),
            Self::Server(client) => client.messages(ids).await,
        }
    }

    /// See [`Direct::is_idle`]. Always false for a server, which dispatches by itself.
    pub(super) async fn is_idle(&self) -> anyhow::Result<bool> {
        if let Self::Database(direct) = self { direct.is_idle().await } else { Ok(false) }
    }

    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        if let Self::Database(direct) = self { direct.start() } else { Ok(()) }
    }

    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        if let Self::Database(direct) = self { direct.stop().await } else { Ok(()) }
    }
}

/// The server's answer to one line.
fn of_line(answer: Value) -> Acceptance {
    let new = answer["new"] == true;
    if answer["correlationId"].is_string() {
        return Acceptance::Accepted { new, message: serde_json::from_value(answer).ok() };
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors: Vec<_> = errors
        .iter()
        .map(|error| FieldError { pointer: text(&error["pointer"]), detail: text(&error["detail"]) })
        .collect();
    let words = if errors.is_empty() { text(&answer["detail"]) } else { in_words(&errors) };
    if answer["status"] == 503 { Acceptance::Unavailable(words) } else { Acceptance::Refused(words) }
}
