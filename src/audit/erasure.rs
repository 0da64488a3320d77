//! Removes a person everywhere. Messages stay, and are counted as before; who they went to, and what they said, goes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::trail::entry;
use crate::{
    clock::Clock,
    domain::{Actor, CorrelationId, Deed, Dispatch, Person, TrailEntry},
    storage::{Cancellation, Erasure, Messages, Outbox, StorageError, Store},
};

/// Removes persons.
#[derive(Clone)]
pub struct Eraser {
    erasure: Arc<dyn Erasure>,
    messages: Arc<dyn Messages>,
    outbox: Arc<dyn Outbox>,
    clock: Clock,
}

/// What was removed, or would be, in rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasureView {
    /// Messages to the person.
    pub messages: i64,
    /// Notifications, each with its raw body.
    pub notifications: i64,
    /// Steps of our dispatch that named the person.
    pub dispatch_events: i64,
    /// Entries of the live feed that named the person.
    pub changes: i64,
    /// Requests to send, each with its text.
    pub requests: i64,
    /// Messages that were still waiting and were called back.
    pub cancelled: i64,
    /// The person's own messages.
    pub inbound: i64,
    /// What nobody could understand, and names the person.
    pub quarantine: i64,
    /// Messages that are being handed over at this moment: erase once more when that has ended.
    pub under_way: i64,
}

/// The most messages, and the most other rows, of one commit.
const MESSAGES: i64 = 20;
const ROWS: i64 = 100;

impl Eraser {
    /// Of `store`.
    pub fn new(store: &Store, clock: Clock) -> Self {
        Self { erasure: store.erasure.clone(), messages: store.messages.clone(), outbox: store.outbox.clone(), clock }
    }

    /// Removes a person; or, as a dry run, says what that would remove.
    pub async fn erase(&self, person: &Person, actor: &Actor, dry_run: bool) -> Result<ErasureView, StorageError> {
        // Without the number, and without anything made of it: numbers are few enough to be tried out.
        let entry = (!dry_run).then(|| entry(actor, Deed::Erased, &self.clock, None));
        let mut view = ErasureView::default();
        self.erase_messages(person, actor, entry.as_ref(), &mut view).await?;
        loop {
            let rows = self.erasure.erase_inbound(person, ROWS, entry.as_ref()).await?;
            view.inbound += rows;
            if dry_run || rows == 0 {
                break;
            }
        }
        self.erase_changes(person, entry.as_ref(), &mut view).await?;
        let mut after = None;
        loop {
            let (rows, last) = self.erasure.erase_quarantine(person, after, ROWS, entry.as_ref()).await?;
            view.quarantine += rows;
            if last.is_none() {
                return Ok(view);
            }
            after = last;
        }
    }

    async fn erase_changes(
        &self,
        person: &Person,
        entry: Option<&TrailEntry>,
        view: &mut ErasureView,
    ) -> Result<(), StorageError> {
        let mut after = i64::MIN;
        loop {
            let (rows, last) = self.erasure.erase_changes(person, after, ROWS, entry).await?;
            view.changes += rows;
            let Some(last) = last else { return Ok(()) };
            after = last;
        }
    }

    async fn erase_messages(
        &self,
        person: &Person,
        actor: &Actor,
        entry: Option<&TrailEntry>,
        view: &mut ErasureView,
    ) -> Result<(), StorageError> {
        let mut after: Option<CorrelationId> = None;
        loop {
            let ids = self.erasure.messages_to(person, after.as_ref(), MESSAGES).await?;
            if ids.is_empty() {
                return Ok(());
            }
            for id in &ids {
                view.cancelled += i64::from(self.call_back(id, actor, entry.is_none()).await?);
            }
            let erased = self.erasure.erase_messages(person, &ids, entry).await?;
            view.messages += erased.messages;
            view.notifications += erased.notifications;
            view.dispatch_events += erased.steps;
            view.requests += erased.requests;
            view.under_way += erased.under_way;
            after = ids.into_iter().next_back();
        }
    }

    /// Calls a message back that waits; says whether it was one.
    async fn call_back(&self, id: &CorrelationId, actor: &Actor, dry_run: bool) -> Result<bool, StorageError> {
        let message = self.messages.find(id).await?;
        if message.and_then(|message| message.dispatch) != Some(Dispatch::Queued) {
            return Ok(false);
        }
        Ok(dry_run || self.outbox.cancel(id, self.clock.now(), actor).await? == Cancellation::Cancelled)
    }
}
