//! Erases the data of a person everywhere. Messages remain and are counted as before, but their recipient and their
//! content are removed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{retention::clear_log, yielding::yielding};
use crate::{
    audit::entry,
    clock::Clock,
    domain::{Actor, AuditAction, AuditEntry, CorrelationId, Dispatch, Person},
    storage::{ArchiveKind, Cancellation, Erased, Erasure, Messages, Outbox, Retention, StorageError, Store},
};

/// Erases the data of persons.
#[derive(Clone)]
pub struct Eraser {
    erasure: Arc<dyn Erasure>,
    messages: Arc<dyn Messages>,
    outbox: Arc<dyn Outbox>,
    retention: Arc<dyn Retention>,
    clock: Clock,
}

/// The numbers of rows that were removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasureView {
    /// Messages to the person.
    pub messages: i64,
    /// Notifications, each with its raw body.
    pub notifications: i64,
    /// Dispatch steps that named the person.
    pub dispatch_events: i64,
    /// Status events that named the person.
    pub status_events: i64,
    /// Requests to send, each with its text.
    pub requests: i64,
    /// Messages that were still waiting and were cancelled.
    pub cancelled: i64,
    /// Messages from the person.
    pub inbound: i64,
    /// Bodies in quarantine that name the person.
    pub quarantine: i64,
    /// Saved views that name the person.
    pub saved_views: i64,
    /// Messages that are being dispatched at the moment, and waiting messages to others that name the person: erase
    /// again when they are no longer under way.
    pub under_way: i64,
    /// Bodies that could not be searched, since they are compressed.
    pub compressed: i64,
    /// Whether any data of the person was found.
    pub found: bool,
}

impl ErasureView {
    fn add(&mut self, erased: Erased) {
        self.messages += erased.messages;
        self.notifications += erased.notifications;
        self.dispatch_events += erased.steps;
        self.requests += erased.requests;
        self.under_way += erased.under_way;
        self.compressed += erased.compressed;
    }

    fn removed(&self) -> i64 {
        let messages = self.messages + self.notifications + self.dispatch_events + self.requests + self.cancelled;
        messages + self.under_way + self.status_events + self.inbound + self.quarantine + self.saved_views
    }
}

/// The maximum number of messages, and of other rows, in one commit.
const MESSAGES: i64 = 20;
const ROWS: i64 = 100;

impl Eraser {
    /// Creates an eraser for `store`.
    pub fn new(store: &Store, clock: Clock) -> Self {
        Self {
            erasure: store.erasure.clone(),
            messages: store.messages.clone(),
            outbox: store.outbox.clone(),
            retention: store.retention.clone(),
            clock,
        }
    }

    /// Erases the data of a person; in a dry run, only returns what that would remove.
    pub async fn erase(&self, person: &Person, actor: &Actor, dry_run: bool) -> Result<ErasureView, StorageError> {
        // The entry contains neither the number nor a hash of it: there are so few numbers that all of them can be
        // tried.
        let entry = (!dry_run).then(|| entry(actor, AuditAction::Erased, &self.clock, None));
        let mut view = ErasureView::default();
        // The archives come first: a retry may move a body from the quarantine to a message meanwhile.
        view.inbound = self.erase_archive(ArchiveKind::Inbound, person, entry.as_ref(), &mut view.compressed).await?;
        view.quarantine =
            self.erase_archive(ArchiveKind::Quarantine, person, entry.as_ref(), &mut view.compressed).await?;
        self.erase_messages(person, actor, entry.as_ref(), &mut view).await?;
        if person.is_distinctive() {
            self.erase_mentions(person, entry.as_ref(), &mut view).await?;
        }
        self.erase_status_events(person, entry.as_ref(), &mut view).await?;
        view.saved_views = self.erasure.erase_saved_views(person, entry.as_ref()).await?;
        view.found = view.removed() > 0;
        if view.found && !dry_run {
            self.rewrite_file().await;
            clear_log(&*self.retention).await;
        }
        Ok(view)
    }

    /// Rewrites the database file, if the database can. The data is removed already, so a failure is only logged.
    async fn rewrite_file(&self) {
        let advice = "stop everything that uses the database, and run VACUUM on it";
        match self.retention.rewrite_file().await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    advice,
                    "unused parts of the database file, which is too large to be rewritten now, may still contain erased data"
                );
            }
            Err(error) => {
                let error = crate::observe::causes(&error);
                tracing::warn!(error, advice, "unused parts of the database file may still contain erased data");
            }
        }
    }

    async fn erase_archive(
        &self,
        kind: ArchiveKind,
        person: &Person,
        entry: Option<&AuditEntry>,
        compressed: &mut i64,
    ) -> Result<i64, StorageError> {
        let (mut rows, mut after) = (0, None);
        loop {
            let (erased, last) = self.erasure.erase_archived(kind, person, after, ROWS, entry).await?;
            rows += erased.rows;
            *compressed += erased.compressed;
            if last.is_none() {
                return Ok(rows);
            }
            after = last;
        }
    }

    async fn erase_status_events(
        &self,
        person: &Person,
        entry: Option<&AuditEntry>,
        view: &mut ErasureView,
    ) -> Result<(), StorageError> {
        let mut after = i64::MIN;
        loop {
            let (rows, last) = self.erasure.erase_status_events(person, after, ROWS, entry).await?;
            view.status_events += rows;
            let Some(last) = last else { return Ok(()) };
            after = last;
        }
    }

    async fn erase_messages(
        &self,
        person: &Person,
        actor: &Actor,
        entry: Option<&AuditEntry>,
        view: &mut ErasureView,
    ) -> Result<(), StorageError> {
        let mut after: Option<CorrelationId> = None;
        loop {
            let ids = self.erasure.messages_to(person, after.as_ref(), MESSAGES).await?;
            if ids.is_empty() {
                return Ok(());
            }
            for id in &ids {
                view.cancelled += i64::from(self.cancel_waiting(id, actor, entry.is_none()).await?);
            }
            view.add(yielding(|| self.erasure.erase_messages(person, &ids, entry)).await?);
            after = ids.into_iter().next_back();
        }
    }

    /// Removes what names the person from messages to others.
    async fn erase_mentions(
        &self,
        person: &Person,
        entry: Option<&AuditEntry>,
        view: &mut ErasureView,
    ) -> Result<(), StorageError> {
        let mut after = None;
        loop {
            let (ids, last) = self.erasure.messages_naming(person, after.as_ref(), ROWS).await?;
            for ids in ids.chunks(usize::try_from(MESSAGES).unwrap_or(1)) {
                view.add(yielding(|| self.erasure.erase_messages(person, ids, entry)).await?);
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    }

    /// Cancels a message if it is waiting. Returns whether it was.
    async fn cancel_waiting(&self, id: &CorrelationId, actor: &Actor, dry_run: bool) -> Result<bool, StorageError> {
        let message = self.messages.find(id).await?;
        if message.and_then(|message| message.dispatch) != Some(Dispatch::Queued) {
            return Ok(false);
        }
        Ok(dry_run || self.outbox.cancel(id, self.clock.now(), actor).await? == Cancellation::Cancelled)
    }
}
