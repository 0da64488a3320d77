//! Messages and notifications as the API and the command line show them. The names of the members are the contract.

use serde::{Deserialize, Serialize};

use super::{PaceView, VerdictView};
use crate::domain::{
    Address, Channel, Cursor, Entry, EntryKind, Failure, Message, Object, Origin, RecipientStatus, Status,
    StoredNotification, Submission, Timestamp, TransactionId,
};

/// A page of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListView<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> ListView<T> {
    pub(super) fn of(items: Vec<T>, next: Option<&Cursor>) -> Self {
        Self { items, next_cursor: next.map(Cursor::encode) }
    }
}

/// A message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    pub correlation_id: String,
    pub transaction_id: Option<String>,
    pub origin: String,
    pub channel: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub callback_data: Option<String>,
    pub status: String,
    #[serde(rename = "final")]
    pub is_final: bool,
    pub failure: Option<String>,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub segments: Option<i64>,
    pub overdue: bool,
    pub created_at: String,
    pub updated_at: String,
    pub status_at: Option<String>,
    pub notification_count: i64,
    /// What the status means, and what to do next.
    pub verdict: VerdictView,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The recipients, if there are several; in a list, only the first ones.
    pub recipients: Option<Vec<RecipientView>>,
    /// The number of recipients, if there are several.
    #[serde(default)]
    pub recipient_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Vec<EntryView>>,
    /// What receiptd was asked to send. Not in lists, and not if it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<SubmissionView>,
    /// How long its steps took, and usually take. Not in lists, not if its status never
    /// changed, and not if it has several recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<PaceView>,
}

/// What receiptd was asked to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionView {
    /// The message is not sent before this time; null: at once.
    pub send_at: Option<String>,
    /// The message is not sent at this time or later.
    pub expire_at: Option<String>,
    /// The members of the request with what the recipient reads: `text`, `subject`, `html`, `content`, `template`. Null if the
    /// caller may not see it.
    pub content: Option<Object>,
}

/// One of several recipients of a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecipientView {
    pub to: String,
    pub status: String,
    #[serde(rename = "final")]
    pub is_final: bool,
    pub failure: Option<String>,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub transaction_id: Option<String>,
    pub verdict: VerdictView,
}

/// One thing that happened to a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    pub at: Option<String>,
    pub received_at: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub failure: Option<String>,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub detail: Option<String>,
    pub effect: String,
    pub why: String,
    pub transaction_id: Option<String>,
    pub to: Option<String>,
    pub source: Option<String>,
    pub times: Option<i64>,
}

/// A notification with its parsed fields and its body.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationView {
    pub at: Option<String>,
    pub received_at: String,
    pub status: String,
    pub status_text: String,
    pub failure: Option<String>,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub detail: Option<String>,
    pub channel: Option<String>,
    pub to: Option<String>,
    pub transaction_id: Option<String>,
    pub segments: Option<i64>,
    pub callback_data: Option<String>,
    pub source: String,
    pub times: i64,
    pub fingerprint: String,
    pub body: String,
}

pub(super) fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

pub(super) fn word(failure: Option<Failure>) -> Option<String> {
    failure.map(|failure| failure.as_str().to_owned())
}

fn transaction(id: Option<&TransactionId>) -> Option<String> {
    id.map(TransactionId::to_string)
}

impl MessageView {
    /// Returns the same message, cancelled at `at`, for the case that it cannot be looked up again.
    #[must_use]
    pub fn cancelled(self, at: Timestamp) -> Self {
        let at = at.to_string();
        let (status, verdict) = (Status::Cancelled.to_string(), VerdictView::cancelled());
        Self { status, verdict, is_final: true, overdue: false, updated_at: at.clone(), status_at: Some(at), ..self }
    }

    pub(super) fn of(message: &Message, overdue: bool) -> Self {
        Self {
            correlation_id: message.correlation_id.to_string(),
            transaction_id: transaction(message.transaction_id.as_ref()),
            origin: message.origin().as_str().to_owned(),
            channel: message.channel.as_ref().map(Channel::to_string),
            from: message.sender.clone(),
            to: message.recipient.as_ref().map(Address::to_string),
            callback_data: message.callback_data.clone(),
            status: message.status.to_string(),
            is_final: message.is_final,
            failure: word(message.failure),
            code: message.code.clone(),
            reason: message.reason.clone(),
            segments: message.segments,
            overdue,
            created_at: message.created_at.to_string(),
            updated_at: message.updated_at.to_string(),
            status_at: time(message.status_at),
            notification_count: message.notification_count,
            verdict: VerdictView::of(message, overdue, 1),
            warnings: message.warning().into_iter().map(str::to_owned).collect(),
            recipients: None,
            recipient_count: None,
            timeline: None,
            submission: None,
            pace: None,
        }
    }

    /// Adds the recipients and the timeline.
    pub(super) fn tell(&mut self, message: &Message, recipients: Option<Vec<RecipientStatus>>, timeline: &[Entry]) {
        self.tell_recipients(message, recipients, usize::MAX);
        self.timeline = Some(entries(timeline));
    }

    /// Adds the recipients, at most `most` of them, if there are several. A message that we sent has one recipient,
    /// whatever ids its notifications name, so none are added. `to` becomes the first recipient in order, since it does
    /// not matter which one was known first.
    pub(super) fn tell_recipients(&mut self, message: &Message, recipients: Option<Vec<RecipientStatus>>, most: usize) {
        let is_observed = message.origin() == Origin::Observed;
        let Some(recipients) = recipients.filter(|_| is_observed) else { return };
        self.verdict = VerdictView::of(message, self.overdue, recipients.len());
        self.to = recipients.first().map(|one| one.recipient.to_string());
        self.recipient_count = Some(recipients.len());
        self.recipients = Some(recipients.iter().take(most).map(RecipientView::of).collect());
    }
}

/// The entries of a timeline, as they are shown.
pub(super) fn entries(timeline: &[Entry]) -> Vec<EntryView> {
    timeline.iter().map(EntryView::of).collect()
}

/// The maximum number of recipients that a list shows for a message.
pub(super) const LISTED_RECIPIENTS: usize = 10;

impl SubmissionView {
    /// The submission without its content.
    pub(super) fn without_content(submission: &Submission) -> Self {
        Self { send_at: time(submission.send_at), expire_at: time(submission.expire_at), content: None }
    }
}

impl RecipientView {
    fn of(one: &RecipientStatus) -> Self {
        let standing = &one.standing;
        Self {
            to: one.recipient.to_string(),
            status: standing.status.to_string(),
            is_final: standing.is_final(),
            failure: word(standing.failure),
            code: standing.code.clone(),
            reason: standing.reason.clone(),
            transaction_id: transaction(standing.transaction_id.as_ref()),
            verdict: VerdictView::of_recipient(standing),
        }
    }
}

impl EntryView {
    fn of(entry: &Entry) -> Self {
        let (kind, source, times) = match entry.kind {
            EntryKind::Notification(source, times) => ("notification", Some(source.as_str().to_owned()), Some(times)),
            EntryKind::Dispatch => ("dispatch", None, None),
        };
        Self {
            at: time(entry.at),
            received_at: entry.received_at.to_string(),
            kind: kind.to_owned(),
            status: entry.status.to_string(),
            failure: word(entry.failure),
            code: entry.code.clone(),
            reason: entry.reason.clone(),
            detail: entry.detail.clone(),
            effect: entry.effect.as_str().to_owned(),
            why: entry.why.clone(),
            transaction_id: transaction(entry.transaction_id.as_ref()),
            to: entry.recipient.as_ref().map(Address::to_string),
            source,
            times,
        }
    }
}

impl NotificationView {
    pub(super) fn of(recorded: &StoredNotification) -> Self {
        let notification = &recorded.notification;
        Self {
            at: time(notification.at),
            received_at: recorded.received_at.to_string(),
            status: notification.event.status().to_string(),
            status_text: notification.status_text.clone(),
            failure: word(notification.event.failure()),
            code: notification.code.clone(),
            reason: notification.reason.clone(),
            detail: notification.detail.clone(),
            channel: notification.channel.as_ref().map(Channel::to_string),
            to: notification.recipient.as_ref().map(Address::to_string),
            transaction_id: transaction(notification.reference.transaction_id()),
            segments: notification.segments,
            callback_data: notification.callback_data.clone(),
            source: recorded.source.as_str().to_owned(),
            times: recorded.occurrences,
            fingerprint: recorded.fingerprint.to_string(),
            body: String::from_utf8_lossy(&recorded.body).into_owned(),
        }
    }
}

/// Makes the first letter a capital.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
