//! Cancels all messages that a filter admits, in small steps. It can be stopped after each step.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    Sender,
    bulk::{AT_A_TIME, BulkAct, BulkProgress, COUNTED, STEP, impossible},
};
use crate::{
    domain::{Actor, Cursor, FieldError, Filter, Message, Origin, PageLimit, Status, Timestamp},
    storage::{Cancellation, Messages, StorageError},
};

/// What cancelling would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkCancelPreview {
    /// The messages that wait here and would be cancelled.
    pub count: usize,
    /// Whether there are more, which were not counted.
    pub more: bool,
    /// Those of them that were tried before. The platform may have some of these nevertheless.
    pub tried: usize,
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkCancelProgress {
    pub cancelled: u64,
    /// They were sent before their turn came.
    pub too_late: u64,
    /// Whether nothing is left.
    pub finished: bool,
}

/// Cancels all messages that a filter admits.
pub struct BulkCancel {
    messages: Arc<dyn Messages>,
    sender: Sender,
    actor: Actor,
    filter: Filter,
    after: Option<Cursor>,
    progress: BulkCancelProgress,
}

impl BulkCancel {
    /// Takes the messages that `filter` admits now. Only those that wait here can be cancelled, so a filter for others is an
    /// error.
    pub fn new(
        messages: Arc<dyn Messages>,
        sender: Sender,
        actor: Actor,
        filter: Filter,
        now: Timestamp,
    ) -> Result<Self, FieldError> {
        if filter.status.is_some_and(|status| status != Status::Queued) {
            return Err(impossible(
                "status",
                "must be queued, or be left out: only messages that wait here can be cancelled",
            ));
        }
        if filter.origin == Some(Origin::Observed) {
            return Err(impossible(
                "origin",
                "must be sent, or be left out: another system cancels its messages itself",
            ));
        }
        // A message that is accepted in the meantime is not meant.
        let until = filter.until.map_or(now, |until| until.min(now));
        let filter = Filter { status: Some(Status::Queued), origin: Some(Origin::Sent), until: Some(until), ..filter };
        Ok(Self { messages, sender, actor, filter, after: None, progress: BulkCancelProgress::default() })
    }

    /// Counts what would be cancelled.
    pub async fn preview(&self) -> Result<BulkCancelPreview, StorageError> {
        let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
        let (mut preview, mut after) = (BulkCancelPreview::default(), None);
        while preview.count < COUNTED {
            let page = self.messages.list(&self.filter, after.as_ref(), limit).await?;
            preview.count += page.items.len();
            // Only an attempt that did not succeed leaves a reason.
            preview.tried += page.items.iter().filter(|message| message.reason.is_some()).count();
            after = page.next;
            if after.is_none() {
                return Ok(preview);
            }
        }
        Ok(BulkCancelPreview { more: true, ..preview })
    }
}

impl BulkAct for BulkCancel {
    type Progress = BulkCancelProgress;
    type Error = StorageError;

    async fn step(&mut self) -> Result<BulkCancelProgress, StorageError> {
        let limit = PageLimit::new(STEP).unwrap_or_default();
        let page = self.messages.list(&self.filter, self.after.as_ref(), limit).await?;
        let cancel = async |message: Message| self.sender.cancel(&self.actor, &message.correlation_id).await;
        let outcomes: Vec<_> = stream::iter(page.items).map(cancel).buffer_unordered(AT_A_TIME).try_collect().await?;
        for outcome in outcomes {
            match outcome {
                Cancellation::Cancelled => self.progress.cancelled += 1,
                Cancellation::TooLate(_) => self.progress.too_late += 1,
                // Somebody else cancelled it, or it was purged.
                Cancellation::Already | Cancellation::Absent | Cancellation::Observed => {}
            }
        }
        self.after = page.next;
        self.progress.finished = self.after.is_none();
        Ok(self.progress)
    }
}

impl BulkProgress for BulkCancelProgress {
    fn is_finished(&self) -> bool {
        self.finished
    }
}
