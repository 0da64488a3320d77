//! Messages to send: waiting, in dispatch, and their outcomes.

use async_trait::async_trait;
use receiptd_domain::{
    Actor, AuditEntry, Channel, CorrelationId, Dispatch, DispatchEvent, Failure, IdempotencyKey, Status, Submission,
    Timestamp,
};

use crate::StorageError;

/// Stores messages that receiptd was asked to send, until the platform has them.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Accepts submissions, all in one commit, and returns the result for each in the same order. If the id exists
    /// already, in the store or earlier in `entries`, the existing message is not changed. The commit adds the number
    /// of new submissions of `actor` to the audit log.
    async fn enqueue(
        &self,
        entries: &[OutboxEntry],
        at: Timestamp,
        actor: &Actor,
    ) -> Result<Vec<EnqueueResult>, StorageError>;

    /// The result that [`Outbox::enqueue`] would return for an entry that is not new. `None` if there is no message
    /// with its id, and none for which `actor` used its key.
    async fn compare(&self, entry: &OutboxEntry, actor: &Actor) -> Result<Option<EnqueueResult>, StorageError>;

    /// Leases up to `limit` submissions on `channel` that are due at `now`, earliest first. Only this caller has the
    /// lease, until `lease_until`. From now on a request may be on its way. A submission that has expired, that the
    /// platform has already, or that is unreadable ends instead. So fewer results than `limit` do not mean that no more
    /// are due.
    async fn claim(
        &self,
        channel: &Channel,
        limit: i64,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StorageError>;

    /// Stores the outcomes of dispatches, all in one commit. An outcome that arrives after its lease has ended still
    /// counts, unless a later attempt has begun. Of several outcomes of one attempt, the first counts, so an outcome can be
    /// stored again if it is not known whether a commit succeeded.
    async fn settle(&self, outcomes: &[(Claim, Settlement)]) -> Result<(), StorageError>;

    /// Ends the leases that are over at `now`. Their holders have stopped, and the platform may or may not have the
    /// messages. The messages become `unconfirmed`. With `resend`, they are queued again and due at once.
    async fn expire_leases(&self, now: Timestamp, resend: bool) -> Result<Vec<CorrelationId>, StorageError>;

    /// Ends the waiting submissions that have expired at `now`. They become `expired`, unless a notification shows that
    /// the platform has them. Large numbers take several commits.
    async fn expire(&self, now: Timestamp) -> Result<Vec<CorrelationId>, StorageError>;

    /// Cancels a waiting message. The commit adds an entry of `actor` to the audit log. If the message waits for a
    /// resend, the platform may have it nevertheless.
    async fn cancel(&self, id: &CorrelationId, at: Timestamp, actor: &Actor) -> Result<Cancellation, StorageError>;

    /// Ends everything that waits or is being dispatched, in a store that was restored from a backup: it is not known
    /// what was sent since. The messages become `unconfirmed`, unless a notification shows that the platform has them.
    /// Each commit adds its number to `entry` of the audit log.
    async fn mark_unconfirmed(&self, now: Timestamp, entry: &AuditEntry) -> Result<Vec<CorrelationId>, StorageError>;

    /// Corrects times that our clock left in the future before it was set back to `now`. Messages that were to be sent
    /// at once, or again, become due now, and no lease lasts longer than `lease_until`. Times up to half an hour ahead
    /// are not changed: another instance, whose clock is ahead of ours, may have written them.
    async fn on_clock_rollback(&self, now: Timestamp, lease_until: Timestamp) -> Result<(), StorageError>;

    /// The time at which the next submission on each channel is due, for channels with waiting submissions.
    async fn next_due(&self) -> Result<Vec<(Channel, Timestamp)>, StorageError>;
}

/// A submission, and the time of its dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    pub submission: Submission,
    /// The message must not be dispatched before this time.
    pub due_at: Timestamp,
    /// The key with which the caller can repeat the request.
    pub key: Option<RequestKey>,
}

impl OutboxEntry {
    /// An entry without a key.
    pub fn new(submission: Submission, due_at: Timestamp) -> Self {
        Self { submission, due_at, key: None }
    }
}

/// The key of a request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    pub key: IdempotencyKey,
    /// The request contains no correlation id, so each repetition generated a new one. The first one counts.
    pub is_id_drawn: bool,
}

/// The result of accepting a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnqueueResult {
    /// It is new, and committed.
    New,
    /// An equal submission was accepted before.
    Same,
    /// Another message has this id.
    Conflict,
    /// An equal submission was accepted before with this key, under this id.
    SameByKey(CorrelationId),
    /// Another submission was accepted before with this key, under this id.
    KeyTaken(CorrelationId),
}

/// The result of cancelling a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It will not be sent.
    Cancelled,
    /// It was cancelled before.
    Already,
    /// The platform has it or may have it, or the outcome is known.
    TooLate(Status),
    /// Another system sent it.
    Observed,
    /// No message has this id.
    Absent,
}

/// A submission that is leased for dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub submission: Submission,
    /// The number of this attempt, starting at 1.
    pub attempt: i64,
    /// The number of earlier attempts that count; see [`Settlement::counts`].
    pub counted: i64,
}

/// The outcome of a dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The step that was taken.
    pub event: DispatchEvent,
    /// For a rejected message, whether the failure may be temporary.
    pub failure: Option<Failure>,
    /// The time of the next attempt. Only for a message that is `queued` again.
    pub retry_at: Option<Timestamp>,
    /// Whether this attempt counts towards the maximum number of attempts. An attempt does not count if its request was
    /// never sent, or if it failed for a reason that concerns all messages.
    pub counts: bool,
}

impl Settlement {
    /// The dispatch state `dispatch`, reached at `at`.
    pub fn new(dispatch: Dispatch, at: Timestamp) -> Self {
        let event = DispatchEvent { at, dispatch, code: None, reason: None, transaction_id: None };
        Self { event, failure: None, retry_at: None, counts: false }
    }
}
