//! Finds messages, lists them, and waits for them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use super::{
    CountRequest, InboundView, ListView, MessageView, NotificationView, QuarantineView, StatsView, SubmissionView,
    VerdictView, pace::Pace, view::LISTED_RECIPIENTS,
};
use crate::{
    clock::Clock,
    domain::{
        Channel, CorrelationId, Cursor, Cutoffs, Dispatch, DispatchEvent, Filter, Fingerprint, History, Message,
        Origin, PageLimit, Pattern, Timestamp, TransactionId, by_recipient, timeline,
    },
    storage::{InboundStore, Messages, Quarantine, SavedViews, StorageError, Store, Submissions},
    webex::codes::Resend,
};

/// The time after which a message of each channel should have a final status.
#[derive(Clone, Debug, Default)]
pub struct Deadlines {
    /// For channels that have their own deadline.
    pub by_channel: HashMap<Channel, Duration>,
    /// For all others.
    pub other: Duration,
}

impl Deadlines {
    /// Returns the times before which messages are overdue at `now`.
    pub fn cutoffs(&self, now: Timestamp) -> Cutoffs {
        let by_channel = self.by_channel.iter();
        Cutoffs {
            by_channel: by_channel.map(|(channel, deadline)| (channel.clone(), now.minus(*deadline))).collect(),
            other: now.minus(self.other),
        }
    }
}

/// Finds messages, lists them, and waits for them.
#[derive(Clone)]
pub struct Query {
    pub(super) messages: Arc<dyn Messages>,
    pub(super) inbound: Arc<dyn InboundStore>,
    pub(super) quarantine: Arc<dyn Quarantine>,
    pub(super) saved_views: Arc<dyn SavedViews>,
    submissions: Arc<dyn Submissions>,
    changes: watch::Receiver<()>,
    pace: Pace,
    deadlines: Arc<Deadlines>,
    clock: Clock,
}

/// A waiting caller reads the message again after `LONGEST_PAUSE` at the latest, since another instance may have
/// changed it. It also reads it after each change of this instance, but only `SHORTEST_PAUSE` later, so that many
/// callers do not slow down the writers.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// How many look-ups of one caller run at a time: fewer than there are connections, so that other callers get one too.
pub(super) const AT_A_TIME: usize = 4;

impl Query {
    /// Creates queries for `store`.
    pub fn new(store: &Store, deadlines: Deadlines, clock: Clock) -> Self {
        Self {
            messages: store.messages.clone(),
            inbound: store.inbound.clone(),
            quarantine: store.quarantine.clone(),
            saved_views: store.saved_views.clone(),
            submissions: store.submissions.clone(),
            changes: store.status_signal.clone(),
            pace: Pace::new(store.messages.clone(), clock.clone()),
            deadlines: Arc::new(deadlines),
            clock,
        }
    }

    /// Returns the message with this id and its timeline. `txn:…` finds the message with this transaction id, even if
    /// the message has a correlation id.
    pub async fn message(&self, id: &CorrelationId) -> Result<Option<MessageView>, StorageError> {
        match self.messages.history(id).await? {
            Some(history) => Ok(Some(self.with_timeline(&history).await?)),
            None => Ok(None),
        }
    }

    /// Adds what the recipient reads to a message that receiptd sent. For callers who may see it.
    pub async fn add_content(&self, message: &mut MessageView) -> Result<(), StorageError> {
        let Some(view) = &mut message.submission else { return Ok(()) };
        let Ok(id) = CorrelationId::new(&message.correlation_id) else { return Ok(()) };
        view.content = self.submissions.submission(&id).await?.map(|submission| submission.content.members());
        Ok(())
    }

    /// Adds how long the steps of a message took, and how long they usually take on its channel.
    /// Without a sample of the channel, the usual times are left out.
    pub async fn add_pace(&self, message: &mut MessageView) {
        message.pace = self.pace.of(message).await;
    }

    /// Returns several messages, in the order of `ids`, without timelines.
    pub async fn messages(&self, ids: &[CorrelationId]) -> Result<Vec<Option<MessageView>>, StorageError> {
        let cutoffs = self.cutoffs();
        let found = stream::iter(ids).map(|id| self.messages.find(id)).buffered(AT_A_TIME);
        let view = |message: Message| MessageView::of(&message, cutoffs.is_overdue(&message));
        found.map_ok(|message| message.map(view)).try_collect().await
    }

    async fn with_timeline(&self, history: &History) -> Result<MessageView, StorageError> {
        let History { message, notifications, dispatch } = history;
        let mut view = self.view(message);
        view.tell(message, by_recipient(notifications), &timeline(notifications, dispatch));
        if message.origin() == Origin::Sent {
            let submission = self.submissions.submission(&message.correlation_id).await?;
            view.submission = submission.as_ref().map(SubmissionView::without_content);
        }
        Ok(view)
    }

    /// Returns the message as soon as its status is final, or when `patience` has passed.
    pub async fn final_message(
        &self,
        id: &CorrelationId,
        patience: Duration,
    ) -> Result<Option<MessageView>, StorageError> {
        let end = Instant::now() + patience;
        let mut changes = self.changes.clone();
        loop {
            changes.mark_unchanged();
            let Some(message) = self.find(id).await? else { return Ok(None) };
            if message.is_final || Instant::now() >= end {
                // Read it again together with its timeline. Meanwhile, its status may no longer be final.
                let history = self.messages.history(id).await?;
                if history.as_ref().is_none_or(|history| history.message.is_final) || Instant::now() >= end {
                    return match history {
                        Some(history) => Ok(Some(self.with_timeline(&history).await?)),
                        None => Ok(None),
                    };
                }
            }
            let next = end.min(Instant::now() + LONGEST_PAUSE);
            // After the pause, after a change, or if the store is closing, read again.
            let _ = timeout_at(next, changes.changed()).await;
            sleep(SHORTEST_PAUSE.min(end.saturating_duration_since(Instant::now()))).await;
        }
    }

    /// One page of the notifications of a message, oldest first, each with its body.
    pub async fn notifications(
        &self,
        id: &CorrelationId,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Option<ListView<NotificationView>>, StorageError> {
        let Some(message) = self.find(id).await? else { return Ok(None) };
        let page = self.messages.notifications_page(&message.correlation_id, after, limit).await?;
        Ok(Some(ListView::of(page.items.iter().map(NotificationView::of).collect(), page.next.as_ref())))
    }

    /// One page of the messages that `filter` admits, newest first, without timelines.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<ListView<MessageView>, StorageError> {
        let page = self.messages.list(filter, after, limit).await?;
        let cutoffs = self.cutoffs();
        let mut items = Vec::with_capacity(page.items.len());
        for message in &page.items {
            let mut view = MessageView::of(message, cutoffs.is_overdue(message));
            if message.other_recipients {
                let notifications = self.messages.notifications_without_bodies(&message.correlation_id).await?;
                view.tell_recipients(message, by_recipient(&notifications), LISTED_RECIPIENTS);
            }
            items.push(view);
        }
        Ok(ListView::of(items, page.next.as_ref()))
    }

    /// Whether `filter` admits the message with this id.
    pub(super) async fn admits(&self, filter: &Filter, id: &CorrelationId) -> Result<bool, StorageError> {
        let correlation_id = Some(Pattern::Exact(id.as_str().to_owned()));
        let filter = Filter { correlation_id, ..filter.clone() };
        Ok(!self.messages.list(&filter, None, PageLimit::default()).await?.items.is_empty())
    }

    /// Returns the number of messages of each kind that `request` distinguishes.
    pub async fn stats(&self, request: &CountRequest) -> Result<StatsView, StorageError> {
        let rows = request.narrowed(self.messages.stats(&request.widened()).await?);
        Ok(StatsView::of(&rows, &request.request.by))
    }

    /// One page of the customers' messages and events, newest first.
    pub async fn inbound(
        &self,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<ListView<InboundView>, StorageError> {
        let page = self.inbound.list(after, limit).await?;
        Ok(ListView::of(page.items.iter().map(InboundView::of).collect(), page.next.as_ref()))
    }

    /// One page of the quarantine, newest first.
    pub async fn quarantine(
        &self,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<ListView<QuarantineView>, StorageError> {
        let page = self.quarantine.list(after, limit).await?;
        Ok(ListView::of(page.items.iter().map(QuarantineView::of).collect(), page.next.as_ref()))
    }

    /// One of the customers' messages and events.
    pub async fn inbound_of(&self, fingerprint: Fingerprint) -> Result<Option<InboundView>, StorageError> {
        Ok(self.inbound.find(fingerprint).await?.as_ref().map(InboundView::of))
    }

    /// One body in quarantine.
    pub async fn quarantine_of(&self, fingerprint: Fingerprint) -> Result<Option<QuarantineView>, StorageError> {
        Ok(self.quarantine.find(fingerprint).await?.as_ref().map(QuarantineView::of))
    }

    async fn find(&self, id: &CorrelationId) -> Result<Option<Message>, StorageError> {
        if let Some(message) = self.messages.find(id).await? {
            return Ok(Some(message));
        }
        let transaction = id.as_str().strip_prefix("txn:").and_then(|id| TransactionId::new(id).ok());
        let Some(transaction) = transaction else { return Ok(None) };
        match self.messages.owner(&transaction).await? {
            Some(owner) => self.messages.find(&owner).await,
            None => Ok(None),
        }
    }

    /// Returns a message that was just accepted. Its timeline shows that it is queued.
    pub fn new_message(&self, message: &Message) -> MessageView {
        let (at, dispatch) = (message.created_at, Dispatch::Queued);
        let queued = DispatchEvent { at, dispatch, code: None, reason: None, transaction_id: None };
        let mut view = self.view(message);
        view.tell(message, by_recipient(&[]), &timeline(&[], &[queued]));
        view
    }

    /// Returns a message as it is shown, without its timeline.
    pub fn view(&self, message: &Message) -> MessageView {
        MessageView::of(message, self.cutoffs().is_overdue(message))
    }

    /// Whether sending a message again can help.
    pub fn resend(&self, message: &Message) -> Resend {
        VerdictView::resend(message, self.cutoffs().is_overdue(message))
    }

    /// Returns the times before which messages are overdue now.
    pub fn cutoffs(&self) -> Cutoffs {
        self.deadlines.cutoffs(self.clock.now())
    }
}
